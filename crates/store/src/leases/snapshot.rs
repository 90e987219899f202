//! What the scheduler decides on: the queue and the ledger, as they were at one moment.

use chrono::{DateTime, Utc};
use mystic_domain::{
    DeviceId, EngineKind, Fence, JobId, JobKind, JobParams, Plan, Preset, ResidentId, Weights,
    WorkerId,
};
use uuid::Uuid;

use crate::error::retrying;
use crate::estimates::LearnedNeed;
use crate::fleet::DeviceRow;
use crate::learn::LearnedTime;
use crate::{DeviceRecord, PauseRecord, Result, Store, estimates, jobs, learn, pauses, row};

/// The queue and the ledger at one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The moment, by the database's clock.
    pub now: DateTime<Utc>,
    /// Devices with residents and leases.
    pub devices: Vec<DeviceRecord>,
    /// Workers that take work.
    pub workers: Vec<SnapshotWorker>,
    /// The presets that queued jobs name.
    pub presets: Vec<Preset>,
    /// Jobs that may be granted now, oldest first.
    pub queued: Vec<QueuedJob>,
    /// Jobs that workers hold.
    pub held: Vec<HeldJob>,
    /// Jobs under way with pictures that nobody has begun.
    pub batches: Vec<Batch>,
    /// What presets were seen to take on devices.
    pub times: Vec<LearnedTime>,
    /// How what jobs need is corrected by what they were seen to take.
    pub needs: Vec<LearnedNeed>,
    /// What is stopped; the jobs that it covers are not among the queued ones, the devices are.
    pub pauses: Vec<PauseRecord>,
}

/// A worker that takes work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotWorker {
    /// The worker.
    pub id: WorkerId,
    /// Its device.
    pub device: DeviceId,
    /// Its engine.
    pub engine: EngineKind,
    /// Engine children that it may have.
    pub max_children: i32,
    /// Presets that it can serve.
    pub presets: Vec<SnapshotPreset>,
}

/// A preset that a worker can serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotPreset {
    /// Its name.
    pub name: String,
    /// Size of its files.
    pub weights: Weights,
    /// The rungs that the worker offers.
    pub plans: Vec<Plan>,
    /// Whether it failed there when it was loaded ahead of its jobs, and none has loaded it since.
    pub preload_failed: bool,
}

/// A job that may be granted.
#[derive(Clone, Debug, PartialEq)]
pub struct QueuedJob {
    /// The job.
    pub id: JobId,
    /// What it makes.
    pub kind: JobKind,
    /// The model.
    pub preset: String,
    /// The API key's name, or `local`.
    pub owner: String,
    /// Complete parameters.
    pub params: JobParams,
    /// Higher runs first.
    pub priority: i16,
    /// Since when it could run.
    pub queued_at: DateTime<Utc>,
    /// Milliseconds of its owner's unfinished work when the scheduler first saw it.
    pub ahead_ms: Option<i64>,
    /// Pictures that it has still to make.
    pub images_left: u32,
    /// The most generous plan that it may have.
    pub plan: Plan,
    /// Whether a wait reason is stored for it, and which.
    pub wait_reason: Option<mystic_domain::WaitReason>,
}

/// A job under way.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldJob {
    /// The model.
    pub preset: String,
    /// The API key's name, or `local`.
    pub owner: String,
    /// Complete parameters.
    pub params: JobParams,
    /// Pictures that it has still to make.
    pub images_left: u32,
}

/// A diffusion job under way with pictures that nobody has begun, that none helped in vain.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The job.
    pub job: JobId,
    /// The lease under which it runs.
    pub fence: Fence,
    /// The model.
    pub preset: String,
    /// Complete parameters.
    pub params: JobParams,
    /// The most generous plan that its pictures may have.
    pub plan: Plan,
    /// Pictures that nobody has begun.
    pub unbegun: u32,
    /// Those at work on it.
    pub drawers: Vec<BatchDrawer>,
}

