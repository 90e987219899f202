//! Queued jobs get a lease, or a reason for waiting.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mystic_domain::{JobId, ResidentId, WaitReason};
use mystic_process::fault;
use mystic_queue::RunTicket;
use mystic_store::{Grant, Granted, Snapshot, Store};
use tokio::sync::Notify;

use super::{Reconcile, RunError, acted};
use crate::Hints;
use crate::gauges::float;
use crate::placement::{self, Action};

/// Queued jobs of each engine that one pass looks at.
const LIMIT: i64 = 500;

/// Grants what fits, unloads what is in the way or was idle for too long, and notes why the rest waits.
pub struct Dispatch {
    store: Store,
    hints: Hints,
    idle_unload: Duration,
    granted: Arc<Notify>,
}

impl Dispatch {
    /// Unloads models that were idle for `idle_unload`; notifies `granted` when there are new leases to watch.
    #[must_use]
    pub fn new(store: Store, hints: Hints, idle_unload: Duration, granted: Arc<Notify>) -> Self {
        Self {
            store,
            hints,
            idle_unload,
            granted,
        }
    }

    async fn grant(&self, grant: &Grant) -> Result<(), RunError> {
        match self.store.grant(grant).await? {
            Granted::Yes(fence) => {
                fault::point(fault::Point::Granted);
                tracing::info!(job = %grant.job, worker = %grant.worker, device = %grant.device,
                    preset = %grant.preset, plan = grant.plan.as_str(), %fence, "job granted");
                let job = grant.job;
                self.hints.run(grant.worker, RunTicket { job, fence });
                acted::<Self>("grant");
            }
            // The next pass sees what has changed meanwhile.
            Granted::No => {
                tracing::debug!(job = %grant.job, worker = %grant.worker, "grant refused");
                acted::<Self>("refused");
            }
        }
        Ok(())
    }

    async fn evict(&self, resident: ResidentId) -> Result<(), RunError> {
        if let Some(worker) = self.store.evict(resident).await? {
            tracing::info!(%resident, %worker, "model to be unloaded");
            self.hints.beat(worker);
            acted::<Self>("evict");
        }
        Ok(())
    }
}

impl Reconcile for Dispatch {
    const NAME: &'static str = "dispatch";

    async fn run(&mut self) -> Result<(), RunError> {
        let snapshot = self.store.snapshot(LIMIT).await?;
        let mut reasons = Vec::new();
        let mut leased = false;
        for action in placement::decide(&snapshot, ResidentId::generate) {
            match action {
                Action::Grant(grant) => {
                    self.grant(&grant).await?;
                    leased = true;
                }
                Action::Evict(resident) => self.evict(resident).await?,
                Action::Wait(job, reason) => reasons.push((job, reason)),
            }
        }
        if leased {
            self.granted.notify_one();
        }
        let mut unused = placement::idle(&snapshot, self.idle_unload);
        unused.extend(placement::released(&snapshot));
        for resident in unused {
            self.evict(resident).await?;
        }
        self.store.note_paused(&snapshot.pauses).await?;
        count_reasons(&reasons);
        let changed = changed(&snapshot, reasons);
        if !changed.is_empty() {
            self.store.note_wait_reasons(&changed).await?;
        }
        Ok(())
    }
}

fn changed(snapshot: &Snapshot, mut reasons: Vec<(JobId, WaitReason)>) -> Vec<(JobId, WaitReason)> {
    let noted: BTreeMap<JobId, &WaitReason> = snapshot
        .queued
        .iter()
        .filter_map(|job| Some((job.id, job.wait_reason.as_ref()?)))
        .collect();
    reasons.retain(|(job, reason)| noted.get(job) != Some(&reason));
    reasons
}

fn count_reasons(reasons: &[(JobId, WaitReason)]) {
    for (name, of) in [
        (
            "no_worker",
            (|r| matches!(r, WaitReason::NoWorker { .. })) as fn(&WaitReason) -> bool,
        ),
        ("device_lost", |r| {
            matches!(r, WaitReason::DeviceLost { .. })
        }),
        ("vram_short", |r| matches!(r, WaitReason::VramShort { .. })),
        ("behind", |r| matches!(r, WaitReason::Behind { .. })),
    ] {
        let count = reasons.iter().filter(|(_, reason)| of(reason)).count();
        metrics::gauge!("mystic_jobs_waiting", "reason" => name).set(float(count));
    }
}
