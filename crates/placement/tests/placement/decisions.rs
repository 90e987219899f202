//! Single decisions on small ledgers.

use mystic_domain::{ContextPlan, Mib, Plan};
use mystic_placement::{
    Action, DeviceIndex, Grant, Hold, Millis, ModelState, Policy, Preload, PresetIndex, Reason,
};

use super::fleet::{Fleet, SIZES};

const SECOND: Millis = Millis::seconds(1);

fn grants(actions: &[Action]) -> Vec<Grant> {
    actions
        .iter()
        .filter_map(|action| match action {
            Action::Grant(grant) => Some(*grant),
            _ => None,
        })
        .collect()
}

/// A fleet on which these jobs have run, one after the other.
fn after(devices: usize, jobs: &[usize]) -> Fleet {
    let mut fleet = Fleet::new(devices, Policy::default());
    for preset in jobs {
        fleet.submit(*preset, 0, 0, SECOND, Millis(0));
        settle(&mut fleet);
        while let Some(next) = fleet.next_event() {
            fleet.pass(next);
        }
    }
    fleet
}

fn settle(fleet: &mut Fleet) {
    for _ in 0..4 {
        let actions = fleet.decide();
        fleet.apply(&actions);
        fleet.exits();
    }
}

#[test]
fn a_loaded_model_is_used_where_it_is() {
    let mut fleet = after(3, &[0]);
    let there = fleet
        .devices
        .iter()
        .position(|device| !device.models.is_empty());
    fleet.submit(0, 0, 0, SECOND, Millis(0));
    let [grant] = grants(&fleet.decide())[..] else {
        panic!()
    };
    assert_eq!(Some(grant.device.0), there);
    assert!(grant.seat.is_some());
}

#[test]
fn four_jobs_do_not_queue_at_one_machine_while_another_stands_idle() {
    let mut fleet = Fleet::new(2, Policy::default());
    fleet.devices[1].served = fleet.devices[0].served.clone();
    let run = Millis::seconds(3);
    fleet.submit(0, 0, 0, run, Millis(0));
    settle(&mut fleet);
    while let Some(next) = fleet.next_event() {
        fleet.pass(next);
    }
    for _ in 0..4 {
        fleet.submit(0, 0, 0, run, Millis(0));
    }
    let mut devices: Vec<DeviceIndex> = grants(&fleet.decide())
        .iter()
        .map(|grant| grant.device)
        .collect();
    devices.sort_unstable();
    assert_eq!(devices, [DeviceIndex(0), DeviceIndex(1)]);
}

#[test]
fn a_job_waits_for_a_fast_card_that_is_soon_free_and_its_slow_neighbour_is_reserved() {
    let mut fleet = after(3, &[0]);
    let fast = DeviceIndex(2);
    assert_eq!(
        fleet.devices[2].models.len(),
        1,
        "an empty fleet loads on the fastest card"
    );
    fleet.submit(0, 0, 0, SECOND, Millis(0));
    settle(&mut fleet);
    fleet.submit(0, 0, 0, Millis::seconds(30), Millis(0));
    let actions = fleet.decide();
    assert_eq!(grants(&actions), []);
    let held = actions.iter().find_map(|action| match action {
        Action::Reserve(reserved) => Some((reserved.why, reserved.until)),
        _ => None,
    });
    let bound = fleet.devices[0].idle_since + Policy::default().affinity;
    assert_eq!(held, Some((Hold::SoonerOn(fast), bound.max(fleet.now))));
}

#[test]
fn an_idle_text_model_goes_for_a_picture_and_comes_back_after_it() {
    let mut fleet = Fleet::new(2, Policy::default());
    fleet.devices.truncate(2);
    fleet.devices[0].max_children = [0, 0];
    fleet.submit(13, 0, 0, SECOND, Millis(0));
    settle(&mut fleet);
    while let Some(next) = fleet.next_event() {
        fleet.pass(next);
    }
    let text = fleet.devices[1].models[0].id;
    // 10,096 MiB of 11,776: not beside 5,498.
    fleet.submit(11, 0, 0, SECOND, Millis(0));
    let actions = fleet.decide();
    assert!(actions.contains(&Action::Evict(text)));
    fleet.apply(&actions);
    assert_eq!(fleet.devices[1].models[0].state, ModelState::Evicting);
    fleet.exits();
    let actions = fleet.decide();
    assert_eq!(grants(&actions).len(), 1);
    fleet.apply(&actions);
    fleet.submit(13, 0, -10, SECOND, Millis(0));
    settle(&mut fleet);
    assert_eq!(fleet.queue.len(), 1, "the picture runs");
    while let Some(next) = fleet.next_event() {
        fleet.pass(next);
    }
    settle(&mut fleet);
    assert!(fleet.queue.is_empty());
}