/// A device at work on a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchDrawer {
    /// The device.
    pub device: DeviceId,
    /// Its plan.
    pub plan: Plan,
    /// When it began its picture; a helper that loads a model first, when it is expected to.
    pub began_at: DateTime<Utc>,
}

/// Why a job waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// The job.
    pub job: JobId,
    /// Why.
    pub reason: mystic_domain::WaitReason,
    /// Milliseconds of its owner's unfinished work when it was first seen; what is stored already stays.
    pub ahead_ms: i64,
}

#[derive(sqlx::FromRow)]
struct HeldRow {
    kind: String,
    preset: String,
    owner: String,
    params: serde_json::Value,
    images_left: i32,
}

#[derive(sqlx::FromRow)]
struct BatchRow {
    id: Uuid,
    fence: i64,
    preset: String,
    params: serde_json::Value,
    floor: String,
    images_left: i32,
    devices: Vec<String>,
    plans: Vec<String>,
    began: Vec<DateTime<Utc>>,
}

impl BatchRow {
    fn batch(self) -> Result<Batch> {
        let plans = row::plans(&self.plans)?;
        let drawers = self.devices.into_iter().zip(plans).zip(self.began);
        let drawers: Vec<BatchDrawer> = drawers
            .map(|((device, plan), began_at)| BatchDrawer {
                device: DeviceId(device),
                plan,
                began_at,
            })
            .collect();
        let left = usize::try_from(self.images_left).unwrap_or(0);
        Ok(Batch {
            job: JobId(self.id),
            fence: Fence(self.fence),
            preset: self.preset,
            params: jobs::params(JobKind::Generate, self.params)?,
            plan: row::plan(&self.floor)?,
            // The job itself is at one of them, or is about to.
            unbegun: u32::try_from(left.saturating_sub(drawers.len())).unwrap_or(0),
            drawers,
        })
    }
}

#[derive(sqlx::FromRow)]
struct QueuedRow {
    id: Uuid,
    kind: String,
    preset: String,
    owner: String,
    priority: i16,
    queued_at: DateTime<Utc>,
    ahead_ms: Option<i64>,
    images_left: i32,
    params: serde_json::Value,
    plan: String,
    wait_reason: Option<serde_json::Value>,
}

#[derive(sqlx::FromRow)]
struct ServedRow {
    worker_id: Uuid,
    preset: String,
    weights_mib: i64,
    text_encoders_mib: i64,
    decoder_mib: i64,
    plans: Vec<String>,
    preload_failed: bool,
}

impl ServedRow {
    fn preset(&self) -> Result<SnapshotPreset> {
        Ok(SnapshotPreset {
            name: self.preset.clone(),
            weights: row::weights(self.weights_mib, self.text_encoders_mib, self.decoder_mib),
            plans: row::plans(&self.plans)?,
            preload_failed: self.preload_failed,
        })
    }
}

impl Store {
    /// The queue and the ledger at one moment; at most `limit` queued jobs of each engine, so that a long queue of
    /// one never hides the other's.
    ///
    /// # Errors
    /// The database's.
    #[tracing::instrument(name = "db.leases.snapshot", skip_all, err(level = "debug"))]
    pub async fn snapshot(&self, limit: i64) -> Result<Snapshot> {
        retrying!(self.snapshot_once(limit))
    }

