//! Typed failures, and what follows from each.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Plan;

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The engine refuses these parameters; they fail everywhere.
    InvalidInput,
    /// A model file is not there.
    ModelMissing,
    /// A model file is there but can't be loaded.
    ModelCorrupt,
    /// Memory ran out.
    OutOfMemory,
    /// The engine child aborted, exited or was killed.
    EngineCrashed,
    /// The engine child made no progress for its bound.
    EngineHung,
    /// The device is gone.
    DeviceLost,
    /// The store is full.
    DiskFull,
    /// The job's own time limit is over.
    Timeout,
    /// The worker vanished with its lease.
    WorkerLost,
    /// A defect of ours.
    Internal,
}

/// A failure as users see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Failure {
    /// The type.
    pub kind: FailureKind,
    /// One sentence for a person.
    pub message: String,
    /// The signal that ended the engine child.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// The engine child's last lines on stderr.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stderr_tail: Vec<String>,
}

impl Failure {
    /// A failure with a message and nothing else.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            signal: None,
            stderr_tail: Vec::new(),
        }
    }
}

/// Engine deaths after which a job counts as poison and is not tried again.
pub const MAX_ENGINE_DEATHS: i32 = 3;

/// What follows a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Queued again.
    Retry {
        /// Back-off in milliseconds.
        after_ms: u64,
        /// The most generous plan that the next attempt may have.
        plan: Plan,
    },
    /// Failed for good.
    Fail,
}

/// What was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The attempt that failed, from 1.
    pub attempt: i32,
    /// Attempts allowed.
    pub max_attempts: i32,
    /// Engine children that died on the job, this one included.
    pub engine_deaths: i32,
    /// The plan of the attempt.
    pub plan: Plan,
    /// The next rung of the ladder that a worker offers.
    pub lower: Option<Plan>,
}

/// Decides whether a failed attempt is followed by another. After running out of memory that is one rung lower: never
/// the same settings again. `jitter` is in 0..1 and spreads the back-off over ±25 %.
#[must_use]
pub fn verdict(kind: FailureKind, tried: Tried, jitter: f64) -> Verdict {
    use FailureKind as K;
    let plan = match kind {
        K::InvalidInput | K::ModelMissing | K::ModelCorrupt | K::Timeout => None,
        K::OutOfMemory => tried.lower,
        _ => Some(tried.plan),
    };
    let spent = tried.attempt >= tried.max_attempts || tried.engine_deaths >= MAX_ENGINE_DEATHS;
    let Some(plan) = plan.filter(|_| !spent) else {
        return Verdict::Fail;
    };
    let after_ms = if kind == K::WorkerLost {
        0
    } else {
        back_off(tried.attempt, jitter)
    };
    Verdict::Retry { after_ms, plan }
}

/// Milliseconds: 1 s after the first attempt, twice as much after each further one, 64 s at most.
fn back_off(attempt: i32, jitter: f64) -> u64 {
    let base = 500_u32.saturating_mul(1 << attempt.clamp(0, 7));
    let spread = 0.75 + jitter.clamp(0.0, 1.0) * 0.5;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most 80 s, never negative"
    )]
    let after_ms = (f64::from(base) * spread) as u64;
    after_ms
}

impl FailureKind {
    /// Whether the engine child ended by a fault that may be the job's own. One that ran out of memory does not count:
    /// the next attempt has other settings, and the ladder ends.
    #[must_use]
    pub fn is_engine_death(self) -> bool {
        matches!(self, Self::EngineCrashed | Self::EngineHung)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EngineKind;

    const FIRST: Tried = Tried {
        attempt: 1,
        max_attempts: 5,
        engine_deaths: 0,
        plan: Plan::Full,
        lower: None,
    };

    #[test]
    fn invalid_input_never_runs_twice() {
        assert_eq!(
            verdict(FailureKind::InvalidInput, FIRST, 0.5),
            Verdict::Fail
        );
    }

    #[test]
    fn a_crash_is_retried_with_growing_back_off_until_the_third_death() {
        let back_off = |deaths| {
            let tried = Tried {
                attempt: deaths,
                engine_deaths: deaths,
                ..FIRST
            };
            match verdict(FailureKind::EngineCrashed, tried, 0.5) {
                Verdict::Retry { after_ms, .. } => Some(after_ms),
                Verdict::Fail => None,
            }
        };
        assert_eq!([1, 2, 3].map(back_off), [Some(1000), Some(2000), None]);
    }

    #[test]
    fn out_of_memory_steps_down_the_ladder_and_fails_at_its_end() {
        let mut tried = FIRST;
        let ladder = Plan::ladder(EngineKind::Sd);
        for rung in &ladder[1..] {
            tried.lower = tried.plan.lower(EngineKind::Sd, ladder);
            let Verdict::Retry { plan, .. } = verdict(FailureKind::OutOfMemory, tried, 0.5) else {
                panic!("{rung:?} is left")
            };
            assert_eq!(plan, *rung);
            tried.plan = plan;
        }
        tried.lower = tried.plan.lower(EngineKind::Sd, ladder);
        assert_eq!(verdict(FailureKind::OutOfMemory, tried, 0.5), Verdict::Fail);
    }

    #[test]
    fn a_lost_worker_costs_no_back_off() {
        let retry = Verdict::Retry {
            after_ms: 0,
            plan: Plan::Full,
        };
        assert_eq!(verdict(FailureKind::WorkerLost, FIRST, 0.9), retry);
    }

    #[test]
    fn the_last_attempt_fails() {
        let last = Tried {
            attempt: 5,
            ..FIRST
        };
        assert_eq!(verdict(FailureKind::Internal, last, 0.0), Verdict::Fail);
    }
}