#[test]
fn tiles_are_taken_before_a_wanted_model_is_unloaded() {
    // 24 GB: 6,713 and 9,796 loaded leave 7,555 MiB; 1024 × 1024 takes 7,921 in one piece and 780 in tiles.
    let mut fleet = after(3, &[4, 10]);
    let both = fleet.devices[2].models.len() == 2;
    assert!(both, "{:?}", fleet.devices[2]);
    fleet.submit(4, 2, 0, SECOND, Millis(0));
    fleet.submit(10, 0, -10, SECOND, Millis(0));
    let actions = fleet.decide();
    assert!(
        !actions
            .iter()
            .any(|action| matches!(action, Action::Evict(_))),
        "{actions:?}"
    );
    assert_eq!(grants(&actions)[0].plan, Plan::VaeTiling);
}

#[test]
fn jobs_for_one_text_model_wait_for_it_and_do_not_load_it_again_in_another_way() {
    // 24 GB have room for several of it.
    let mut fleet = Fleet::new(3, Policy::default());
    fleet.devices[0].max_children = [0, 0];
    fleet.devices[1].max_children = [0, 0];
    fleet.submit(13, 0, 0, SECOND, Millis(0));
    fleet.submit(13, 0, 0, SECOND, Millis(0));
    settle(&mut fleet);
    assert_eq!(fleet.queue.len(), 1, "the second waits for the first's end");
    assert_eq!(fleet.devices[2].models.len(), 1);
    while let Some(next) = fleet.next_event() {
        fleet.pass(next);
        settle(&mut fleet);
        assert_eq!(fleet.devices[2].models.len(), 1);
    }
    assert!(fleet.queue.is_empty());
}

#[test]
fn a_low_priority_job_yields_and_catches_up_by_waiting() {
    let mut fleet = Fleet::new(
        1,
        Policy {
            priority_step: SECOND,
            ..Policy::default()
        },
    );
    let low = fleet.submit(0, 0, -100, SECOND, Millis(0));
    let high = fleet.submit(0, 0, 0, SECOND, Millis(0));
    assert_eq!(grants(&fleet.decide())[0].job, high);
    fleet.now = Millis::seconds(101);
    fleet.queue.remove(high);
    fleet.submit(0, 0, 0, SECOND, Millis(0));
    assert_eq!(grants(&fleet.decide())[0].job, low);
}

#[test]
fn an_owner_with_much_queued_comes_after_one_with_little() {
    let mut fleet = Fleet::new(1, Policy::default());
    let rounds = Policy::default().quantum.times(3.0);
    let much = fleet.submit(0, 0, 0, SECOND, rounds);
    fleet.now = SECOND;
    let little = fleet.submit(0, 0, 0, SECOND, Millis(0));
    let order: Vec<_> = fleet.queue.in_order().iter().map(|job| job.id).collect();
    assert_eq!(order, [little, much]);
}

#[test]
fn what_no_device_can_hold_waits_with_the_one_that_comes_nearest() {
    let mut fleet = Fleet::new(1, Policy::default());
    fleet.submit(11, 0, 0, SECOND, Millis(0));
    let actions = fleet.decide();
    assert!(
        matches!(
            actions[..],
            [Action::Wait(
                _,
                Reason::TooLarge {
                    device: DeviceIndex(0),
                    ..
                }
            )]
        ),
        "{actions:?}"
    );
}

#[test]
fn what_nobody_serves_waits_for_a_worker() {
    let mut fleet = Fleet::new(1, Policy::default());
    fleet.devices[0].served[0] = None;
    fleet.submit(0, 0, 0, SECOND, Millis(0));
    assert!(matches!(
        fleet.decide()[..],
        [Action::Wait(_, Reason::NoWorker)]
    ));
}

#[test]
fn an_idle_device_loads_what_will_be_asked_for_next() {
    let mut fleet = Fleet::new(1, Policy::default());
    fleet.presets[4].upcoming = 1;
    let actions = fleet.decide();
    assert!(
        matches!(actions[..], [Action::Preload { preset, .. }] if preset.0 == 4),
        "{actions:?}"
    );
    fleet.apply(&actions);
    assert_eq!(fleet.decide(), [], "once");
}

#[test]
fn of_two_idle_devices_one_loads_what_one_job_will_ask_for() {
    let mut fleet = Fleet::new(2, Policy::default());
    fleet.presets[0].upcoming = 1;
    let actions = fleet.decide();
    let preloads = actions
        .iter()
        .filter(|action| matches!(action, Action::Preload { .. }));
    assert_eq!(preloads.count(), 1, "{actions:?}");
}

