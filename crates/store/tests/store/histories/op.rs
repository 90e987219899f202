//! What can happen in a history, in small numbers: proptest makes them and makes them fewer.

use mystic_domain::FailureKind;
use proptest::prelude::*;

/// Something of the history so far, counted back from the newest.
pub type Back = u8;

/// One thing that happens.
#[derive(Clone, Debug)]
pub enum Op {
    /// A client sends a job.
    Submit { kind: u8 },
    /// A client sends a job's key again, with the same request or another.
    Repeat { job: Back, same: bool },
    /// The scheduler leases a job to a worker.
    Grant(Grant),
    /// The same, and the worker claims it at once.
    Run(Grant),
    /// The scheduler has a picture of a running job drawn by another worker.
    Help {
        lease: Back,
        worker: Back,
        claim: bool,
    },
    /// A worker asks for the next picture of its job.
    Next { lease: Back, stranger: bool },
    /// A worker claims; nine in ten times the one that the lease is for.
    Claim { lease: Back, stranger: bool },
    /// A worker commits a picture, or one whose files are being deleted.
    Commit {
        lease: Back,
        stranger: bool,
        index: u8,
        files: bool,
    },
    /// A worker ends its attempt.
    Settle {
        lease: Back,
        stranger: bool,
        how: How,
        alive: bool,
    },
    /// A client asks for a job's end.
    Cancel { job: Back },
    /// A client asks for another try.
    Retry { job: Back },
    /// A job's back-off is over.
    Later { job: Back },
    /// The lease was not claimed in time.
    Expire { lease: Back },
    /// A worker beats; a bit for each newest lease and model that it says it holds.
    Beat {
        worker: Back,
        leases: u8,
        models: u8,
        strangers: bool,
        lost: bool,
    },
    /// The scheduler gives a worker up whose counter it read now, or one beat ago.
    Reap { worker: Back, late: bool },
    /// A worker leaves.
    Gone { worker: Back },
    /// An operator says that a worker never returns.
    Forget { worker: Back },
    /// An operator drains a worker.
    Drain { worker: Back },
    /// A worker starts in a seat, after whoever sat there.
    Register { seat: u8 },
    /// A worker reports its model loaded.
    Ready { model: Back, stranger: bool },
    /// A worker reports its engine child dead.
    ChildGone { model: Back, stranger: bool },
    /// The scheduler unloads a model.
    Evict { model: Back },
    /// The scheduler lets a worker load a preset that no job asks for.
    Preload { worker: Back, text: bool },
    /// A worker reports that such a load came to nothing.
    PreloadEnded {
        model: Back,
        stranger: bool,
        failed: bool,
    },
    /// A scheduler that no longer leads does one of its things late.
    Deposed(Box<Op>),
}

/// What a scheduler decides.
#[derive(Clone, Debug)]
pub struct Grant {
    pub job: Back,
    pub worker: Back,
    pub choice: Choice,
}

/// How well a scheduler knows what it grants.
#[derive(Clone, Copy, Debug)]
pub enum Choice {
    /// A queued job to a ready worker, on the model that it has or has to load.
    Wise,
    /// Any job to any worker, on a model to be loaded.
    Load,
    /// Any job to any worker, on any model.
    Sit(Back),
    /// Any job to any worker, on a model of the other preset to be loaded.
    Other,
}

/// How an attempt ends.
#[derive(Clone, Copy, Debug)]
pub enum How {
    Succeeded,
    Failed(FailureKind),
    Stopped,
    HandedBack,
}

/// Mostly the newest.
fn back() -> impl Strategy<Value = Back> {
    prop_oneof![5 => Just(0), 2 => Just(1), 1 => 2..8_u8]
}

fn rarely() -> impl Strategy<Value = bool> {
    prop_oneof![9 => Just(false), 1 => Just(true)]
}

fn mostly() -> impl Strategy<Value = bool> {
    prop_oneof![5 => Just(true), 1 => Just(false)]
}

