//! A lease: a job on a worker's resident model, with the memory and the turn booked for it.

mod book;
mod claim;
mod expire;
mod grant;
mod help;
mod preload;
mod settle;
mod snapshot;

use mystic_domain::{DeviceId, Failure, Fence, JobId, JobState, Plan, ResidentId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Result, ledger, row};

pub use claim::Claimed;
pub(crate) use expire::give_back;
pub use grant::{Grant, Granted, Seat};
pub use help::{Help, NextPicture};
pub use preload::Preload;
pub(crate) use settle::conclude;
pub use settle::{Outcome, Settled, Spent};
pub use snapshot::{
    Batch, BatchDrawer, HeldJob, QueuedJob, Snapshot, SnapshotPreset, SnapshotWorker, Wait,
};

/// Locks the device that holds a job, if one does: the first step of whatever ends a lease.
pub(crate) async fn lock_device_of(tx: &mut PgConnection, job: JobId) -> Result<Option<DeviceId>> {
    let device: Option<String> = sqlx::query_scalar(
        "SELECT device_id FROM jobs WHERE id = $1 AND state IN ('leased', 'running')",
    )
    .bind(job.0)
    .fetch_optional(&mut *tx)
    .await?
    .flatten();
    let device = device.map(DeviceId);
    if let Some(device) = &device {
        ledger::lock(tx, device).await?;
    }
    Ok(device)
}

/// Puts jobs whose rows are locked into a terminal state. A tag job that brings no tags says so on its picture.
pub(crate) async fn end(
    tx: &mut PgConnection,
    jobs: &[JobId],
    state: JobState,
    error: Option<&Failure>,
) -> Result<()> {
    let jobs: Vec<Uuid> = jobs.iter().map(|job| job.0).collect();
    sqlx::query(
        "UPDATE jobs SET state = $2, error = coalesce($3, error), finished_at = now(), worker_id = NULL,
                         resident_id = NULL, wait_reason = NULL WHERE id = ANY ($1)",
    )
    .bind(&jobs)
    .bind(state.as_str())
    .bind(error.map(row::to_json).transpose()?)
    .execute(&mut *tx)
    .await?;
    let tags_state = match state {
        JobState::Failed => "failed",
        JobState::Cancelled => "none",
        _ => return Ok(()),
    };
    sqlx::query(
        "UPDATE images SET tags_state = $2
         FROM jobs WHERE jobs.id = ANY ($1) AND jobs.kind = 'tag' AND images.id = jobs.parent_image
                     AND images.tags_state = 'pending'",
    )
    .bind(&jobs)
    .bind(tags_state)
    .execute(tx)
    .await?;
    Ok(())
}

/// Puts a job whose row is locked back into the queue.
pub(crate) async fn requeue(
    tx: &mut PgConnection,
    job: JobId,
    error: Option<&Failure>,
    after_ms: u64,
    plan: Plan,
) -> Result<()> {
    sqlx::query(
        "UPDATE jobs SET state = 'queued', error = coalesce($2, error), worker_id = NULL, resident_id = NULL,
                         plan = $4, not_before = CASE WHEN $3 > 0 THEN now() + $3 * interval '1 millisecond' END
         WHERE id = $1",
    )
    .bind(job.0)
    .bind(error.map(row::to_json).transpose()?)
    .bind(i64::try_from(after_ms).unwrap_or(i64::MAX))
    .bind(plan.as_str())
    .execute(tx)
    .await?;
    Ok(())
}

/// Frees what a lease had booked: its work has ended and its engine child lives on, or never began.
pub(crate) async fn free(tx: &mut PgConnection, job: JobId, fence: Fence) -> Result<()> {
    sqlx::query("DELETE FROM leases WHERE job_id = $1 AND fence = $2")
        .bind(job.0)
        .bind(fence.0)
        .execute(tx)
        .await?;
    Ok(())
}

/// Keeps what a lease had booked until its engine child is proven dead.
pub(crate) async fn quarantine(tx: &mut PgConnection, job: JobId, fence: Fence) -> Result<()> {
    sqlx::query("UPDATE leases SET state = 'quarantined' WHERE job_id = $1 AND fence = $2")
        .bind(job.0)
        .bind(fence.0)
        .execute(tx)
        .await?;
    Ok(())
}

/// Unbooks the model of a lease that was never claimed, where it was booked for that lease alone: no claim, no
/// engine, no memory. One that was preloaded has an engine. The device is locked and the lease freed already.
pub(crate) async fn unbook_unborn(
    tx: &mut PgConnection,
    resident: Option<ResidentId>,
) -> Result<()> {
    sqlx::query(
        "DELETE FROM residents WHERE id = $1 AND state = 'loading' AND NOT preload
         AND NOT EXISTS (SELECT FROM leases WHERE resident_id = $1)",
    )
    .bind(resident.map(|resident| resident.0))
    .execute(tx)
    .await?;
    Ok(())
}
