//! An attempt's end. The fence decides whether it counts; a requested cancel decides what it becomes.

use mystic_domain::machine::{self, Event};
use mystic_domain::{
    Enhanced, Failure, FailureKind, Fence, JobId, JobState, Mib, PhaseTimes, Plan, Tried, Verdict,
    WorkerId, verdict,
};
use sqlx::PgConnection;

use super::{end, free, lock_device_of, quarantine, requeue};
use crate::error::retrying;
use crate::jobs::JobRow;
use crate::{JobRecord, Result, Store, events, images, ledger, row};

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Everything exists.
    Succeeded,
    /// The tags that were found, as the model wrote them, with how sure it was.
    Tagged(Vec<(String, f32)>),
    /// The same of a model that saw the picture.
    Seen(Vec<(String, f32)>),
    /// The prompt, written out.
    Enhanced(Enhanced),
    /// It failed; the job's record decides whether another attempt follows.
    Failed(Failure),
    /// It was stopped because an end was asked for.
    Stopped,
    /// The worker gives it back unfinished; the attempt costs nothing but its number.
    HandedBack,
}

/// What an attempt took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Time by phase.
    pub times: PhaseTimes,
    /// The most that its engine child held of the device since the model was loaded; absent where nobody saw.
    pub peak: Option<Mib>,
}

/// What became of a settle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The job is now in this state. A repeat returns the first outcome.
    Done(JobState),
    /// The lease was not this worker's any more; nothing was changed.
    Stale,
}

impl Store {
    /// Ends an attempt.
    ///
    /// `child_alive`: the engine child lives on, so the lease's memory is free at once; otherwise
    /// [`Store::child_gone`] frees it.
    ///
    /// # Errors
    /// The database's; the settle may or may not have been made, so call again.
    #[tracing::instrument(name = "db.leases.settle", skip_all, fields(%job, %worker, %fence), err(level = "debug"))]
    pub async fn settle(
        &self,
        worker: WorkerId,
        job: JobId,
        fence: Fence,
        outcome: &Outcome,
        spent: Spent,
        child_alive: bool,
    ) -> Result<Settled> {
        retrying!(self.settle_once(worker, job, fence, outcome, spent, child_alive))
    }

    async fn settle_once(
        &self,
        worker: WorkerId,
        job: JobId,
        fence: Fence,
        outcome: &Outcome,
        spent: Spent,
        child_alive: bool,
    ) -> Result<Settled> {
        let mut tx = self.pool.begin().await?;
        let device = lock_device_of(&mut tx, job).await?;
        sqlx::query(
            "UPDATE residents SET used_at = now() WHERE id = (SELECT resident_id FROM jobs WHERE id = $1 AND fence = $2)",
        )
        .bind(job.0)
        .bind(fence.0)
        .execute(&mut *tx)
        .await?;
        let held: Option<JobRow> = sqlx::query_as(
            "SELECT * FROM jobs WHERE id = $1 AND worker_id = $2 AND fence = $3 AND state = 'running' FOR NO KEY UPDATE",
        )
        .bind(job.0)
        .bind(worker.0)
        .bind(fence.0)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(held) = held else {
            return first_outcome(&mut tx, worker, job, fence).await;
        };
        let record = JobRecord::try_from(held)?;
        let state = conclude(&mut tx, &record, outcome, spent).await?;
        if child_alive {
            free(&mut tx, job, fence).await?;
        } else {
            quarantine(&mut tx, job, fence).await?;
        }
        if let Some(device) = device {
            ledger::recount(&mut tx, &device).await?;
        }
        tx.commit().await?;
        Ok(Settled::Done(state))
    }
}