fn grant() -> impl Strategy<Value = Grant> {
    let choice = prop_oneof![
        6 => Just(Choice::Wise),
        1 => Just(Choice::Load),
        2 => back().prop_map(Choice::Sit),
        1 => Just(Choice::Other),
    ];
    (back(), back(), choice).prop_map(|(job, worker, choice)| Grant {
        job,
        worker,
        choice,
    })
}

fn how() -> impl Strategy<Value = How> {
    use FailureKind as K;
    prop_oneof![
        4 => Just(How::Succeeded),
        4 => prop::sample::select(vec![K::Internal, K::EngineCrashed, K::OutOfMemory, K::InvalidInput])
            .prop_map(How::Failed),
        1 => Just(How::Stopped),
        1 => Just(How::HandedBack),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    // Only what two arms share is named.
    let settle =
        (back(), rarely(), how(), mostly()).prop_map(|(lease, stranger, how, alive)| Op::Settle {
            lease,
            stranger,
            how,
            alive,
        });
    let commit =
        (back(), rarely(), 0..2_u8, mostly()).prop_map(|(lease, stranger, index, files)| {
            Op::Commit {
                lease,
                stranger,
                index,
                files,
            }
        });
    let beat = (back(), any::<u8>(), any::<u8>(), rarely(), rarely()).prop_map(
        |(worker, leases, models, strangers, lost)| Op::Beat {
            worker,
            leases,
            models,
            strangers,
            lost,
        },
    );
    let model = || (back(), rarely());
    let preload =
        || (back(), any::<bool>()).prop_map(|(worker, text)| Op::Preload { worker, text });
    let deposed = prop_oneof![
        3 => grant().prop_map(Op::Grant),
        1 => (back(), back())
            .prop_map(|(lease, worker)| Op::Help { lease, worker, claim: false }),
        1 => back().prop_map(|lease| Op::Expire { lease }),
        1 => back().prop_map(|worker| Op::Reap { worker, late: false }),
        1 => back().prop_map(|model| Op::Evict { model }),
        1 => preload(),
    ];
    prop_oneof![
        4 => (0..3_u8).prop_map(|kind| Op::Submit { kind }),
        1 => (back(), any::<bool>()).prop_map(|(job, same)| Op::Repeat { job, same }),
        6 => grant().prop_map(Op::Grant),
        16 => grant().prop_map(Op::Run),
        8 => (back(), back(), mostly())
            .prop_map(|(lease, worker, claim)| Op::Help { lease, worker, claim }),
        8 => (back(), rarely()).prop_map(|(lease, stranger)| Op::Next { lease, stranger }),
        4 => (back(), rarely()).prop_map(|(lease, stranger)| Op::Claim { lease, stranger }),
        14 => commit,
        14 => settle,
        3 => back().prop_map(|job| Op::Cancel { job }),
        4 => back().prop_map(|job| Op::Retry { job }),
        6 => back().prop_map(|job| Op::Later { job }),
        2 => back().prop_map(|lease| Op::Expire { lease }),
        3 => beat,
        2 => (back(), rarely()).prop_map(|(worker, late)| Op::Reap { worker, late }),
        1 => back().prop_map(|worker| Op::Gone { worker }),
        1 => back().prop_map(|worker| Op::Forget { worker }),
        1 => back().prop_map(|worker| Op::Drain { worker }),
        4 => (0..3_u8).prop_map(|seat| Op::Register { seat }),
        6 => model().prop_map(|(model, stranger)| Op::Ready { model, stranger }),
        3 => model().prop_map(|(model, stranger)| Op::ChildGone { model, stranger }),
        2 => back().prop_map(|model| Op::Evict { model }),
        4 => preload(),
        3 => (back(), rarely(), any::<bool>())
            .prop_map(|(model, stranger, failed)| Op::PreloadEnded { model, stranger, failed }),
        3 => deposed.prop_map(|op| Op::Deposed(Box::new(op))),
    ]
}

/// Longest history.
const LENGTH: usize = 30;

pub fn history() -> impl Strategy<Value = Vec<Op>> {
    prop::collection::vec(op(), 1..=LENGTH)
}
