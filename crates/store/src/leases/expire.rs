//! A lease that nobody claims goes back: no claim, no engine, no memory.

use mystic_domain::machine::{self, Event};
use mystic_domain::{Fence, JobId, JobState, WorkerId};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{end, free, lock_device_of, requeue, unbook_unborn};
use crate::error::retrying;
use crate::jobs::JobRow;
use crate::{JobRecord, Result, Store, events, ledger, row};

impl Store {
    /// Leases that are not claimed yet, oldest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn unclaimed(&self) -> Result<Vec<(JobId, Fence, WorkerId)>> {
        let rows: Vec<(Uuid, i64, Uuid)> = sqlx::query_as(
            "SELECT id, fence, worker_id FROM jobs WHERE state = 'leased' ORDER BY leased_at",
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|(id, fence, worker)| (JobId(id), Fence(fence), WorkerId(worker)))
            .collect())
    }

    /// Takes an unclaimed lease back; false where it was claimed or is gone, or another scheduler leads.
    ///
    /// # Errors
    /// The database's.
    #[tracing::instrument(name = "db.leases.expire", skip_all, fields(%job, %fence), err(level = "debug"))]
    pub async fn expire(&self, job: JobId, fence: Fence) -> Result<bool> {
        retrying!(self.expire_once(job, fence))
    }

    async fn expire_once(&self, job: JobId, fence: Fence) -> Result<bool> {
        let mut tx = self.pool.begin().await?;
        let device = lock_device_of(&mut tx, job).await?;
        let leased: Option<JobRow> = sqlx::query_as(
            "SELECT * FROM jobs
             WHERE ($3::bigint IS NULL OR EXISTS (SELECT FROM leader WHERE epoch = $3))
               AND id = $1 AND fence = $2 AND state = 'leased' FOR NO KEY UPDATE",
        )
        .bind(job.0)
        .bind(fence.0)
        .bind(self.epoch)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(leased) = leased else {
            return Ok(false);
        };
        give_back(&mut tx, &leased.try_into()?).await?;
        if let Some(device) = device {
            ledger::recount(&mut tx, &device).await?;
        }
        tx.commit().await?;
        Ok(true)
    }
}

/// Takes a leased job, whose row and device are locked, back from its worker. A model that was booked for it
/// and never came to be goes with it.
pub(crate) async fn give_back(tx: &mut PgConnection, job: &JobRecord) -> Result<()> {
    let ends = job.cancel_requested_at.is_some() || job.helps.is_some();
    let state = machine::next(job.state, ends, Event::Expire)
        .map_err(|illegal| row::unreadable("move", &illegal.to_string()))?;
    free(tx, job.id, job.fence).await?;
    unbook_unborn(tx, job.resident).await?;
    let kind = if state == JobState::Cancelled {
        end(tx, &[job.id], state, None).await?;
        "cancelled"
    } else {
        requeue(tx, job.id, None, 0, job.plan).await?;
        "expired"
    };
    events::record(tx, job.id, kind, serde_json::json!({})).await
}
