//! The errands of the `api` program.

use std::io;
use std::time::Duration;

use clap::Subcommand;
use mystic_process::http::HttpError;
use mystic_process::telemetry::TelemetryError;
use mystic_process::{Config, Health, Shutdown, telemetry};
use mystic_store::{Machine, PresetWritten, Store, StoreError};

use crate::access;
use crate::keys::{self, KeyError};
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
    /// The key that is not there.
    #[error("{0:?} has no key that could be revoked")]
    NoKey(String),
    /// The machine.
    #[error("there is no machine {0} to send away")]
    NoMachine(Machine),
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
    let health = Health::new("api");
    let away = |error: &StoreError| health.fail("database", error.to_string());
    let schema = connect(&config)?;
    if !schema.wait_for_schema(shutdown.draining(), away).await? {
        return Ok(());
    }
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
    if !store.grant_rights().await? {
        eprintln!(
            "warning: this user of the database may not make roles, so no machine can be let in that shares no directory \
             with this one (`api worker-access`): ALTER ROLE … CREATEROLE, and migrate again"
        );
    }
    let written = store.upsert_presets(&presets).await?;
    for (preset, written) in presets.iter().zip(written) {
        match written {
            PresetWritten::Kept => eprintln!(
                "preset {} stays as it was written over REST; the catalogue has another",
                preset.name
            ),
            PresetWritten::OtherEngine(engine) => eprintln!(
                "warning: preset {} stays one of engine {engine}: jobs name it",
                preset.name
            ),
            PresetWritten::Created | PresetWritten::Replaced | PresetWritten::Same => {}
        }
    }
    eprintln!(
        "the schema is up to date; the catalogue has {} presets",
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

/// What is done about API keys.
#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Make a key and print it, once
    Create {
        /// Whose key it is; jobs made with it belong to this name
        name: String,
    },
    /// Let nobody in with a key any more
    Revoke {
        /// Whose key it is
        name: String,
    },
    /// List the keys that were ever made
    List,
}

/// Makes a key, revokes one or lists them.
///
/// # Errors
/// The name is not allowed, has a key already or none, or the database is away.
pub async fn keys(config: &Config, errand: &Keys) -> Result<(), BootError> {
    let store = connect(config)?;
    store.check_schema().await?;
    match errand {
        Keys::Create { name } => println!("{}", keys::create(&store, name).await?),
        Keys::Revoke { name } => {
            if !store.revoke_key(name).await? {
                return Err(BootError::NoKey(name.clone()));
            }
        }
        Keys::List => {
            for key in store.keys().await? {
                println!("{}", keys::line(&key));
            }
        }
    }
    Ok(())
}

/// What is done about machines that share no directory with this one.
#[derive(Debug, Subcommand)]
pub enum WorkerAccess {
    /// Let a machine in: print its database URL and its join key, once
    Grant {
        /// The machine
        name: Machine,
        /// For how long its join key is good, days [default: for good]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        days: Option<u32>,
        /// Where that machine reaches the database [default: where this one does]
        #[arg(long, value_name = "HOST:PORT")]
        database: Option<String>,
    },
    /// Send a machine away: its join key, its workers' tokens and its role end
    Revoke {
        /// The machine
        name: Machine,
    },
    /// List the machines that were ever let in
    List,
}

/// Lets a machine in, sends one away or lists them.
///
/// # Errors
/// The machine is in already or not at all, roles can't be managed, or the database is away.
pub async fn worker_access(config: &Config, access: &WorkerAccess) -> Result<(), BootError> {
    let store = connect(config)?;
    store.check_schema().await?;
    match access {
        WorkerAccess::Grant {
            name,
            days,
            database,
        } => {
            let life = days.map(|days| Duration::from_hours(24 * u64::from(days)));
            let url = &config.database.url;
            let granted = access::grant(&store, url, name, life, database.as_deref()).await?;
            println!("DATABASE_URL={}", granted.database);
            println!("MYSTIC_JOIN_KEY={}", granted.join_key);
        }
        WorkerAccess::Revoke { name } => {
            if !store.revoke_access(name).await? {
                return Err(BootError::NoMachine(name.clone()));
            }
        }
        WorkerAccess::List => {
            for machine in store.machines().await? {
                println!("{}", access::line(&machine));
            }
        }
    }
    Ok(())
}

pub(crate) fn connect(config: &Config) -> Result<Store, StoreError> {
    Store::connect(
        config.database.url.expose(),
        config.database.max_connections,
    )
}
