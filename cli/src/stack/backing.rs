//! Postgres and Redis: the configured ones, or private ones.

use std::path::Path;

use mystic_process::Config;
use mystic_services::{Durability, Home, Postgres, Redis};

use crate::error::{Result, Tried};

/// What the stack keeps its state in. Private servers stop when this value is dropped.
pub struct Backing {
    postgres: Option<Postgres>,
    redis: Option<Redis>,
    database_url: String,
    redis_url: String,
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
        let configured = |own: &str, default: &str| (own != default).then(|| own.to_owned());
        let database = configured(config.database.url.expose(), defaults.database.url.expose());
        let hints = configured(config.redis.url.expose(), defaults.redis.url.expose());
        tokio::task::spawn_blocking(move || {
            let home = Home::open(&dir)?;
            let (postgres, redis) = std::thread::scope(|scope| {
                let redis = scope.spawn(|| match hints {
                    Some(_) => Ok(None),
                    None => Redis::start(&home).map(Some),
                });
                let postgres = match database {
                    Some(_) => Ok(None),
                    None => Postgres::start(&home, Durability::Kept).map(Some),
                };
                (postgres, redis.join())
            });
            let postgres = postgres?;
            let redis = match redis {
                Ok(redis) => redis?,
                Err(panic) => std::panic::resume_unwind(panic),
            };
            let private_database = postgres
                .as_ref()
                .map(|server| server.url(Postgres::DATABASE));
            let private_hints = redis.as_ref().map(Redis::url);
            Ok(Self {
                postgres,
                redis,
                database_url: database.or(private_database).unwrap_or_default(),
                redis_url: hints.or(private_hints).unwrap_or_default(),
                _home: home,
            })
        })
        .await
        .tried(|| "the private services")?
    }

    /// What our programs must know.
    pub fn environment(&self) -> [(&'static str, String); 2] {
        [
            ("MYSTIC_DATABASE__URL", self.database_url.clone()),
            ("MYSTIC_REDIS__URL", self.redis_url.clone()),
        ]
    }

    /// The URL of Postgres, if it is a private one; it holds no password.
    pub fn private_database_url(&self) -> Option<&str> {
        self.postgres.is_some().then_some(&*self.database_url)
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