/// Moves a locked, running job on and writes its attempt's end and its event.
pub(crate) async fn conclude(
    tx: &mut PgConnection,
    job: &JobRecord,
    outcome: &Outcome,
    spent: Spent,
) -> Result<JobState> {
    let complete = job.images_done == job.images_total;
    let incomplete;
    let outcome = if matches!(outcome, Outcome::Succeeded) && !complete {
        let message = format!("{} of {} pictures exist", job.images_done, job.images_total);
        incomplete = Outcome::Failed(Failure::new(FailureKind::Internal, message));
        &incomplete
    } else {
        outcome
    };
    // What the next attempt may have, if there is one.
    let (mut after_ms, mut plan) = (0, job.plan);
    let (event, failure) = match outcome {
        Outcome::Succeeded | Outcome::Tagged(_) | Outcome::Seen(_) | Outcome::Enhanced(_) => {
            (Event::Succeed, None)
        }
        Outcome::Failed(failure) => match judge(tx, job, failure.kind).await? {
            Verdict::Retry {
                after_ms: wait,
                plan: next,
            } => {
                (after_ms, plan) = (wait, next);
                (Event::Retry, Some(failure))
            }
            Verdict::Fail => (Event::Fail, Some(failure)),
        },
        Outcome::Stopped => (Event::Stopped, None),
        Outcome::HandedBack => (Event::Reap, None),
    };
    // A helper has no second attempt: its picture is its job's again.
    let once = job.helps.is_some() && matches!(event, Event::Retry | Event::Reap);
    let ends = once || job.cancel_requested_at.is_some();
    let state = machine::next(job.state, ends, event)
        .map_err(|illegal| row::unreadable("move", &illegal.to_string()))?;
    match state {
        JobState::Queued => requeue(tx, job.id, failure, after_ms, plan).await?,
        terminal => end(tx, &[job.id], terminal, failure).await?,
    }
    if failure.is_some_and(|failure| failure.kind.is_engine_death()) {
        sqlx::query("UPDATE jobs SET engine_deaths = engine_deaths + 1 WHERE id = $1")
            .bind(job.id.0)
            .execute(&mut *tx)
            .await?;
    }
    if let (JobState::Succeeded, Outcome::Enhanced(enhanced)) = (state, outcome) {
        sqlx::query("UPDATE jobs SET result = $2 WHERE id = $1")
            .bind(job.id.0)
            .bind(row::to_json(enhanced)?)
            .execute(&mut *tx)
            .await?;
    }
    let tags = match outcome {
        Outcome::Tagged(found) => Some(("llm", found)),
        Outcome::Seen(found) => Some(("vlm", found)),
        _ => None,
    };
    if let (JobState::Succeeded, Some((source, found)), Some(image)) =
        (state, tags, job.parent_image)
    {
        images::store_tags(tx, image, job.id, source, found).await?;
    }
    let ended = match state {
        JobState::Succeeded => "succeeded",
        JobState::Cancelled => "cancelled",
        JobState::Failed => "failed",
        _ => "retried",
    };
    sqlx::query(
        "UPDATE job_attempts SET finished_at = now(), outcome = $3, error = $4, times = $5, peak_mib = $6
         WHERE job_id = $1 AND attempt = $2",
    )
    .bind(job.id.0)
    .bind(job.attempt)
    .bind(
        if matches!(failure, Some(f) if f.kind == FailureKind::WorkerLost) {
            "lost"
        } else {
            ended
        },
    )
    .bind(failure.map(row::to_json).transpose()?)
    .bind(row::to_json(&spent.times)?)
    .bind(spent.peak.map(|peak| peak.0))
    .execute(&mut *tx)
    .await?;
    let data = failure.map_or_else(
        || serde_json::json!({}),
        |f| serde_json::json!({ "kind": f.kind, "message": f.message }),
    );
    events::record(tx, job.id, ended, data).await?;
    Ok(state)
}

/// What follows a failure of a running job. Many jobs that failed at once come back spread out, each by its own id.
async fn judge(tx: &mut PgConnection, job: &JobRecord, kind: FailureKind) -> Result<Verdict> {
    let lower = match kind {
        FailureKind::OutOfMemory => {
            let offered = offered(tx, &job.preset).await?;
            job.plan.lower(job.kind.engine(), &offered)
        }
        _ => None,
    };
    let tried = Tried {
        attempt: job.attempt - job.attempts_before,
        max_attempts: job.max_attempts,
        engine_deaths: job.engine_deaths + i32::from(kind.is_engine_death()),
        plan: job.plan,
        lower,
    };
    let [.., random] = *job.id.0.as_bytes();
    Ok(verdict(kind, tried, f64::from(random) / 255.0))
}

/// The plans that the living workers offer for a preset between them.
async fn offered(tx: &mut PgConnection, preset: &str) -> Result<Vec<Plan>> {
    let names: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT unnest(plans) FROM worker_presets JOIN workers ON workers.id = worker_id
         WHERE preset = $1 AND problem IS NULL AND state <> 'gone'",
    )
    .bind(preset)
    .fetch_all(tx)
    .await?;
    row::plans(&names)
}

/// A repeated settle gets the first one's answer.
async fn first_outcome(
    tx: &mut PgConnection,
    worker: WorkerId,
    job: JobId,
    fence: Fence,
) -> Result<Settled> {
    let outcome: Option<String> = sqlx::query_scalar(
        "SELECT outcome FROM job_attempts WHERE job_id = $1 AND worker_id = $2 AND fence = $3 AND outcome IS NOT NULL",
    )
    .bind(job.0)
    .bind(worker.0)
    .bind(fence.0)
    .fetch_optional(tx)
    .await?;
    Ok(match outcome.as_deref() {
        Some("succeeded") => Settled::Done(JobState::Succeeded),
        Some("failed") => Settled::Done(JobState::Failed),
        Some("cancelled") => Settled::Done(JobState::Cancelled),
        Some("retried") => Settled::Done(JobState::Queued),
        _ => Settled::Stale,
    })
}
