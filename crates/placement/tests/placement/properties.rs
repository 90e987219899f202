//! What holds for any queue on any ledger, at every moment of a history in which everything that is decided is done.

use std::collections::BTreeSet;

use mystic_domain::EngineKind;
use mystic_placement::{
    Action, Class, Device, DeviceIndex, Hold, Millis, ModelState, Policy, PresetIndex, seat, turns,
};
use proptest::prelude::*;

use super::fleet::{Fleet, engine, model_engine};

/// A job to come: gap before it, preset, size, priority, seconds, its owner's seconds before it.
type Asked = (i64, usize, usize, i32, i64, i64);

fn any_jobs(most: usize) -> impl Strategy<Value = Vec<Asked>> {
    let job = (
        prop_oneof![3 => Just(0), 1 => 0..20_000_i64],
        0..14_usize,
        0..4_usize,
        prop_oneof![4 => Just(0), 1 => -10..10],
        1..60_i64,
        0..300_i64,
    );
    prop::collection::vec(job, 1..most)
}

/// Plays a whole history and looks at each decision before and after it is done.
fn play(
    devices: usize,
    asked: &[Asked],
    mut look: impl FnMut(&Fleet, &[Action], &Fleet) -> Result<(), TestCaseError>,
) -> Result<(), TestCaseError> {
    let mut fleet = Fleet::new(devices, Policy::default());
    let mut at = 0;
    let mut coming: Vec<(i64, Asked)> = asked
        .iter()
        .map(|job| {
            at += job.0;
            (at, *job)
        })
        .rev()
        .collect();
    loop {
        while let Some((_, job)) = coming.pop_if(|(at, _)| *at <= fleet.now.0) {
            let (_, preset, size, priority, work, ahead) = job;
            let ahead = Millis::seconds(ahead);
            fleet.submit(preset, size, priority, Millis::seconds(work), ahead);
        }
        loop {
            let before = fleet.clone();
            let actions = fleet.decide();
            fleet.apply(&actions);
            look(&before, &actions, &fleet)?;
            prop_assert!(fleet.adds_up());
            fleet.exits();
            if !actions.iter().any(|action| {
                matches!(
                    action,
                    Action::Grant(_) | Action::Help(_) | Action::Evict(_) | Action::Preload { .. }
                )
            }) {
                break;
            }
        }
        let reserved = fleet
            .decide()
            .into_iter()
            .filter_map(|action| match action {
                Action::Reserve(reservation) => Some(reservation.until),
                _ => None,
            });
        let next = reserved
            .filter(|until| *until > fleet.now)
            .chain(fleet.next_event())
            .chain(coming.last().map(|(at, _)| Millis(*at)))
            .min()
            // As the service does, it looks again though nothing has happened, while anything can come of it.
            .or_else(|| {
                let last = fleet
                    .queue
                    .in_order()
                    .last()
                    .map(|job| job.due(fleet.queue.policy()))?;
                let tick = fleet.now + Millis::seconds(1);
                (tick <= last + fleet.queue.policy().affinity + Millis::seconds(2)).then_some(tick)
            });
        match next {
            Some(next) => fleet.pass(next.max(fleet.now)),
            None => break,
        }
    }
    let stuck = fleet.queue.in_order();
    let stuck = stuck
        .into_iter()
        .filter(|job| fleet.could_hold(fleet.queue.class_of(job.class)));
    prop_assert_eq!(stuck.count(), 0, "a job that fits was never run");
    Ok(())
}

/// Whether a job of the class could begin on the device as it is, with nothing unloaded.
fn fits_now(device: &Device, class: &Class) -> bool {
    let engine = engine(class.preset.0);
    let kin = device
        .models
        .iter()
        .filter(|model| model_engine(model) == engine);
    let room = kin.count() < device.max_children[seat(engine)];
    class.rungs.iter().any(|rung| {
        let there = device
            .models
            .iter()
            .find(|model| model.preset == class.preset);
        match there {
            Some(model) => {
                model.lease.is_none()
                    && matches!(model.state, ModelState::Ready | ModelState::Loading(_))
                    && device.free >= rung.need.working
            }
            None => room && device.free >= rung.need.resident + rung.need.working,
        }
    })
}

