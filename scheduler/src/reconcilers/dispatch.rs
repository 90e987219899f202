//! Queued jobs get a lease, or a reason for waiting.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use mystic_domain::{JobId, ResidentId, WaitReason};
use mystic_ledger::{Action, Ledger};
use mystic_process::fault;
use mystic_queue::RunTicket;
use mystic_store::{Grant, Granted, Help, Preload, QueuedJob, Snapshot, Store, Wait};
use tokio::sync::Notify;
use uuid::Uuid;

use super::{Reconcile, RunError, acted};
use crate::Hints;
use crate::gauges::float;

/// Queued jobs of each engine that one pass looks at.
const LIMIT: i64 = 10_000;

/// Grants what fits, unloads what is in the way or was idle for too long, lets idle devices load what will be asked for
/// next, and notes why the rest waits.
pub struct Dispatch {
    store: Store,
    hints: Hints,
    idle_unload: Duration,
    leased: Arc<Notify>,
}

impl Dispatch {
    /// Unloads models that were idle for `idle_unload`; notifies `leased` when there are new leases to watch.
    #[must_use]
    pub fn new(store: Store, hints: Hints, idle_unload: Duration, leased: Arc<Notify>) -> Self {
        Self {
            store,
            hints,
            idle_unload,
            leased,
        }
    }

    /// What has just run out of memory must not be granted as it was once more. The other attempts' lessons are not as
    /// urgent, and jobs need not wait for any that can't be learned.
    async fn learn(&self) {
        match self.store.learn_starved().await {
            Ok(0) => {}
            Ok(_) => acted::<Self>("learn"),
            Err(error) => tracing::warn!(%error, "needs can't be raised yet"),
        }
    }

    async fn grant(&self, grant: &Grant) -> Result<(), RunError> {
        let granted = self.store.grant(grant).await?;
        self.granted(grant, granted);
        Ok(())
    }

    async fn help(&self, help: &Help) -> Result<(), RunError> {
        let granted = self.store.help(help).await?;
        if granted != Granted::No {
            tracing::info!(job = %help.of, helper = %help.grant.job, "a picture of a running job goes elsewhere");
        }
        self.granted(&help.grant, granted);
        Ok(())
    }

    /// Tells the worker of its lease.
    fn granted(&self, grant: &Grant, granted: Granted) {
        match granted {
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
    }

    async fn preload(&self, preload: &Preload) -> Result<(), RunError> {
        if self.store.preload(preload).await? {
            tracing::info!(resident = %preload.resident, worker = %preload.worker,
                device = %preload.device, preset = %preload.preset, "model to be preloaded");
            self.hints.beat(preload.worker);
            acted::<Self>("preload");
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
        self.learn().await;
        let snapshot = self.store.snapshot(LIMIT).await?;
        let mut waits = Vec::new();
        let mut leased = false;
        for action in Ledger::of(&snapshot).decide(Uuid::now_v7) {
            match action {
                Action::Grant(grant) => {
                    self.grant(&grant).await?;
                    leased = true;
                }
                Action::Help(help) => {
                    self.help(&help).await?;
                    leased = true;
                }
                Action::Evict(resident) => self.evict(resident).await?,
                Action::Preload(preload) => self.preload(&preload).await?,
                Action::Wait(wait) => waits.push(wait),
            }
        }
        if leased {
            self.leased.notify_one();
        }
        let mut unused = mystic_ledger::idle(&snapshot, self.idle_unload);
        unused.extend(mystic_ledger::released(&snapshot));
        unused.extend(mystic_ledger::outdated(&snapshot));
        for resident in unused {
            self.evict(resident).await?;
        }
        self.store.note_paused(&snapshot.pauses).await?;
        count_reasons(&waits);
        let changed = changed(&snapshot, waits);
        if !changed.is_empty() {
            self.store.note_waits(&changed).await?;
        }
        Ok(())
    }
}

fn changed(snapshot: &Snapshot, mut waits: Vec<Wait>) -> Vec<Wait> {
    let noted: HashMap<JobId, &QueuedJob> =
        snapshot.queued.iter().map(|job| (job.id, job)).collect();
    waits.retain(|wait| {
        noted.get(&wait.job).is_some_and(|job| {
            wait.reason.is_news(job.wait_reason.as_ref()) || job.ahead_ms.is_none()
        })
    });
    waits
}

fn count_reasons(waits: &[Wait]) {
    for (name, of) in [
        (
            "no_worker",
            (|r| matches!(r, WaitReason::NoWorker { .. })) as fn(&WaitReason) -> bool,
        ),
        ("device_lost", |r| {
            matches!(r, WaitReason::DeviceLost { .. })
        }),
        ("too_large", |r| matches!(r, WaitReason::TooLarge { .. })),
        ("model_loading", |r| {
            matches!(r, WaitReason::ModelLoading { .. })
        }),
        ("vram_short", |r| matches!(r, WaitReason::VramShort { .. })),
        ("behind", |r| matches!(r, WaitReason::Behind { .. })),
    ] {
        let count = waits.iter().filter(|wait| of(&wait.reason)).count();
        metrics::gauge!("mystic_jobs_waiting", "reason" => name).set(float(count));
    }
}
