//! The processes of a stack, by their places: whoever runs in one is started again when it ends.

use mystic_process::fault::Point;

/// A process of the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Slot {
    Api,
    SchedulerOne,
    SchedulerTwo,
    SdA,
    SdB,
    LlmA,
}

/// What a process talks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Service {
    Postgres,
    Redis,
}

/// A machine whose clock can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// The API's and the schedulers'.
    Control,
    A,
    B,
    Postgres,
}

const OF_API: &[Point] = &[Point::Submitted];
const OF_SCHEDULERS: &[Point] = &[Point::Granted, Point::Reaped, Point::Expired];
const OF_WORKERS: &[Point] = &[
    Point::Registered,
    Point::Claimed,
    Point::ChildStarted,
    Point::Settling,
    Point::Settled,
];
const OF_PAINTERS: &[Point] = &[
    Point::Registered,
    Point::Claimed,
    Point::ChildStarted,
    Point::PixelsWritten,
    Point::FileStaged,
    Point::FileNamed,
    Point::ImageCommitted,
    Point::Settling,
    Point::Settled,
];

impl Slot {
    pub(super) const ALL: [Self; 6] = [
        Self::Api,
        Self::SchedulerOne,
        Self::SchedulerTwo,
        Self::SdA,
        Self::SdB,
        Self::LlmA,
    ];

    /// Its role in the database, for a worker `<engine>_<host>`.
    pub(super) fn role(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::SchedulerOne => "scheduler_one",
            Self::SchedulerTwo => "scheduler_two",
            Self::SdA => "sd_a",
            Self::SdB => "sd_b",
            Self::LlmA => "llm_a",
        }
    }

    pub(super) fn program(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::SchedulerOne | Self::SchedulerTwo => "scheduler",
            Self::SdA | Self::SdB => "worker-sd",
            Self::LlmA => "worker-llm",
        }
    }

    pub(super) fn host(self) -> Host {
        match self {
            Self::Api | Self::SchedulerOne | Self::SchedulerTwo => Host::Control,
            Self::SdA | Self::LlmA => Host::A,
            Self::SdB => Host::B,
        }
    }

    /// The host's name, for a worker.
    pub(super) fn host_name(self) -> Option<&'static str> {
        match self.host() {
            Host::A => Some("a"),
            Host::B => Some("b"),
            Host::Control | Host::Postgres => None,
        }
    }

    /// Where it can be made to die.
    pub(super) fn points(self) -> &'static [Point] {
        match self {
            Self::Api => OF_API,
            Self::SchedulerOne | Self::SchedulerTwo => OF_SCHEDULERS,
            Self::SdA | Self::SdB => OF_PAINTERS,
            Self::LlmA => OF_WORKERS,
        }
    }
}
