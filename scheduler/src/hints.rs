//! Tells workers of their leases, beside the scheduler's work: a Redis that is away must not hold up a grant.

use mystic_domain::WorkerId;
use mystic_queue::{Queue, RunTicket};
use tokio::sync::mpsc::{self, Sender};

/// Hints that may wait for Redis; what comes on top is dropped, and told by `rehint` or the worker's heartbeat.
const WAITING: usize = 256;

/// Sends run tickets in the background; clones share one line.
#[derive(Clone, Debug)]
pub struct Hints {
    line: Sender<(WorkerId, RunTicket)>,
}

impl Hints {
    /// Starts sending; ends with the last clone.
    #[must_use]
    pub fn start(queue: Queue) -> Self {
        let (line, mut waiting) = mpsc::channel::<(WorkerId, RunTicket)>(WAITING);
        tokio::spawn(async move {
            while let Some((worker, ticket)) = waiting.recv().await {
                if let Err(error) = queue.dispatch(worker, ticket).await {
                    tracing::debug!(job = %ticket.job, %worker, %error, "run ticket not sent; the heartbeat will tell");
                }
            }
        });
        Self { line }
    }

    /// Tells a worker of a lease, if that can be done without waiting.
    pub fn send(&self, worker: WorkerId, ticket: RunTicket) {
        if self.line.try_send((worker, ticket)).is_err() {
            metrics::counter!("mystic_scheduler_hints_dropped_total").increment(1);
        }
    }
}
