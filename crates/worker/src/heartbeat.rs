//! The heartbeat: renews what is held, and carries what hints may have lost.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use mystic_domain::{Fence, JobId, Mib, ResidentId};
use mystic_process::health::Health;
use mystic_store::{Beat, BeatReply, DeviceTelemetry, StoreError};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::attempt::{Bench, unload};
use crate::condition::Condition;
use crate::held::{Held, Lease, Stop};
use crate::measure;
use crate::preload;

/// Beat this fast while hints don't arrive.
const WITHOUT_HINTS: Duration = Duration::from_secs(1);

/// An engine child on the device, with what is booked for it where it is ready.
type Child = (u32, Option<Mib>);

/// Why a beat brought no answer.
#[derive(Debug, thiserror::Error)]
enum BeatError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("no answer within {0:?}")]
    Silent(Duration),
}

/// What the heartbeat needs beside the bench.
pub(crate) struct Heartbeat {
    pub(crate) bench: Arc<Bench>,
    pub(crate) held: Held<Lease>,
    pub(crate) health: Health,
    pub(crate) every: Duration,
    /// How long the database may take for the answer.
    pub(crate) answer: Duration,
    pub(crate) condition: Condition,
    pub(crate) offline_grace: Duration,
    /// Wakes the heartbeat before its time.
    pub(crate) soon: Arc<Notify>,
    /// Told that presets are new or changed.
    pub(crate) presets: Arc<Notify>,
    pub(crate) assigned: mpsc::Sender<(JobId, Fence)>,
}

impl Heartbeat {
    /// Beats until told to stop; returns early where this incarnation was given up.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut children = Vec::new();
        let mut earlier = Vec::new();
        let heard = self.bench.heard.subscribe();
        let ending = end_after(self.offline_grace, heard, self.held.clone());
        let _ending = AbortOnDropHandle::new(tokio::spawn(ending));
        loop {
            let began = Instant::now();
            let answer = self.beat(&children).await;
            self.leave_a_lost_device();
            match answer {
                Ok(reply) if !reply.known => {
                    tracing::warn!(worker = %self.bench.worker, "given up by the scheduler: starting anew");
                    return;
                }
                Ok(reply) => {
                    self.bench.heard.send_replace(began);
                    self.health.pass("database");
                    let before = std::mem::replace(&mut children, reply.children.clone());
                    self.blame([&earlier, &before], &children);
                    earlier = before;
                    self.heed(reply);
                }
                Err(error) => self.health.fail("database", error.to_string()),
            }
            let pause = match self.bench.queue.ping().await {
                Ok(()) => {
                    self.health.pass("redis");
                    self.every
                }
                Err(error) => {
                    self.health.fail("redis", error.to_string());
                    self.every.min(WITHOUT_HINTS)
                }
            };
            tokio::select! {
                () = tokio::time::sleep_until(began + pause) => {}
                () = self.soon.notified() => {}
                () = stop.cancelled() => return,
            }
        }
    }

    async fn beat(&mut self, children: &[Child]) -> Result<BeatReply, BeatError> {
        let reading = self.bench.device.read(children).await;
        self.condition
            .read(reading.sign, &reading.xids, Instant::now());
        self.bench
            .lost
            .store(self.condition.is_lost(), Ordering::Relaxed);
        let news = self.condition.news();
        let residents: Vec<(ResidentId, Mib)> = self
            .bench
            .children
            .all()
            .into_iter()
            .map(|(resident, pid)| {
                let used = reading
                    .processes
                    .iter()
                    .find(|(process, _)| Some(*process) == pid);
                (resident, used.map_or(Mib(0), |(_, used)| *used))
            })
            .collect();
        measure::children(residents.len());
        let beat = Beat {
            worker: self.bench.worker,
            device: self.bench.device.id().clone(),
            held: self
                .held
                .keys()
                .into_iter()
                .map(|lease| (lease.job, lease.fence))
                .collect(),
            telemetry: DeviceTelemetry {
                lost: news,
                ..reading.telemetry
            },
            residents,
        };
        let reply = timeout(self.answer, self.bench.store.beat(&beat))
            .await
            .map_err(|_| BeatError::Silent(self.answer))??;
        self.condition.told(news);
        Ok(reply)
    }

    /// Ends every child on a device that is lost. The beat before has said so, or the database is away and grants
    /// nothing: the jobs are not given back to the same device.
    fn leave_a_lost_device(&self) {
        let Some(cause) = self.condition.ends() else {
            return;
        };
        self.held.stop_all(Stop::Device(cause));
        for (resident, _) in self.bench.children.all() {
            tokio::spawn(evict(Arc::clone(&self.bench), resident));
        }
    }

    /// A program on the card met an error. The event doesn't name it: where one of our children on the card ended since,
    /// in whichever worker, it was that one; otherwise it may be any that works.
    fn blame(&mut self, before: [&[Child]; 2], now: &[Child]) {
        let Some(cause) = self.condition.take_fault() else {
            return;
        };
        let lives = |pid: u32| now.iter().any(|(living, _)| *living == pid);
        if before.into_iter().flatten().all(|(pid, _)| lives(*pid)) {
            self.held.stop_all(Stop::Device(cause));
            self.bench.preloads.stop_all(Stop::Device(cause));
        }
    }

    /// Does what the answer says.
    fn heed(&self, reply: BeatReply) {
        if reply.draining && !self.bench.shutdown.is_draining() {
            tracing::info!(worker = %self.bench.worker, "asked to drain");
            self.bench.shutdown.drain();
        }
        if reply.presets {
            self.presets.notify_one();
        }
        for (job, fence) in reply.lost {
            self.held.stop(Lease { job, fence }, Stop::Lost);
        }
        for job in reply.cancel {
            self.held.stop_job(job, Stop::Cancel);
        }
        for lease in reply.assigned {
            // A full channel is told again by the next beat.
            let _ = self.assigned.try_send(lease);
        }
        for resident in reply.evict {
            tokio::spawn(evict(Arc::clone(&self.bench), resident));
        }
        for resident in reply.preload {
            tokio::spawn(preload::run(Arc::clone(&self.bench), resident));
        }
    }
}

/// Stops all work whenever nothing was heard of the database for the offline grace, by this worker's own clock and
/// whatever the heartbeat waits for.
async fn end_after(grace: Duration, mut heard: watch::Receiver<Instant>, held: Held<Lease>) {
    loop {
        let due = *heard.borrow_and_update() + grace;
        let over = tokio::select! {
            later = heard.changed() => later,
            () = sleep_until(due) => {
                if !held.is_empty() {
                    tracing::error!(?grace, "no lease could be renewed for too long: stopping all work");
                }
                held.stop_all(Stop::Lost);
                heard.changed().await
            }
        };
        if over.is_err() {
            return;
        }
    }
}

/// Ends an idle model's child. A model in use is left alone: its lease was granted before the eviction was seen. A
/// preload is stopped, and ends its child itself.
async fn evict(bench: Arc<Bench>, resident: ResidentId) {
    bench.preloads.stop(resident, Stop::HandBack);
    let place = bench.children.place(resident);
    let Ok(mut child) = place.try_lock() else {
        return;
    };
    if let Some(mut ending) = child.take() {
        ending.kill().await;
        ending.reaped().await;
        tracing::info!(%resident, "model unloaded");
    }
    drop(child);
    unload(&bench, resident).await;
}
