//! The ledger's counters. They are never added to: they are counted again from the rows that they sum, inside
//! the transaction that changed a row, so they can't drift; the CHECK on `devices` refuses what doesn't fit.

use mystic_domain::{DeviceId, WorkerId};
use sqlx::PgConnection;

use crate::Result;

/// Takes the device's row lock: the first step of every transaction that books or frees.
///
/// `NO KEY`, here and in every row lock: a row that is updated twice in one transaction has its foreign keys checked
/// again, which takes a key share on what it refers to. Against a plain `FOR UPDATE` a claim that holds its job would
/// then wait for the device, against the order of locks.
pub(crate) async fn lock(tx: &mut PgConnection, device: &DeviceId) -> Result<()> {
    sqlx::query("SELECT FROM devices WHERE id = $1 FOR NO KEY UPDATE")
        .bind(&device.0)
        .execute(tx)
        .await?;
    Ok(())
}

/// Locks the device of a worker and names it; nothing where there is no such worker.
pub(crate) async fn lock_of_worker(
    tx: &mut PgConnection,
    worker: WorkerId,
) -> Result<Option<DeviceId>> {
    let device: Option<String> = sqlx::query_scalar("SELECT device_id FROM workers WHERE id = $1")
        .bind(worker.0)
        .fetch_optional(&mut *tx)
        .await?;
    let device = device.map(DeviceId);
    if let Some(device) = &device {
        lock(tx, device).await?;
    }
    Ok(device)
}

/// Counts bookings and turns again.
pub(crate) async fn recount(tx: &mut PgConnection, device: &DeviceId) -> Result<()> {
    sqlx::query(
        "UPDATE devices SET
             resident_mib = (SELECT coalesce(sum(booked_mib), 0) FROM residents WHERE device_id = $1),
             working_mib  = booked.working,
             turns_taken  = booked.turns,
             idle_since   = CASE WHEN booked.turns < devices.turns THEN coalesce(idle_since, now()) END
         FROM (SELECT coalesce(sum(working_mib), 0) AS working, coalesce(sum(turns), 0) AS turns
               FROM leases WHERE device_id = $1) AS booked
         WHERE id = $1",
    )
    .bind(&device.0)
    .execute(tx)
    .await?;
    Ok(())
}
