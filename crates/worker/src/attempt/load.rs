//! The model: there already, or loaded now.

use mystic_domain::{Failure, FailureKind, Phase, PhaseTimes, Progress};
use mystic_engine::{Command, Event};
use mystic_process::fault;
use mystic_store::Claimed;

use super::progress::Reporter;
use super::{Bench, Halt};
use crate::engine::EngineChild;
use crate::held::Holding;
use crate::measure;
use crate::models;

/// Makes sure that the child lives and holds the model; the child.
pub(super) async fn ensure<'a>(
    bench: &Bench,
    holding: &Holding,
    claimed: &Claimed,
    place: &'a mut Option<EngineChild>,
    times: &mut PhaseTimes,
) -> Result<&'a mut EngineChild, Halt> {
    if let Some(child) = place {
        return Ok(child);
    }
    let reporter = Reporter::start(bench, holding.job);
    let progress = |step, of| Progress {
        phase: Phase::Loading,
        step,
        of,
        index: 0,
        attempt: claimed.job.attempt,
    };
    reporter.report(progress(0, 0));
    // A file that vanished since is told by the engine.
    let weights = models::weights(&bench.models, &claimed.preset).unwrap_or_default();
    let model = models::load(
        &bench.models,
        &claimed.preset,
        &weights,
        claimed.context,
        bench.threads,
    )
    .map_err(|message| Halt::Lost(Failure::new(FailureKind::ModelMissing, message)))?;
    let patience = bench.paces.loading(weights.total());
    let child = EngineChild::start(&bench.children.program, bench.paces.floor()).await?;
    let child = place.insert(child);
    fault::point(fault::Point::ChildStarted);
    let pid = child.pid();
    bench.children.note_pid(claimed.resident, pid);
    if let Some(pid) = pid
        && let Err(error) = bench
            .store
            .resident_started(bench.worker, claimed.resident, pid)
            .await
    {
        tracing::debug!(%error, "the engine's process isn't noted; it counts as a stranger's until it is ready");
    }
    child.send(&Command::Load { model }).await?;
    loop {
        let event = tokio::select! {
            event = child.next(patience) => event?,
            why = holding.stopping() => return Err(Halt::Stopped(why)),
        };
        match event {
            Event::Progress { step, of, .. } => reporter.report(progress(step, of)),
            Event::Buffer { module, size, .. } => tracing::debug!(module, %size, "buffer taken"),
            Event::Loaded { loading_ms } => {
                times.loading_ms = loading_ms;
                measure::phases(&claimed.preset.name, times);
                break;
            }
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
    }
    let ready = persist!(
        bench.leaving,
        holding,
        "resident_ready",
        bench.store.resident_ready(bench.worker, claimed.resident)
    );
    if ready == Some(true) {
        return Ok(child);
    }
    child.kill().await;
    Err(Halt::Lost(Failure::new(
        FailureKind::Internal,
        "the ledger has no booking for this model",
    )))
}