fn helped(actions: &[Action]) -> Vec<DeviceIndex> {
    let helped = actions.iter().filter_map(|action| match action {
        Action::Help(help) => Some(help.device),
        _ => None,
    });
    helped.collect()
}

/// Begins a batch of four pictures of so many milliseconds each on the fastest card.
fn draws(fleet: &mut Fleet, preset: usize, picture: i64) {
    fleet.submit(preset, 0, 0, Millis(4 * picture), Millis(0));
    let actions = fleet.decide();
    assert_eq!(grants(&actions)[0].device, DeviceIndex(2));
    fleet.apply(&actions);
}

#[test]
fn cards_with_nothing_to_do_draw_pictures_of_a_batch_that_runs_elsewhere() {
    let mut fleet = Fleet::new(3, Policy::default());
    draws(&mut fleet, 0, 10_000);
    let actions = fleet.decide();
    assert_eq!(helped(&actions), [DeviceIndex(1), DeviceIndex(0)]);
    fleet.apply(&actions);
    assert_eq!(fleet.batches[0].unbegun, 1, "each has one");
    assert_eq!(fleet.decide(), [], "and no card has two");
}

#[test]
fn a_model_that_is_being_preloaded_is_not_loaded_again_to_help() {
    let mut fleet = Fleet::new(3, Policy::default());
    fleet.devices[0].served = vec![None; fleet.presets.len()];
    draws(&mut fleet, 0, 10_000);
    fleet.presets[0].upcoming = 2;
    let actions = fleet.decide();
    assert!(
        matches!(actions[..], [Action::Preload { device, .. }] if device == DeviceIndex(1)),
        "{actions:?}"
    );
    fleet.apply(&actions);
    let actions = fleet.decide();
    assert_eq!(helped(&actions), [DeviceIndex(1)]);
    let preloaded = fleet.devices[1].models[0].id;
    assert!(
        matches!(actions[..], [Action::Help(help)] if help.seat == Some(preloaded)),
        "{actions:?}"
    );
}

#[test]
fn a_batch_that_would_end_hardly_sooner_is_not_helped() {
    let mut fleet = Fleet::new(3, Policy::default());
    draws(&mut fleet, 0, 100);
    assert_eq!(helped(&fleet.decide()), []);
}

#[test]
fn a_model_is_unloaded_to_help_only_where_that_gains_more_than_its_load() {
    // 12 GB: 5,498 of text and 6,396 of the picture's model are more than 11,776.
    let with_text = || {
        let mut fleet = Fleet::new(3, Policy::default());
        fleet.devices[0].served = vec![None; fleet.presets.len()];
        fleet.devices[2].served[13] = None;
        fleet.submit(13, 0, 0, SECOND, Millis(0));
        settle(&mut fleet);
        while let Some(next) = fleet.next_event() {
            fleet.pass(next);
        }
        let text = fleet.devices[1].models[0].id;
        (fleet, text)
    };
    let (mut fleet, text) = with_text();
    draws(&mut fleet, 9, 10_000);
    let actions = fleet.decide();
    assert_eq!(actions, [Action::Evict(text)]);
    fleet.apply(&actions);
    assert_eq!(fleet.decide(), [], "its end is waited for");
    fleet.exits();
    assert_eq!(helped(&fleet.decide()), [DeviceIndex(1)]);
    // It takes 5.6 s to load the text again, and one picture less takes 5 s less.
    let (mut fleet, _) = with_text();
    draws(&mut fleet, 9, 5000);
    assert_eq!(fleet.decide(), []);
}

#[test]
fn a_preload_goes_for_a_job_that_needs_its_memory_and_not_for_one_that_fits_beside_it() {
    let preload = |picture: usize| {
        let mut fleet = Fleet::new(1, Policy::default());
        let how = Preload {
            context: ContextPlan::default(),
            resident: Mib(SIZES[13]),
        };
        fleet.apply(&[Action::Preload {
            device: DeviceIndex(0),
            preset: PresetIndex(13),
            how,
        }]);
        let text = fleet.devices[0].models[0].id;
        assert!(matches!(
            fleet.devices[0].models[0].state,
            ModelState::Loading(_)
        ));
        let job = fleet.submit(picture, 0, 0, SECOND, Millis(0));
        (fleet, text, job)
    };
    // 8 GB: 7,680 less 5,498 of text.
    let (mut fleet, text, job) = preload(0);
    let actions = fleet.decide();
    assert!(actions.contains(&Action::Evict(text)), "{actions:?}");
    fleet.apply(&actions);
    fleet.exits();
    assert_eq!(grants(&fleet.decide())[0].job, job);
    let (fleet, text, job) = preload(12);
    let actions = fleet.decide();
    assert_eq!(grants(&actions)[0].job, job);
    assert!(!actions.contains(&Action::Evict(text)), "{actions:?}");
}
