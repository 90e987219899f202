//! The most that an attempt's engine child holds of its device, from the loaded model to the attempt's end.
//!
//! The kernel counts it for a processor's child. A card's is looked at several times a second; a peak between two looks
//! is known by the buffers that the library says it takes, which come on top of what the child held at rest. So it is
//! where the driver doesn't show the child, as in a container: at rest it is then taken to hold what is booked.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use mystic_domain::Mib;
use tokio_util::task::AbortOnDropHandle;

use crate::inventory::Device;

/// How often a card is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// An engine child that is watched.
pub(super) struct Watch {
    child: Arc<Watched>,
    /// What is booked for its model.
    booked: Mib,
    /// The largest buffer of its device that its library took, in MiB; 0 for none.
    buffer: AtomicI64,
    _looking: AbortOnDropHandle<()>,
}

struct Watched {
    device: Arc<Device>,
    pid: u32,
    /// Whether the most is counted by somebody else.
    counted: bool,
    at_rest: OnceLock<Mib>,
    /// In MiB; 0 where it was not seen yet.
    most: AtomicI64,
}

impl Watched {
    async fn look(&self) {
        if let Some(held) = self.device.held(self.pid, self.counted).await {
            self.at_rest.get_or_init(|| held);
            self.most.fetch_max(held.0, Ordering::Relaxed);
        }
    }
}

impl Watch {
    /// Watches a child that has loaded its model and rests.
    pub(super) async fn start(device: &Arc<Device>, pid: u32, booked: Mib) -> Self {
        let child = Arc::new(Watched {
            device: Arc::clone(device),
            pid,
            counted: device.count_most(pid),
            at_rest: OnceLock::new(),
            most: AtomicI64::new(0),
        });
        child.look().await;
        let watched = Arc::clone(&child);
        let looking = tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK).await;
                watched.look().await;
            }
        });
        Self {
            child,
            booked,
            buffer: AtomicI64::new(0),
            _looking: AbortOnDropHandle::new(looking),
        }
    }

    /// Notes a buffer that the child's library took.
    pub(super) fn buffer(&self, module: &str, size: Mib, in_ram: bool) {
        tracing::debug!(module, %size, in_ram, "buffer taken");
        if !in_ram || self.child.device.info.is_processor() {
            self.buffer.fetch_max(size.0, Ordering::Relaxed);
        }
    }

    /// The most that it held; none where nobody saw.
    pub(super) async fn end(self) -> Option<Mib> {
        if self.child.counted {
            // What it held since the last look. A child that is gone is known by the looks before.
            self.child.look().await;
        }
        let most = Mib(self.child.most.load(Ordering::Relaxed));
        let buffer = Mib(self.buffer.load(Ordering::Relaxed));
        let at_rest = self.child.at_rest.get().copied();
        peak(self.child.counted, at_rest, most, buffer, self.booked)
    }
}

fn peak(counted: bool, at_rest: Option<Mib>, most: Mib, buffer: Mib, booked: Mib) -> Option<Mib> {
    if counted && at_rest.is_some() {
        return Some(most);
    }
    let with_buffer = (buffer > Mib(0)).then(|| at_rest.unwrap_or(booked) + buffer);
    with_buffer.max(at_rest.map(|_| most))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOKED: Mib = Mib(2000);

    #[test]
    fn what_is_counted_is_the_peak_whatever_the_library_says() {
        let peak = peak(true, Some(Mib(100)), Mib(900), Mib(5000), BOOKED);
        assert_eq!(peak, Some(Mib(900)));
    }

    #[test]
    fn a_peak_between_two_looks_is_known_by_the_library_s_buffer() {
        let peak = |most, buffer| peak(false, Some(Mib(2400)), Mib(most), Mib(buffer), BOOKED);
        assert_eq!(peak(2500, 1664), Some(Mib(4064)));
        assert_eq!(peak(4200, 1664), Some(Mib(4200)));
        assert_eq!(peak(2500, 0), Some(Mib(2500)));
    }

    #[test]
    fn a_child_that_nobody_shows_is_known_by_its_booking_and_its_library_or_not_at_all() {
        let peak = |buffer| peak(false, None, Mib(0), Mib(buffer), BOOKED);
        assert_eq!(peak(1664), Some(Mib(3664)));
        assert_eq!(peak(0), None);
    }
}
