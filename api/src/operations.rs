//! Carries out what is done with models, each operation on a thread of its own. Its row in Postgres says what is wanted
//! and how far it is: one that a restart broke off is gone on with, and one that is cancelled there ends here.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use mystic_library::{Catalog, Import, LibraryError, Model, Places, State, fetch, verify_telling};
use mystic_store::{ModelOperation, NewOperation, OperationBegun, OperationKind};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::problem::Problem;
use crate::state::App;

/// How often it is noted how far an operation is, and asked whether it is still to go on.
const NOTE_EVERY: Duration = Duration::from_millis(500);
/// How long is waited for whoever else brings the same file, before it is looked again.
const BUSY_PAUSE: Duration = Duration::from_secs(1);

/// What an import was asked for, as it is kept.
#[derive(Debug, Serialize, Deserialize)]
pub struct ImportRequest {
    /// A file below the import directory.
    pub file: String,
    /// Its path below the models directory.
    pub path: String,
    /// SPDX name of its licence.
    pub licence: String,
}

impl ImportRequest {
    /// What the library is to do.
    pub fn of(&self, model: &str, import_dir: &Path) -> Import {
        Import {
            from: import_dir.join(&self.file),
            path: self.path.clone(),
            name: model.to_owned(),
            licence: self.licence.clone(),
        }
    }
}

/// Notes an operation on a model of the catalogue and begins with it.
///
/// # Errors
/// Another one has to end first, or the database is away.
pub async fn start(
    app: &App,
    model: &Model,
    kind: OperationKind,
) -> Result<ModelOperation, Problem> {
    let paths = model.files.iter().map(|file| file.path.clone()).collect();
    let new = NewOperation {
        model: model.name.clone(),
        kind,
        paths,
        request: None,
        total: model.files.iter().map(|file| file.size).sum(),
    };
    let begun = begin(app, &new).await?;
    tokio::spawn(carry_out(app.clone(), begun.clone()));
    Ok(begun)
}

/// Notes an operation as running.
///
/// # Errors
/// Another one has to end first, or the database is away.
pub async fn begin(app: &App, new: &NewOperation) -> Result<ModelOperation, Problem> {
    match app.store.begin_operation(new).await? {
        OperationBegun::Yes(begun) => {
            tracing::info!(model = begun.model, kind = ?begun.kind, "model operation began");
            Ok(begun)
        }
        OperationBegun::Busy(other) => Err(Problem::model_busy(format!(
            "A {} of {} is under way; wait for its end, or cancel it.",
            other.kind.as_str(),
            other.model
        ))),
    }
}

/// Goes on with what an earlier process left.
pub async fn resume(app: App) {
    let operations = loop {
        match app.store.operations().await {
            Ok(operations) => break operations,
            Err(error) => tracing::warn!(%error, "what is done with models can't be read"),
        }
        sleep(BUSY_PAUSE).await;
    };
    for operation in operations.into_iter().filter(ModelOperation::is_running) {
        tracing::info!(model = operation.model, kind = ?operation.kind, "model operation goes on");
        tokio::spawn(carry_out(app.clone(), operation));
    }
}

