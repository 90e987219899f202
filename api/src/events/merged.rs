use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mystic_domain::{JobId, Progress};
use mystic_process::Shutdown;
use mystic_queue::{ProgressMessage, Queue};
use tokio::sync::broadcast;
use tokio::time::{Instant, sleep_until};

use crate::wire::JobProgress;

/// Frames that a client may lag behind; what it misses is replaced by what comes.
const CAPACITY: usize = 64;
/// Progress is told at most this often: 20 times a second.
const FRAME: Duration = Duration::from_millis(50);

/// How far jobs are that said so since the last time.
#[derive(Debug)]
pub struct Merged {
    /// Each job once.
    pub jobs: Vec<JobProgress>,
    /// The same as JSON, written once for all clients.
    pub json: String,
}

/// Merges what running jobs say, once for all clients; ends with the shutdown.
pub fn start(queue: &Queue, shutdown: &Shutdown) -> broadcast::Sender<Arc<Merged>> {
    let (sender, _) = broadcast::channel(CAPACITY);
    let pump = Pump {
        heard: queue.subscribe_progress(),
        sender: sender.clone(),
    };
    tokio::spawn(shutdown.cut_token().run_until_cancelled_owned(pump.run()));
    sender
}

struct Pump {
    heard: broadcast::Receiver<ProgressMessage>,
    sender: broadcast::Sender<Arc<Merged>>,
}

impl Pump {
    async fn run(mut self) {
        let mut pending: BTreeMap<JobId, Progress> = BTreeMap::new();
        let mut tell_at = Instant::now();
        loop {
            tokio::select! {
                message = self.heard.recv() => match message {
                    Ok(message) => if let Ok(progress) = serde_json::from_value(message.payload) {
                        pending.insert(message.job, progress);
                    },
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return,
                },
                () = sleep_until(tell_at), if !pending.is_empty() => {
                    self.tell(std::mem::take(&mut pending));
                    tell_at = Instant::now() + FRAME;
                }
            }
        }
    }

    fn tell(&self, pending: BTreeMap<JobId, Progress>) {
        let jobs: Vec<JobProgress> = pending
            .into_iter()
            .map(|(job, progress)| JobProgress { job, progress })
            .collect();
        match serde_json::to_string(&jobs) {
            // An error means that nobody listens at the moment.
            Ok(json) => drop(self.sender.send(Arc::new(Merged { jobs, json }))),
            Err(error) => tracing::error!(%error, "progress can't be written as JSON"),
        }
    }
}
