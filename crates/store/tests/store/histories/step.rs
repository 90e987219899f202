//! A history's calls and their answers, in the store's own terms.

use std::collections::BTreeSet;

use mystic_domain::{DeviceId, EngineKind, Fence, JobId, JobState, ResidentId, WorkerId};
use mystic_store::{Beat, Committed, Grant, Help, NextPicture, Preload, Settled};

use super::op::How;

/// A place for one worker at a time.
#[derive(Clone, Debug)]
pub struct Seat {
    pub host: String,
    pub device: DeviceId,
    pub engine: EngineKind,
    pub capacity: i64,
    pub turns: i32,
    pub max_children: i32,
}

/// One call of the store.
#[derive(Clone, Debug)]
pub enum Step {
    Submit {
        job: JobId,
        key: JobId,
        /// Stands for what was asked for.
        request: u8,
        pictures: u32,
        max_attempts: i32,
    },
    Grant(Grant),
    Help(Help),
    Next(WorkerId, JobId, Fence),
    Claim(WorkerId, JobId, Fence),
    Commit {
        worker: WorkerId,
        job: JobId,
        fence: Fence,
        index: i32,
        files: bool,
    },
    Settle {
        worker: WorkerId,
        job: JobId,
        fence: Fence,
        how: How,
        /// Whether success means tags.
        tags: bool,
        alive: bool,
    },
    Cancel(JobId),
    Retry(JobId),
    Later(JobId),
    Expire(JobId, Fence),
    Beat(Beat),
    Reap(WorkerId, i64),
    Gone(WorkerId),
    Forget(WorkerId),
    Drain(WorkerId),
    Register(WorkerId, Seat),
    Ready(WorkerId, ResidentId),
    ChildGone(WorkerId, ResidentId),
    Evict(ResidentId),
    Preload(Preload),
    PreloadEnded(WorkerId, ResidentId, bool),
    /// By a scheduler that no longer leads.
    Deposed(Box<Step>),
}

/// What the store says to a step. The model says the same.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Done,
    /// An error that is not a conflict: nothing was changed.
    Refused,
    Yes(bool),
    Accepted,
    SameAs(JobId),
    OtherRequest,
    Fence(Option<Fence>),
    /// The attempt's number and its model.
    Claimed(Option<(i32, ResidentId)>),
    Next(NextPicture),
    Committed(Committed),
    Settled(Settled),
    Cancelled(JobState, Option<WorkerId>),
    /// Whether it is tried again, and its state.
    Retried(bool, JobState),
    Reaped(Option<BTreeSet<JobId>>),
    Evicted(Option<WorkerId>),
    Preloaded(bool),
    /// Whether the booking is free.
    PreloadEnded(bool),
    Beaten(Box<Told>),
}

/// The answer to a heartbeat, without its order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Told {
    pub known: bool,
    pub draining: bool,
    pub lost: BTreeSet<(JobId, Fence)>,
    pub cancel: BTreeSet<JobId>,
    pub assigned: BTreeSet<(JobId, Fence)>,
    pub evict: BTreeSet<ResidentId>,
    pub preload: BTreeSet<ResidentId>,
}

impl Answer {
    /// What sort of answer it is, for counting.
    pub fn word(&self) -> String {
        match self {
            Self::Fence(fence) => format!("granted {}", fence.is_some()),
            Self::Claimed(claimed) => format!("claimed {}", claimed.is_some()),
            Self::Next(NextPicture::Draw(_)) => "next Draw".into(),
            Self::Next(next) => format!("next {next:?}"),
            Self::Committed(committed) => format!("committed {committed:?}"),
            Self::Settled(Settled::Stale) => "settled Stale".into(),
            Self::Settled(Settled::Done(state)) => format!("settled {}", state.as_str()),
            Self::Cancelled(state, _) => format!("cancelled {}", state.as_str()),
            Self::Retried(again, _) => format!("retried {again}"),
            Self::Reaped(jobs) => format!("reaped {}", jobs.is_some()),
            Self::Evicted(worker) => format!("evicted {}", worker.is_some()),
            Self::Preloaded(booked) => format!("preloaded {booked}"),
            Self::PreloadEnded(free) => format!("preload ended {free}"),
            Self::Beaten(told) if !told.preload.is_empty() => "told to preload".into(),
            Self::Beaten(told) => format!("beaten {}", told.known),
            Self::Yes(yes) => format!("yes {yes}"),
            Self::SameAs(_) => "the same".into(),
            Self::OtherRequest => "another request".into(),
            Self::Accepted => "accepted".into(),
            Self::Refused => "refused".into(),
            Self::Done => "done".into(),
        }
    }
}

/// Answers and events without which histories would prove little.
pub const WORTH: [&str; 46] = [
    "granted true",
    "granted false",
    "claimed true",
    "claimed false",
    "committed New",
    "committed Already",
    "committed FilesGone",
    "next Draw",
    "next Complete",
    "next Stale",
    "event helped",
    "committed Stale",
    "settled Stale",
    "settled queued",
    "settled succeeded",
    "settled failed",
    "settled cancelled",
    "cancelled cancelled",
    "cancelled running",
    "cancelled succeeded",
    "retried true",
    "retried false",
    "reaped true",
    "reaped false",
    "evicted true",
    "evicted false",
    "deposed granted false",
    "deposed yes false",
    "deposed reaped false",
    "deposed evicted false",
    "preloaded true",
    "preloaded false",
    "preload ended true",
    "preload ended false",
    "told to preload",
    "deposed preloaded false",
    "beaten true",
    "beaten false",
    "the same",
    "another request",
    "refused",
    "event expired",
    "event tagged",
    "event cancel_requested",
    "lease quarantined",
    "outcome lost",
];
