//! What an operator has stopped.

use chrono::{DateTime, Utc};
use mystic_domain::{Pause, WaitReason};
use serde::Serialize;
use sqlx::{Executor, Postgres};
use utoipa::ToSchema;

use crate::error::retrying;
use crate::{Result, Store, events, row};

/// A pause that is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PauseRecord {
    /// What it covers.
    #[serde(flatten)]
    pub pause: Pause,
    /// Whether a device's idle models are unloaded too.
    pub release: bool,
    /// The API key's name, or `local`.
    pub paused_by: String,
    /// Since when.
    pub paused_at: DateTime<Utc>,
}

#[derive(sqlx::FromRow)]
struct PauseRow {
    scope: String,
    name: String,
    release: bool,
    paused_by: String,
    paused_at: DateTime<Utc>,
}

impl PauseRow {
    fn record(self) -> Result<PauseRecord> {
        Ok(PauseRecord {
            pause: Pause::parse(&self.scope, &self.name)
                .ok_or_else(|| row::unreadable("pause", &self.scope))?,
            release: self.release,
            paused_by: self.paused_by,
            paused_at: self.paused_at,
        })
    }
}

fn reason(pause: &Pause) -> Result<serde_json::Value> {
    row::to_json(&WaitReason::Paused { by: pause.clone() })
}

/// Every pause, oldest first.
pub(crate) async fn all(on: impl Executor<'_, Database = Postgres>) -> Result<Vec<PauseRecord>> {
    let rows: Vec<PauseRow> =
        sqlx::query_as("SELECT * FROM pauses ORDER BY paused_at, scope, name")
            .fetch_all(on)
            .await?;
    rows.into_iter().map(PauseRow::record).collect()
}

impl Store {
    /// Stops what a pause covers: no grant that begins after this has returned succeeds. A repeat changes only
    /// `release`.
    ///
    /// # Errors
    /// The database's.
    pub async fn pause(&self, pause: &Pause, release: bool, by: &str) -> Result<PauseRecord> {
        retrying!(self.pause_once(pause, release, by))
    }

    async fn pause_once(&self, pause: &Pause, release: bool, by: &str) -> Result<PauseRecord> {
        let mut tx = self.pool.begin().await?;
        let row: PauseRow = sqlx::query_as(
            "INSERT INTO pauses (scope, name, release, paused_by) VALUES ($1, $2, $3, $4)
             ON CONFLICT (scope, name) DO UPDATE SET release = EXCLUDED.release
             RETURNING *",
        )
        .bind(pause.scope())
        .bind(pause.name())
        .bind(release)
        .bind(by)
        .fetch_one(&mut *tx)
        .await?;
        events::wake(&mut tx).await?;
        tx.commit().await?;
        row.record()
    }

    /// Ends a pause; false where there is none.
    ///
    /// # Errors
    /// The database's.
    pub async fn resume(&self, pause: &Pause) -> Result<bool> {
        retrying!(self.resume_once(pause))
    }

    async fn resume_once(&self, pause: &Pause) -> Result<bool> {
        let mut tx = self.pool.begin().await?;
        let ended = sqlx::query("DELETE FROM pauses WHERE scope = $1 AND name = $2")
            .bind(pause.scope())
            .bind(pause.name())
            .execute(&mut *tx)
            .await?;
        // Most of them are looked at much later, and what they said is over.
        sqlx::query(
            "UPDATE jobs SET wait_reason = NULL
             WHERE id IN (SELECT id FROM jobs WHERE state = 'queued' AND wait_reason = $1
                          ORDER BY id FOR NO KEY UPDATE)",
        )
        .bind(reason(pause)?)
        .execute(&mut *tx)
        .await?;
        events::wake(&mut tx).await?;
        tx.commit().await?;
        Ok(ended.rows_affected() > 0)
    }

    /// Every pause that is in force, oldest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn pauses(&self) -> Result<Vec<PauseRecord>> {
        all(&self.pool).await
    }

    /// Notes on every queued job that a pause covers that it waits for its end.
    ///
    /// # Errors
    /// The database's.
    pub async fn note_paused(&self, pauses: &[PauseRecord]) -> Result<()> {
        for PauseRecord { pause, .. } in pauses {
            let (owner, preset) = match pause {
                Pause::Queue => (None, None),
                Pause::Owner(owner) => (Some(owner), None),
                Pause::Preset(preset) => (None, Some(preset)),
                // Where a job could run elsewhere is the placement's to know.
                Pause::Device(_) => continue,
            };
            sqlx::query(
                "UPDATE jobs SET wait_reason = $3
                 WHERE id IN (SELECT id FROM jobs
                              WHERE state = 'queued' AND ($1::text IS NULL OR owner = $1)
                                AND ($2::text IS NULL OR preset = $2)
                                AND wait_reason->>'reason' IS DISTINCT FROM 'paused'
                              ORDER BY id FOR NO KEY UPDATE)",
            )
            .bind(owner)
            .bind(preset)
            .bind(reason(pause)?)
            .execute(&self.pool)
            .await?;
        }
        Ok(())
    }
}
