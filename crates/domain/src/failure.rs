//! Typed failures, and what follows from each.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
    /// Queued again, after this many milliseconds.
    Retry {
        /// Back-off in milliseconds.
        after_ms: u64,
    },
    /// Failed for good.
    Fail,
}

/// Decides whether a failed attempt is followed by another.
///
/// `attempt` is the one that failed, from 1; `engine_deaths` counts this one.
/// `jitter` is in 0..1 and spreads the back-off over ±25 %.
#[must_use]
pub fn verdict(
    kind: FailureKind,
    attempt: i32,
    max_attempts: i32,
    engine_deaths: i32,
    jitter: f64,
) -> Verdict {
    use FailureKind as K;
    if matches!(
        kind,
        K::InvalidInput | K::ModelMissing | K::ModelCorrupt | K::Timeout
    ) {
        return Verdict::Fail;
    }
    if attempt >= max_attempts || engine_deaths >= MAX_ENGINE_DEATHS {
        return Verdict::Fail;
    }
    if kind == K::WorkerLost {
        return Verdict::Retry { after_ms: 0 };
    }
    let base = 500_u32.saturating_mul(1 << attempt.clamp(0, 7));
    let spread = 0.75 + jitter.clamp(0.0, 1.0) * 0.5;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most 80 s, never negative"
    )]
    let after_ms = (f64::from(base) * spread) as u64;
    Verdict::Retry { after_ms }
}

impl FailureKind {
    /// Whether the engine child's process ended by this failure.
    #[must_use]
    pub fn is_engine_death(self) -> bool {
        matches!(
            self,
            Self::EngineCrashed | Self::EngineHung | Self::OutOfMemory
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_input_never_runs_twice() {
        assert_eq!(
            verdict(FailureKind::InvalidInput, 1, 5, 0, 0.5),
            Verdict::Fail
        );
    }

    #[test]
    fn a_crash_is_retried_with_growing_back_off_until_the_third_death() {
        let Verdict::Retry { after_ms: first } = verdict(FailureKind::EngineCrashed, 1, 5, 1, 0.5)
        else {
            panic!("the first death is retried")
        };
        let Verdict::Retry { after_ms: second } = verdict(FailureKind::EngineCrashed, 2, 5, 2, 0.5)
        else {
            panic!("the second death is retried")
        };
        assert!(second > first);
        assert_eq!(
            verdict(FailureKind::EngineCrashed, 3, 5, 3, 0.5),
            Verdict::Fail
        );
    }

    #[test]
    fn a_lost_worker_costs_no_back_off() {
        assert_eq!(
            verdict(FailureKind::WorkerLost, 1, 5, 0, 0.9),
            Verdict::Retry { after_ms: 0 }
        );
    }

    #[test]
    fn the_last_attempt_fails() {
        assert_eq!(verdict(FailureKind::Internal, 5, 5, 0, 0.0), Verdict::Fail);
    }
}
