//! Presets come and change while a worker runs, and their files do: it looks again, and says what is new.

use std::sync::Arc;
use std::time::Duration;

use mystic_domain::EngineKind;
use mystic_store::{ServedPreset, StoreError};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::attempt::Bench;
use crate::models;

/// Look again after this long, whatever is heard: nobody says that a file has come, gone or been cut off.
const AGAIN: Duration = Duration::from_secs(20);

/// What looking again needs.
pub(crate) struct Catalogue {
    pub(crate) bench: Arc<Bench>,
    pub(crate) engine: EngineKind,
    /// Told by the heartbeat that presets are new or changed.
    pub(crate) changed: Arc<Notify>,
}

impl Catalogue {
    /// Looks whenever it is told to, and now and then. It ends with its task.
    pub(crate) async fn run(self) {
        loop {
            // Told or not, it looks.
            let _ = timeout(AGAIN, self.changed.notified()).await;
            if let Err(error) = self.look().await {
                tracing::debug!(%error, "the presets can't be looked at; the next beat says so again");
            }
        }
    }

    async fn look(&self) -> Result<(), StoreError> {
        let bench = Arc::clone(&self.bench);
        let presets = bench.store.presets_of(self.engine).await?;
        let surveyed = tokio::task::spawn_blocking(move || {
            models::survey(&bench.models, &bench.device.info, &presets)
        });
        // A survey that panicked has said why.
        let Ok(served) = surveyed.await else {
            return Ok(());
        };
        let news = self.bench.store.serve(self.bench.worker, &served).await?;
        for served in served.iter().filter(|it| news.contains(&it.preset)) {
            tell(served);
        }
        Ok(())
    }
}

/// Logs what this worker says of a preset.
pub(crate) fn tell(served: &ServedPreset) {
    let preset = &served.preset;
    match &served.problem {
        None => {
            let weights = served.weights.total();
            tracing::info!(preset, %weights, plans = ?served.plans, "preset can be served");
        }
        Some(problem) => tracing::warn!(preset, problem, "preset can't be served"),
    }
}
