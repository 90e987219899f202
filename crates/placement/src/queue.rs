//! The queue, kept in the order in which jobs are due.
//!
//! A job's due time is fixed when it is queued: when it came, later by what it can bear (`Policy::patience`), by its
//! owner's rounds and by low priority. So it outranks whatever comes later than its due time by more than the
//! bounded head start that others can have, and nobody starves; and the queue stays sorted without a look at the clock.

use std::collections::{BTreeMap, HashMap};

use mystic_domain::{ContextPlan, JobId, Need, Plan};

use crate::{Millis, Policy, PresetIndex};

/// Jobs that are alike to the placement: one preset, one bucket of need, one lowest rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassIndex(pub usize);

/// What the jobs of a class need.
#[derive(Clone, Debug, PartialEq)]
pub struct Class {
    /// The heavy model: what affinity is keyed on.
    pub preset: PresetIndex,
    /// The ladder from fast to frugal, from the rung on that these jobs may have.
    pub rungs: Vec<Rung>,
}

/// One way to fit a job into memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rung {
    /// Its name.
    pub plan: Plan,
    /// What the model has to be loaded with.
    pub context: ContextPlan,
    /// What is booked: `resident` only where the model has to be loaded.
    pub need: Need,
    /// How much longer a job runs than on the first rung, at least 1.
    pub slowdown: f64,
}

/// A job that may be granted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Job {
    /// The job.
    pub id: JobId,
    /// What it needs.
    pub class: ClassIndex,
    /// Higher runs first.
    pub priority: i32,
    /// Since when it could run.
    pub queued_at: Millis,
    /// Predicted run on a device of pace 1, on the first rung.
    pub work: Millis,
    /// Its owner's unfinished work when it was queued: places it in a round.
    pub ahead: Millis,
}

impl Job {
    /// When the job should start: what the queue is ordered by.
    #[must_use]
    pub fn due(&self, policy: &Policy) -> Millis {
        // Twice as long bears four times the wait: nearly all jobs are short, and the few long ones let them pass.
        let patience = self.work.times(policy.patience * self.work.ratio(PATIENT));
        let patience = patience.min(policy.patience_limit);
        let rounds = self.ahead.0.max(0) / policy.quantum.0.max(1);
        let round = Millis(rounds.saturating_mul(policy.round.0)).min(policy.rounds_limit);
        let credit = Millis(i64::from(self.priority) * policy.priority_step.0);
        self.queued_at + patience + round - credit
    }
}

/// A job of this length bears `Policy::patience` for each second that it runs.
const PATIENT: Millis = Millis::seconds(30);

/// A place in the order: due time, then order of arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) due: Millis,
    number: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) class: Class,
    pub(crate) jobs: BTreeMap<Place, Job>,
    pub(crate) work: Millis,
}

/// Queued jobs by class, each in due order. Built once and kept by the caller, or anew for each decision.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    policy: Policy,
    pub(crate) lines: Vec<Line>,
    places: HashMap<JobId, (ClassIndex, Place)>,
    next: u64,
}

impl Queue {
    /// An empty queue.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            ..Self::default()
        }
    }

    /// What due times are made with.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Makes a class known. The caller keeps jobs of equal needs in one class; decisions cost time for each.
    pub fn class(&mut self, class: Class) -> ClassIndex {
        self.lines.push(Line {
            class,
            jobs: BTreeMap::new(),
            work: Millis(0),
        });
        ClassIndex(self.lines.len() - 1)
    }

    /// What the jobs of this class need.
    #[must_use]
    pub fn class_of(&self, class: ClassIndex) -> &Class {
        &self.lines[class.0].class
    }

    /// Queues a job of a known class; one that is queued already is moved.
    pub fn push(&mut self, job: Job) {
        self.remove(job.id);
        let place = Place {
            due: job.due(&self.policy),
            number: self.next,
        };
        self.next += 1;
        let line = &mut self.lines[job.class.0];
        line.work = line.work + job.work;
        line.jobs.insert(place, job);
        self.places.insert(job.id, (job.class, place));
    }

    /// Takes a job out: granted or cancelled.
    pub fn remove(&mut self, job: JobId) -> Option<Job> {
        let (class, place) = self.places.remove(&job)?;
        let line = &mut self.lines[class.0];
        let job = line.jobs.remove(&place)?;
        line.work = line.work - job.work;
        Some(job)
    }

    /// A queued job.
    #[must_use]
    pub fn get(&self, job: JobId) -> Option<&Job> {
        let (class, place) = self.places.get(&job)?;
        self.lines[class.0].jobs.get(place)
    }

    /// Jobs in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// All jobs, first due first: the order of execution but for affinity.
    #[must_use]
    pub fn in_order(&self) -> Vec<&Job> {
        let mut jobs: Vec<(&Place, &Job)> = self.lines.iter().flat_map(|line| &line.jobs).collect();
        jobs.sort_unstable_by_key(|(place, _)| **place);
        jobs.into_iter().map(|(_, job)| job).collect()
    }
}
