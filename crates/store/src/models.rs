//! What is done with models: one operation at a time for each file. The row is the truth, so whoever carries an operation
//! out learns from it that it is cancelled, and goes on with it after a restart.

use chrono::{DateTime, Utc};
use mystic_domain::{OperationId, Preset};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::retrying;
use crate::{Result, Store, row};

/// What is done with a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OperationKind {
    /// Its files are brought.
    Pull,
    /// Its files are compared with their checksums.
    Verify,
    /// It is taken in from the import directory.
    Import,
    /// Its files are deleted.
    Remove,
}

impl OperationKind {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Verify => "verify",
            Self::Import => "import",
            Self::Remove => "remove",
        }
    }

    fn parse(text: &str) -> Result<Self> {
        let all = [Self::Pull, Self::Verify, Self::Import, Self::Remove];
        all.into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| row::unreadable("model operation", text))
    }
}

/// An operation that is to begin.
#[derive(Clone, Debug)]
pub struct NewOperation {
    /// The model.
    pub model: String,
    /// What is done with it.
    pub kind: OperationKind,
    /// Its files, below the models directory.
    pub paths: Vec<String>,
    /// What an import was asked for, and nothing for any other.
    pub request: Option<serde_json::Value>,
    /// Bytes.
    pub total: u64,
}

/// A model's last operation.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ModelOperation {
    /// Its id.
    #[serde(skip)]
    pub id: OperationId,
    /// The model.
    pub model: String,
    /// What is done with it.
    pub kind: OperationKind,
    /// What an import was asked for.
    #[serde(skip)]
    pub request: Option<serde_json::Value>,
    /// `running`, `done`, `failed` or `cancelled`.
    pub state: String,
    /// Bytes that are done, a moment ago.
    pub done: i64,
    /// Bytes in all.
    pub total: i64,
    /// Why it failed.
    pub error: Option<String>,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended; null while it runs.
    pub ended_at: Option<DateTime<Utc>>,
}

impl ModelOperation {
    /// Whether it has yet to end.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.ended_at.is_none()
    }
}

/// What became of an operation that was to begin.
#[derive(Clone, Debug, PartialEq)]
pub enum OperationBegun {
    /// It is noted as running.
    Yes(ModelOperation),
    /// This one has to end first: it is about one of the same files.
    Busy(ModelOperation),
}

/// A preset that holds model files in use.
#[derive(Clone, Debug, PartialEq)]
pub struct Holder {
    /// The preset, as it is or as an engine has loaded it.
    pub preset: Preset,
    /// Unfinished jobs that name it, as their model or to tag their pictures.
    pub jobs: i64,
    /// Engines that hold it.
    pub engines: i64,
}

#[derive(sqlx::FromRow)]
struct OperationRow {
    model: String,
    id: Uuid,
    kind: String,
    request: Option<serde_json::Value>,
    state: String,
    done: i64,
    total: i64,
    error: Option<String>,
    started_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
}

impl TryFrom<OperationRow> for ModelOperation {
    type Error = crate::StoreError;

    fn try_from(row: OperationRow) -> Result<Self> {
        Ok(Self {
            id: OperationId(row.id),
            model: row.model,
            kind: OperationKind::parse(&row.kind)?,
            request: row.request,
            state: row.state,
            done: row.done,
            total: row.total,
            error: row.error,
            started_at: row.started_at,
            ended_at: row.ended_at,
        })
    }
}

impl Store {
    /// Notes an operation as running, in the place of the model's last one.
    ///
    /// # Errors
    /// The database's.
    #[tracing::instrument(name = "db.models.begin", skip_all, fields(model = new.model), err(level = "debug"))]
    pub async fn begin_operation(&self, new: &NewOperation) -> Result<OperationBegun> {
        retrying!(self.begin_operation_once(new))
    }

