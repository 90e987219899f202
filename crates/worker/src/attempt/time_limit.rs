//! The job's own time limit, for each of its attempts.

use std::time::Duration;

use mystic_domain::{Failure, FailureKind};
use tokio::task::JoinHandle;

use crate::held::{Holding, Lease, Stop};

/// Stops an attempt that takes too long; dropping it lets the attempt go on.
#[derive(Debug)]
pub(super) struct TimeLimit {
    seconds: u64,
    timer: Option<JoinHandle<()>>,
}

impl TimeLimit {
    /// Starts the clock; without a limit nothing happens.
    pub(super) fn start(holding: &Holding<Lease>, timeout_s: Option<i32>) -> Self {
        let seconds = timeout_s.and_then(|seconds| u64::try_from(seconds).ok());
        let timer = seconds.map(|seconds| {
            let stop = holding.stopper();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                stop(Stop::Timeout);
            })
        });
        Self {
            seconds: seconds.unwrap_or_default(),
            timer,
        }
    }

    /// What the job's end says.
    pub(super) fn failure(&self) -> Failure {
        let message = format!(
            "the attempt took longer than the job's limit of {} s",
            self.seconds
        );
        Failure::new(FailureKind::Timeout, message)
    }
}

impl Drop for TimeLimit {
    fn drop(&mut self) {
        if let Some(timer) = &self.timer {
            timer.abort();
        }
    }
}
