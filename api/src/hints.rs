//! Hints to the scheduler and the workers, sent in the background so that no request waits for Redis.

use mystic_domain::{JobId, WorkerId};
use mystic_queue::{Queue, Signal};
use tokio::sync::mpsc;

/// Hints that may wait while Redis is slow; past that they are dropped, and the receivers' timers find the work.
const WAITING: usize = 256;

#[derive(Debug)]
enum Hint {
    Submitted(JobId),
    Cancel(WorkerId, JobId),
    Beat(WorkerId),
}

/// Sends hints without ever blocking; clones share one line.
#[derive(Clone, Debug)]
pub struct Hints {
    line: mpsc::Sender<Hint>,
}

impl Hints {
    /// Starts the task that sends; it ends with the last clone.
    pub fn start(queue: Queue) -> Self {
        let (line, mut waiting) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            while let Some(hint) = waiting.recv().await {
                let sent = match hint {
                    Hint::Submitted(job) => queue.submit(job).await.map(drop),
                    Hint::Beat(worker) => queue.signal(worker, Signal::Beat).await,
                    Hint::Cancel(worker, job) => queue.signal(worker, Signal::Cancel(job)).await,
                };
                if let Err(error) = sent {
                    tracing::debug!(%error, ?hint, "a hint is lost");
                }
            }
        });
        Self { line }
    }

    /// Tells the scheduler that a job was accepted.
    pub fn submitted(&self, job: JobId) {
        self.send(Hint::Submitted(job));
    }

    /// Tells a worker that its job should end.
    pub fn cancel(&self, worker: WorkerId, job: JobId) {
        self.send(Hint::Cancel(worker, job));
    }

    /// Tells a worker that its next heartbeat's answer has news.
    pub fn beat(&self, worker: WorkerId) {
        self.send(Hint::Beat(worker));
    }

    fn send(&self, hint: Hint) {
        if let Err(error) = self.line.try_send(hint) {
            metrics::counter!("mystic_api_hints_dropped_total").increment(1);
            tracing::debug!(%error, "a hint is dropped");
        }
    }
}
