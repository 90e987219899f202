//! What happens, in order of time; at one time in order of kind and number, so that every run is the same.

use std::cmp::Ordering;

use crate::workload::JobIndex;

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Event {
    /// The card has ended a job, if nothing on it has changed since.
    Ended(usize, u64),
    /// A picture of a job there was drawn elsewhere.
    Helped(usize),
    /// A model is loaded there.
    Loaded(usize),
    /// A job may run.
    Queued(JobIndex),
    /// A job is no longer wanted.
    Cancelled(JobIndex),
    /// The policy wants to look again.
    Asked,
}

/// An event and its time; the heap's greatest is the earliest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Timed(pub(crate) f64, pub(crate) Event);

impl Eq for Timed {}

impl PartialOrd for Timed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Timed {
    fn cmp(&self, other: &Self) -> Ordering {
        other.0.total_cmp(&self.0).then(other.1.cmp(&self.1))
    }
}
