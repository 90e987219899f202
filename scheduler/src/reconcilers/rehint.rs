//! A worker that was not heard to claim is told again.

use std::collections::HashMap;
use std::time::Duration;

use mystic_domain::{Fence, JobId};
use mystic_queue::{Queue, RunTicket};
use mystic_store::Store;
use tokio::time::Instant;

use super::{Reconcile, RunError, acted};

/// How long a ticket may take before it counts as lost.
const PATIENCE: Duration = Duration::from_secs(1);

/// Dispatches the tickets of unclaimed leases again.
pub struct Rehint {
    store: Store,
    queue: Queue,
    told: HashMap<(JobId, Fence), Instant>,
}

impl Rehint {
    /// Looks in `store`, tells over `queue`.
    #[must_use]
    pub fn new(store: Store, queue: Queue) -> Self {
        Self {
            store,
            queue,
            told: HashMap::new(),
        }
    }
}

impl Reconcile for Rehint {
    const NAME: &'static str = "rehint";

    async fn run(&mut self) -> Result<(), RunError> {
        let unclaimed = self.store.unclaimed().await?;
        let now = Instant::now();
        self.told = unclaimed
            .iter()
            .map(|(job, fence, _)| {
                let key = (*job, *fence);
                (key, self.told.get(&key).copied().unwrap_or(now))
            })
            .collect();
        for (job, fence, worker) in unclaimed {
            let Some(told) = self.told.get_mut(&(job, fence)) else {
                continue;
            };
            if now.saturating_duration_since(*told) >= PATIENCE {
                self.queue
                    .dispatch(worker, RunTicket { job, fence })
                    .await?;
                *told = now;
                acted::<Self>("hint");
            }
        }
        Ok(())
    }
}
