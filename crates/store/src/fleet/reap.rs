//! A worker that no longer beats: its jobs run elsewhere, its memory stays booked until its children are proven dead.

use mystic_domain::{Failure, FailureKind, JobId, JobState, ResidentId, WorkerId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::retrying;
use crate::jobs::JobRow;
use crate::leases::{conclude, give_back, quarantine};
use crate::{JobRecord, Outcome, Result, Spent, Store, ledger};

impl Store {
    /// The beat counter of every worker that isn't gone.
    ///
    /// # Errors
    /// The database's; then the reader's watch starts anew.
    pub async fn beats(&self) -> Result<Vec<(WorkerId, i64)>> {
        let rows: Vec<(Uuid, i64)> =
            sqlx::query_as("SELECT id, beat FROM workers WHERE state <> 'gone'")
                .fetch_all(&self.pool)
                .await?;
        Ok(rows
            .into_iter()
            .map(|(worker, beat)| (WorkerId(worker), beat))
            .collect())
    }

    /// Gives a worker up whose counter still stands at `beat`; returns the jobs that it had, or nothing where it
    /// has beaten since or another scheduler leads.
    ///
    /// # Errors
    /// The database's.
    #[tracing::instrument(name = "db.workers.reap", skip_all, fields(%worker), err(level = "debug"))]
    pub async fn reap(&self, worker: WorkerId, beat: i64) -> Result<Option<Vec<JobId>>> {
        retrying!(self.reap_once(worker, beat))
    }

    async fn reap_once(&self, worker: WorkerId, beat: i64) -> Result<Option<Vec<JobId>>> {
        let mut tx = self.pool.begin().await?;
        let Some(device) = ledger::lock_of_worker(&mut tx, worker).await? else {
            return Ok(None);
        };
        let given_up = sqlx::query(
            "UPDATE workers SET state = 'gone', gone_at = now()
             WHERE id = $1 AND beat = $2 AND state <> 'gone'
               AND ($3::bigint IS NULL OR EXISTS (SELECT FROM leader WHERE epoch = $3))",
        )
        .bind(worker.0)
        .bind(beat)
        .bind(self.epoch)
        .execute(&mut *tx)
        .await?;
        if given_up.rows_affected() == 0 {
            return Ok(None);
        }
        let jobs = release_jobs(&mut tx, worker, None).await?;
        ledger::recount(&mut tx, &device).await?;
        tx.commit().await?;
        Ok(Some(jobs))
    }
}

/// Takes back the jobs of a worker whose row says `gone`, or those on one of its models whose child is dead. Bookings
/// of claimed leases stay, in quarantine.
pub(crate) async fn release_jobs(
    tx: &mut PgConnection,
    worker: WorkerId,
    on: Option<ResidentId>,
) -> Result<Vec<JobId>> {
    let rows: Vec<JobRow> = sqlx::query_as(
        "SELECT * FROM jobs WHERE worker_id = $1 AND state IN ('leased', 'running')
           AND ($2::uuid IS NULL OR resident_id = $2) ORDER BY id FOR NO KEY UPDATE",
    )
    .bind(worker.0)
    .bind(on.map(|resident| resident.0))
    .fetch_all(&mut *tx)
    .await?;
    let mut jobs = Vec::with_capacity(rows.len());
    for row in rows {
        let job = JobRecord::try_from(row)?;
        if job.state == JobState::Leased {
            give_back(tx, &job).await?;
        } else {
            quarantine(tx, job.id, job.fence).await?;
            let failure = Failure::new(
                FailureKind::WorkerLost,
                match on {
                    None => format!("worker {worker} vanished during attempt {}", job.attempt),
                    Some(_) => format!("worker {worker} gave attempt {} up", job.attempt),
                },
            );
            conclude(tx, &job, &Outcome::Failed(failure), Spent::default()).await?;
        }
        jobs.push(job.id);
    }
    Ok(jobs)
}