    async fn snapshot_once(&self, limit: i64) -> Result<Snapshot> {
        let mut tx = self.pool.begin().await?;
        sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            .execute(&mut *tx)
            .await?;
        let rows: Vec<QueuedRow> = sqlx::query_as(
            "SELECT first.* FROM unnest($2::text[]) AS asked (engine)
             CROSS JOIN LATERAL (
                 SELECT id, kind, preset, owner, priority, params, plan, wait_reason, ahead_ms,
                        CASE WHEN not_before IS NULL THEN created_at
                             ELSE greatest(created_at, least(not_before, now())) END AS queued_at,
                        images_total - images_done AS images_left
                 FROM jobs
                 WHERE state = 'queued' AND engine = asked.engine AND cancel_requested_at IS NULL
                   AND NOT paused(owner, preset)
                   -- A back-off whose attempt ended in the future was set by a clock that has been put back since.
                   AND (not_before IS NULL OR not_before <= now()
                        OR now() < (SELECT finished_at FROM job_attempts
                                    WHERE job_id = jobs.id AND attempt = jobs.attempt))
                 ORDER BY priority DESC, id LIMIT $1
             ) AS first
             ORDER BY id",
        )
        .bind(limit)
        .bind(EngineKind::ALL.map(EngineKind::as_str))
        .fetch_all(&mut *tx)
        .await?;
        let now: DateTime<Utc> = sqlx::query_scalar("SELECT now()")
            .fetch_one(&mut *tx)
            .await?;
        let held: Vec<HeldRow> = sqlx::query_as(
            "SELECT kind, preset, owner, params, images_total - images_done AS images_left
             FROM jobs WHERE state IN ('leased', 'running') AND helps IS NULL",
        )
        .fetch_all(&mut *tx)
        .await?;
        // A helper's start is known to its worker alone: with its model loaded it begins as soon as it is leased.
        let batches: Vec<BatchRow> = sqlx::query_as(
            "SELECT job.id, job.fence, job.preset, job.params, job.images_total - job.images_done AS images_left,
                    CASE WHEN job.attempt - job.attempts_before > 1 THEN job.plan ELSE 'full' END AS floor,
                    array_agg(drawer.device_id ORDER BY drawer.id) AS devices,
                    array_agg(drawer.plan ORDER BY drawer.id) AS plans,
                    array_agg(coalesce(drawer.picture_at, drawer.leased_at) ORDER BY drawer.id) AS began
             FROM jobs AS job
             JOIN jobs AS drawer ON (drawer.id = job.id OR drawer.helps = job.id) AND drawer.state IN ('leased', 'running')
             WHERE job.state = 'running' AND job.helps IS NULL AND job.images_total - job.images_done > 1
               AND job.picture IS NOT NULL AND job.cancel_requested_at IS NULL AND NOT paused(job.owner, job.preset)
               AND NOT EXISTS (SELECT FROM jobs AS helper WHERE helper.helps = job.id AND helper.state = 'failed')
             GROUP BY job.id",
        )
        .fetch_all(&mut *tx)
        .await?;
        let times = learn::times(&mut tx).await?;
        let needs = estimates::needs(&mut tx).await?;
        let mut queued = Vec::with_capacity(rows.len());
        for job in rows {
            let kind =
                JobKind::parse(&job.kind).ok_or_else(|| row::unreadable("job kind", &job.kind))?;
            queued.push(QueuedJob {
                id: JobId(job.id),
                kind,
                preset: job.preset,
                owner: job.owner,
                params: jobs::params(kind, job.params)?,
                priority: job.priority,
                queued_at: job.queued_at,
                ahead_ms: job.ahead_ms,
                images_left: u32::try_from(job.images_left).unwrap_or(0),
                plan: row::plan(&job.plan)?,
                wait_reason: job.wait_reason.map(row::json).transpose()?,
            });
        }
        let devices = DeviceRow::all(&mut tx).await?;
        let workers: Vec<(Uuid, String, String, i32)> = sqlx::query_as(
            "SELECT id, device_id, engine, max_children FROM workers WHERE state = 'ready' ORDER BY registered_at, id",
        )
        .fetch_all(&mut *tx)
        .await?;
        let served: Vec<ServedRow> = sqlx::query_as(
            "SELECT worker_id, preset, weights_mib, text_encoders_mib, decoder_mib, plans, preload_failed
             FROM worker_presets JOIN presets ON presets.name = preset AND presets.signature = worker_presets.signature
             WHERE problem IS NULL",
        )
        .fetch_all(&mut *tx)
        .await?;
        let specs: Vec<serde_json::Value> = sqlx::query_scalar("SELECT spec FROM presets")
            .fetch_all(&mut *tx)
            .await?;
        let pauses = pauses::all(&mut *tx).await?;
        tx.commit().await?;
        let workers = workers
            .into_iter()
            .map(|(id, device, engine, max_children)| {
                let presets = served
                    .iter()
                    .filter(|served| served.worker_id == id)
                    .map(ServedRow::preset)
                    .collect::<Result<_>>()?;
                Ok(SnapshotWorker {
                    id: WorkerId(id),
                    device: DeviceId(device),
                    engine: row::engine(&engine)?,
                    max_children,
                    presets,
                })
            })
            .collect::<Result<_>>()?;
        let presets = specs.into_iter().map(row::json).collect::<Result<_>>()?;
        let held = held
            .into_iter()
            .map(|job| {
                let kind = JobKind::parse(&job.kind)
                    .ok_or_else(|| row::unreadable("job kind", &job.kind))?;
                Ok(HeldJob {
                    preset: job.preset,
                    owner: job.owner,
                    params: jobs::params(kind, job.params)?,
                    images_left: u32::try_from(job.images_left).unwrap_or(0),
                })
            })
            .collect::<Result<_>>()?;
        let batches = batches.into_iter().map(BatchRow::batch);
        Ok(Snapshot {
            now,
            devices,
            workers,
            presets,
            queued,
            held,
            batches: batches.collect::<Result<_>>()?,
            times,
            needs,
            pauses,
        })
    }

