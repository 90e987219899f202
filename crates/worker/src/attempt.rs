//! One attempt at a job: claim, load, run, settle.

/// Calls again while the database is away and neither the lease nor the whole worker is given up; `None` where the
/// call can't succeed.
///
/// A macro, since an async closure's future can't be promised to be `Send` yet.
macro_rules! persist {
    ($leaving:expr, $holding:expr, $what:literal, $call:expr) => {
        loop {
            match $call.await {
                Ok(value) => break Some(value),
                Err(error)
                    if error.is_unavailable()
                        && !$leaving.is_cancelled()
                        && $holding.stopped() != Some($crate::held::Stop::Lost) =>
                {
                    tracing::debug!(what = $what, %error, "tried again shortly");
                    tokio::time::sleep($crate::attempt::AGAIN).await;
                }
                Err(error) => {
                    tracing::error!(what = $what, %error, "given up");
                    break None;
                }
            }
        }
    };
}

pub(crate) use persist;

mod generate;
pub(crate) mod load;
mod peak;
mod picture;
mod preview;
mod progress;
mod time_limit;
mod upscale;
mod words;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mystic_domain::{Failure, FailureKind, JobParams, ResidentId, WorkerId};
use mystic_engine::{EnhanceInstructions, TagInstructions};
use mystic_process::{Shutdown, fault};
use mystic_queue::Queue;
use mystic_store::{Claimed, Outcome, Settled, Spent, Store};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::children::Children;
use crate::hashes::Hashes;
use crate::held::{Held, Holding, Lease, Stop};
use crate::inventory::Device;
use crate::measure;
use crate::pace::Paces;
use crate::picture::Shelf;

use peak::Watch;
use time_limit::TimeLimit;

/// What every attempt of a worker uses.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) worker: WorkerId,
    pub(crate) store: Store,
    pub(crate) queue: Queue,
    pub(crate) device: Arc<Device>,
    pub(crate) children: Children,
    /// Models that are being loaded with no job on them.
    pub(crate) preloads: Held<ResidentId>,
    pub(crate) paces: Paces,
    pub(crate) shelf: Shelf,
    pub(crate) scratch: std::path::PathBuf,
    pub(crate) models: std::path::PathBuf,
    pub(crate) hashes: Hashes,
    pub(crate) host: String,
    pub(crate) tagging: TagInstructions,
    /// The same for a model that sees.
    pub(crate) seeing: TagInstructions,
    pub(crate) enhancing: EnhanceInstructions,
    pub(crate) threads: u32,
    /// Whether pictures are shown while they are sampled.
    pub(crate) previews: bool,
    /// Whether the device can't be used now.
    pub(crate) lost: AtomicBool,
    /// Told to drain where an operator asks for it, or this machine is not let in any more.
    pub(crate) shutdown: Shutdown,
    /// When the database last renewed or gave a lease.
    pub(crate) heard: watch::Sender<Instant>,
    /// Set when this incarnation waits for no database any more.
    pub(crate) leaving: CancellationToken,
}

/// Why an attempt ends before its work is done.
#[derive(Debug)]
pub(crate) enum Halt {
    /// Told to.
    Stopped(Stop),
    /// It failed; the child lives on.
    Failed(Failure),
    /// It failed, and the child is dead.
    Lost(Failure),
}

impl From<crate::engine::ChildLost> for Halt {
    fn from(lost: crate::engine::ChildLost) -> Self {
        Self::Lost(lost.0)
    }
}

/// How long to wait before a call to a database that is away is made again.
pub(crate) const AGAIN: Duration = Duration::from_millis(500);

/// Runs a lease from its claim to its settle.
pub(crate) async fn run(bench: Arc<Bench>, holding: Holding<Lease>) {
    if bench.lost.load(Ordering::Relaxed) {
        // Granted before the loss was known. Unclaimed it goes back to the queue and costs no attempt.
        return;
    }
    let Some(claimed) = claim(&bench, &holding).await else {
        return;
    };
    fault::point(fault::Point::Claimed);
    let span = tracing::info_span!(
        "attempt", job = %holding.job, attempt = claimed.job.attempt, worker = %bench.worker,
        device = claimed.job.device.as_ref().map(tracing::field::display)
    );
    settle_attempt(&bench, &holding, &claimed)
        .instrument(span)
        .await;
}

async fn claim(bench: &Bench, holding: &Holding<Lease>) -> Option<Claimed> {
    loop {
        let asked = Instant::now();
        match bench
            .store
            .claim(bench.worker, holding.job, holding.fence)
            .await
        {
            Ok(claimed) => {
                bench.heard.send_replace(asked);
                return claimed;
            }
            Err(error) if error.is_unavailable() && holding.stopped().is_none() => {
                sleep(AGAIN).await;
            }
            Err(error) => {
                tracing::error!(job = %holding.job, %error, "the lease can't be claimed");
                return None;
            }
        }
    }
}

