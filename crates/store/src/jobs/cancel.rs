//! Somebody asks for a job's end.

use mystic_domain::{JobId, JobState, WorkerId, machine};

use sqlx::PgConnection;
use uuid::Uuid;

use super::{JobRecord, JobRow};
use crate::error::retrying;
use crate::{Result, Store, events, leases, ledger};

/// What became of a cancel.
#[derive(Clone, Debug, PartialEq)]
pub enum Cancelled {
    /// There is no such job.
    NotFound,
    /// The job as it is now: ended, or running with the request noted.
    Noted {
        /// The job.
        job: Box<JobRecord>,
        /// The worker that has to end it.
        tell: Option<WorkerId>,
    },
}

impl Store {
    /// Asks for a job's end. A queued or leased job ends at once; a running one when its worker has stopped it;
    /// one that has ended stays as it is.
    ///
    /// # Errors
    /// The database's.
    #[tracing::instrument(name = "db.jobs.cancel", skip(self), fields(job = %id), err(level = "debug"))]
    pub async fn cancel(&self, id: JobId) -> Result<Cancelled> {
        retrying!(self.cancel_once(id))
    }

    /// Ends those of these jobs that are queued, all at once, and returns them. Others stay as they are.
    ///
    /// # Errors
    /// The database's; then none was changed.
    #[tracing::instrument(name = "db.jobs.cancel_queued", skip_all, fields(jobs = ids.len()), err(level = "debug"))]
    pub async fn cancel_queued(&self, ids: &[JobId]) -> Result<Vec<JobId>> {
        retrying!(self.cancel_queued_once(ids))
    }

    async fn cancel_queued_once(&self, ids: &[JobId]) -> Result<Vec<JobId>> {
        let mut tx = self.pool.begin().await?;
        let queued = end_queued(&mut tx, ids).await?;
        tx.commit().await?;
        Ok(queued)
    }

    async fn cancel_once(&self, id: JobId) -> Result<Cancelled> {
        let mut tx = self.pool.begin().await?;
        // The device's lock comes before the job's. A job that is granted in between has another device than
        // the one that was locked; then the lease is left to its expiry or its worker.
        let device = leases::lock_device_of(&mut tx, id).await?;
        let job: Option<JobRow> =
            sqlx::query_as("SELECT * FROM jobs WHERE id = $1 FOR NO KEY UPDATE")
                .bind(id.0)
                .fetch_optional(&mut *tx)
                .await?;
        let Some(job) = job else {
            return Ok(Cancelled::NotFound);
        };
        let job = JobRecord::try_from(job)?;
        let known = job.device.as_ref() == device.as_ref() || job.state == JobState::Queued;
        let Ok(next) = machine::next(job.state, false, machine::Event::Cancel) else {
            return Ok(Cancelled::Noted {
                job: Box::new(job),
                tell: None,
            });
        };
        if !job.state.is_terminal() {
            let requested = job.cancel_requested_at.is_some();
            note_request(&mut tx, &[id]).await?;
            if next == JobState::Cancelled && known {
                leases::end(&mut tx, &[id], JobState::Cancelled, None).await?;
                // What a queued job's last attempt had booked is in quarantine: only its engine's end frees it.
                if let Some(device) = device.filter(|_| job.state == JobState::Leased) {
                    leases::free(&mut tx, id, job.fence).await?;
                    leases::unbook_unborn(&mut tx, job.resident).await?;
                    ledger::recount(&mut tx, &device).await?;
                }
                events::record(&mut tx, id, "cancelled", serde_json::json!({})).await?;
            } else if !requested {
                events::record(&mut tx, id, "cancel_requested", serde_json::json!({})).await?;
            }
        }
        tx.commit().await?;
        let tell = job.worker;
        match self.job(id).await? {
            Some(job) => Ok(Cancelled::Noted {
                tell: tell.filter(|_| !job.state.is_terminal()),
                job: Box::new(job),
            }),
            None => Ok(Cancelled::NotFound),
        }
    }
}

/// Ends those of these jobs that are queued, and returns them.
pub(crate) async fn end_queued(tx: &mut PgConnection, ids: &[JobId]) -> Result<Vec<JobId>> {
    let queued: Vec<JobId> = sqlx::query_scalar::<_, Uuid>(
        "SELECT id FROM jobs WHERE id = ANY ($1) AND state = 'queued' ORDER BY id FOR NO KEY UPDATE",
    )
    .bind(ids.iter().map(|id| id.0).collect::<Vec<_>>())
    .fetch_all(&mut *tx)
    .await?
    .into_iter()
    .map(JobId)
    .collect();
    note_request(tx, &queued).await?;
    leases::end(tx, &queued, JobState::Cancelled, None).await?;
    events::record_each(tx, &queued, "cancelled", serde_json::json!({})).await?;
    Ok(queued)
}

async fn note_request(tx: &mut PgConnection, jobs: &[JobId]) -> Result<()> {
    sqlx::query(
        "UPDATE jobs SET cancel_requested_at = coalesce(cancel_requested_at, now()) WHERE id = ANY ($1)",
    )
    .bind(jobs.iter().map(|job| job.0).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}
