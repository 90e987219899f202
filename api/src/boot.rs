//! The errands of the `api` program.

use std::io;

use mystic_process::http::HttpError;
use mystic_process::telemetry::TelemetryError;
use mystic_process::{Config, Shutdown, telemetry};
use mystic_store::{Store, StoreError};

use crate::keys::KeyError;
use crate::presets::PresetsError;
use crate::server::{Server, StartError};

/// Why an errand could not be done.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub enum BootError {
    /// Logs or metrics.
    Telemetry(#[from] TelemetryError),
    /// Signals, or standard output.
    System(#[from] io::Error),
    /// The server can't start.
    Start(#[from] StartError),
    /// The server stopped.
    Http(#[from] HttpError),
    /// The catalogue of presets.
    Presets(#[from] PresetsError),
    /// The database.
    Store(#[from] StoreError),
    /// The key.
    Key(#[from] KeyError),
    /// The `OpenAPI` document.
    Json(#[from] serde_json::Error),
}

/// Serves until a signal says otherwise.
///
/// # Errors
/// Why it can't start, or why it stopped.
pub async fn serve(config: Config) -> Result<(), BootError> {
    let telemetry = telemetry::init("api", &config.log)?;
    let shutdown = Shutdown::on_signals(config.shutdown.deadline)?;
    let server = Server::start(config, telemetry, shutdown).await?;
    Ok(server.run().await?)
}

/// Brings the schema and the presets up to date.
///
/// # Errors
/// The database refuses, or the catalogue of presets can't be read.
pub async fn migrate(config: &Config) -> Result<(), BootError> {
    let presets = crate::load_presets(&config.models.dir)?;
    let store = connect(config)?;
    store.migrate().await?;
    store.upsert_presets(&presets).await?;
    eprintln!(
        "the schema is up to date; {} presets are known",
        presets.len()
    );
    Ok(())
}

/// Prints the `OpenAPI` document.
///
/// # Errors
/// It can't be written down as JSON.
pub fn print_openapi() -> Result<(), BootError> {
    print!("{}", crate::document_json()?);
    Ok(())
}

/// Makes a key and prints its bearer, the only time that it is shown.
///
/// # Errors
/// The name is not allowed or taken, or the database is away.
pub async fn create_key(config: &Config, name: &str) -> Result<(), BootError> {
    let store = connect(config)?;
    store.check_schema().await?;
    println!("{}", crate::keys::create(&store, name).await?);
    Ok(())
}

pub(crate) fn connect(config: &Config) -> Result<Store, StoreError> {
    Store::connect(
        config.database.url.expose(),
        config.database.max_connections,
    )
}
