//! Every name this crate uses in Redis, under one prefix, so that several installations or tests share a server.

use std::fmt;

use apalis_redis::Config;
use mystic_domain::{JobId, WorkerId};

/// A queue of tickets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Jobs that the scheduler should look at.
    Submitted,
    /// Leases granted to one worker.
    Run(WorkerId),
}

impl Line {
    /// The name for metrics: one series for all workers.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Run(_) => "run",
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Submitted => f.write_str("submitted"),
            Self::Run(worker) => write!(f, "run.{worker}"),
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Keys {
    pub(crate) prefix: String,
}

impl Keys {
    /// The base under which apalis keeps a queue's keys.
    pub(crate) fn queue(&self, line: Line) -> String {
        format!("{}:{line}", self.prefix)
    }

    /// How apalis treats a queue. It neither locks nor acknowledges: a ticket is settled by us in one transaction that
    /// also deletes its keys (apalis would keep a result, metadata and payload per ticket for ever).
    pub(crate) fn config(&self, line: Line) -> Config {
        Config::default()
            .queue(self.queue(line))
            .batch_size(1)
            .lock_tasks(false)
            .persist_results(false)
            .emit_events(false)
    }

    /// The set of workers that have or had a `run` queue.
    pub(crate) fn run_workers(&self) -> String {
        format!("{}:run-workers", self.prefix)
    }

    pub(crate) fn nudge_channel(&self, line: Line) -> String {
        format!("{}:nudge:{line}", self.prefix)
    }

    pub(crate) fn signal_channel(&self, worker: WorkerId) -> String {
        format!("{}:signal:{worker}", self.prefix)
    }

    pub(crate) fn progress_channel(&self) -> String {
        format!("{}:progress", self.prefix)
    }

    pub(crate) fn preview(&self, job: JobId) -> String {
        format!("{}:preview:{job}", self.prefix)
    }

    pub(crate) fn latest_progress(&self, job: JobId) -> String {
        format!("{}:progress:{job}", self.prefix)
    }
}