async fn settle_attempt(bench: &Bench, holding: &Holding<Lease>, claimed: &Claimed) {
    tracing::info!(
        preset = claimed.job.preset,
        plan = claimed.job.plan.as_str(),
        "attempt starts"
    );
    let limit = TimeLimit::start(holding, claimed.job.timeout_s);
    let place = bench.children.place(claimed.resident);
    let mut child = load::place(bench, holding, claimed, &place).await;
    let (mut spent, mut watch) = (Spent::default(), None);
    let ended = async {
        let times = &mut spent.times;
        let child = child.as_mut().map_err(|why| Halt::Stopped(*why))?;
        let child = load::ensure(bench, holding, claimed, child, times).await?;
        // A child without a process has ended; whoever talks to it finds out.
        let pid = child.pid().unwrap_or_default();
        let booked = claimed.booked;
        let watch = watch.insert(Watch::start(&bench.device, pid, booked.resident).await);
        bench.device.bound(pid, booked);
        match &claimed.job.params {
            JobParams::Generate(params) => {
                generate::run(bench, holding, claimed, params, child, watch, times).await
            }
            JobParams::Tag(params) => {
                let tags = words::tags(bench, holding, claimed, params).await?;
                words::run(bench, holding, claimed, tags, child, watch, times).await
            }
            JobParams::Upscale(params) => {
                upscale::run(bench, holding, claimed, params, child, watch, times).await
            }
            JobParams::Enhance(params) => {
                let prompt = words::prompt(bench, holding, params);
                words::run(bench, holding, claimed, prompt, child, watch, times).await
            }
        }
    }
    .await;
    if let Some(watch) = watch {
        spent.peak = watch.end().await;
    }
    let mut dead = None;
    if let (Ok(child), Err(Halt::Stopped(_) | Halt::Lost(_))) = (&mut child, &ended) {
        dead = child.take();
        if let Some(dead) = &mut dead {
            // No call ends a picture that has begun, so the child goes, and its memory with it.
            dead.kill().await;
        }
    }
    let alive = child.as_ref().is_ok_and(|child| child.is_some());
    if let Ok(child) = &child
        && let Some(child) = &**child
    {
        match &claimed.job.params {
            JobParams::Generate(params) => generate::hash(bench, claimed, params, child),
            JobParams::Upscale(_) => bench.hashes.want(child.files.clone()),
            JobParams::Tag(_) | JobParams::Enhance(_) => {}
        }
    }
    let outcome = match ended {
        Ok(outcome) => Some(outcome),
        Err(Halt::Stopped(Stop::Cancel)) => Some(Outcome::Stopped),
        Err(Halt::Stopped(Stop::HandBack)) => Some(Outcome::HandedBack),
        Err(Halt::Stopped(Stop::Timeout)) => Some(Outcome::Failed(limit.failure())),
        Err(Halt::Stopped(Stop::Device(cause))) => {
            tracing::warn!(%cause, "attempt ended");
            Some(Outcome::Failed(Failure::new(
                FailureKind::DeviceLost,
                cause.to_string(),
            )))
        }
        Err(Halt::Stopped(Stop::Lost)) => None,
        Err(Halt::Failed(failure) | Halt::Lost(failure)) => {
            tracing::warn!(kind = ?failure.kind, message = failure.message, "attempt failed");
            Some(Outcome::Failed(failure))
        }
    };
    if let Some(outcome) = &outcome {
        fault::point(fault::Point::Settling);
        settle(bench, holding, outcome, spent, alive).await;
        fault::point(fault::Point::Settled);
    } else {
        tracing::warn!("the lease is lost: the attempt ends with no effect");
    }
    // The job may run elsewhere by now; what was booked here is free when the child is proven dead.
    let mut child = match child {
        Ok(child) => child,
        Err(_) => place.lock().await,
    };
    if !alive && let Some(mut dead) = dead.or_else(|| child.take()) {
        dead.kill().await;
        dead.reaped().await;
    }
    if let Err(error) = picture::remove_pixels(bench, holding).await {
        tracing::debug!(%error, "unfinished pixels can't be removed; the next start does it");
    }
    drop(child);
    if !alive {
        unload(bench, claimed.resident).await;
    }
}

/// Settles, however long the database is away: the fence decides whether it still counts.
async fn settle(
    bench: &Bench,
    holding: &Holding<Lease>,
    outcome: &Outcome,
    spent: Spent,
    alive: bool,
) {
    let settled = persist!(
        bench.leaving,
        holding,
        "settle",
        bench.store.settle(
            bench.worker,
            holding.job,
            holding.fence,
            outcome,
            spent,
            alive,
        )
    );
    match settled {
        Some(Settled::Done(state)) => {
            measure::settled(state);
            tracing::info!(state = state.as_str(), "attempt settled");
        }
        Some(Settled::Stale) => {
            tracing::warn!("the lease went to somebody else: nothing was changed");
        }
        None => {}
    }
}

/// Says that a resident's child is dead and forgets it.
pub(crate) async fn unload(bench: &Bench, resident: ResidentId) {
    bench.children.forget(resident);
    while let Err(error) = bench.store.child_gone(bench.worker, resident).await {
        if !error.is_unavailable() || bench.leaving.is_cancelled() {
            tracing::error!(%resident, %error, "the freed memory can't be reported");
            return;
        }
        sleep(AGAIN).await;
    }
}

/// The failure of something that should not happen.
pub(crate) fn defect(message: impl Into<String>) -> Halt {
    Halt::Failed(Failure::new(FailureKind::Internal, message))
}

#[cfg(test)]
mod tests;
