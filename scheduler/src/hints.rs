//! Tells workers of their leases, beside the scheduler's work: a Redis that is away must not hold up a grant.

use mystic_domain::WorkerId;
use mystic_queue::{Queue, RunTicket, Signal};
use tokio::sync::mpsc::{self, Sender};

/// Hints that may wait for Redis; what comes on top is dropped, and told by `rehint` or the worker's heartbeat.
const WAITING: usize = 256;

#[derive(Debug)]
enum Hint {
    Run(RunTicket),
    Beat,
}

/// Sends hints to workers in the background; clones share one line.
#[derive(Clone, Debug)]
pub struct Hints {
    line: Sender<(WorkerId, Hint)>,
}

impl Hints {
    /// Starts sending; ends with the last clone.
    #[must_use]
    pub fn start(queue: Queue) -> Self {
        let (line, mut waiting) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            while let Some((worker, hint)) = waiting.recv().await {
                let sent = match hint {
                    Hint::Run(ticket) => queue.dispatch(worker, ticket).await.map(drop),
                    Hint::Beat => queue.signal(worker, Signal::Beat).await,
                };
                if let Err(error) = sent {
                    tracing::debug!(%worker, ?hint, %error, "hint not sent; the heartbeat will tell");
                }
            }
        });
        Self { line }
    }

    /// Tells a worker of a lease, if that can be done without waiting.
    pub fn run(&self, worker: WorkerId, ticket: RunTicket) {
        self.send(worker, Hint::Run(ticket));
    }

    /// Tells a worker that its next heartbeat's answer has news, if that can be done without waiting.
    pub fn beat(&self, worker: WorkerId) {
        self.send(worker, Hint::Beat);
    }

    fn send(&self, worker: WorkerId, hint: Hint) {
        if self.line.try_send((worker, hint)).is_err() {
            metrics::counter!("mystic_scheduler_hints_dropped_total").increment(1);
        }
    }
}
