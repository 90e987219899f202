//! Jobs as they are submitted and shown.

mod activity;
mod cancel;
mod delete;
mod read;
mod reprioritise;
mod retry;
mod submit;

use chrono::{DateTime, Utc};
use mystic_domain::{
    DeviceId, EngineKind, Enhanced, Failure, Fence, ImageId, JobId, JobKind, JobParams, JobState,
    PhaseTimes, Plan, ResidentId, WaitReason, WorkerId,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{Result, StoreError, row};

pub use activity::{
    Activity, ActivityBy, ActivityColumn, ActivityCount, ActivityFilter, ActivityGroup,
};
pub use cancel::Cancelled;
pub(crate) use cancel::end_queued;
pub use delete::Deleted;
pub use read::JobFilter;
pub use reprioritise::Reprioritised;
pub use retry::Retried;
pub(crate) use submit::insert as insert_job;
pub use submit::{NewJob, Submitted};

/// A job's row.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct JobRecord {
    /// Id, ordered by time.
    pub id: JobId,
    /// What it makes.
    pub kind: JobKind,
    /// What runs it.
    pub engine: EngineKind,
    /// The model.
    pub preset: String,
    /// The API key's name, or `local`.
    pub owner: String,
    /// Where it stands.
    pub state: JobState,
    /// −100 to 100; higher runs first.
    pub priority: i16,
    /// Complete parameters.
    pub params: JobParams,
    /// How often it was granted.
    pub fence: Fence,
    /// Attempts started.
    pub attempt: i32,
    /// Attempts allowed each time that it is submitted or tried again.
    pub max_attempts: i32,
    /// Attempts started before it was last tried again; 0 where it never was.
    pub attempts_before: i32,
    /// Engine children that died on it.
    pub engine_deaths: i32,
    /// The plan of the attempt under way, or of the next.
    pub plan: Plan,
    /// Pictures to make.
    pub images_total: i32,
    /// Pictures that exist.
    pub images_done: i32,
    /// The device that it is or was on.
    pub device: Option<DeviceId>,
    /// The worker that holds it.
    pub worker: Option<WorkerId>,
    /// The model that it is leased to.
    #[serde(skip)]
    pub resident: Option<ResidentId>,
    /// What it has written; only of an `enhance` job that succeeded.
    pub result: Option<Enhanced>,
    /// Why it waits.
    pub wait_reason: Option<WaitReason>,
    /// Why it failed, or why the last attempt did.
    pub error: Option<Failure>,
    /// When an end was asked for.
    pub cancel_requested_at: Option<DateTime<Utc>>,
    /// Not granted before.
    pub not_before: Option<DateTime<Utc>>,
    /// Seconds that one attempt may take; no limit where absent.
    pub timeout_s: Option<i32>,
    /// The picture that it works on.
    pub parent_image: Option<ImageId>,
    /// `user`, or `auto` for a job that another job made.
    pub origin: String,
    /// The job one of whose pictures it draws, on another device.
    pub helps: Option<JobId>,
    /// The place of the picture that it has begun last, from 0.
    pub picture: Option<i32>,
    /// When it was accepted.
    pub created_at: DateTime<Utc>,
    /// When it was last granted.
    pub leased_at: Option<DateTime<Utc>>,
    /// When the last attempt started.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}

/// One attempt of a job.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct AttemptRecord {
    /// From 1.
    pub attempt: i32,
    /// The worker.
    pub worker: WorkerId,
    /// The device.
    pub device: DeviceId,
    /// The plan.
    pub plan: Plan,
    /// When it was claimed.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// `succeeded`, `failed`, `retried`, `cancelled` or `lost`.
    pub outcome: Option<String>,
    /// Why it failed.
    pub error: Option<Failure>,
    /// Time by phase.
    pub times: Option<PhaseTimes>,
    /// MiB that were booked for its model.
    pub resident_mib: Option<i64>,
    /// MiB that were booked for its own work on top.
    pub working_mib: Option<i64>,
    /// The most that its engine child held of the device since the model was loaded, in MiB.
    pub peak_mib: Option<i64>,
}

#[derive(sqlx::FromRow)]
pub(crate) struct JobRow {
    id: Uuid,
    kind: String,
    preset: String,
    owner: String,
    state: String,
    priority: i16,
    params: serde_json::Value,
    fence: i64,
    attempt: i32,
    max_attempts: i32,
    attempts_before: i32,
    engine_deaths: i32,
    plan: String,
    images_total: i32,
    images_done: i32,
    device_id: Option<String>,
    worker_id: Option<Uuid>,
    resident_id: Option<Uuid>,
    result: Option<serde_json::Value>,
    wait_reason: Option<serde_json::Value>,
    error: Option<serde_json::Value>,
    cancel_requested_at: Option<DateTime<Utc>>,
    not_before: Option<DateTime<Utc>>,
    timeout_s: Option<i32>,
    parent_image: Option<Uuid>,
    origin: String,
    helps: Option<Uuid>,
    picture: Option<i32>,
    created_at: DateTime<Utc>,
    leased_at: Option<DateTime<Utc>>,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
}

/// Parameters as the kind says; untagged JSON alone would have to guess.
pub(crate) fn params(kind: JobKind, value: serde_json::Value) -> Result<JobParams> {
    Ok(match kind {
        JobKind::Generate => JobParams::Generate(row::json(value)?),
        JobKind::Tag => JobParams::Tag(row::json(value)?),
        JobKind::Enhance => JobParams::Enhance(row::json(value)?),
        JobKind::Upscale => JobParams::Upscale(row::json(value)?),
    })
}

impl TryFrom<JobRow> for JobRecord {
    type Error = StoreError;

    fn try_from(job: JobRow) -> Result<Self> {
        let kind =
            JobKind::parse(&job.kind).ok_or_else(|| row::unreadable("job kind", &job.kind))?;
        Ok(Self {
            id: JobId(job.id),
            kind,
            engine: kind.engine(),
            preset: job.preset,
            owner: job.owner,
            state: row::state(&job.state)?,
            priority: job.priority,
            params: params(kind, job.params)?,
            fence: Fence(job.fence),
            attempt: job.attempt,
            max_attempts: job.max_attempts,
            attempts_before: job.attempts_before,
            engine_deaths: job.engine_deaths,
            plan: row::plan(&job.plan)?,
            images_total: job.images_total,
            images_done: job.images_done,
            device: job.device_id.map(DeviceId),
            worker: job.worker_id.map(WorkerId),
            resident: job.resident_id.map(ResidentId),
            result: job.result.map(row::json).transpose()?,
            wait_reason: job.wait_reason.map(row::json).transpose()?,
            error: job.error.map(row::json).transpose()?,
            cancel_requested_at: job.cancel_requested_at,
            not_before: job.not_before,
            timeout_s: job.timeout_s,
            parent_image: job.parent_image.map(ImageId),
            origin: job.origin,
            helps: job.helps.map(JobId),
            picture: job.picture,
            created_at: job.created_at,
            leased_at: job.leased_at,
            started_at: job.started_at,
            finished_at: job.finished_at,
        })
    }
}
