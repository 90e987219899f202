//! The grant: memory, a turn, a model and the job, in one transaction or not at all.

use std::time::Duration;

use mystic_domain::{ContextPlan, DeviceId, Fence, JobId, Mib, Need, Plan, ResidentId, WorkerId};
use uuid::Uuid;

use super::book::{self, NewModel};
use super::help::{self, Help};
use crate::error::retrying;
use crate::{Result, Store, events, ledger};

/// Where the job sits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seat {
    /// On a model that is loaded or being loaded.
    Loaded(ResidentId),
    /// On a model that the worker has to load first.
    Load {
        /// The new resident's id.
        resident: ResidentId,
        /// How it is loaded.
        context: ContextPlan,
    },
}

/// A decision to lease a job to a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The job.
    pub job: JobId,
    /// The worker.
    pub worker: WorkerId,
    /// The worker's device.
    pub device: DeviceId,
    /// The job's preset.
    pub preset: String,
    /// How it is fitted into memory.
    pub plan: Plan,
    /// What is booked; `resident` only where the model has to be loaded.
    pub need: Need,
    /// Where it sits.
    pub seat: Seat,
    /// Compute turns that it takes: 1 for diffusion, 0 for text.
    pub turns: i32,
    /// From now to its end, as predicted.
    pub expected: Duration,
}

/// What became of a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granted {
    /// Leased under this fence.
    Yes(Fence),
    /// Something is no longer as the decision saw it, or another scheduler leads; nothing was changed.
    No,
}

impl Store {
    /// Leases a job, if everything is still as the decision saw it.
    ///
    /// # Errors
    /// The database's; then nothing was changed.
    #[tracing::instrument(name = "db.leases.grant", skip_all, fields(job = %grant.job, worker = %grant.worker), err(level = "debug"))]
    pub async fn grant(&self, grant: &Grant) -> Result<Granted> {
        retrying!(self.grant_once(grant, None))
    }

    /// A grant of a queued job, or of a picture of a running one.
    pub(super) async fn grant_once(&self, grant: &Grant, help: Option<&Help>) -> Result<Granted> {
        let mut tx = self.pool.begin().await?;
        ledger::lock(&mut tx, &grant.device).await?;
        let (resident, booked) = match grant.seat {
            Seat::Loaded(resident) => (resident, Mib(0)),
            Seat::Load { resident, .. } => (resident, grant.need.resident),
        };
        let more = booked + grant.need.working;
        if !book::fits(&mut tx, &grant.device, more, grant.turns).await? {
            return Ok(Granted::No);
        }
        let seated = match grant.seat {
            Seat::Loaded(resident) => {
                let seated = sqlx::query(
                    "UPDATE residents SET used_at = now()
                     FROM workers
                     WHERE residents.id = $1 AND residents.worker_id = $2
                       AND residents.state IN ('loading', 'ready')
                       AND residents.preset = $3 AND residents.context_plan = $4
                       AND residents.signature = (SELECT signature FROM presets WHERE name = $3)
                       AND workers.id = $2 AND workers.state = 'ready'
                       AND NOT EXISTS (SELECT FROM leases WHERE resident_id = $1)",
                )
                .bind(resident.0)
                .bind(grant.worker.0)
                .bind(&grant.preset)
                .bind(grant.plan.context().as_str())
                .execute(&mut *tx)
                .await?;
                seated.rows_affected() == 1
            }
            Seat::Load { resident, context } => {
                let new = NewModel {
                    resident,
                    worker: grant.worker,
                    device: &grant.device,
                    preset: &grant.preset,
                    context,
                    booked,
                    preload: false,
                    epoch: None,
                };
                book::model(&mut tx, &new).await?
            }
        };
        if !seated {
            return Ok(Granted::No);
        }
        let fence = match help {
            Some(help) => help::lease(&mut tx, help, resident.0, self.epoch).await?,
            None => self.take(&mut tx, grant, resident.0).await?,
        };
        let Some(fence) = fence else {
            return Ok(Granted::No);
        };
        lease(&mut tx, grant, resident.0, fence).await?;
        let data = serde_json::json!({ "worker": grant.worker, "device": grant.device, "plan": grant.plan });
        events::record(&mut tx, grant.job, "leased", data).await?;
        tx.commit().await?;
        Ok(Granted::Yes(Fence(fence)))
    }

    /// Takes the job out of the queue; its new fence, or nothing where it is not there any more.
    async fn take(
        &self,
        tx: &mut sqlx::PgConnection,
        grant: &Grant,
        resident: Uuid,
    ) -> Result<Option<i64>> {
        Ok(sqlx::query_scalar(
            "UPDATE jobs SET state = 'leased', fence = fence + 1, worker_id = $2, device_id = $3, resident_id = $4,
                             plan = $5, leased_at = now(), wait_reason = NULL
             WHERE id = $1 AND state = 'queued' AND cancel_requested_at IS NULL
               AND NOT paused(owner, preset)
               AND (not_before IS NULL OR not_before <= now()
                    OR now() < (SELECT finished_at FROM job_attempts
                                WHERE job_id = jobs.id AND attempt = jobs.attempt))
               AND ($6::bigint IS NULL OR EXISTS (SELECT FROM leader WHERE epoch = $6))
             RETURNING fence",
        )
        .bind(grant.job.0)
        .bind(grant.worker.0)
        .bind(&grant.device.0)
        .bind(resident)
        .bind(grant.plan.as_str())
        .bind(self.epoch)
        .fetch_optional(tx)
        .await?)
    }
}

async fn lease(
    tx: &mut sqlx::PgConnection,
    grant: &Grant,
    resident: Uuid,
    fence: i64,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO leases (job_id, fence, worker_id, device_id, resident_id, working_mib, turns, expected_ms, state)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'granted')",
    )
    .bind(grant.job.0)
    .bind(fence)
    .bind(grant.worker.0)
    .bind(&grant.device.0)
    .bind(resident)
    .bind(grant.need.working.0)
    .bind(grant.turns)
    .bind(i64::try_from(grant.expected.as_millis()).unwrap_or(i64::MAX))
    .execute(&mut *tx)
    .await?;
    ledger::recount(tx, &grant.device).await
}
