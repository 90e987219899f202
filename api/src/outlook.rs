//! What is expected of jobs that wait: the scheduler's own decisions, played forward.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use mystic_domain::{DeviceId, JobId, Mib, Pause, Plan, WaitReason};
use mystic_ledger::{Action, Forecast, Ledger, Start};
use mystic_store::{NewJob, QueuedJob, Snapshot, Store, StoreError};
use serde::Serialize;
use tokio::sync::{Mutex, OnceCell};
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use utoipa::ToSchema;
use uuid::Uuid;

/// Queued jobs of each engine that are looked at; what lies further back is told its place alone.
const LIMIT: i64 = 1000;
/// How old the ledger may be that is foretold from.
const FRESH: Duration = Duration::from_secs(1);

/// Where, how and when a job is expected to run.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Estimate {
    /// The device.
    pub device: DeviceId,
    /// The plan.
    pub plan: Plan,
    /// MiB of model and job together.
    pub need: Mib,
    /// Seconds from now to its start.
    pub start_in_s: f64,
    /// Seconds from its start to its end, the model's load included.
    pub run_s: f64,
}

/// What is expected of a job that waits.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Outlook {
    /// Queued jobs that start before it.
    pub position: i64,
    /// Why it has to wait; null where it could start now.
    pub wait_reason: Option<WaitReason>,
    /// Its start and end; null where they lie too far ahead, or nothing that is known of lets it start.
    pub estimate: Option<Estimate>,
}

/// The ledger as it was a moment ago, for all who ask.
#[derive(Clone, Default)]
pub struct Outlooks {
    last: Arc<Mutex<Option<Read>>>,
}

/// A model that is being loaded for a job.
#[derive(Debug)]
pub struct Load {
    /// Where.
    pub device: DeviceId,
    /// What.
    pub preset: String,
    /// The job.
    pub job: JobId,
}

/// A ledger and when it was read.
#[derive(Clone)]
struct Read {
    at: Instant,
    snapshot: Arc<Snapshot>,
    /// What is expected of the queue's head, told at most once.
    head: Arc<OnceCell<Arc<Head>>>,
}

/// The queue as it will be worked off.
#[derive(Debug, Default)]
pub struct Head {
    /// Jobs that may be granted now, in the order in which they will start.
    pub order: Vec<JobId>,
    /// The starts of the first of them; one that lies too far ahead is absent.
    pub starts: HashMap<JobId, Estimate>,
}

/// Jobs at the queue's head whose starts are told.
const FORESEEN: usize = 100;

impl Outlooks {
    /// The ledger, read anew where it is not fresh, or lacks this job.
    async fn read(&self, store: &Store, job: Option<JobId>) -> Result<Read, StoreError> {
        let mut last = self.last.lock().await;
        if let Some(read) = &*last
            && read.at.elapsed() < FRESH
            && job.is_none_or(|job| read.snapshot.queued.iter().any(|queued| queued.id == job))
        {
            return Ok(read.clone());
        }
        let at = Instant::now();
        let snapshot = Arc::new(store.snapshot(LIMIT).await?);
        let read = last.insert(Read {
            at,
            snapshot,
            head: Arc::default(),
        });
        Ok(read.clone())
    }

    /// What is expected of a queued job; none where it is not among those that may be granted now.
    ///
    /// # Errors
    /// The database's.
    pub async fn of(&self, store: &Store, job: JobId) -> Result<Option<Forecast>, StoreError> {
        let Read { snapshot, .. } = self.read(store, Some(job)).await?;
        Ok(aside(move || Ledger::of(&snapshot).forecast(job)).await)
    }

