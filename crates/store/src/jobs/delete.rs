//! Jobs that ended are forgotten, where nothing needs them.

use mystic_domain::{JobId, JobState};
use uuid::Uuid;

use crate::error::retrying;
use crate::{Result, Store, row};

/// What became of deleting a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// There is no such job.
    NotFound,
    /// It is gone, with its attempts and events.
    Gone,
    /// It has not ended; it stays as it is.
    NotEnded(JobState),
    /// So many pictures are its own; it stays, since how they were made is told by it.
    HasPictures(i64),
    /// An engine that worked for it is not known to have ended; it stays, since the engine's memory is booked for it.
    HoldsMemory,
}

impl Store {
    /// Deletes a job that has ended, with its attempts and events. What it was sent under can be sent anew.
    ///
    /// # Errors
    /// The database's.
    #[tracing::instrument(name = "db.jobs.delete", skip(self), fields(job = %id), err(level = "debug"))]
    pub async fn delete_job(&self, id: JobId) -> Result<Deleted> {
        if self.delete_jobs(&[id]).await? == [id] {
            return Ok(Deleted::Gone);
        }
        let why: Option<(String, i64)> = sqlx::query_as(
            "SELECT state, (SELECT count(*) FROM images WHERE job_id = jobs.id) FROM jobs
             WHERE id = $1 AND helps IS NULL",
        )
        .bind(id.0)
        .fetch_optional(&self.pool)
        .await?;
        let Some((state, pictures)) = why else {
            return Ok(Deleted::NotFound);
        };
        let state = row::state(&state)?;
        Ok(match pictures {
            _ if !state.is_terminal() => Deleted::NotEnded(state),
            0 => Deleted::HoldsMemory,
            _ => Deleted::HasPictures(pictures),
        })
    }

    /// Deletes those of these jobs that can be, all at once, and returns them. Others stay as they are.
    ///
    /// # Errors
    /// The database's; then none was deleted.
    #[tracing::instrument(name = "db.jobs.delete_many", skip_all, fields(jobs = ids.len()), err(level = "debug"))]
    pub async fn delete_jobs(&self, ids: &[JobId]) -> Result<Vec<JobId>> {
        retrying!(self.delete_jobs_once(ids))
    }

    async fn delete_jobs_once(&self, ids: &[JobId]) -> Result<Vec<JobId>> {
        // A helper goes with its job, and its lease would go with it.
        let gone: Vec<Uuid> = sqlx::query_scalar(
            "DELETE FROM jobs WHERE id = ANY ($1) AND finished_at IS NOT NULL AND helps IS NULL
                AND NOT EXISTS (SELECT FROM images WHERE images.job_id = jobs.id)
                AND NOT EXISTS (SELECT FROM leases JOIN jobs held ON held.id = leases.job_id
                                WHERE held.id = jobs.id OR held.helps = jobs.id)
             RETURNING id",
        )
        .bind(ids.iter().map(|id| id.0).collect::<Vec<_>>())
        .fetch_all(&self.pool)
        .await?;
        Ok(gone.into_iter().map(JobId).collect())
    }
}
