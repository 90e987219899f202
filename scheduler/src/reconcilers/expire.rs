//! A lease that nobody claims is queued again.

use std::collections::HashMap;
use std::time::Duration;

use mystic_domain::{Fence, JobId};
use mystic_process::fault;
use mystic_store::Store;
use tokio::time::Instant;

use super::{Reconcile, RunError, acted};

/// Takes leases back that stood unclaimed for too long, by its own clock.
pub struct Expire {
    store: Store,
    limit: Duration,
    seen: HashMap<(JobId, Fence), Instant>,
}

impl Expire {
    /// Takes a lease back `limit` after it was first seen.
    #[must_use]
    pub fn new(store: Store, limit: Duration) -> Self {
        Self {
            store,
            limit,
            seen: HashMap::new(),
        }
    }
}

impl Reconcile for Expire {
    const NAME: &'static str = "expire";

    async fn run(&mut self) -> Result<(), RunError> {
        // Taken out for the run: while the database was away no worker could claim, so the watch starts anew.
        let mut seen = std::mem::take(&mut self.seen);
        let asked = Instant::now();
        let unclaimed = self.store.unclaimed().await?;
        let answered = Instant::now();
        let mut still = HashMap::with_capacity(unclaimed.len());
        for (job, fence, worker) in unclaimed {
            let since = seen.remove(&(job, fence)).unwrap_or(answered);
            if asked.saturating_duration_since(since) < self.limit {
                still.insert((job, fence), since);
            } else if self.store.expire(job, fence).await? {
                fault::point(fault::Point::Expired);
                tracing::warn!(%job, %fence, %worker, "lease not claimed, job queued again");
                acted::<Self>("expire");
            }
        }
        self.seen = still;
        Ok(())
    }
}
