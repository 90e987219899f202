//! The state machine of a job. The database's statements make the same moves; a test holds the two together.

use crate::JobState;

/// What can happen to a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The scheduler leases it to a worker.
    Grant,
    /// The worker starts an attempt.
    Claim,
    /// The lease was never claimed.
    Expire,
    /// The attempt made everything.
    Succeed,
    /// The attempt failed and another may follow.
    Retry,
    /// The attempt failed for good.
    Fail,
    /// The worker vanished.
    Reap,
    /// Somebody asks for an end.
    Cancel,
    /// The worker ended the attempt because an end was asked for.
    Stopped,
    /// Somebody asks for another try of a job that failed.
    Again,
}

impl Event {
    /// Every event.
    pub const ALL: [Self; 10] = [
        Self::Grant,
        Self::Claim,
        Self::Expire,
        Self::Succeed,
        Self::Retry,
        Self::Fail,
        Self::Reap,
        Self::Cancel,
        Self::Stopped,
        Self::Again,
    ];
}

/// A move that the machine doesn't have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{event:?} does not apply to a job that is {}", state.as_str())]
pub struct IllegalMove {
    /// The job's state.
    pub state: JobState,
    /// What was tried.
    pub event: Event,
}

/// The state after `event`.
///
/// `cancel_requested` is the job's column: once it is set, an attempt's end is `Cancelled`, whatever it was.
///
/// # Errors
/// [`IllegalMove`] where the event does not apply; the state stays as it is.
pub fn next(
    state: JobState,
    cancel_requested: bool,
    event: Event,
) -> Result<JobState, IllegalMove> {
    use JobState::{Cancelled, Failed, Leased, Queued, Running, Succeeded};
    let ended = |otherwise| {
        if cancel_requested {
            Cancelled
        } else {
            otherwise
        }
    };
    match (state, event) {
        (Queued, Event::Grant) if !cancel_requested => Ok(Leased),
        (Leased, Event::Claim) if !cancel_requested => Ok(Running),
        (Running, Event::Succeed) => Ok(ended(Succeeded)),
        (Leased, Event::Expire) | (Running, Event::Retry | Event::Reap) => Ok(ended(Queued)),
        (Running, Event::Fail) => Ok(ended(Failed)),
        (Running, Event::Stopped) if cancel_requested => Ok(Cancelled),
        // A cancel that came too late for the failure is no wish any more once another try is asked for.
        (Failed, Event::Again) => Ok(Queued),
        // Nothing runs yet, so the end is at once; a running job ends when its worker says so.
        (Queued | Leased | Cancelled, Event::Cancel) => Ok(Cancelled),
        (Running, Event::Cancel) => Ok(Running),
        _ => Err(IllegalMove { state, event }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_state_is_left_by_nothing_but_another_try_of_a_failure() {
        for state in JobState::ALL
            .into_iter()
            .filter(|state| state.is_terminal())
        {
            for event in Event::ALL {
                for cancel in [false, true] {
                    if (state, event) == (JobState::Failed, Event::Again) {
                        continue;
                    }
                    let after = next(state, cancel, event);
                    assert!(after.is_err() || after == Ok(state), "{state:?} {event:?}");
                }
            }
        }
    }

    #[test]
    fn a_requested_cancel_never_turns_into_success() {
        for state in JobState::ALL
            .into_iter()
            .filter(|state| !state.is_terminal())
        {
            for event in Event::ALL {
                assert_ne!(next(state, true, event), Ok(JobState::Succeeded));
            }
        }
    }
}
