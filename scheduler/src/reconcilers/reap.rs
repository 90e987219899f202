//! A worker that fell silent is given up: its jobs run elsewhere.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use mystic_domain::WorkerId;
use mystic_process::fault;
use mystic_store::Store;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::{Reconcile, RunError, acted};

/// Gives workers up whose beat counter stood still in its own reads for too long, with no failed read in between. No
/// wall clock decides, so neither an outage of Postgres nor a clock that jumps reaps anybody.
pub struct Reap {
    store: Store,
    limit: Duration,
    fleet: Arc<Notify>,
    seen: HashMap<WorkerId, (i64, Instant)>,
}

impl Reap {
    /// Gives a worker up whose counter stood still for `limit`; notifies `fleet` then.
    #[must_use]
    pub fn new(store: Store, limit: Duration, fleet: Arc<Notify>) -> Self {
        Self {
            store,
            limit,
            fleet,
            seen: HashMap::new(),
        }
    }
}

impl Reconcile for Reap {
    const NAME: &'static str = "reap";

    async fn run(&mut self) -> Result<(), RunError> {
        // Taken out for the run: after a failed read the watch starts anew.
        let seen = std::mem::take(&mut self.seen);
        let asked = Instant::now();
        let beats = self.store.beats().await?;
        let answered = Instant::now();
        let mut still = HashMap::with_capacity(beats.len());
        for (worker, beat) in beats {
            let since = match seen.get(&worker) {
                Some((before, since)) if *before == beat => *since,
                _ => answered,
            };
            if asked.saturating_duration_since(since) < self.limit {
                still.insert(worker, (beat, since));
            } else if let Some(jobs) = self.store.reap(worker, beat).await? {
                fault::point(fault::Point::Reaped);
                tracing::warn!(%worker, jobs = jobs.len(), "worker is silent and was given up");
                acted::<Self>("reap");
                self.fleet.notify_one();
            }
        }
        self.seen = still;
        Ok(())
    }
}
