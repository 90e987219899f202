//! Jobs as they are shown.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use mystic_domain::{DeviceId, FailureKind, ImageId, JobId, JobKind, JobState, WorkerId};
use sqlx::types::Json;
use uuid::Uuid;

use super::{AttemptRecord, JobRecord, JobRow};
use crate::{Result, Store, row};

/// Which jobs to list. An empty filter lists all.
#[derive(Clone, Debug, Default)]
pub struct JobFilter {
    /// Any of these states.
    pub states: Vec<JobState>,
    /// This kind.
    pub kind: Option<JobKind>,
    /// This preset.
    pub preset: Option<String>,
    /// This owner.
    pub owner: Option<String>,
    /// Failed for this reason.
    pub failure: Option<FailureKind>,
    /// Older than this job's time and id.
    pub after: Option<(DateTime<Utc>, Uuid)>,
    /// At most so many.
    pub limit: i64,
}

#[derive(sqlx::FromRow)]
struct AttemptRow {
    attempt: i32,
    worker_id: Uuid,
    device_id: String,
    plan: String,
    started_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
    outcome: Option<String>,
    error: Option<serde_json::Value>,
    times: Option<serde_json::Value>,
    resident_mib: Option<i64>,
    working_mib: Option<i64>,
    peak_mib: Option<i64>,
}

fn records(rows: Vec<JobRow>) -> Result<Vec<JobRecord>> {
    rows.into_iter().map(JobRecord::try_from).collect()
}

impl Store {
    /// The job of this id.
    ///
    /// # Errors
    /// The database's.
    pub async fn job(&self, id: JobId) -> Result<Option<JobRecord>> {
        let row: Option<JobRow> = sqlx::query_as("SELECT * FROM jobs WHERE id = $1")
            .bind(id.0)
            .fetch_optional(&self.pool)
            .await?;
        row.map(JobRecord::try_from).transpose()
    }

    /// A page of jobs, newest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn jobs(&self, filter: &JobFilter) -> Result<Vec<JobRecord>> {
        let states: Vec<&str> = filter.states.iter().map(|state| state.as_str()).collect();
        let rows = sqlx::query_as(
            "SELECT * FROM jobs
             WHERE helps IS NULL AND (cardinality($1::text[]) = 0 OR state = ANY ($1))
               AND ($2::text IS NULL OR kind = $2)
               AND ($3::text IS NULL OR preset = $3)
               AND ($4::text IS NULL OR owner = $4)
               AND ($5::jsonb IS NULL OR error -> 'kind' = $5)
               AND ($6::timestamptz IS NULL OR (created_at, id) < ($6, $7))
             ORDER BY created_at DESC, id DESC LIMIT $8",
        )
        .bind(states)
        .bind(filter.kind.map(JobKind::as_str))
        .bind(&filter.preset)
        .bind(&filter.owner)
        .bind(filter.failure.map(Json))
        .bind(filter.after.map(|(at, _)| at))
        .bind(filter.after.map(|(_, id)| id))
        .bind(filter.limit)
        .fetch_all(&self.pool)
        .await?;
        records(rows)
    }

    /// The first queued jobs: those of `order` in this order, then the others, urgent and old ones first.
    ///
    /// # Errors
    /// The database's.
    pub async fn waiting(&self, order: &[JobId], limit: i64) -> Result<Vec<JobRecord>> {
        let rows = sqlx::query_as(
            "SELECT jobs.* FROM jobs
             LEFT JOIN unnest($1::uuid[]) WITH ORDINALITY AS due (id, place) ON due.id = jobs.id
             WHERE state = 'queued' ORDER BY place NULLS LAST, priority DESC, jobs.id LIMIT $2",
        )
        .bind(order.iter().map(|job| job.0).collect::<Vec<_>>())
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        records(rows)
    }

    /// Jobs that workers hold, oldest grant first.
    ///
    /// # Errors
    /// The database's.
    pub async fn held(&self, limit: i64) -> Result<Vec<JobRecord>> {
        let rows = sqlx::query_as(
            "SELECT * FROM jobs WHERE state IN ('leased', 'running') AND helps IS NULL ORDER BY leased_at, id LIMIT $1",
        )
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        records(rows)
    }

    /// How many queued jobs come before this one; `None` where it is not queued.
    ///
    /// # Errors
    /// The database's.
    pub async fn position(&self, id: JobId) -> Result<Option<i64>> {
        Ok(sqlx::query_scalar(
            "SELECT (SELECT count(*) FROM jobs other WHERE other.state = 'queued'
                     AND (other.priority > job.priority OR (other.priority = job.priority AND other.id < job.id)))
             FROM jobs job WHERE job.id = $1 AND job.state = 'queued'",
        )
        .bind(id.0)
        .fetch_optional(&self.pool)
        .await?)
    }

    /// How many jobs are in each state; every state is there.
    ///
    /// # Errors
    /// The database's.
    pub async fn counts(&self) -> Result<BTreeMap<JobState, i64>> {
        let rows: Vec<(String, i64)> =
            sqlx::query_as("SELECT state, count(*) FROM jobs WHERE helps IS NULL GROUP BY state")
                .fetch_all(&self.pool)
                .await?;
        let mut counts: BTreeMap<JobState, i64> = JobState::ALL.map(|state| (state, 0)).into();
        for (state, count) in rows {
            counts.insert(row::state(&state)?, count);
        }
        Ok(counts)
    }

    /// The attempts of a job, first to last.
    ///
    /// # Errors
    /// The database's.
    pub async fn attempts(&self, id: JobId) -> Result<Vec<AttemptRecord>> {
        let rows: Vec<AttemptRow> =
            sqlx::query_as("SELECT * FROM job_attempts WHERE job_id = $1 ORDER BY attempt")
                .bind(id.0)
                .fetch_all(&self.pool)
                .await?;
        rows.into_iter()
            .map(|attempt| {
                Ok(AttemptRecord {
                    attempt: attempt.attempt,
                    worker: WorkerId(attempt.worker_id),
                    device: DeviceId(attempt.device_id),
                    plan: row::plan(&attempt.plan)?,
                    started_at: attempt.started_at,
                    finished_at: attempt.finished_at,
                    outcome: attempt.outcome,
                    error: attempt.error.map(row::json).transpose()?,
                    times: attempt.times.map(row::json).transpose()?,
                    resident_mib: attempt.resident_mib,
                    working_mib: attempt.working_mib,
                    peak_mib: attempt.peak_mib,
                })
            })
            .collect()
    }

    /// What draws or drew pictures of this job on other devices, oldest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn helpers(&self, id: JobId) -> Result<Vec<JobRecord>> {
        let rows = sqlx::query_as("SELECT * FROM jobs WHERE helps = $1 ORDER BY id")
            .bind(id.0)
            .fetch_all(&self.pool)
            .await?;
        records(rows)
    }

    /// The jobs that tag these pictures, oldest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn jobs_of_images(&self, images: &[ImageId]) -> Result<Vec<JobRecord>> {
        let rows = sqlx::query_as(
            "SELECT * FROM jobs WHERE parent_image = ANY ($1) AND kind = 'tag' ORDER BY id",
        )
        .bind(images.iter().map(|image| image.0).collect::<Vec<_>>())
        .fetch_all(&self.pool)
        .await?;
        records(rows)
    }
}
