//! Somebody moves a waiting job in the queue.

use mystic_domain::{JobId, JobState};

use super::{JobRecord, JobRow};
use crate::error::retrying;
use crate::{Result, Store, events, row};

/// What became of a change of priority.
#[derive(Clone, Debug, PartialEq)]
pub enum Reprioritised {
    /// There is no such job.
    NotFound,
    /// It waits with the new priority.
    Queued(Box<JobRecord>),
    /// The job does not wait; it stays as it is.
    NotQueued(JobState),
}

impl Store {
    /// Gives a queued job another priority, from −100 to 100.
    ///
    /// # Errors
    /// The database's.
    #[tracing::instrument(name = "db.jobs.reprioritise", skip(self), fields(job = %id), err(level = "debug"))]
    pub async fn reprioritise(&self, id: JobId, priority: i16) -> Result<Reprioritised> {
        retrying!(self.reprioritise_once(id, priority))
    }

    async fn reprioritise_once(&self, id: JobId, priority: i16) -> Result<Reprioritised> {
        let mut tx = self.pool.begin().await?;
        let changed: Option<JobRow> = sqlx::query_as(
            "UPDATE jobs SET priority = $2 WHERE id = $1 AND state = 'queued' RETURNING *",
        )
        .bind(id.0)
        .bind(priority)
        .fetch_optional(&mut *tx)
        .await?;
        if let Some(job) = changed {
            let data = serde_json::json!({ "priority": priority });
            events::record(&mut tx, id, "reprioritised", data).await?;
            tx.commit().await?;
            return Ok(Reprioritised::Queued(Box::new(job.try_into()?)));
        }
        let state: Option<String> = sqlx::query_scalar("SELECT state FROM jobs WHERE id = $1")
            .bind(id.0)
            .fetch_optional(&mut *tx)
            .await?;
        Ok(match state {
            None => Reprioritised::NotFound,
            Some(state) => Reprioritised::NotQueued(row::state(&state)?),
        })
    }
}
