//! Nothing is lost: whole stacks under faults, and what must hold of them whatever breaks.
//!
//! A run is drawn from its seed: what clients submit and cancel, what goes wrong and when, and how engines behave.
//! Every process is real, has a proxy of its own to each server, and is started again when it ends. Then everything
//! heals, the queue drains, and the promises ([`Invariant`]) are looked for in what the clients saw, in what triggers
//! recorded of every write, on disk, and among the system's processes.

mod check;
mod client;
mod clock;
mod disk;
mod faults;
mod plan;
mod program;
mod run;
mod servers;
mod slot;
mod stack;
mod summary;
mod watch;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use plan::{Ground, Pace};
use servers::Servers;
pub use summary::{Invariant, Summary, Violation};

/// Stacks that run beside each other.
const LANES: u32 = 2;

/// What to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Runs at a tenth of production times.
    pub runs: u32,
    /// Runs at production times, after the others.
    pub production: u32,
    /// The first run's seed; the next runs count up.
    pub seed: u64,
}

/// Runs all seeds, two at a time, and tells of each on standard error.
///
/// # Errors
/// A stack could not be started or looked at; a promise that was not kept is no error, but in the summary.
pub async fn run(options: Options) -> anyhow::Result<Summary> {
    let ground = Ground {
        small_disk: disk::Disk::may_be_small(),
        clocks: clock::library().is_some(),
    };
    if !ground.small_disk {
        eprintln!("chaos: no file system may be mounted here, so no disk is filled");
    }
    if !ground.clocks {
        eprintln!("chaos: libfaketime is not installed, so no clock is wrong");
    }
    let mut summary = Summary::default();
    for (pace, runs) in [
        (Pace::Tenth, options.runs),
        (Pace::Production, options.production),
    ] {
        let next = Arc::new(AtomicU32::new(0));
        let mut lanes = tokio::task::JoinSet::new();
        for _ in 0..LANES.min(runs) {
            lanes.spawn(lane(Arc::clone(&next), runs, options.seed, pace, ground));
        }
        while let Some(lane) = lanes.join_next().await {
            summary.add(lane??);
        }
    }
    Ok(summary)
}

async fn lane(
    next: Arc<AtomicU32>,
    runs: u32,
    first: u64,
    pace: Pace,
    ground: Ground,
) -> anyhow::Result<Summary> {
    let servers = Arc::new(Servers::start().await?);
    let mut summary = Summary::default();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= runs {
            return Ok(summary);
        }
        let seed = first.wrapping_add(u64::from(number));
        let began = tokio::time::Instant::now();
        let one = run::run(&servers, seed, pace, ground).await?;
        eprintln!(
            "chaos: seed {seed}: {} accepted, {:?}, recovered in {:.1} s, {} broken, {:.1} s in all",
            one.accepted,
            one.ended,
            one.max_recovery_s,
            one.violations.len(),
            began.elapsed().as_secs_f64()
        );
        summary.add(one);
    }
}
