//! Migrations are run when somebody says so; a program only checks that it knows the schema.

use std::pin::pin;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use tokio::time::sleep;
use uuid::Uuid;

use crate::{Result, Store, StoreError};

/// How long after a failure a database that is waited for is asked again.
const AGAIN: Duration = Duration::from_millis(500);

static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

impl Store {
    /// Which database this is; a copy that was restored from a backup is the same.
    ///
    /// # Errors
    /// The database's.
    pub async fn identity(&self) -> Result<Uuid> {
        Ok(sqlx::query_scalar("SELECT id FROM identity")
            .fetch_one(&self.pool)
            .await?)
    }

    /// Brings the schema up to this program's version.
    ///
    /// # Errors
    /// A migration that fails, or a database that is newer than this program.
    pub async fn migrate(&self) -> Result<()> {
        let mut line = self.pool.lines().acquire().await?;
        // A migration takes as long as it takes.
        sqlx::query("SET statement_timeout = 0")
            .execute(&mut *line)
            .await?;
        line.close_on_drop();
        MIGRATOR.run(&mut line).await.map_err(|error| match error {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
            other => StoreError::Schema(format!("the schema can't be migrated: {other}")),
        })
    }

    /// Waits until the database is there and has this program's schema; false where `stop` completes first. `away`
    /// hears of each failure.
    ///
    /// # Errors
    /// As [`Store::check_schema`] where the database is there.
    pub async fn wait_for_schema(
        &self,
        stop: impl Future<Output = ()>,
        away: impl Fn(&StoreError),
    ) -> Result<bool> {
        let mut stop = pin!(stop);
        loop {
            match self.check_schema().await {
                Err(error) if error.is_unavailable() => away(&error),
                checked => return checked.map(|()| true),
            }
            tokio::select! {
                () = sleep(AGAIN) => {}
                () = &mut stop => return Ok(false),
            }
        }
    }

    /// Checks that the schema is the one that this program was built for.
    ///
    /// # Errors
    /// [`StoreError::Schema`] with a sentence that says which side is older and what to do.
    pub async fn check_schema(&self) -> Result<()> {
        let there: Option<String> =
            sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations')::text")
                .fetch_one(&self.pool)
                .await?;
        let mut applied: Vec<(i64, Vec<u8>)> = Vec::new();
        if there.is_some() {
            applied = sqlx::query_as(
                "SELECT version, checksum FROM _sqlx_migrations WHERE success ORDER BY version",
            )
            .fetch_all(&self.pool)
            .await?;
        }
        let known: Vec<(i64, Vec<u8>)> = MIGRATOR
            .iter()
            .map(|m| (m.version, m.checksum.to_vec()))
            .collect();
        if applied == known {
            return Ok(());
        }
        let newest = |list: &[(i64, Vec<u8>)]| list.last().map_or(0, |(version, _)| *version);
        let (there, ours) = (newest(&applied), newest(&known));
        Err(StoreError::Schema(match there.cmp(&ours) {
            std::cmp::Ordering::Less => format!(
                "the database's schema is at version {there} and this program needs {ours}: run `api migrate`"
            ),
            std::cmp::Ordering::Greater => format!(
                "the database's schema is at version {there} and this program knows {ours}: use a newer program"
            ),
            std::cmp::Ordering::Equal => format!(
                "the database's schema says version {there} but was made by other migrations than this program's"
            ),
        }))
    }
}
