//! Deletes what apalis would keep: it never removes a ticket's payload or metadata, nor a dead consumer's.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use mystic_domain::WorkerId;
use redis::aio::ConnectionManager;
use redis::{RedisError, Script, pipe};
use tracing::debug;

use crate::keys::{Keys, Line};
use crate::submit::{RUN_BOUND, SUBMITTED_BOUND};
use crate::{Queue, QueueError};

static ENLIST: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("../lua/enlist.lua")));
static RETIRE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("../lua/retire.lua")));
static SWEEP: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("../lua/sweep.lua")));
static FORGET: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("../lua/forget.lua")));

/// What [`Queue::cleanup`] deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Queues of workers that are gone.
    pub queues: u64,
    /// Tickets that no consumer holds and no queue lists, and those past a queue's bound.
    pub tickets: u64,
}

impl Queue {
    /// Deletes the queues of all workers but the `live` ones, and stale tickets everywhere. Idempotent; for the
    /// scheduler's reconciler. A queue deleted under a worker that is alive after all heals by itself.
    ///
    /// # Errors
    /// [`QueueError`] when Redis did not answer in time; what was left is found by the next call.
    pub async fn cleanup(&self, live: &[WorkerId]) -> Result<Cleaned, QueueError> {
        let live: BTreeSet<WorkerId> = live.iter().copied().collect();
        let mut cleaned = Cleaned::default();
        cleaned.tickets += self.sweep(Line::Submitted, SUBMITTED_BOUND).await?;
        for worker in self.run_workers().await? {
            if live.contains(&worker) {
                cleaned.tickets += self.sweep(Line::Run(worker), RUN_BOUND).await?;
            } else {
                self.forget(worker).await?;
                cleaned.queues += 1;
            }
        }
        if cleaned != Cleaned::default() {
            debug!(
                queues = cleaned.queues,
                tickets = cleaned.tickets,
                "stale keys are deleted from Redis"
            );
        }
        Ok(cleaned)
    }

    /// The workers that have a queue.
    pub(crate) async fn run_workers(&self) -> Result<Vec<WorkerId>, QueueError> {
        let key = self.inner.keys.run_workers();
        let names: Vec<String> = self
            .hint(|mut connection| {
                let key = &key;
                async move {
                    Ok(redis::cmd("SMEMBERS")
                        .arg(key)
                        .query_async(&mut connection)
                        .await?)
                }
            })
            .await?;
        Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
    }

    async fn sweep(&self, line: Line, bound: u64) -> Result<u64, QueueError> {
        let queue = self.inner.keys.queue(line);
        self.hint(|mut connection| {
            let queue = &queue;
            async move {
                Ok(SWEEP
                    .key(queue)
                    .arg(bound)
                    .invoke_async(&mut connection)
                    .await?)
            }
        })
        .await
    }

    async fn forget(&self, worker: WorkerId) -> Result<(), QueueError> {
        let queue = self.inner.keys.queue(Line::Run(worker));
        let workers = self.inner.keys.run_workers();
        self.hint(|mut connection| {
            let (queue, workers) = (&queue, &workers);
            async move {
                let mut script = FORGET.key(queue);
                Ok(script
                    .key(workers)
                    .arg(worker.to_string())
                    .invoke_async(&mut connection)
                    .await?)
            }
        })
        .await
    }
}

/// Notes a consumer before apalis registers it, so that its keys can be found when its process is gone, and mends what
/// a previous one left behind.
pub(crate) async fn enlist(
    connection: &mut ConnectionManager,
    keys: &Keys,
    line: Line,
    consumer: &str,
) -> Result<(), RedisError> {
    let (queue, bound) = match line {
        Line::Submitted => (keys.queue(line), SUBMITTED_BOUND),
        Line::Run(worker) => {
            let workers = keys.run_workers();
            redis::cmd("SADD")
                .arg(workers)
                .arg(worker.to_string())
                .exec_async(connection)
                .await?;
            (keys.queue(line), RUN_BOUND)
        }
    };
    ENLIST
        .key(&queue)
        .arg(consumer)
        .invoke_async::<()>(connection)
        .await?;
    SWEEP
        .key(&queue)
        .arg(bound)
        .invoke_async::<()>(connection)
        .await
}

/// Deletes a consumer that ended, with the tickets it held: they were forwarded, or are found like any lost hint.
/// Queueing them again would bring back a ticket that kills every consumer.
pub(crate) async fn retire(
    connection: &mut ConnectionManager,
    keys: &Keys,
    line: Line,
    consumer: &str,
) -> Result<(), RedisError> {
    RETIRE
        .key(keys.queue(line))
        .arg(consumer)
        .invoke_async(connection)
        .await
}

/// Deletes a ticket that was handled, wherever it is listed: apalis may have queued it again meanwhile, and a listed
/// ticket without a payload fails the fetch.
pub(crate) async fn settle(
    connection: &mut ConnectionManager,
    keys: &Keys,
    line: Line,
    consumer: &str,
    id: &str,
) -> Result<(), RedisError> {
    let config = keys.config(line);
    pipe()
        .atomic()
        .srem(format!("{}:{consumer}", config.inflight_jobs_set()), id)
        .lrem(config.active_jobs_list(), 0, id)
        .zrem(config.scheduled_jobs_set(), id)
        .hdel(config.job_data_hash(), id)
        .del(format!("{}:{id}", config.job_meta_hash()))
        .exec_async(connection)
        .await
}
