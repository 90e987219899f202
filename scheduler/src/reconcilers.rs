//! Each reconciler makes one thing true. It takes no input, may run at any time and beside another scheduler's, and
//! runs on a signal and on a timer: a lost signal costs latency, never correctness.

mod audit;
mod cleanup;
mod dispatch;
mod expire;
mod learn;
mod reap;
mod rehint;
mod strays;

use std::sync::Arc;
use std::time::Duration;

use mystic_process::{Config, Shutdown};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tracing::Instrument;

pub use audit::Audit;
pub use cleanup::Cleanup;
pub use dispatch::Dispatch;
pub use expire::Expire;
pub use learn::Learn;
pub use reap::Reap;
pub use rehint::Rehint;
pub use strays::Strays;

use crate::Hints;
use crate::boot::{BootError, Services};

/// At most so many passes a second, however many signals come.
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);
/// How long a reconciler that fails waits at most before it tries again.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How often files and Redis keys are cleaned up when nothing asks for it.
const CLEANUP: Duration = Duration::from_mins(1);
/// How often what has ended is learned from.
const LEARN: Duration = Duration::from_secs(5);
/// How often a part of the files is looked at.
const LOOK: Duration = Duration::from_secs(10);
/// Tickets of submitted jobs that may wait for the dispatcher; each says only "look".
const SUBMITTED: usize = 64;

/// Why a run ended early. The next one takes up what is left.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Postgres.
    #[error(transparent)]
    Store(#[from] mystic_store::StoreError),
    /// Redis.
    #[error(transparent)]
    Queue(#[from] mystic_queue::QueueError),
    /// The files.
    #[error("the store of files: {0}")]
    Files(#[from] object_store::Error),
    /// The directory that they are in.
    #[error("store.outputs: {0}")]
    Outputs(#[from] std::io::Error),
}

/// Makes one thing true.
pub trait Reconcile: Send {
    /// Its name in logs and metrics.
    const NAME: &'static str;

    /// Looks, and does what is to be done now.
    ///
    /// # Errors
    /// What it depends on is away; what was done until then stays done.
    fn run(&mut self) -> impl Future<Output = Result<(), RunError>> + Send;
}

/// Counts something that a reconciler did.
fn acted<R: Reconcile>(action: &'static str) {
    metrics::counter!("mystic_reconcile_actions_total", "reconciler" => R::NAME, "action" => action)
        .increment(1);
}

/// Runs all reconcilers until the shutdown.
///
/// # Errors
/// [`BootError::Reconciler`]: one of them panicked.
pub async fn run(
    services: Services,
    config: &Config,
    shutdown: &Shutdown,
) -> Result<(), BootError> {
    let Services {
        store,
        queue,
        outputs,
    } = services;
    let tick = config.scheduler.tick;
    let [work, granted, fleet] = [(); 3].map(|()| Arc::new(Notify::new()));
    let quiet = || Arc::new(Notify::new());
    let hints = Hints::start(queue.clone());
    let mut tasks = JoinSet::new();

    let dispatch = Dispatch::new(
        store.clone(),
        hints.clone(),
        config.worker.idle_unload,
        Arc::clone(&granted),
    );
    tasks.spawn(drive(dispatch, tick, Arc::clone(&work), shutdown.clone()));
    let expire = Expire::new(store.clone(), config.scheduler.unclaimed_lease);
    tasks.spawn(drive(expire, tick, Arc::clone(&granted), shutdown.clone()));
    // A worker that fell silent sends no signal.
    let reap = Reap::new(
        store.clone(),
        config.lease_times().reap(),
        Arc::clone(&fleet),
    );
    tasks.spawn(drive(reap, tick, quiet(), shutdown.clone()));
    let rehint = Rehint::new(store.clone(), queue.clone());
    tasks.spawn(drive(rehint, tick, quiet(), shutdown.clone()));
    let unused = config.store.collect_after;
    let cleanup = Cleanup::new(store.clone(), queue.clone(), outputs.clone(), unused);
    tasks.spawn(drive(cleanup, CLEANUP, fleet, shutdown.clone()));
    let strays = Strays::new(store.clone(), outputs.clone(), unused);
    tasks.spawn(drive(strays, LOOK, quiet(), shutdown.clone()));
    let learn = Learn::new(store.clone());
    tasks.spawn(drive(learn, LEARN, quiet(), shutdown.clone()));
    let audit = Audit::new(store.clone(), outputs);
    tasks.spawn(drive(audit, LOOK, quiet(), shutdown.clone()));

    let mut submitted = queue.consume_submitted(SUBMITTED, shutdown.drain_token());
    let mut wakeups = store.wakeups();
    let stopping = shutdown.clone();
    tasks.spawn(async move {
        loop {
            tokio::select! {
                () = stopping.draining() => return,
                _ = wakeups.next() => {}
                Some(_) = submitted.recv() => {}
            }
            work.notify_one();
        }
    });

    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a reconciler died");
            return Err(BootError::Reconciler);
        }
    }
    Ok(())
}

/// Runs a reconciler on each signal and every `tick`, until the drain; what runs then is finished. A signal that comes
/// during a run is kept for the next: the run may have looked before it.
pub async fn drive<R: Reconcile>(
    mut reconciler: R,
    tick: Duration,
    signal: Arc<Notify>,
    shutdown: Shutdown,
) {
    let mut failures = 0_u32;
    while !shutdown.is_draining() {
        let armed = signal.notified();
        let began = Instant::now();
        let result = reconciler
            .run()
            .instrument(tracing::info_span!("reconcile", reconciler = R::NAME))
            .await;
        let outcome = if result.is_ok() { "ok" } else { "error" };
        metrics::counter!("mystic_reconcile_runs_total", "reconciler" => R::NAME, "outcome" => outcome)
            .increment(1);
        metrics::histogram!("mystic_reconcile_seconds", "reconciler" => R::NAME)
            .record(began.elapsed());
        let pause = async {
            match result {
                Ok(()) => {
                    if failures > 0 {
                        tracing::info!(reconciler = R::NAME, failures, "reconciler works again");
                    }
                    failures = 0;
                    // A burst of signals makes one pass.
                    sleep_until(began + SHORTEST_PAUSE).await;
                    let _ = timeout(tick, armed).await;
                }
                Err(error) => {
                    if failures == 0 {
                        tracing::warn!(reconciler = R::NAME, %error, "reconciler failed, will try again");
                    }
                    let pause = tick.saturating_mul(1 << failures.min(8)).min(LONGEST_PAUSE);
                    failures += 1;
                    sleep(pause).await;
                }
            }
        };
        tokio::select! {
            () = shutdown.draining() => return,
            () = pause => {}
        }
    }
}