fn copies(fleet: &Fleet, preset: PresetIndex) -> usize {
    let models = fleet.devices.iter().flat_map(|device| &device.models);
    models
        .filter(|model| model.preset == preset && model.state != ModelState::Evicting)
        .count()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// `Fleet::apply` refuses what the database would.
    #[test]
    fn no_history_overcommits_and_every_job_that_fits_runs(devices in 1..5_usize, jobs in any_jobs(60)) {
        play(devices, &jobs, |_, _, _| Ok(()))?;
    }

    #[test]
    fn the_same_snapshot_has_the_same_answer(devices in 1..5_usize, jobs in any_jobs(40)) {
        play(devices, &jobs, |before, actions, _| {
            prop_assert_eq!(&before.clone().decide()[..], actions);
            Ok(())
        })?;
    }

    #[test]
    fn an_idle_device_with_a_fitting_job_is_reserved_within_the_bound(devices in 1..5_usize, jobs in any_jobs(60)) {
        let bound = Policy::default().affinity;
        play(devices, &jobs, |_, actions, after| {
            for (at, device) in after.devices.iter().enumerate() {
                let index = DeviceIndex(at);
                let waiting = after.queue.in_order();
                let fitting = waiting.iter().any(|job| {
                    let class = after.queue.class_of(job.class);
                    turns(engine(class.preset.0)) > 0 && fits_now(device, class)
                });
                if device.turns == 0 || !fitting {
                    continue;
                }
                let reserved = actions.iter().find_map(|action| match action {
                    Action::Reserve(reserved) if reserved.device == index => Some(reserved),
                    _ => None,
                });
                let Some(reserved) = reserved else {
                    return Err(TestCaseError::fail(format!("{index:?} of {:?} idles for nobody: {actions:?}", after.devices)));
                };
                prop_assert!(after.queue.get(reserved.job).is_some());
                prop_assert!(reserved.until >= after.now && reserved.until <= after.now + bound);
                if device.idle_since + bound <= after.now {
                    // Past the bound it waits for nothing but an unloading, its own or one that is done for its job elsewhere.
                    let elsewhere = |on: DeviceIndex| actions.iter().any(|action| {
                        matches!(action, Action::Reserve(other) if (other.device, other.job, other.why) == (on, reserved.job, Hold::Unloading))
                    });
                    let unloading = match reserved.why {
                        Hold::Unloading => true,
                        Hold::SoonerOn(on) => elsewhere(on),
                        Hold::MemoryHeld => false,
                    };
                    prop_assert!(unloading, "it has idled for long enough: {:?}", reserved);
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn the_last_copy_of_a_model_with_queued_work_goes_only_past_the_bound(devices in 1..5_usize, jobs in any_jobs(60)) {
        let policy = Policy::default();
        play(devices, &jobs, |before, actions, after| {
            let gone: BTreeSet<PresetIndex> = before
                .devices
                .iter()
                .flat_map(|device| &device.models)
                .filter(|model| actions.contains(&Action::Evict(model.id)))
                .map(|model| model.preset)
                .collect();
            let waiting = after.queue.in_order();
            for preset in gone {
                let wanted = waiting.iter().any(|job| {
                    let class = after.queue.class_of(job.class);
                    class.preset == preset && after.could_hold(class)
                });
                let overdue = waiting.iter().any(|job| {
                    let text = engine(after.queue.class_of(job.class).preset.0) == EngineKind::Llm;
                    let bound = if text { policy.text_affinity } else { policy.affinity };
                    job.due(&policy) + bound <= after.now
                });
                prop_assert!(!wanted || overdue || copies(after, preset) > 0);
            }
            Ok(())
        })?;
    }

    #[test]
    fn a_device_helps_a_batch_only_where_no_waiting_job_could_ever_run(devices in 1..5_usize, jobs in any_jobs(60)) {
        let mut helped = 0;
        play(devices, &jobs, |before, actions, after| {
            for action in actions {
                let Action::Help(help) = action else { continue };
                helped += 1;
                prop_assert!(before.devices[help.device.0].turns > 0);
                let batch = before.batches.iter().find(|batch| batch.job == help.job);
                prop_assert!(batch.is_some_and(|batch| batch.unbegun > 0));
                let waiting = after.queue.in_order();
                let could = waiting.iter().any(|job| {
                    let class = after.queue.class_of(job.class);
                    turns(engine(class.preset.0)) > 0 && after.device_could_hold(help.device, class)
                });
                prop_assert!(!could, "it helps while a job waits that it could run");
            }
            Ok(())
        })?;
        // One device alone has nobody to help.
        prop_assert!(devices > 1 || helped == 0);
    }

    #[test]
    fn a_preload_takes_nothing_from_a_waiting_job(
        devices in 1..5_usize,
        jobs in any_jobs(40),
        upcoming in prop::collection::vec(0..3_u32, 14),
    ) {
        let mut fleet = Fleet::new(devices, Policy::default());
        for (_, preset, size, priority, work, ahead) in jobs {
            fleet.submit(preset, size, priority, Millis::seconds(work), Millis::seconds(ahead));
        }
        for (preset, upcoming) in fleet.presets.iter_mut().zip(upcoming) {
            preset.upcoming = upcoming;
        }
        for _ in 0..20 {
            let actions = fleet.decide();
            for action in &actions {
                let Action::Preload { device, .. } = action else { continue };
                let on = &fleet.devices[device.0];
                prop_assert!(on.turns > 0);
                for other in &actions {
                    let reserved = matches!(other, Action::Reserve(held) if held.device == *device);
                    let granted = matches!(other, Action::Grant(grant) if grant.device == *device && grant.turns > 0);
                    prop_assert!(!reserved && !granted);
                }
            }
            fleet.apply(&actions);
            fleet.exits();
            match fleet.next_event() {
                Some(next) => fleet.pass(next),
                None => break,
            }
        }
    }

    /// The bound: whoever comes later than this after a job's due time does not go before it on a device that it could
    /// have: what its own completion there can cost, and the most that affinity and crowding weigh. Here a stream of
    /// jobs for the loaded model, half as much again as the device can do, and one job for another model.
    #[test]
    fn no_stream_of_jobs_for_a_loaded_model_starves_another(
        (stream, other) in (0..4_usize, 0..4_usize).prop_filter("two models", |(a, b)| a != b),
        work in 2..20_i64,
        others_work in 1..60_i64,
    ) {
        let policy = Policy::default();
        let mut fleet = Fleet::new(1, policy);
        let other = fleet.submit(other, 0, 0, Millis::seconds(others_work), Millis(0));
        let job = *fleet.queue.get(other).expect("queued");
        let pace = 2.0;
        let cost = Millis::seconds(others_work).times(pace * 1.02) + Millis::seconds(3 * 6) + policy.unload;
        let slack = job.due(&policy) + cost + policy.affinity + policy.crowd_limit;
        let one = Millis::seconds(work).times(pace * 1.02) + Millis::seconds(6);
        let bound = slack.times(1.5) + one + one;
        let gap = Millis::seconds(work).times(pace / 1.5);
        let mut coming = Millis(0);
        while fleet.queue.get(other).is_some() {
            prop_assert!(fleet.now <= bound, "still waiting at {:?} of {bound:?}", fleet.now);
            while coming <= fleet.now {
                fleet.submit(stream, 0, 0, Millis::seconds(work), Millis(0));
                coming = coming + gap;
            }
            for _ in 0..3 {
                let actions = fleet.decide();
                fleet.apply(&actions);
                fleet.exits();
            }
            let next = fleet.next_event().map_or(coming, |next| next.min(coming));
            fleet.pass(next);
        }
    }
}
