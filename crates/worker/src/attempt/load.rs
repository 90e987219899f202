//! The model: there already, or loaded now.

use mystic_domain::{ContextPlan, Failure, FailureKind, Phase, PhaseTimes, Preset, ResidentId};
use mystic_engine::{Command, Event};
use mystic_process::fault;
use mystic_store::Claimed;
use tokio::sync::{Mutex, MutexGuard};

use super::progress::Reporter;
use super::{Bench, Halt};
use crate::engine::EngineChild;
use crate::held::{Holding, Key, Lease, Stop};
use crate::measure;
use crate::models;

/// What is to be loaded.
pub(crate) struct Wanted<'a> {
    pub(crate) resident: ResidentId,
    pub(crate) context: ContextPlan,
    pub(crate) preset: &'a Preset,
}

/// Locks the place of the job's model, which a preload may have until the model is there. The attempt may have to stop
/// before: then the preload has to as well, as a load of its own would, and ends its child itself.
pub(super) async fn place<'p>(
    bench: &Bench,
    holding: &Holding<Lease>,
    claimed: &Claimed,
    place: &'p Mutex<Option<EngineChild>>,
) -> Result<MutexGuard<'p, Option<EngineChild>>, Stop> {
    if let Ok(child) = place.try_lock() {
        return Ok(child);
    }
    let reporter = Reporter::start(bench, holding.job);
    reporter.of(0, claimed.job.attempt)(Phase::Loading, 0, 0);
    tokio::select! {
        child = place.lock() => Ok(child),
        why = holding.stopping() => {
            bench.preloads.stop(claimed.resident, why);
            Err(why)
        }
    }
}

/// Makes sure that the child lives and holds the model; the child.
pub(super) async fn ensure<'a>(
    bench: &Bench,
    holding: &Holding<Lease>,
    claimed: &Claimed,
    place: &'a mut Option<EngineChild>,
    times: &mut PhaseTimes,
) -> Result<&'a mut EngineChild, Halt> {
    if let Some(child) = place {
        return Ok(child);
    }
    let reporter = Reporter::start(bench, holding.job);
    let told = reporter.of(0, claimed.job.attempt);
    let report = |step, of| told(Phase::Loading, step, of);
    report(0, 0);
    let wanted = Wanted {
        resident: claimed.resident,
        context: claimed.context,
        preset: &claimed.preset,
    };
    let (child, loading_ms) = load(bench, holding, &wanted, place, report).await?;
    times.loading_ms = loading_ms;
    measure::phases(&claimed.preset.name, times);
    Ok(child)
}

/// Starts a child in an empty place and loads the model; the child, and how many milliseconds the load took. Where it
/// fails the dead child is left in its place.
pub(crate) async fn load<'p, K: Key>(
    bench: &Bench,
    holding: &Holding<K>,
    wanted: &Wanted<'_>,
    place: &'p mut Option<EngineChild>,
    report: impl Fn(u32, u32),
) -> Result<(&'p mut EngineChild, u64), Halt> {
    let preset = wanted.preset;
    // A file that vanished since is told by the engine.
    let weights = mystic_weights::of_preset(&bench.models, preset).unwrap_or_default();
    let model = models::load(
        &bench.models,
        preset,
        &weights,
        wanted.context,
        bench.threads,
    )
    .map_err(|message| Halt::Lost(Failure::new(FailureKind::ModelMissing, message)))?;
    let patience = bench.paces.loading(weights.total());
    let child = EngineChild::start(&bench.children.program, bench.paces.floor()).await?;
    let child = place.insert(child);
    fault::point(fault::Point::ChildStarted);
    let pid = child.pid();
    bench.children.note_pid(wanted.resident, pid);
    if let Some(pid) = pid
        && let Err(error) = bench
            .store
            .resident_started(bench.worker, wanted.resident, pid)
            .await
    {
        tracing::debug!(%error, "the engine's process isn't noted; it counts as a stranger's until it is ready");
    }
    // A file that changes from here on is another one than what was loaded.
    child.files = models::files(&bench.models, preset);
    child.send(&Command::Load { model }).await?;
    let loading_ms = loop {
        let event = tokio::select! {
            event = child.next(patience) => event?,
            why = holding.stopping() => return Err(Halt::Stopped(why)),
        };
        match event {
            Event::Progress { step, of, .. } => report(step, of),
            Event::Buffer { module, size, .. } => tracing::debug!(module, %size, "buffer taken"),
            Event::Loaded { loading_ms } => break loading_ms,
            Event::Failed { kind, message } => {
                // A child without a model is of no use.
                child.kill().await;
                return Err(Halt::Lost(Failure::new(kind, message)));
            }
            other => {
                child.kill().await;
                return Err(Halt::Lost(Failure::new(
                    FailureKind::Internal,
                    format!("the engine answers a load with {other:?}"),
                )));
            }
        }
    };
    let ready = persist!(
        bench.leaving,
        holding,
        "resident_ready",
        bench.store.resident_ready(bench.worker, wanted.resident)
    );
    if ready == Some(true) {
        return Ok((child, loading_ms));
    }
    child.kill().await;
    if let Some(why) = holding.stopped() {
        return Err(Halt::Stopped(why));
    }
    Err(Halt::Lost(Failure::new(
        FailureKind::Internal,
        "the ledger has no booking for this model",
    )))
}
