//! Everything of a history that can be seen from outside, as the database has it and as the model has it; and what
//! holds of it whatever the model says.

use std::collections::{BTreeMap, BTreeSet};

use mystic_domain::{DeviceId, FailureKind, Fence, JobId, JobState, Plan, ResidentId, WorkerId};
use serde::Deserialize;
use sqlx::PgPool;

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct State {
    pub jobs: BTreeMap<JobId, Job>,
    pub devices: BTreeMap<DeviceId, Device>,
    pub workers: BTreeMap<WorkerId, Worker>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Job {
    pub state: JobState,
    pub fence: Fence,
    pub attempt: i32,
    pub attempts_before: i32,
    pub engine_deaths: i32,
    pub plan: Plan,
    pub images_done: i32,
    pub helps: Option<JobId>,
    /// The place of the picture that it has begun.
    pub picture: Option<i32>,
    pub worker: Option<WorkerId>,
    pub resident: Option<ResidentId>,
    pub cancel: bool,
    /// Its back-off is not over.
    pub waits: bool,
    pub error: Option<FailureKind>,
    pub events: Vec<String>,
    /// Number of its newest event.
    pub last_event: usize,
    pub attempts: Vec<Attempt>,
    /// Index, attempt and state of the tags of each picture, and the helper that drew it.
    pub images: Vec<(i32, i32, String, Option<JobId>)>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Attempt {
    pub fence: Fence,
    pub worker: WorkerId,
    pub outcome: Option<String>,
    pub error: Option<FailureKind>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Device {
    pub capacity: i64,
    pub turns: i32,
    pub resident_mib: i64,
    pub working_mib: i64,
    pub turns_taken: i32,
    pub others: i64,
    pub lost: bool,
    pub residents: BTreeMap<ResidentId, Resident>,
    pub leases: Vec<Lease>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Resident {
    pub worker: WorkerId,
    pub preset: String,
    pub state: String,
    pub booked: i64,
    pub preload: bool,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Lease {
    pub job: JobId,
    pub fence: Fence,
    pub worker: WorkerId,
    pub resident: ResidentId,
    pub state: String,
    pub working: i64,
    pub turns: i32,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Worker {
    pub state: String,
    pub beat: i64,
    /// Presets that it failed to preload.
    pub failed: BTreeSet<String>,
}

const READ: &str = "
    SELECT jsonb_build_object(
        'jobs', (SELECT coalesce(jsonb_object_agg(jobs.id, jsonb_build_object(
                'state', state, 'fence', fence, 'attempt', attempt, 'attempts_before', attempts_before,
                'engine_deaths', engine_deaths, 'plan', plan, 'images_done', images_done, 'helps', helps,
                'picture', picture, 'worker', worker_id,
                'resident', resident_id, 'cancel', cancel_requested_at IS NOT NULL,
                'waits', coalesce(not_before > now(), false), 'error', error -> 'kind',
                'events', (SELECT jsonb_agg(kind ORDER BY number) FROM job_events WHERE job_id = jobs.id),
                'last_event', (SELECT max(number) FROM job_events WHERE job_id = jobs.id),
                'attempts', (SELECT coalesce(jsonb_agg(jsonb_build_object('fence', fence, 'worker', worker_id,
                        'outcome', outcome, 'error', error -> 'kind') ORDER BY attempt), '[]')
                    FROM job_attempts WHERE job_id = jobs.id),
                'images', (SELECT coalesce(jsonb_agg(jsonb_build_array(index, attempt, tags_state, drawn_by) ORDER BY index), '[]')
                    FROM images WHERE job_id = jobs.id))), '{}')
            FROM jobs WHERE owner = $1),
        'devices', (SELECT coalesce(jsonb_object_agg(devices.id, jsonb_build_object(
                'capacity', capacity_mib, 'turns', turns, 'resident_mib', resident_mib, 'working_mib', working_mib,
                'turns_taken', turns_taken, 'others', others_mib, 'lost', lost_at IS NOT NULL,
                'residents', (SELECT coalesce(jsonb_object_agg(id, jsonb_build_object('worker', worker_id,
                        'preset', preset, 'state', state, 'booked', booked_mib, 'preload', preload)), '{}')
                    FROM residents WHERE device_id = devices.id),
                'leases', (SELECT coalesce(jsonb_agg(jsonb_build_object('job', job_id, 'fence', fence,
                        'worker', worker_id, 'resident', resident_id, 'state', state, 'working', working_mib,
                        'turns', turns) ORDER BY job_id, fence), '[]')
                    FROM leases WHERE device_id = devices.id))), '{}')
            FROM devices WHERE id = ANY ($2)),
        'workers', (SELECT coalesce(jsonb_object_agg(id, jsonb_build_object('state', state, 'beat', beat,
                'failed', (SELECT coalesce(jsonb_agg(preset), '[]') FROM worker_presets
                    WHERE worker_id = workers.id AND preload_failed))), '{}')
            FROM workers WHERE device_id = ANY ($2)))";

impl State {
    /// Reads what the database has of an owner's jobs and of these devices.
    pub async fn read(pool: &PgPool, owner: &str, devices: &[&str]) -> Self {
        let state: serde_json::Value = sqlx::query_scalar(READ)
            .bind(owner)
            .bind(devices)
            .fetch_one(pool)
            .await
            .expect("the state is read");
        serde_json::from_value(state).expect("a state")
    }

    /// What is there, for counting.
    pub fn words(&self) -> impl Iterator<Item = String> {
        let leases = self.devices.values().flat_map(|device| &device.leases);
        let leases = leases.map(|lease| format!("lease {}", lease.state));
        let jobs = self.jobs.values();
        let events = jobs.clone().flat_map(|job| &job.events);
        let events = events.map(|event| format!("event {event}"));
        let attempts = jobs.flat_map(|job| &job.attempts);
        let outcomes = attempts.filter_map(|attempt| attempt.outcome.as_ref());
        let outcomes = outcomes.map(|outcome| format!("outcome {outcome}"));
        leases.chain(events).chain(outcomes)
    }

    /// What holds after any history, each with the words for its absence.
    pub fn broken_promise(&self) -> Option<String> {
        for (id, device) in &self.devices {
            let booked: i64 = device.residents.values().map(|model| model.booked).sum();
            let working: i64 = device.leases.iter().map(|lease| lease.working).sum();
            let turns: i32 = device.leases.iter().map(|lease| lease.turns).sum();
            if (booked, working, turns)
                != (device.resident_mib, device.working_mib, device.turns_taken)
            {
                return Some(format!("{id}: a counter is not the sum of its rows"));
            }
            if booked + working > device.capacity || turns > device.turns {
                return Some(format!("{id}: over-committed"));
            }
        }
        let leases = || self.devices.values().flat_map(|device| &device.leases);
        for (id, job) in &self.jobs {
            let live = leases().filter(|lease| lease.job == *id && lease.state != "quarantined");
            let live: Vec<&Lease> = live.collect();
            match job.state {
                JobState::Leased | JobState::Running => {
                    let its = |lease: &&Lease| {
                        (Some(lease.worker), Some(lease.resident), lease.fence)
                            == (job.worker, job.resident, job.fence)
                    };
                    if live.len() != 1 || !live.iter().all(its) {
                        return Some(format!("{id}: held without its lease"));
                    }
                    let worker = job.worker.and_then(|worker| self.workers.get(&worker));
                    if worker.is_none_or(|worker| worker.state == "gone") {
                        return Some(format!("{id}: held by nobody"));
                    }
                }
                _ if !live.is_empty() => return Some(format!("{id}: a lease without its job")),
                _ => {}
            }
            if let Some(broken) = job.broken_promise() {
                return Some(format!("{id}: {broken}"));
            }
            let drawn = match job.helps {
                None => job.images.len(),
                Some(of) => {
                    let images = self.jobs[&of].images.iter();
                    images.filter(|(.., by)| *by == Some(*id)).count()
                }
            };
            if usize::try_from(job.images_done) != Ok(drawn) {
                return Some(format!("{id}: pictures are not counted"));
            }
            if job.helps.is_some() && job.state == JobState::Queued {
                return Some(format!("{id}: a helper is queued"));
            }
        }
        None
    }
}

impl Job {
    fn broken_promise(&self) -> Option<&'static str> {
        let open = self.attempts.iter().filter(|a| a.outcome.is_none()).count();
        if open != usize::from(self.state == JobState::Running) {
            return Some("an attempt is open that doesn't run, or runs and is not open");
        }
        if usize::try_from(self.attempt) != Ok(self.attempts.len()) {
            return Some("attempts are not counted");
        }
        let rising = |fences: &[Attempt]| fences.is_sorted_by(|a, b| a.fence < b.fence);
        if !rising(&self.attempts) {
            return Some("two attempts under one fence");
        }
        if self.last_event != self.events.len() {
            return Some("events are not numbered without gaps");
        }
        // After its end a job says nothing but that it is queued again, or that its pictures were tagged.
        let mut ended = false;
        for event in &self.events {
            match event.as_str() {
                "queued" => ended = false,
                "tagged" => {}
                _ if ended => return Some("something happened after the end"),
                "succeeded" | "failed" | "cancelled" => ended = true,
                _ => {}
            }
        }
        (ended != self.state.is_terminal())
            .then_some("its end is not among its events, or is and is not its state")
    }
}
