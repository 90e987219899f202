//! A model is loaded before a job asks for it. Nobody waits for it yet, so whatever comes between ends the load.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use mystic_domain::ResidentId;
use tokio::time::sleep;

use crate::attempt::load::{self, Wanted};
use crate::attempt::{AGAIN, Bench, Halt, persist};
use crate::engine::EngineChild;
use crate::held::{Holding, Stop};

/// Loads what the ledger has booked for this, if it still has.
pub(crate) async fn run(bench: Arc<Bench>, resident: ResidentId) {
    let Some(holding) = bench.preloads.take(resident) else {
        return;
    };
    let place = bench.children.place(resident);
    // Whoever has the place loads the model, or has done so: a job was leased on it before this was told.
    let Ok(mut child) = place.try_lock() else {
        return;
    };
    if child.is_some() {
        return;
    }
    let failed = match load(&bench, &holding, &mut child).await {
        Ok(()) => return,
        Err(Halt::Stopped(why)) => {
            tracing::info!(%resident, ?why, "preload stopped");
            matches!(why, Stop::Device(_))
        }
        Err(Halt::Failed(failure) | Halt::Lost(failure)) => {
            tracing::warn!(%resident, kind = ?failure.kind, message = failure.message,
                "preload failed: the next load of this model is a job's");
            true
        }
    };
    if let Some(mut dead) = child.take() {
        dead.kill().await;
        dead.reaped().await;
    }
    // The place stays locked until then, so that a job that was leased on the model loads it after this was heard.
    end(&bench, resident, failed).await;
}

async fn load(
    bench: &Bench,
    holding: &Holding<ResidentId>,
    child: &mut Option<EngineChild>,
) -> Result<(), Halt> {
    if bench.shutdown.is_draining() || bench.lost.load(Ordering::Relaxed) {
        return Err(Halt::Stopped(Stop::HandBack));
    }
    let resident = **holding;
    let wanted = persist!(
        bench.leaving,
        holding,
        "preloading",
        bench.store.preloading(bench.worker, resident)
    );
    let Some(Some((preset, context))) = wanted else {
        // The next heartbeat says what becomes of it.
        return Ok(());
    };
    tracing::info!(%resident, preset = preset.name, "preload starts");
    let wanted = Wanted {
        resident,
        context,
        preset: &preset,
    };
    let (_, loading_ms) = load::load(bench, holding, &wanted, child, |_, _| {}).await?;
    tracing::info!(%resident, preset = preset.name, loading_ms, "model preloaded");
    Ok(())
}

/// Gives the booking back, or leaves it to the job that was leased on it meanwhile.
async fn end(bench: &Bench, resident: ResidentId, failed: bool) {
    loop {
        match bench
            .store
            .preload_ended(bench.worker, resident, failed)
            .await
        {
            Ok(true) => return bench.children.forget(resident),
            Ok(false) => return bench.children.note_pid(resident, None),
            Err(error) if error.is_unavailable() && !bench.leaving.is_cancelled() => {
                sleep(AGAIN).await;
            }
            Err(error) => {
                tracing::error!(%resident, %error, "the freed memory can't be reported");
                return;
            }
        }
    }
}
