use apalis::prelude::TaskBuilder;
use apalis_redis::queries::push_tasks;
use metrics::counter;
use mystic_domain::{Fence, JobId, WorkerId};
use redis::pipe;
use serde::{Deserialize, Serialize};
use tracing::debug;

use crate::keys::Line;
use crate::{Queue, QueueError};

/// How many tickets "submitted" holds; past that the scheduler's tick finds the jobs. apalis' fetch script unpacks a
/// whole queue onto Lua's stack and fails for good at 8,000.
pub const SUBMITTED_BOUND: u64 = 2_000;

/// How many tickets one worker's queue holds; past that its heartbeat tells it what it was assigned.
pub const RUN_BOUND: u64 = 64;

/// Tells a worker that a job was leased to it. The lease itself is in Postgres; the worker claims it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RunTicket {
    /// The job to claim.
    pub job: JobId,
    /// The fence of the grant: a claim under another one finds nothing.
    pub fence: Fence,
}

/// How many tickets wait.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Depths {
    /// Tickets that the scheduler has not seen.
    pub submitted: u64,
    /// Tickets per worker that it has not seen; workers without a queue are absent.
    pub run: Vec<(WorkerId, u64)>,
}

impl Queue {
    /// Tells the scheduler to look at `job`; false when the queue is full and the hint was dropped.
    ///
    /// # Errors
    /// [`QueueError`] when Redis did not take it within the publish timeout: a lost hint, nothing more.
    pub async fn submit(&self, job: JobId) -> Result<bool, QueueError> {
        self.push(Line::Submitted, SUBMITTED_BOUND, &job).await
    }

    /// Tells `worker` to claim a lease; false when its queue is full and the hint was dropped.
    ///
    /// # Errors
    /// [`QueueError`] when Redis did not take it within the publish timeout: a lost hint, nothing more.
    pub async fn dispatch(&self, worker: WorkerId, ticket: RunTicket) -> Result<bool, QueueError> {
        self.push(Line::Run(worker), RUN_BOUND, &ticket).await
    }

    /// How many tickets wait in each queue.
    ///
    /// # Errors
    /// [`QueueError`] when Redis did not answer within the publish timeout.
    pub async fn depths(&self) -> Result<Depths, QueueError> {
        let workers = self.run_workers().await?;
        let lines: Vec<Line> = std::iter::once(Line::Submitted)
            .chain(workers.iter().copied().map(Line::Run))
            .collect();
        let mut ask = pipe();
        for line in &lines {
            let config = self.inner.keys.config(*line);
            ask.zcard(config.scheduled_jobs_set())
                .llen(config.active_jobs_list());
        }
        let counts: Vec<u64> = self
            .hint(|mut connection| {
                let ask = &ask;
                async move { Ok(ask.query_async(&mut connection).await?) }
            })
            .await?;
        let mut sums = counts.chunks(2).map(|pair| pair.iter().sum());
        Ok(Depths {
            submitted: sums.next().unwrap_or(0),
            run: workers.into_iter().zip(sums).collect(),
        })
    }

    async fn push(
        &self,
        line: Line,
        bound: u64,
        ticket: &impl Serialize,
    ) -> Result<bool, QueueError> {
        let payload = serde_json::to_vec(ticket)?;
        let config = self.inner.keys.config(line);
        let nudge = self.inner.keys.nudge_channel(line);
        let mut ask = pipe();
        ask.zcard(config.scheduled_jobs_set())
            .llen(config.active_jobs_list());
        if let Line::Run(worker) = line {
            ask.sadd(self.inner.keys.run_workers(), worker.to_string())
                .ignore();
        }
        let sent = self
            .hint(|mut connection| {
                let (ask, config, nudge) = (&ask, &config, &nudge);
                // A fresh id each time: apalis swallows a repeated one.
                let task = TaskBuilder::new(payload.clone()).build();
                async move {
                    let (scheduled, active): (u64, u64) = ask.query_async(&mut connection).await?;
                    if scheduled + active >= bound {
                        return Ok(false);
                    }
                    push_tasks(&mut connection, config, &[task]).await?;
                    redis::cmd("PUBLISH")
                        .arg(nudge)
                        .arg(1)
                        .exec_async(&mut connection)
                        .await?;
                    Ok(true)
                }
            })
            .await;
        let outcome = match &sent {
            Ok(true) => "sent",
            Ok(false) => "dropped",
            Err(_) => "failed",
        };
        counter!("mystic_queue_published_total", "queue" => line.label(), "outcome" => outcome)
            .increment(1);
        if outcome == "dropped" {
            debug!(queue = %line, bound, "the queue is full, the ticket is dropped");
        }
        sent
    }
}
