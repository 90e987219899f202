//! The worker takes up what was leased to it: an attempt starts.

use mystic_domain::{ContextPlan, Fence, JobId, Mib, Need, Preset, ResidentId, WorkerId};

use crate::error::retrying;
use crate::jobs::JobRow;
use crate::{JobRecord, Result, Store, StoreError, events, row};

/// What a worker needs to start.
#[derive(Clone, Debug, PartialEq)]
pub struct Claimed {
    /// The job, running.
    pub job: JobRecord,
    /// The model that it sits on.
    pub resident: ResidentId,
    /// How that model is loaded.
    pub context: ContextPlan,
    /// What is booked for it and for the job.
    pub booked: Need,
    /// What to load, as it was when it was booked.
    pub preset: Preset,
}

impl Store {
    /// Starts an attempt. A repeat returns the same; `None` means that the lease is not this worker's: forget it.
    ///
    /// # Errors
    /// The database's; the claim may or may not have been made, so call again.
    #[tracing::instrument(name = "db.leases.claim", skip_all, fields(%job, %worker, %fence), err(level = "debug"))]
    pub async fn claim(
        &self,
        worker: WorkerId,
        job: JobId,
        fence: Fence,
    ) -> Result<Option<Claimed>> {
        retrying!(self.claim_once(worker, job, fence))
    }

    async fn claim_once(
        &self,
        worker: WorkerId,
        job: JobId,
        fence: Fence,
    ) -> Result<Option<Claimed>> {
        let mut tx = self.pool.begin().await?;
        let claimed: Option<JobRow> = sqlx::query_as(
            "UPDATE jobs SET state = 'running', attempt = attempt + 1, started_at = now(),
                             picture = CASE WHEN helps IS NOT NULL THEN picture END, picture_at = NULL
             WHERE id = $1 AND worker_id = $2 AND fence = $3 AND state = 'leased' AND cancel_requested_at IS NULL
             RETURNING *",
        )
        .bind(job.0)
        .bind(worker.0)
        .bind(fence.0)
        .fetch_optional(&mut *tx)
        .await?;
        let claimed = if let Some(row) = claimed {
            let record = JobRecord::try_from(row)?;
            sqlx::query(
                "INSERT INTO job_attempts (job_id, attempt, fence, worker_id, device_id, plan, resident_mib, working_mib)
                 SELECT jobs.id, attempt, jobs.fence, jobs.worker_id, jobs.device_id, plan, booked_mib, leases.working_mib
                 FROM jobs JOIN residents ON residents.id = jobs.resident_id
                           JOIN leases ON leases.job_id = jobs.id AND leases.fence = jobs.fence
                 WHERE jobs.id = $1",
            )
            .bind(job.0)
            .execute(&mut *tx)
            .await?;
            sqlx::query("UPDATE leases SET state = 'claimed' WHERE job_id = $1 AND fence = $2")
                .bind(job.0)
                .bind(fence.0)
                .execute(&mut *tx)
                .await?;
            let data = serde_json::json!({ "attempt": record.attempt });
            events::record(&mut tx, job, "running", data).await?;
            record
        } else {
            let repeated: Option<JobRow> = sqlx::query_as(
                "SELECT * FROM jobs WHERE id = $1 AND worker_id = $2 AND fence = $3 AND state = 'running'",
            )
            .bind(job.0)
            .bind(worker.0)
            .bind(fence.0)
            .fetch_optional(&mut *tx)
            .await?;
            let Some(row) = repeated else { return Ok(None) };
            JobRecord::try_from(row)?
        };
        let resident = claimed
            .resident
            .ok_or_else(|| row::unreadable("running job", "no resident"))?;
        let (context, model, working, spec): (String, i64, i64, serde_json::Value) = sqlx::query_as(
            "SELECT residents.context_plan, residents.booked_mib, leases.working_mib, residents.spec
             FROM residents
             JOIN leases ON leases.resident_id = residents.id AND leases.job_id = $2 AND leases.fence = $3
             WHERE residents.id = $1",
        )
        .bind(resident.0)
        .bind(job.0)
        .bind(fence.0)
        .fetch_optional(&mut *tx)
        .await?
        .ok_or_else(|| {
            StoreError::Unreadable(format!("a lease on resident {resident} that is gone"))
        })?;
        tx.commit().await?;
        Ok(Some(Claimed {
            job: claimed,
            resident,
            context: row::context_plan(&context)?,
            booked: Need {
                resident: Mib(model),
                working: Mib(working),
            },
            preset: row::json(spec)?,
        }))
    }
}
