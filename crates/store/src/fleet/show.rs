//! Devices and workers as they are shown and decided on.

use chrono::{DateTime, Utc};
use mystic_domain::{ContextPlan, DeviceId, EngineKind, Fence, JobId, Mib, ResidentId, WorkerId};
use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::retrying;
use crate::{Result, Store, StoreError, row};

/// A device and what is booked on it. Memory in MiB.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct DeviceRecord {
    /// NVML UUID or `<host>/cpu`.
    pub id: DeviceId,
    /// The machine.
    pub host: String,
    /// `cuda` or `cpu`.
    pub kind: String,
    /// For people.
    pub name: String,
    /// All of its memory.
    pub total: Mib,
    /// What may be booked.
    pub capacity: Mib,
    /// Booked by loaded models.
    pub resident: Mib,
    /// Booked by jobs that run.
    pub working: Mib,
    /// In use by anybody, as the device says.
    pub used: Option<Mib>,
    /// In use by strangers.
    pub others: Mib,
    /// Whether `others` was reckoned from bookings.
    pub others_estimated: bool,
    /// Diffusion jobs that may run at a time.
    pub turns: i32,
    /// Diffusion jobs that have a lease.
    pub turns_taken: i32,
    /// Per cent.
    pub utilisation: Option<i32>,
    /// °C.
    pub temperature: Option<i32>,
    /// Watts that it draws.
    pub power: Option<i32>,
    /// Since when a turn was free without a break; absent while none is.
    pub idle_since: Option<DateTime<Utc>>,
    /// Since when the device can't be used: it is lost, has to be reset or does not answer.
    pub lost_at: Option<DateTime<Utc>>,
    /// Whether an operator has stopped it.
    pub paused: bool,
    /// Models on it.
    pub residents: Vec<ResidentRecord>,
    /// Jobs on it.
    pub leases: Vec<LeaseRecord>,
}

/// A loaded model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ResidentRecord {
    /// Its id.
    pub id: ResidentId,
    /// The worker that holds it.
    pub worker: WorkerId,
    /// What is loaded.
    pub preset: String,
    /// How it is loaded.
    pub context: ContextPlan,
    /// `loading`, `ready` or `evicting`.
    pub state: String,
    /// Booked MiB.
    pub booked: Mib,
    /// Largest use that was seen, in MiB.
    pub observed: Option<Mib>,
    /// When it was granted.
    pub created_at: DateTime<Utc>,
    /// When it was loaded.
    pub loaded_at: Option<DateTime<Utc>>,
    /// When a job last had it.
    pub used_at: DateTime<Utc>,
    /// Seconds since then, by the database's clock.
    pub idle_s: i64,
    /// Whether its preset names other files or flags by now: it takes no further job.
    pub outdated: bool,
}

/// A job on a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LeaseRecord {
    /// The job.
    pub job: JobId,
    /// The grant's number.
    pub fence: Fence,
    /// The worker.
    pub worker: WorkerId,
    /// The model.
    pub resident: ResidentId,
    /// Booked MiB beside the model's.
    pub working: Mib,
    /// Turns taken.
    pub turns: i32,
    /// `granted`, `claimed` or `quarantined`.
    pub state: String,
    /// When it was granted.
    pub granted_at: DateTime<Utc>,
    /// Milliseconds from then to the job's end, as the grant predicted it.
    pub expected_ms: i64,
}

/// One incarnation of a worker process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct WorkerRecord {
    /// Its id.
    pub id: WorkerId,
    /// The machine.
    pub host: String,
    /// Its device.
    pub device: DeviceId,
    /// Its engine.
    pub engine: EngineKind,
    /// Version of its program.
    pub version: String,
    /// Its process.
    pub pid: i32,
    /// `ready`, `draining` or `gone`.
    pub state: String,
    /// Engine children that it may have.
    pub max_children: i32,
    /// Heartbeats so far.
    pub beat: i64,
    /// When it started.
    pub registered_at: DateTime<Utc>,
    /// When its last heartbeat came.
    pub beat_at: DateTime<Utc>,
    /// When it ended or was given up.
    pub gone_at: Option<DateTime<Utc>>,
}

#[derive(sqlx::FromRow)]
pub(crate) struct DeviceRow {
    id: String,
    host: String,
    kind: String,
    name: String,
    total_mib: i64,
    capacity_mib: i64,
    resident_mib: i64,
    working_mib: i64,
    turns: i32,
    turns_taken: i32,
    used_mib: Option<i64>,
    others_mib: i64,
    others_estimated: bool,
    utilisation: Option<i32>,
    temperature: Option<i32>,
    power_watts: Option<i32>,
    idle_since: Option<DateTime<Utc>>,
    lost_at: Option<DateTime<Utc>>,
    paused: bool,
}

#[derive(sqlx::FromRow)]
struct ResidentRow {
    id: Uuid,
    worker_id: Uuid,
    device_id: String,
    preset: String,
    context_plan: String,
    state: String,
    booked_mib: i64,
    observed_mib: Option<i64>,
    created_at: DateTime<Utc>,
    loaded_at: Option<DateTime<Utc>>,
    used_at: DateTime<Utc>,
    idle_s: i64,
    outdated: bool,
}

#[derive(sqlx::FromRow)]
struct LeaseRow {
    job_id: Uuid,
    fence: i64,
    worker_id: Uuid,
    device_id: String,
    resident_id: Uuid,
    working_mib: i64,
    turns: i32,
    state: String,
    granted_at: DateTime<Utc>,
    expected_ms: i64,
}

