//! Whether a device may be used: what follows from its error events, from its loss and from its silence.

use std::fmt;
use std::time::Duration;

use mystic_gpu::{Xid, XidClass};
use tokio::time::Instant;

/// What one reading says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    /// It was read.
    Well,
    /// It could not be read, or not in time.
    Silent,
    /// Its driver says that it is lost or must be reset.
    Gone,
}

/// Why an engine child on a device has to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The driver says so.
    Gone,
    /// An error event after which the card can't be trusted.
    Broken(Xid),
    /// An error event that some program on the card met.
    Faulted(Xid),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str("the device is lost: it fell off the bus or must be reset"),
            Self::Broken(Xid(xid)) => {
                write!(f, "the device reported XID {xid}: it has to be reset")
            }
            Self::Faulted(Xid(xid)) => {
                write!(f, "the device reported XID {xid} while the engine ran")
            }
        }
    }
}

/// The device as this worker knows it.
#[derive(Debug)]
pub(crate) struct Condition {
    /// How long a device that was lost by an error event has to be well; twice as long after each relapse. Also how
    /// long it may be silent.
    patience: Duration,
    relapses: u32,
    silent_since: Option<Instant>,
    state: State,
    fault: Option<Xid>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Usable,
    Lost {
        /// None where it is only silent: what runs may still end well.
        cause: Option<Cause>,
        /// How long it has to be well.
        trial: Duration,
        well_since: Option<Instant>,
    },
    /// Usable, and the database doesn't know it yet.
    Recovered,
}

/// The last relapse that makes the trial longer: 64 times.
const MOST_RELAPSES: u32 = 6;

impl Condition {
    /// A usable device.
    pub(crate) fn new(patience: Duration) -> Self {
        Self {
            patience,
            relapses: 0,
            silent_since: None,
            state: State::Usable,
            fault: None,
        }
    }

    /// Takes a reading into account.
    pub(crate) fn read(&mut self, sign: Sign, xids: &[Xid], now: Instant) {
        for xid in xids {
            match xid.class() {
                XidClass::Notice => {}
                XidClass::Application => self.fault = Some(*xid),
                XidClass::Device => self.fail(*xid),
            }
        }
        match sign {
            Sign::Well => {
                self.silent_since = None;
                self.heal(now);
            }
            Sign::Silent => {
                let since = *self.silent_since.get_or_insert(now);
                let silent = now.duration_since(since) >= self.patience;
                if silent && !self.is_lost() {
                    self.state = State::Lost {
                        cause: None,
                        trial: Duration::ZERO,
                        well_since: None,
                    };
                }
            }
            // The driver will say itself when the device is back.
            Sign::Gone => {
                let cause = match self.state {
                    State::Lost { cause, .. } => cause,
                    State::Usable | State::Recovered => None,
                };
                self.silent_since = None;
                self.state = State::Lost {
                    cause: Some(cause.unwrap_or(Cause::Gone)),
                    trial: Duration::ZERO,
                    well_since: None,
                };
            }
        }
    }

    fn fail(&mut self, xid: Xid) {
        let trial = self.patience * (1 << self.relapses.min(MOST_RELAPSES));
        self.relapses += 1;
        self.state = State::Lost {
            cause: Some(Cause::Broken(xid)),
            trial,
            well_since: None,
        };
    }

    fn heal(&mut self, now: Instant) {
        if let State::Lost {
            trial, well_since, ..
        } = &mut self.state
            && now.duration_since(*well_since.get_or_insert(now)) >= *trial
        {
            self.state = State::Recovered;
        }
    }

    /// Whether nothing may be started on it.
    pub(crate) fn is_lost(&self) -> bool {
        matches!(self.state, State::Lost { .. })
    }

    /// What the next heartbeat says: lost, usable again, or no news.
    pub(crate) fn news(&self) -> Option<bool> {
        match self.state {
            State::Usable => None,
            State::Lost { .. } => Some(true),
            State::Recovered => Some(false),
        }
    }

    /// The database has heard this.
    pub(crate) fn told(&mut self, news: Option<bool>) {
        if news == Some(false) && self.state == State::Recovered {
            self.state = State::Usable;
        }
    }

