//! Postgres and Redis: the configured ones, or private ones.

use std::path::Path;

use mystic_process::Config;
use mystic_services::{Durability, Home, Postgres, Redis};

use crate::error::{Result, Tried};

/// What the stack keeps its state in. Private servers stop when this value is dropped.
pub struct Backing {
    postgres: Option<Postgres>,
    redis: Option<Redis>,
    /// Held also where both servers are configured ones: one stack a checkout.
    _home: Home,
}

impl Backing {
    /// Starts the servers that are not configured.
    ///
    /// # Errors
    /// Another process runs the stack of this checkout, or a server does not start.
    pub async fn start(dir: &Path, config: &Config) -> Result<Self> {
        let dir = dir.to_owned();
        let defaults = Config::default();
        let own_database = config.database.url == defaults.database.url;
        let own_hints = config.redis.url == defaults.redis.url;
        tokio::task::spawn_blocking(move || {
            let home = Home::open(&dir)?;
            let (postgres, redis) = std::thread::scope(|scope| {
                let redis = scope.spawn(|| own_hints.then(|| Redis::start(&home)).transpose());
                let postgres = own_database
                    .then(|| Postgres::start(&home, Durability::Kept))
                    .transpose();
                (postgres, redis.join())
            });
            let postgres = postgres?;
            let redis = match redis {
                Ok(redis) => redis?,
                Err(panic) => std::panic::resume_unwind(panic),
            };
            Ok(Self {
                postgres,
                redis,
                _home: home,
            })
        })
        .await
        .tried(|| "the private services")?
    }

    /// What our programs must know beside the configuration: where the private servers are.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let postgres = self.private_database_url();
        let redis = self.redis.as_ref().map(Redis::url);
        [
            ("MYSTIC_DATABASE__URL", postgres),
            ("MYSTIC_REDIS__URL", redis),
        ]
        .into_iter()
        .filter_map(|(name, url)| Some((name, url?)))
        .collect()
    }

    /// The URL of Postgres, if it is a private one; it holds no password.
    pub fn private_database_url(&self) -> Option<String> {
        let server = self.postgres.as_ref()?;
        Some(server.url(Postgres::DATABASE))
    }

    /// Says which private server ended by itself.
    pub fn death(&self) -> Option<String> {
        let postgres = self.postgres.as_ref().map(Postgres::process);
        let redis = self.redis.as_ref().map(Redis::process);
        [("postgres", postgres), ("redis", redis)]
            .into_iter()
            .find_map(|(name, process)| {
                let status = process?.ended()?;
                Some(format!(
                    "the private {name} ended with {status}; see .mystic/logs/{name}.log"
                ))
            })
    }
}