#[derive(sqlx::FromRow)]
struct WorkerRow {
    id: Uuid,
    host: String,
    device_id: String,
    engine: String,
    version: String,
    pid: i32,
    state: String,
    max_children: i32,
    beat: i64,
    registered_at: DateTime<Utc>,
    beat_at: DateTime<Utc>,
    gone_at: Option<DateTime<Utc>>,
}

impl TryFrom<WorkerRow> for WorkerRecord {
    type Error = StoreError;

    fn try_from(worker: WorkerRow) -> Result<Self> {
        Ok(Self {
            id: WorkerId(worker.id),
            host: worker.host,
            device: DeviceId(worker.device_id),
            engine: row::engine(&worker.engine)?,
            version: worker.version,
            pid: worker.pid,
            state: worker.state,
            max_children: worker.max_children,
            beat: worker.beat,
            registered_at: worker.registered_at,
            beat_at: worker.beat_at,
            gone_at: worker.gone_at,
        })
    }
}

impl DeviceRow {
    /// Every device, with what is booked on it.
    pub(crate) async fn all(tx: &mut PgConnection) -> Result<Vec<DeviceRecord>> {
        let devices: Vec<Self> = sqlx::query_as(
            "SELECT *, EXISTS (SELECT FROM pauses WHERE scope = 'device' AND pauses.name = devices.id) AS paused
             FROM devices ORDER BY id",
        )
        .fetch_all(&mut *tx)
        .await?;
        let residents: Vec<ResidentRow> = sqlx::query_as(
            "SELECT residents.*, greatest(0, extract(epoch FROM now() - used_at))::bigint AS idle_s,
                    presets.signature <> residents.signature OR retired_at IS NOT NULL AS outdated
             FROM residents JOIN presets ON presets.name = preset ORDER BY residents.created_at, id",
        )
        .fetch_all(&mut *tx)
        .await?;
        let leases: Vec<LeaseRow> =
            sqlx::query_as("SELECT * FROM leases ORDER BY granted_at, job_id")
                .fetch_all(tx)
                .await?;
        devices
            .into_iter()
            .map(|device| device.with(&residents, &leases))
            .collect()
    }

    fn with(self, residents: &[ResidentRow], leases: &[LeaseRow]) -> Result<DeviceRecord> {
        Ok(DeviceRecord {
            residents: residents
                .iter()
                .filter(|resident| resident.device_id == self.id)
                .map(ResidentRow::record)
                .collect::<Result<_>>()?,
            leases: leases
                .iter()
                .filter(|lease| lease.device_id == self.id)
                .map(LeaseRow::record)
                .collect(),
            id: DeviceId(self.id),
            host: self.host,
            kind: self.kind,
            name: self.name,
            total: Mib(self.total_mib),
            capacity: Mib(self.capacity_mib),
            resident: Mib(self.resident_mib),
            working: Mib(self.working_mib),
            used: self.used_mib.map(Mib),
            others: Mib(self.others_mib),
            others_estimated: self.others_estimated,
            turns: self.turns,
            turns_taken: self.turns_taken,
            utilisation: self.utilisation,
            temperature: self.temperature,
            power: self.power_watts,
            idle_since: self.idle_since,
            lost_at: self.lost_at,
            paused: self.paused,
        })
    }
}

impl ResidentRow {
    fn record(&self) -> Result<ResidentRecord> {
        Ok(ResidentRecord {
            id: ResidentId(self.id),
            worker: WorkerId(self.worker_id),
            preset: self.preset.clone(),
            context: row::context_plan(&self.context_plan)?,
            state: self.state.clone(),
            booked: Mib(self.booked_mib),
            observed: self.observed_mib.map(Mib),
            created_at: self.created_at,
            loaded_at: self.loaded_at,
            used_at: self.used_at,
            idle_s: self.idle_s,
            outdated: self.outdated,
        })
    }
}

impl LeaseRow {
    fn record(&self) -> LeaseRecord {
        LeaseRecord {
            job: JobId(self.job_id),
            fence: Fence(self.fence),
            worker: WorkerId(self.worker_id),
            resident: ResidentId(self.resident_id),
            working: Mib(self.working_mib),
            turns: self.turns,
            state: self.state.clone(),
            granted_at: self.granted_at,
            expected_ms: self.expected_ms,
        }
    }
}

impl Store {
    /// Every device, with what is booked on it.
    ///
    /// # Errors
    /// The database's.
    pub async fn devices(&self) -> Result<Vec<DeviceRecord>> {
        retrying!(self.devices_once())
    }

    async fn devices_once(&self) -> Result<Vec<DeviceRecord>> {
        let mut tx = self.pool.begin().await?;
        sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            .execute(&mut *tx)
            .await?;
        DeviceRow::all(&mut tx).await
    }

    /// Workers: those that live, then those that ended, newest first, at most `limit`.
    ///
    /// # Errors
    /// The database's.
    pub async fn workers(&self, limit: i64) -> Result<Vec<WorkerRecord>> {
        let rows: Vec<WorkerRow> = sqlx::query_as(
            "SELECT * FROM workers ORDER BY (state = 'gone'), registered_at DESC, id DESC LIMIT $1",
        )
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(WorkerRecord::try_from).collect()
    }

    /// The worker of this id.
    ///
    /// # Errors
    /// The database's.
    pub async fn worker(&self, id: WorkerId) -> Result<Option<WorkerRecord>> {
        let row: Option<WorkerRow> = sqlx::query_as("SELECT * FROM workers WHERE id = $1")
            .bind(id.0)
            .fetch_optional(&self.pool)
            .await?;
        row.map(WorkerRecord::try_from).transpose()
    }
}