/// Carries an operation out and notes its end: why it failed, or nothing where it did not. When this process is to end, the
/// operation stays as running for the next.
pub async fn carry_out(app: App, operation: ModelOperation) -> Option<String> {
    let told = Arc::new(Told::default());
    let (ended, mut end) = oneshot::channel();
    let work = Work {
        places: Places {
            models: app.config.models.dir.clone(),
            sources: app.config.models.dir.clone(),
            cache: None,
        },
        import_dir: app.config.models.import_dir.clone(),
        operation: operation.clone(),
        told: Arc::clone(&told),
    };
    // No blocking task of the runtime: its end would wait for a download that is silent.
    let spawned = std::thread::Builder::new()
        .name("models".to_owned())
        .spawn(move || ended.send(work.run()));
    let mut ticks = interval(NOTE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let failed = loop {
        tokio::select! {
            failed = &mut end => break failed.unwrap_or_else(|_| Err("it broke off".to_owned())).err(),
            () = app.shutdown.draining() => {
                told.stop.store(true, Ordering::Relaxed);
                return Some("this server is ending; the next one goes on".to_owned());
            }
            _ = ticks.tick() => {
                let done = told.done.load(Ordering::Relaxed);
                match app.store.note_operation(operation.id, done).await {
                    Ok(true) => {}
                    Ok(false) => told.stop.store(true, Ordering::Relaxed),
                    Err(error) => tracing::debug!(%error, "how far a model is can't be noted"),
                }
            }
        }
    };
    drop(spawned);
    match &failed {
        Some(error) => {
            tracing::warn!(model = operation.model, kind = ?operation.kind, error, "model operation failed");
        }
        None => {
            tracing::info!(model = operation.model, kind = ?operation.kind, "model operation done");
        }
    }
    loop {
        match app
            .store
            .end_operation(operation.id, failed.as_deref())
            .await
        {
            Ok(()) => return failed,
            Err(error) => tracing::warn!(%error, "the end of a model operation can't be noted"),
        }
        tokio::select! {
            () = sleep(NOTE_EVERY) => {}
            () = app.shutdown.cutting() => return failed,
        }
    }
}

/// What the two sides of an operation tell each other.
#[derive(Default)]
struct Told {
    done: AtomicI64,
    stop: AtomicBool,
}

impl Told {
    fn tell(&self, bytes: u64) -> ControlFlow<()> {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.done.store(bytes, Ordering::Relaxed);
        if self.stop.load(Ordering::Relaxed) {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

struct Work {
    places: Places,
    import_dir: Option<PathBuf>,
    operation: ModelOperation,
    told: Arc<Told>,
}

impl Work {
    /// Does it; why it failed, in a sentence without this machine's own paths.
    fn run(&self) -> Result<(), String> {
        let done = match self.operation.kind {
            OperationKind::Pull => self.pull(),
            OperationKind::Verify => self.verify(),
            OperationKind::Import => self.import(),
            OperationKind::Remove => self.remove(),
        };
        done.map_err(|error| {
            let mut text = error.to_string();
            for dir in std::iter::once(&self.places.models).chain(&self.import_dir) {
                text = text.replace(&format!("{}/", dir.display()), "");
            }
            text
        })
    }

    fn pull(&self) -> Result<(), Failed> {
        let mut before = 0;
        for file in self.model()?.files {
            self.patiently(|| {
                fetch(&self.places, &file, &mut |there| {
                    self.told.tell(before + there)
                })
            })?;
            before += file.size;
        }
        Ok(())
    }

    fn verify(&self) -> Result<(), Failed> {
        let mut before = 0;
        let mut bad = Vec::new();
        for file in self.model()?.files {
            let path = self.places.models.join(&file.path);
            let state = verify_telling(&path, &file, &mut |read| self.told.tell(before + read))?;
            match state {
                State::Good => {}
                State::Missing => bad.push(format!("{} is missing", file.path)),
                State::Corrupt(why) => bad.push(format!("{} is corrupt: {why}", file.path)),
            }
            before += file.size;
        }
        if bad.is_empty() {
            return Ok(());
        }
        Err(Failed::Bad(bad.join("; ")))
    }

    fn import(&self) -> Result<(), Failed> {
        let request = self.operation.request.clone().unwrap_or_default();
        let request: ImportRequest = serde_json::from_value(request)
            .map_err(|error| Failed::Bad(format!("what was asked for can't be read: {error}")))?;
        let Some(dir) = &self.import_dir else {
            return Err(Failed::Bad("models.import_dir is not set any more".into()));
        };
        let import = request.of(&self.operation.model, dir);
        self.patiently(|| import.run(&self.places.models, &mut |there| self.told.tell(there)))?;
        Ok(())
    }

    fn remove(&self) -> Result<(), Failed> {
        let catalog = Catalog::read(&self.places.models)?;
        if let Some(model) = catalog.model(&self.operation.model) {
            mystic_library::remove(&self.places.models, &catalog, model)?;
        }
        Ok(())
    }

    fn model(&self) -> Result<Model, Failed> {
        let name = &self.operation.model;
        let catalog = Catalog::read(&self.places.models)?;
        let model = catalog.model(name).cloned();
        model.ok_or_else(|| Failed::Bad(format!("{name} is not in the catalogue any more")))
    }

    /// Waits for whoever else brings the same file: `mystic models pull`, or an API that is just ending.
    fn patiently<T>(
        &self,
        mut call: impl FnMut() -> Result<T, LibraryError>,
    ) -> Result<T, LibraryError> {
        loop {
            match call() {
                Err(LibraryError::Busy(path)) => {
                    if self.told.stop.load(Ordering::Relaxed) {
                        return Err(LibraryError::Busy(path));
                    }
                    std::thread::sleep(BUSY_PAUSE);
                }
                other => return other,
            }
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Library(#[from] LibraryError),
    #[error("{0}")]
    Bad(String),
}
