//! One [`Config`] for every process, read from `mystic.toml`, the environment and flags, and checked before any I/O.
//!
//! Later sources win: the file, `DATABASE_URL` and `REDIS_URL`, `MYSTIC_<SECTION>__<KEY>`, `--set section.key=value`.

mod error;
mod layers;
mod secret;
mod sections;
mod sources;
mod tree;
mod values;

pub use error::ConfigError;
pub use secret::{SecretText, SecretUrl};
pub use sections::{
    Api, Database, Drain, Gpu, Log, LogFormat, Models, PromptExample, Prompts, Redis, Scheduler,
    Store, Tagging, TaggingExample, Worker,
};
pub use sources::ConfigArgs;

use serde::Deserialize;

use crate::LeaseTimes;

/// Everything that can be configured; every process reads the same file and takes what it needs.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct Config {
    /// Where Postgres is.
    pub database: Database,
    /// Where Redis is.
    pub redis: Redis,
    /// The REST API.
    pub api: Api,
    /// The scheduler.
    pub scheduler: Scheduler,
    /// Both workers.
    pub worker: Worker,
    /// Where pictures go.
    pub store: Store,
    /// Where models are.
    pub models: Models,
    /// How pictures are tagged.
    pub tagging: Tagging,
    /// Writing prompts.
    pub prompts: Prompts,
    /// Devices and their memory.
    pub gpu: Gpu,
    /// Logs.
    pub log: Log,
    /// How a process ends.
    pub shutdown: Drain,
    #[serde(skip)]
    lease_times: LeaseTimes,
}

impl Config {
    const SECTIONS: [&str; 12] = [
        "database",
        "redis",
        "api",
        "scheduler",
        "worker",
        "store",
        "models",
        "tagging",
        "prompts",
        "gpu",
        "log",
        "shutdown",
    ];

    /// The configuration that this TOML text alone describes: no environment, no flags.
    ///
    /// # Errors
    /// The text is no TOML, names an unknown key or holds a value that isn't allowed.
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        let mut layers = layers::Layers::default();
        layers.add_toml(std::path::Path::new("mystic.toml"), text)?;
        Self::from_layers(layers)
    }

    /// The times that leases live by, in their checked order.
    #[must_use]
    pub fn lease_times(&self) -> LeaseTimes {
        self.lease_times
    }

    fn from_layers(layers: layers::Layers) -> Result<Self, ConfigError> {
        let mut config = Self::deserialize(layers.into_tree())?;
        let worker = &config.worker;
        match (&worker.api_url, &worker.join_key) {
            (Some(_), None) => return Err(ConfigError::alone("worker.api_url", "worker.join_key")),
            (None, Some(_)) => return Err(ConfigError::alone("worker.join_key", "worker.api_url")),
            _ => {}
        }
        config.lease_times = LeaseTimes::new(
            config.worker.heartbeat,
            config.scheduler.lease,
            config.scheduler.reap_after,
        )?;
        Ok(config)
    }
}

#[cfg(test)]
mod tests;
