//! What came of the runs, as the last line says it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// A promise of the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// I1: every 202 ends in exactly one terminal state.
    Ends,
    /// I2: the pictures of a job are its first indexes, none twice, and their hashes are their files'.
    Pictures,
    /// I3: nothing is committed under a stale fence.
    Fences,
    /// I4: what is reserved fits, always, and is what is there, at rest.
    Ledger,
    /// I5: at most one living child per lease, no orphans.
    Children,
    /// I6: one idempotency key, one job.
    Keys,
    /// I7: cancelled never becomes succeeded.
    Cancels,
    /// I8: the queue drains within 60 s of healing.
    Drains,
    /// I9: no 5xx but those that are declared.
    Answers,
    /// I10: no file that is referred to is missing.
    Files,
}

impl Invariant {
    /// `I1` to `I10`.
    #[must_use]
    pub fn name(self) -> String {
        format!("I{}", self as u8 + 1)
    }
}

/// A promise that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// What was seen.
    pub seen: String,
}

/// What came of one run or of many.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Runs.
    pub runs: u32,
    /// Jobs that were accepted.
    pub accepted: usize,
    /// Of these, how many ended in each state.
    pub ended: BTreeMap<String, usize>,
    /// Promises that were not kept.
    pub violations: Vec<Violation>,
    /// Longest time from the last fault's end to the last job's, seconds.
    pub max_recovery_s: f64,
    /// How often each fault came.
    pub faults: BTreeMap<String, u32>,
}

impl Summary {
    /// Adds another's runs.
    pub fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.accepted += other.accepted;
        for (state, count) in other.ended {
            *self.ended.entry(state).or_default() += count;
        }
        self.violations.extend(other.violations);
        self.max_recovery_s = self.max_recovery_s.max(other.max_recovery_s);
        for (fault, count) in other.faults {
            *self.faults.entry(fault).or_default() += count;
        }
    }

    /// As the last line shows it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        use Invariant as I;
        let broken = |invariants: &[I]| {
            let of_these = |violation: &&Violation| invariants.contains(&violation.invariant);
            self.violations.iter().filter(of_these).count()
        };
        let ended = |state: &str| self.ended.get(state).copied().unwrap_or(0);
        json!({
            "runs": self.runs,
            "accepted": self.accepted,
            "succeeded": ended("succeeded"),
            "failed": ended("failed"),
            "cancelled": ended("cancelled"),
            "lost": broken(&[I::Ends, I::Drains]),
            "double_effects": broken(&[I::Pictures, I::Keys, I::Cancels]),
            "overcommits": broken(&[I::Ledger]),
            "stale_commits": broken(&[I::Fences]),
            "orphans": broken(&[I::Children]),
            "missing_files": broken(&[I::Files]),
            "undeclared_5xx": broken(&[I::Answers]),
            "max_recovery_s": (self.max_recovery_s * 10.0).round() / 10.0,
            "faults": self.faults,
        })
    }
}