    /// What would be expected of a job if it were submitted now.
    ///
    /// # Errors
    /// The database's.
    pub async fn of_new(&self, store: &Store, new: &NewJob) -> Result<Option<Outlook>, StoreError> {
        let Read { snapshot, .. } = self.read(store, None).await?;
        if let Some(by) = stopped(&snapshot, new) {
            return Ok(Some(Outlook {
                position: place(snapshot.queued.len()),
                wait_reason: Some(WaitReason::Paused { by }),
                estimate: None,
            }));
        }
        let mut with = Snapshot::clone(&snapshot);
        with.queued.push(QueuedJob {
            id: new.id,
            kind: new.params.kind(),
            preset: new.preset.clone(),
            owner: new.owner.clone(),
            images_left: new.params.images(),
            params: new.params.clone(),
            priority: new.priority,
            queued_at: with.now.max(new.not_before.unwrap_or(with.now)),
            ahead_ms: None,
            plan: Plan::default(),
            wait_reason: None,
        });
        let job = new.id;
        Ok(aside(move || foretold(&with, job)).await)
    }

    /// The models that are being loaded for jobs.
    ///
    /// # Errors
    /// The database's.
    pub async fn loads(&self, store: &Store) -> Result<Vec<Load>, StoreError> {
        let Read { snapshot, .. } = self.read(store, None).await?;
        let devices = snapshot.devices.iter();
        let loads = devices.flat_map(|device| {
            let models = device.residents.iter();
            let loading = models.filter(|model| model.state == "loading");
            loading.filter_map(|model| {
                let mut leases = device.leases.iter();
                let lease = leases.find(|lease| lease.resident == model.id)?;
                Some(Load {
                    device: device.id.clone(),
                    preset: model.preset.clone(),
                    job: lease.job,
                })
            })
        });
        Ok(loads.collect())
    }

    /// The queue as it will be worked off.
    ///
    /// # Errors
    /// The database's.
    pub async fn head(&self, store: &Store) -> Result<Arc<Head>, StoreError> {
        let Read { snapshot, head, .. } = self.read(store, None).await?;
        let told = async || Arc::new(aside(move || Head::of(&snapshot)).await);
        Ok(Arc::clone(head.get_or_init(told).await))
    }
}

impl Head {
    fn of(snapshot: &Snapshot) -> Self {
        let line = Ledger::of(snapshot).line(FORESEEN);
        Self {
            order: line.order().collect(),
            starts: line
                .starts
                .into_iter()
                .map(|(job, start)| (job, start.into()))
                .collect(),
        }
    }
}

/// What an operator has stopped that the job falls under.
fn stopped(snapshot: &Snapshot, new: &NewJob) -> Option<Pause> {
    let mut pauses = snapshot.pauses.iter().map(|record| &record.pause);
    let stopped = pauses.find(|pause| pause.covers(&new.owner, &new.preset));
    stopped.cloned()
}

/// The job's forecast, and why it would have to wait.
fn foretold(snapshot: &Snapshot, job: JobId) -> Option<Outlook> {
    let ledger = Ledger::of(snapshot);
    let forecast = ledger.forecast(job)?;
    let mut actions = ledger.decide(Uuid::now_v7).into_iter();
    let mut wait_reason = actions.find_map(|action| match action {
        Action::Wait(wait) if wait.job == job => Some(wait.reason),
        _ => None,
    });
    tell_place(&mut wait_reason, forecast.position);
    Some(Outlook {
        position: place(forecast.position),
        wait_reason,
        estimate: forecast.start.map(Estimate::from),
    })
}

/// Tells who waits behind others how many start before it: noted was how many were due before it, give or take.
pub fn tell_place(reason: &mut Option<WaitReason>, position: usize) {
    if let Some(WaitReason::Behind { n }) = reason {
        *n = u32::try_from(position).unwrap_or(u32::MAX);
    }
}

/// A place in the queue as answers have it.
pub fn place(position: usize) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

/// Off the threads that answer: a long queue takes a moment.
async fn aside<T: Default + Send + 'static>(look: impl FnOnce() -> T + Send + 'static) -> T {
    spawn_blocking(look).await.unwrap_or_default()
}

impl From<Start> for Estimate {
    fn from(start: Start) -> Self {
        Self {
            device: start.device,
            plan: start.plan,
            need: start.need,
            start_in_s: start.after.as_secs_f64(),
            run_s: start.runs.as_secs_f64(),
        }
    }
}