    /// Why every engine child on it has to end, if they have.
    pub(crate) fn ends(&self) -> Option<Cause> {
        match self.state {
            State::Lost { cause, .. } => cause,
            State::Usable | State::Recovered => None,
        }
    }

    /// The newest error event of a program on it, once.
    pub(crate) fn take_fault(&mut self) -> Option<Cause> {
        self.fault.take().map(Cause::Faulted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    /// A condition, and what it says after readings ten seconds apart.
    struct Watched {
        condition: Condition,
        now: Instant,
    }

    impl Watched {
        fn new() -> Self {
            Self {
                condition: Condition::new(PATIENCE),
                now: Instant::now(),
            }
        }

        fn read(&mut self, sign: Sign, xids: &[u64]) -> Option<bool> {
            self.now += Duration::from_secs(10);
            let xids: Vec<Xid> = xids.iter().copied().map(Xid).collect();
            self.condition.read(sign, &xids, self.now);
            let news = self.condition.news();
            self.condition.told(news);
            news
        }

        /// Good readings until the device is usable again.
        fn trial(&mut self) -> usize {
            (1..100)
                .find(|_| self.read(Sign::Well, &[]) == Some(false))
                .unwrap()
        }
    }

    #[test]
    fn a_healthy_device_is_no_news() {
        let mut device = Watched::new();
        assert_eq!(device.read(Sign::Well, &[]), None);
        assert_eq!(device.read(Sign::Well, &[63, 92]), None);
        assert_eq!(device.condition.take_fault(), None);
    }

    #[test]
    fn a_lost_device_is_back_as_soon_as_its_driver_says_so() {
        let mut device = Watched::new();
        assert_eq!(device.read(Sign::Gone, &[79]), Some(true));
        assert_eq!(device.condition.ends(), Some(Cause::Broken(Xid(79))));
        assert_eq!(device.read(Sign::Gone, &[]), Some(true));
        assert_eq!(device.read(Sign::Well, &[]), Some(false));
        assert_eq!(device.condition.ends(), None);
        assert_eq!(device.read(Sign::Well, &[]), None, "said once");
    }

    #[test]
    fn good_news_is_told_until_it_was_heard() {
        let mut device = Watched::new();
        device.read(Sign::Gone, &[]);
        device.condition.read(Sign::Well, &[], device.now);
        assert_eq!(device.condition.news(), Some(false));
        device.condition.read(Sign::Well, &[], device.now);
        assert_eq!(device.condition.news(), Some(false));
        device.condition.told(Some(false));
        assert_eq!(device.condition.news(), None);
    }

    #[test]
    fn a_device_that_only_reported_an_error_is_on_trial_and_longer_after_a_relapse() {
        let mut device = Watched::new();
        assert_eq!(device.read(Sign::Well, &[119]), Some(true));
        assert_eq!(device.trial(), 3);
        assert_eq!(device.read(Sign::Well, &[119]), Some(true));
        assert_eq!(device.trial(), 6);
    }

    #[test]
    fn a_device_on_trial_that_is_lost_waits_for_its_driver_alone() {
        let mut device = Watched::new();
        assert_eq!(device.read(Sign::Well, &[48]), Some(true));
        assert_eq!(device.read(Sign::Gone, &[]), Some(true));
        assert_eq!(device.read(Sign::Well, &[]), Some(false));
    }

    #[test]
    fn a_program_s_error_is_told_once_and_leaves_the_device_usable() {
        let mut device = Watched::new();
        assert_eq!(device.read(Sign::Well, &[31]), None);
        assert_eq!(device.condition.take_fault(), Some(Cause::Faulted(Xid(31))));
        assert_eq!(device.condition.take_fault(), None);
    }

    #[test]
    fn a_device_that_stays_silent_gets_nothing_new_and_ends_nothing() {
        let mut device = Watched::new();
        for _ in 0..3 {
            assert_eq!(device.read(Sign::Silent, &[]), None);
        }
        assert_eq!(device.read(Sign::Silent, &[]), Some(true));
        assert_eq!(device.condition.ends(), None);
        assert_eq!(device.read(Sign::Well, &[]), Some(false));
        assert_eq!(
            device.read(Sign::Silent, &[]),
            None,
            "the count begins anew"
        );
    }
}
