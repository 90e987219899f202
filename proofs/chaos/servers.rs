//! The servers of one stack after another: a Postgres with a migrated, audited template, and a Redis.

use std::ffi::OsString;
use std::process::Command;
use std::sync::Arc;

use anyhow::ensure;
use mystic_testkit::{Audit, PostgresServer, RedisServer, program};

use super::slot::Slot;
use super::stack::models;

const TEMPLATE: &str = "template_audited";

/// What runs of one lane share, one after the other.
pub(super) struct Servers {
    pub(super) postgres: PostgresServer,
    pub(super) redis: RedisServer,
}

impl Servers {
    /// Starts both, and makes the database that every run's is a copy of.
    pub(super) async fn start() -> anyhow::Result<Self> {
        let servers = tokio::task::spawn_blocking(|| Self {
            postgres: PostgresServer::start(),
            redis: RedisServer::start(),
        })
        .await?;
        let postgres = &servers.postgres;
        let create = format!("CREATE DATABASE {TEMPLATE}");
        postgres.execute("postgres", &[create]).await;
        let migrated = Command::new(program("api")?)
            .arg("migrate")
            .args(["--set", &format!("models.dir={}", models().display())])
            .env("DATABASE_URL", postgres.url(TEMPLATE))
            .output()?;
        ensure!(migrated.status.success(), "{migrated:?}");
        // Each process is a role of its own, so that the audit knows who writes. A worker's may do what one may that comes
        // from another machine.
        let rights = |slot: Slot| match slot.host_name() {
            Some(_) => "IN ROLE mystic_worker",
            None => "SUPERUSER",
        };
        let roles =
            Slot::ALL.map(|slot| format!("CREATE ROLE {} LOGIN {}", slot.role(), rights(slot)));
        let statements: Vec<String> = roles.into_iter().chain([Audit::triggers()]).collect();
        postgres.execute(TEMPLATE, &statements).await;
        Ok(servers)
    }

    /// Starts both if they don't run, Postgres anew where its environment is to be another.
    pub(super) async fn start_again(
        self: &Arc<Self>,
        environment: Vec<(OsString, OsString)>,
    ) -> anyhow::Result<()> {
        let servers = Arc::clone(self);
        tokio::task::spawn_blocking(move || {
            if servers.postgres.set_environment(&environment) {
                servers.postgres.stop();
            }
            servers.postgres.again();
            servers.redis.again();
        })
        .await?;
        Ok(())
    }

    /// Makes an empty, migrated, audited database.
    pub(super) async fn create(&self, database: &str) {
        let create = format!("CREATE DATABASE {database} TEMPLATE {TEMPLATE}");
        self.postgres.execute("postgres", &[create]).await;
    }

    /// Deletes a run's database, on servers that are as quick and as right as they can be.
    pub(super) async fn delete(self: &Arc<Self>, database: &str) -> anyhow::Result<()> {
        self.start_again(Vec::new()).await?;
        let delete = format!("DROP DATABASE {database} WITH (FORCE)");
        self.postgres.execute("postgres", &[delete]).await;
        Ok(())
    }
}
