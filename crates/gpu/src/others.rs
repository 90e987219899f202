//! How much of a device strangers hold.

use mystic_domain::Mib;
use serde::{Deserialize, Serialize};

use crate::source::Telemetry;

/// One of our engine children on the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Child {
    /// Its process id as its supervisor knows it.
    pub pid: u32,
    /// What the ledger booked for its resident, if that is ready; `None` while it loads.
    pub ready_booking: Option<Mib>,
}

/// Memory that is taken by processes that are not our children.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Others {
    /// How much, at least 0.
    pub used: Mib,
    /// Whether a booking stood in for the observed use of at least one of our children.
    pub estimated: bool,
}

/// What strangers hold: the device's used memory less the observed use of our children and the reserve that is left
/// to strangers anyway. `children` are those of every worker on the device.
///
/// A ready child that the driver doesn't show under our pid (in containers the numberings differ), or whose use it
/// doesn't tell, is taken at its booking, and the result is marked estimated. A loading child that is not shown has
/// nothing on the device yet.
#[must_use]
pub fn others(telemetry: &Telemetry, children: &[Child]) -> Others {
    let mut ours = Mib(0);
    let mut estimated = false;
    for child in children {
        let observed = telemetry
            .processes
            .iter()
            .find(|process| process.pid == child.pid)
            .and_then(|process| Some(process.used?.saturating_sub(process.reclaimable)));
        match (observed, child.ready_booking) {
            (Some(used), _) => ours = ours + used,
            (None, Some(booked)) => {
                ours = ours + booked;
                estimated = true;
            }
            (None, None) => {}
        }
    }
    Others {
        used: telemetry
            .used
            .saturating_sub(ours)
            .saturating_sub(telemetry.reserve),
        estimated,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::ProcessUse;

    fn card(used: i64, processes: &[(u32, Option<i64>)]) -> Telemetry {
        Telemetry {
            total: Mib(24_000),
            used: Mib(used),
            free: Mib(24_000 - used),
            reserve: Mib(0),
            processes: processes
                .iter()
                .map(|&(pid, used)| ProcessUse {
                    pid,
                    used: used.map(Mib),
                    reclaimable: Mib(0),
                })
                .collect(),
            utilisation_percent: None,
            temperature_celsius: None,
            power_watts: None,
            xids: Vec::new(),
        }
    }

    fn ready(pid: u32, booked: i64) -> Child {
        Child {
            pid,
            ready_booking: Some(Mib(booked)),
        }
    }

    fn loading(pid: u32) -> Child {
        Child {
            pid,
            ready_booking: None,
        }
    }

    fn exactly(used: i64) -> Others {
        Others {
            used: Mib(used),
            estimated: false,
        }
    }

    fn about(used: i64) -> Others {
        Others {
            used: Mib(used),
            estimated: true,
        }
    }

    #[test]
    fn without_children_everything_used_is_others() {
        assert_eq!(others(&card(700, &[(9, Some(500))]), &[]), exactly(700));
    }

    #[test]
    fn observed_use_counts_not_the_booking() {
        let telemetry = card(
            9_000,
            &[(10, Some(5_000)), (11, Some(1_500)), (99, Some(2_000))],
        );
        assert_eq!(
            others(&telemetry, &[ready(10, 8_000), ready(11, 1_000)]),
            exactly(2_500)
        );
    }

    #[test]
    fn a_loading_child_counts_as_far_as_it_is_seen() {
        let telemetry = card(1_000, &[(10, Some(400))]);
        assert_eq!(
            others(&telemetry, &[loading(10), loading(11)]),
            exactly(600)
        );
    }

    #[test]
    fn unmatched_ready_children_are_taken_at_their_booking_and_marked() {
        let telemetry = card(9_000, &[(40_001, Some(6_500)), (40_002, Some(2_000))]);
        assert_eq!(others(&telemetry, &[ready(10, 7_000)]), about(2_000));
    }

    #[test]
    fn a_use_that_the_driver_does_not_tell_is_taken_at_its_booking() {
        assert_eq!(
            others(&card(5_000, &[(10, None)]), &[ready(10, 4_000)]),
            about(1_000)
        );
    }

    #[test]
    fn matched_and_unmatched_children_mix() {
        let telemetry = card(9_000, &[(10, Some(3_000))]);
        assert_eq!(
            others(&telemetry, &[ready(10, 5_000), ready(11, 2_000)]),
            about(4_000)
        );
    }

    #[test]
    fn bookings_above_the_use_clamp_at_zero() {
        assert_eq!(others(&card(1_000, &[]), &[ready(10, 4_000)]), about(0));
    }

    #[test]
    fn on_the_processor_the_reserve_and_reclaimable_pages_are_not_others() {
        let mut telemetry = card(6_000, &[(10, Some(5_000))]);
        telemetry.processes[0].reclaimable = Mib(2_000);
        telemetry.reserve = Mib(2_000);
        assert_eq!(others(&telemetry, &[ready(10, 5_000)]), exactly(1_000));
        telemetry.used = Mib(4_500);
        assert_eq!(others(&telemetry, &[ready(10, 5_000)]), exactly(0));
    }
}