    async fn begin_operation_once(&self, new: &NewOperation) -> Result<OperationBegun> {
        let mut tx = self.pool.begin().await?;
        // They are few and far between, and what two of them must not share is in no unique index.
        sqlx::query("LOCK TABLE model_operations IN SHARE ROW EXCLUSIVE MODE")
            .execute(&mut *tx)
            .await?;
        let other: Option<OperationRow> = sqlx::query_as(
            "SELECT * FROM model_operations WHERE state = 'running' AND (model = $1 OR paths && $2) LIMIT 1",
        )
        .bind(&new.model)
        .bind(&new.paths)
        .fetch_optional(&mut *tx)
        .await?;
        if let Some(other) = other {
            return Ok(OperationBegun::Busy(other.try_into()?));
        }
        let begun: OperationRow = sqlx::query_as(
            "INSERT INTO model_operations (model, id, kind, paths, request, state, total)
             VALUES ($1, $2, $3, $4, $5, 'running', $6)
             ON CONFLICT (model) DO UPDATE SET id = EXCLUDED.id, kind = EXCLUDED.kind, paths = EXCLUDED.paths,
                 request = EXCLUDED.request, state = EXCLUDED.state, done = 0, total = EXCLUDED.total, error = NULL,
                 started_at = now(), ended_at = NULL
             RETURNING *",
        )
        .bind(&new.model)
        .bind(OperationId::generate().0)
        .bind(new.kind.as_str())
        .bind(&new.paths)
        .bind(&new.request)
        .bind(i64::try_from(new.total).unwrap_or(i64::MAX))
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(OperationBegun::Yes(begun.try_into()?))
    }

    /// Notes how many bytes of an operation are done; whether it is still to go on.
    ///
    /// # Errors
    /// The database's.
    pub async fn note_operation(&self, id: OperationId, done: i64) -> Result<bool> {
        let noted = sqlx::query(
            "UPDATE model_operations SET done = $2 WHERE id = $1 AND state = 'running'",
        )
        .bind(id.0)
        .bind(done)
        .execute(&self.pool)
        .await?;
        Ok(noted.rows_affected() == 1)
    }

    /// Ends an operation that runs, as done or by an error. A model that is removed leaves no row.
    ///
    /// # Errors
    /// The database's.
    #[tracing::instrument(name = "db.models.end", skip_all, fields(%id), err(level = "debug"))]
    pub async fn end_operation(&self, id: OperationId, error: Option<&str>) -> Result<()> {
        let statement = if error.is_some() {
            "UPDATE model_operations SET state = 'failed', error = $2, ended_at = now()
             WHERE id = $1 AND state = 'running'"
        } else {
            "WITH removed AS (DELETE FROM model_operations WHERE id = $1 AND kind = 'remove' RETURNING id)
             UPDATE model_operations SET state = 'done', done = total, error = $2, ended_at = now()
             WHERE id = $1 AND state = 'running' AND kind <> 'remove'"
        };
        sqlx::query(statement)
            .bind(id.0)
            .bind(error)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Cancels what is just bringing a model, and returns it. Who carries it out learns of it with its next note.
    ///
    /// # Errors
    /// The database's.
    #[tracing::instrument(name = "db.models.cancel", skip(self), err(level = "debug"))]
    pub async fn cancel_pull(&self, model: &str) -> Result<Option<ModelOperation>> {
        let cancelled: Option<OperationRow> = sqlx::query_as(
            "UPDATE model_operations SET state = 'cancelled', ended_at = now()
             WHERE model = $1 AND state = 'running' AND kind IN ('pull', 'import') RETURNING *",
        )
        .bind(model)
        .fetch_optional(&self.pool)
        .await?;
        cancelled.map(TryInto::try_into).transpose()
    }

    /// Every model's last operation, by the models' names.
    ///
    /// # Errors
    /// The database's.
    pub async fn operations(&self) -> Result<Vec<ModelOperation>> {
        let rows: Vec<OperationRow> =
            sqlx::query_as("SELECT * FROM model_operations ORDER BY model")
                .fetch_all(&self.pool)
                .await?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// The presets that name one of these files and that unfinished jobs name or engines hold.
    ///
    /// # Errors
    /// The database's.
    pub async fn holders(&self, paths: &[String]) -> Result<Vec<Holder>> {
        let rows: Vec<(serde_json::Value, i64, i64)> = sqlx::query_as(
            "SELECT spec, count(*), 0::bigint FROM presets
             JOIN jobs ON presets.name IN (jobs.preset, jobs.params ->> 'tag_preset')
             WHERE jobs.state IN ('queued', 'leased', 'running') AND helps IS NULL GROUP BY spec
             UNION ALL SELECT spec, 0, count(*) FROM residents GROUP BY spec",
        )
        .fetch_all(&self.pool)
        .await?;
        let mut holders = Vec::new();
        for (spec, jobs, engines) in rows {
            let preset: Preset = row::json(spec)?;
            let named = preset.paths();
            if paths.iter().any(|path| named.contains(&path.as_str())) {
                holders.push(Holder {
                    preset,
                    jobs,
                    engines,
                });
            }
        }
        Ok(holders)
    }
}