    /// Notes why jobs wait and what their owners had ahead of them, where they still do and it has changed.
    ///
    /// # Errors
    /// The database's.
    pub async fn note_waits(&self, waits: &[Wait]) -> Result<()> {
        let ids: Vec<Uuid> = waits.iter().map(|wait| wait.job.0).collect();
        let reasons: Vec<serde_json::Value> = waits
            .iter()
            .map(|wait| row::to_json(&wait.reason))
            .collect::<Result<_>>()?;
        let aheads: Vec<i64> = waits.iter().map(|wait| wait.ahead_ms).collect();
        sqlx::query(
            "UPDATE jobs SET wait_reason = noted.reason, ahead_ms = coalesce(ahead_ms, noted.ahead)
             FROM (SELECT * FROM unnest($1::uuid[], $2::jsonb[], $3::bigint[]) AS n (id, reason, ahead)
                   ORDER BY id) noted
             WHERE jobs.id = noted.id AND jobs.state = 'queued'
               AND (jobs.wait_reason IS DISTINCT FROM noted.reason OR jobs.ahead_ms IS NULL)",
        )
        .bind(ids)
        .bind(reasons)
        .bind(aheads)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Chooses an idle model's end and returns the worker to tell; `None` where a lease is on it, it is loaded for one, or
    /// another scheduler leads.
    ///
    /// # Errors
    /// The database's.
    #[tracing::instrument(name = "db.residents.evict", skip_all, fields(%resident), err(level = "debug"))]
    pub async fn evict(&self, resident: ResidentId) -> Result<Option<WorkerId>> {
        retrying!(self.evict_once(resident))
    }

    async fn evict_once(&self, resident: ResidentId) -> Result<Option<WorkerId>> {
        let mut tx = self.pool.begin().await?;
        let device: Option<String> =
            sqlx::query_scalar("SELECT device_id FROM residents WHERE id = $1")
                .bind(resident.0)
                .fetch_optional(&mut *tx)
                .await?;
        let Some(device) = device else {
            return Ok(None);
        };
        crate::ledger::lock(&mut tx, &DeviceId(device)).await?;
        let worker: Option<Uuid> = sqlx::query_scalar(
            "UPDATE residents SET state = 'evicting'
             WHERE id = $1 AND (state = 'ready' OR state = 'loading' AND preload)
               AND NOT EXISTS (SELECT FROM leases WHERE resident_id = $1)
               AND ($2::bigint IS NULL OR EXISTS (SELECT FROM leader WHERE epoch = $2))
             RETURNING worker_id",
        )
        .bind(resident.0)
        .bind(self.epoch)
        .fetch_optional(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(worker.map(WorkerId))
    }
}
