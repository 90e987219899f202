//! What a grant and a preload have in common: whether it fits, and the model that is booked.

use mystic_domain::{ContextPlan, DeviceId, Mib, ResidentId, WorkerId};
use sqlx::PgConnection;

use crate::Result;

/// A model to be loaded.
pub(super) struct NewModel<'a> {
    pub(super) resident: ResidentId,
    pub(super) worker: WorkerId,
    pub(super) device: &'a DeviceId,
    pub(super) preset: &'a str,
    pub(super) context: ContextPlan,
    pub(super) booked: Mib,
    /// Whether no job is on it.
    pub(super) preload: bool,
    /// The lead under which it is decided here; none where a later statement of the transaction looks at it.
    pub(super) epoch: Option<i64>,
}

/// Whether a locked device can take so much more: it is neither lost nor stopped, and has memory and turns beside what is
/// booked and what strangers use.
pub(super) async fn fits(
    tx: &mut PgConnection,
    device: &DeviceId,
    more: Mib,
    turns: i32,
) -> Result<bool> {
    let fits: Option<bool> = sqlx::query_scalar(
        "SELECT lost_at IS NULL AND turns_taken + $3 <= turns
                AND resident_mib + working_mib + others_mib + $2 <= capacity_mib
                AND NOT EXISTS (SELECT FROM pauses WHERE scope = 'device' AND name = devices.id)
         FROM devices WHERE id = $1",
    )
    .bind(&device.0)
    .bind(more.0)
    .bind(turns)
    .fetch_optional(tx)
    .await?;
    Ok(fits == Some(true))
}

/// Books a model on a locked device; false where its worker takes no more, has it already, has not looked at the preset
/// as it is now, or could not preload it.
pub(super) async fn model(tx: &mut PgConnection, new: &NewModel<'_>) -> Result<bool> {
    let booked = sqlx::query(
        "INSERT INTO residents (id, worker_id, device_id, preset, context_plan, state, booked_mib, preload, signature, spec)
         SELECT $1, workers.id, workers.device_id, presets.name, $5, 'loading', $6, $7, presets.signature, presets.spec
         FROM workers
         JOIN presets ON presets.name = $4
         JOIN worker_presets AS looked ON looked.worker_id = workers.id AND looked.preset = presets.name
                                      AND looked.signature = presets.signature
         WHERE workers.id = $2 AND workers.device_id = $3 AND workers.state = 'ready'
           AND (SELECT count(*) FROM residents WHERE worker_id = $2) < workers.max_children
           AND NOT ($7 AND EXISTS (SELECT FROM worker_presets
                                   WHERE worker_id = $2 AND preset = $4 AND preload_failed))
           AND ($8::bigint IS NULL OR EXISTS (SELECT FROM leader WHERE epoch = $8))
         ON CONFLICT DO NOTHING",
    )
    .bind(new.resident.0)
    .bind(new.worker.0)
    .bind(&new.device.0)
    .bind(new.preset)
    .bind(new.context.as_str())
    .bind(new.booked.0)
    .bind(new.preload)
    .bind(new.epoch)
    .execute(tx)
    .await?;
    Ok(booked.rows_affected() == 1)
}
