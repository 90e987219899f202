//! Somebody asks for another try of a job that failed.

use mystic_domain::machine::{self, Event};
use mystic_domain::{JobId, JobState};

use super::{JobRecord, JobRow};
use crate::error::retrying;
use crate::{Result, Store, events, presets};

/// What became of asking for another try.
#[derive(Clone, Debug, PartialEq)]
pub enum Retried {
    /// There is no such job.
    NotFound,
    /// Queued again.
    Queued(Box<JobRecord>),
    /// The job has not failed; it stays as it is.
    NotFailed(JobState),
    /// Its preset takes no jobs any more; it stays as it is.
    PresetRetired(String),
}

impl Store {
    /// Queues a failed job again, with as many further attempts as it was allowed at first and every plan open to it.
    /// Its pictures and the record of its attempts are kept.
    ///
    /// # Errors
    /// The database's.
    #[tracing::instrument(name = "db.jobs.retry", skip(self), fields(job = %id), err(level = "debug"))]
    pub async fn retry(&self, id: JobId) -> Result<Retried> {
        retrying!(self.retry_once(id))
    }

    async fn retry_once(&self, id: JobId) -> Result<Retried> {
        let mut tx = self.pool.begin().await?;
        let job: Option<JobRow> =
            sqlx::query_as("SELECT * FROM jobs WHERE id = $1 FOR NO KEY UPDATE")
                .bind(id.0)
                .fetch_optional(&mut *tx)
                .await?;
        let Some(job) = job else {
            return Ok(Retried::NotFound);
        };
        let job = JobRecord::try_from(job)?;
        // A helper has one attempt; what it leaves its job draws.
        if job.helps.is_some() || machine::next(job.state, false, Event::Again).is_err() {
            return Ok(Retried::NotFailed(job.state));
        }
        if let Some(retired) = presets::check_open(&mut tx, &[&job.preset]).await? {
            return Ok(Retried::PresetRetired(retired));
        }
        let job: JobRow = sqlx::query_as(
            "UPDATE jobs SET state = 'queued', finished_at = NULL, error = NULL, cancel_requested_at = NULL,
                             not_before = NULL, plan = 'full', engine_deaths = 0, attempts_before = attempt
             WHERE id = $1 RETURNING *",
        )
        .bind(id.0)
        .fetch_one(&mut *tx)
        .await?;
        sqlx::query(
            "UPDATE images SET tags_state = 'pending'
             FROM jobs WHERE jobs.id = $1 AND jobs.kind = 'tag' AND images.id = jobs.parent_image
                         AND images.tags_state = 'failed'",
        )
        .bind(id.0)
        .execute(&mut *tx)
        .await?;
        events::record(&mut tx, id, "queued", serde_json::json!({ "again": true })).await?;
        tx.commit().await?;
        Ok(Retried::Queued(Box::new(job.try_into()?)))
    }
}
