//! The heartbeat: renews what the worker holds, and tells it what it doesn't know yet.

use mystic_domain::{Fence, JobId, Mib, ResidentId};
use uuid::Uuid;

use super::{Beat, BeatReply};
use crate::error::retrying;
use crate::{Result, Store, ledger};

#[derive(sqlx::FromRow)]
struct HeldRow {
    job: Uuid,
    fence: i64,
    sent: bool,
    ours: bool,
    cancel: bool,
}

impl Store {
    /// Notes a worker's sign of life and answers it.
    ///
    /// # Errors
    /// The database's; the worker goes on and beats again.
    #[tracing::instrument(name = "db.workers.beat", skip_all, fields(worker = %beat.worker), err(level = "debug"))]
    pub async fn beat(&self, beat: &Beat) -> Result<BeatReply> {
        retrying!(self.beat_once(beat))
    }

    async fn beat_once(&self, beat: &Beat) -> Result<BeatReply> {
        let mut tx = self.pool.begin().await?;
        ledger::lock(&mut tx, &beat.device).await?;
        let state: Option<String> = sqlx::query_scalar(
            "UPDATE workers SET beat = beat + 1, beat_at = now() WHERE id = $1 AND state <> 'gone' RETURNING state",
        )
        .bind(beat.worker.0)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(state) = state else {
            return Ok(BeatReply::default());
        };
        let telemetry = &beat.telemetry;
        sqlx::query(
            "UPDATE devices SET used_mib = $2, others_mib = $3, others_estimated = $4, utilisation = $5,
                 temperature = $6, power_watts = $7, updated_at = now()
             WHERE id = $1 AND NOT $8",
        )
        .bind(&beat.device.0)
        .bind(telemetry.used.map(|used| used.0))
        .bind(telemetry.others.0)
        .bind(telemetry.others_estimated)
        .bind(telemetry.utilisation)
        .bind(telemetry.temperature)
        .bind(telemetry.power)
        .bind(telemetry.unread)
        .execute(&mut *tx)
        .await?;
        if let Some(lost) = telemetry.lost {
            sqlx::query(
                "UPDATE devices SET lost_at = CASE WHEN $2 THEN coalesce(lost_at, now()) END WHERE id = $1",
            )
            .bind(&beat.device.0)
            .bind(lost)
            .execute(&mut *tx)
            .await?;
        }
        let (residents, observed): (Vec<Uuid>, Vec<i64>) = beat
            .residents
            .iter()
            .map(|(resident, seen)| (resident.0, seen.0))
            .unzip();
        sqlx::query(
            "UPDATE residents SET observed_mib = greatest(observed_mib, seen.mib)
             FROM unnest($1::uuid[], $2::bigint[]) AS seen (id, mib)
             WHERE residents.id = seen.id AND worker_id = $3 AND seen.mib > 0",
        )
        .bind(&residents)
        .bind(observed)
        .bind(beat.worker.0)
        .execute(&mut *tx)
        .await?;
        // A model that the worker holds and the ledger no longer knows has to go too.
        let evict: Vec<Uuid> = sqlx::query_scalar(
            "SELECT id FROM residents WHERE worker_id = $2 AND state = 'evicting'
             UNION
             SELECT held.id FROM unnest($1::uuid[]) AS held (id)
             WHERE NOT EXISTS (SELECT FROM residents WHERE residents.id = held.id AND worker_id = $2)",
        )
        .bind(&residents)
        .bind(beat.worker.0)
        .fetch_all(&mut *tx)
        .await?;
        let preload: Vec<Uuid> = sqlx::query_scalar(
            "SELECT id FROM residents
             WHERE worker_id = $2 AND state = 'loading' AND preload AND id <> ALL ($1)
               AND NOT EXISTS (SELECT FROM leases WHERE resident_id = residents.id)
             ORDER BY id",
        )
        .bind(&residents)
        .bind(beat.worker.0)
        .fetch_all(&mut *tx)
        .await?;
        let children: Vec<(i32, String, i64)> = sqlx::query_as(
            "SELECT pid, state, booked_mib FROM residents WHERE device_id = $1 AND pid IS NOT NULL",
        )
        .bind(&beat.device.0)
        .fetch_all(&mut *tx)
        .await?;
        let presets: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM presets
                            LEFT JOIN worker_presets AS looked ON looked.worker_id = workers.id AND looked.preset = name
                            WHERE presets.engine = workers.engine AND retired_at IS NULL
                              AND looked.signature IS DISTINCT FROM presets.signature)
             FROM workers WHERE id = $1",
        )
        .bind(beat.worker.0)
        .fetch_one(&mut *tx)
        .await?;
        let (jobs, fences): (Vec<Uuid>, Vec<i64>) = beat
            .held
            .iter()
            .map(|(job, fence)| (job.0, fence.0))
            .unzip();
        let held: Vec<HeldRow> = sqlx::query_as(
            "SELECT coalesce(sent.job, ours.id) AS job, coalesce(sent.fence, ours.fence) AS fence,
                    sent.job IS NOT NULL AS sent, ours.id IS NOT NULL AS ours,
                    ours.cancel_requested_at IS NOT NULL AS cancel
             FROM unnest($1::uuid[], $2::bigint[]) AS sent (job, fence)
             FULL JOIN (SELECT id, fence, cancel_requested_at FROM jobs
                        WHERE worker_id = $3 AND state IN ('leased', 'running')) AS ours
                    ON ours.id = sent.job AND ours.fence = sent.fence",
        )
        .bind(jobs)
        .bind(fences)
        .bind(beat.worker.0)
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        let pairs = |keep: fn(&HeldRow) -> bool| -> Vec<(JobId, Fence)> {
            held.iter()
                .filter(|row| keep(row))
                .map(|row| (JobId(row.job), Fence(row.fence)))
                .collect()
        };
        Ok(BeatReply {
            known: true,
            draining: state == "draining",
            lost: pairs(|row| row.sent && !row.ours),
            assigned: pairs(|row| row.ours && !row.sent),
            cancel: pairs(|row| row.ours && row.cancel)
                .into_iter()
                .map(|(job, _)| job)
                .collect(),
            evict: evict.into_iter().map(ResidentId).collect(),
            preload: preload.into_iter().map(ResidentId).collect(),
            presets,
            children: children
                .into_iter()
                .filter_map(|(pid, state, booked)| {
                    Some((
                        u32::try_from(pid).ok()?,
                        (state != "loading").then_some(Mib(booked)),
                    ))
                })
                .collect(),
        })
    }
}
