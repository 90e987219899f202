//! The scheduler put together.

use std::time::Duration;

use mystic_process::http::{self, HttpError};
use mystic_process::{Config, Health, Shutdown, Telemetry, health};
use mystic_queue::{Queue, QueueError, QueueOptions};
use mystic_store::{Store, StoreError};

use crate::leadership::Leadership;
use crate::outputs::Outputs;
use crate::{gauges, reconcilers};

/// Why the scheduler does not start, or why it stopped.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// The database is away, or its schema is not this program's.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The Redis URL can't be read.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The address can't be listened on.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The directory of pictures can't be opened.
    #[error("store.outputs: {0}")]
    Outputs(String),
    /// A reconciler panicked; whoever started this process starts it again.
    #[error("a reconciler died")]
    Reconciler,
}

/// What the reconcilers work on; clones share it.
#[derive(Clone)]
pub struct Services {
    /// The truth.
    pub store: Store,
    /// The hints.
    pub queue: Queue,
    /// The files.
    pub outputs: Outputs,
}

/// Opens the ways to Postgres, Redis and the files. The servers may be away.
///
/// # Errors
/// A URL or the outputs directory can't be used.
pub fn connect(config: &Config) -> Result<Services, BootError> {
    let store = Store::connect(
        config.database.url.expose(),
        config.database.max_connections,
    )?;
    let options = QueueOptions {
        prefix: config.redis.namespace.clone(),
        ..QueueOptions::default()
    };
    let root = &config.store.outputs;
    let outputs = Outputs::open(root)
        .map_err(|error| BootError::Outputs(format!("{}: {error}", root.display())))?;
    Ok(Services {
        store,
        queue: Queue::connect_with(config.redis.url.expose(), options)?,
        outputs,
    })
}

/// Schedules once the database is there, and serves `/health` and `/metrics`, until the shutdown.
///
/// # Errors
/// The address can't be listened on, the database has another schema, or a reconciler died.
pub async fn run(
    services: Services,
    config: &Config,
    telemetry: Telemetry,
    shutdown: Shutdown,
) -> Result<(), BootError> {
    let listener = http::bind(config.scheduler.listen).await?;
    let health = Health::new("scheduler");
    gauges::describe();
    let looking = gauges::look_after(
        services.store.clone(),
        services.queue.clone(),
        health.clone(),
    );
    tokio::spawn(shutdown.cut_token().run_until_cancelled_owned(looking));
    let reconciling = async {
        let ended = govern(services, config, &health, &shutdown).await;
        // The endpoint alone would make a dead scheduler look alive.
        shutdown.drain();
        ended
    };
    let router = health::router(health.clone(), telemetry);
    let (served, reconciled) = tokio::join!(
        http::serve(listener, router, &shutdown, Duration::ZERO),
        reconciling
    );
    reconciled?;
    Ok(served?)
}

/// Reconciles while this scheduler leads, again and again.
async fn govern(
    services: Services,
    config: &Config,
    health: &Health,
    shutdown: &Shutdown,
) -> Result<(), BootError> {
    let away = |error: &StoreError| health.fail("database", error.to_string());
    let schema = services.store.wait_for_schema(shutdown.draining(), away);
    if !schema.await? {
        return Ok(());
    }
    let leadership = Leadership::new(services.store.clone(), config.scheduler.leader_silence);
    while let Some(epoch) = leadership.acquire(shutdown).await {
        let term = Shutdown::new();
        let leading = Services {
            store: services.store.leading(epoch),
            ..services.clone()
        };
        let reconciling = async {
            let ended = reconcilers::run(leading, config, &term).await;
            term.drain();
            ended
        };
        let ((), reconciled) = tokio::join!(leadership.hold(epoch, &term, shutdown), reconciling);
        leadership.resign(epoch).await;
        reconciled?;
    }
    Ok(())
}
