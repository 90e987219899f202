//! The three times that a lease lives by, in the only order in which they make sense.

use std::time::Duration;

/// Heartbeat < lease < reap, checked when it is made: a value of this type can't hold another order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseTimes {
    heartbeat: Duration,
    lease: Duration,
    reap: Duration,
}

/// The times are in an order in which a healthy worker would lose its jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "worker.heartbeat_s ({heartbeat:?}) must be more than 0 and less than scheduler.lease_s ({lease:?}), \
     and that less than scheduler.reap_after_s ({reap:?}): \
     otherwise a healthy worker loses its jobs between two heartbeats"
)]
pub struct LeaseTimesError {
    heartbeat: Duration,
    lease: Duration,
    reap: Duration,
}

impl LeaseTimes {
    /// Checks 0 < heartbeat < lease < reap.
    ///
    /// # Errors
    /// The three times in any other order.
    pub fn new(
        heartbeat: Duration,
        lease: Duration,
        reap: Duration,
    ) -> Result<Self, LeaseTimesError> {
        if Duration::ZERO < heartbeat && heartbeat < lease && lease < reap {
            Ok(Self {
                heartbeat,
                lease,
                reap,
            })
        } else {
            Err(LeaseTimesError {
                heartbeat,
                lease,
                reap,
            })
        }
    }

    /// How often a worker renews the leases that it holds.
    #[must_use]
    pub fn heartbeat(&self) -> Duration {
        self.heartbeat
    }

    /// How long one renewal is good for: a worker that couldn't renew for this long starts nothing new.
    #[must_use]
    pub fn lease(&self) -> Duration {
        self.lease
    }

    /// How long a heartbeat waits for its answer: one that began in time is over before the lease is.
    #[must_use]
    pub fn answer(&self) -> Duration {
        self.lease.saturating_sub(self.heartbeat)
    }

    /// How long a beat counter must stand still in the reaper's own reads before the job is taken back.
    #[must_use]
    pub fn reap(&self) -> Duration {
        self.reap
    }
}

impl Default for LeaseTimes {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(5),
            lease: Duration::from_secs(15),
            reap: Duration::from_secs(22),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn only_rising_times_are_accepted() {
        assert!(LeaseTimes::new(S, 2 * S, 3 * S).is_ok());
        for [heartbeat, lease, reap] in [
            [Duration::ZERO, 2 * S, 3 * S],
            [2 * S, 2 * S, 3 * S],
            [S, 3 * S, 3 * S],
            [3 * S, 2 * S, S],
        ] {
            assert!(LeaseTimes::new(heartbeat, lease, reap).is_err());
        }
    }

    #[test]
    fn the_defaults_keep_the_invariant() {
        let d = LeaseTimes::default();
        assert_eq!(LeaseTimes::new(d.heartbeat, d.lease, d.reap), Ok(d));
    }
}
