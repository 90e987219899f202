//! Single decisions on small ledgers.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use mystic_domain::{ContextPlan, DeviceId, EngineKind, Mib, Pause, Plan, WaitReason, WorkerId};
use mystic_ledger::{idle, outdated};
use mystic_store::{PauseRecord, Seat, SnapshotWorker};

use crate::bench::*;

#[test]
fn a_loaded_model_is_used_before_another_is_loaded() {
    let mut bench = Bench::new();
    bench.device(20_000, 1);
    let there = bench.device(20_000, 1);
    let model = bench.model(there, "anime", "ready", 0);
    bench.queue(&[("anime", 512)]);
    let actions = bench.decide();
    assert_eq!(grants(&actions)[0].seat, Seat::Loaded(model));
    assert_eq!(grants(&actions)[0].need.working, WORKING_512);
}

#[test]
fn a_model_that_is_loading_is_not_loaded_again() {
    let mut bench = Bench::new();
    let device = bench.device(20_000, 2);
    let model = bench.model(device, "anime", "loading", 0);
    bench.lease(device, model, "granted");
    bench.queue(&[("anime", 512), ("anime", 512)]);
    let actions = bench.decide();
    let loading = WaitReason::ModelLoading {
        device: DeviceId("host/0".into()),
        preset: "anime".into(),
        percent: None,
    };
    assert_eq!(reason(&actions, 1), Some(&loading));
    assert_eq!(reason(&actions, 2), Some(&WaitReason::Behind { n: 2 }));
}

#[test]
fn two_jobs_spread_over_two_devices() {
    let mut bench = Bench::new();
    bench.device(20_000, 1);
    bench.device(20_000, 1);
    bench.queue(&[("anime", 512), ("anime", 512), ("anime", 512)]);
    let actions = bench.decide();
    let devices: BTreeSet<_> = grants(&actions).iter().map(|g| g.device.clone()).collect();
    assert_eq!(devices.len(), 2);
    assert_eq!(reason(&actions, 3), Some(&WaitReason::Behind { n: 2 }));
}

#[test]
fn the_ladder_is_tried_before_anything_is_unloaded() {
    let mut bench = Bench::new();
    let device = bench.device(5_000, 1);
    bench.model(device, "photo", "ready", 100);
    bench.model(device, "tagger", "ready", 100);
    // 2,096 MiB resident; 6,656 MiB to decode in one piece, 2,622 MiB to sample.
    bench.queue(&[("anime", 1024)]);
    let actions = bench.decide();
    assert_eq!(
        grants(&actions).first().map(|grant| grant.plan),
        Some(Plan::VaeTiling),
        "{actions:?}"
    );
    assert_eq!(evicted(&actions), []);
}

#[test]
fn a_model_is_loaded_another_way_only_where_the_device_cannot_hold_it_as_it_is() {
    let mut bench = Bench::new();
    let device = bench.device(1_000, 1);
    let idle = bench.model(device, "photo", "ready", 100);
    bench.offer_all();
    // With the idle model gone the first rungs fit, so it goes.
    bench.snapshot.devices[device].capacity = bench.snapshot.devices[device].capacity + Mib(700);
    bench.queue(&[("anime", 512)]);
    assert_eq!(evicted(&bench.decide()), [idle]);
    // 500 MiB of weights pass through, beside 164 MiB of activations and the process.
    let mut bench = Bench::new();
    bench.device(800, 1);
    bench.offer_all();
    bench.queue(&[("anime", 512)]);
    let actions = bench.decide();
    let [granted] = grants(&actions)[..] else {
        panic!("{actions:?}")
    };
    assert_eq!(
        (granted.plan, granted.need.working),
        (Plan::Streamed, Mib(664))
    );
    assert!(
        matches!(
            granted.seat,
            Seat::Load {
                context: ContextPlan::Streamed,
                ..
            }
        ),
        "{granted:?}"
    );
}

#[test]
fn a_job_whose_plan_nobody_offers_has_no_worker() {
    let mut bench = Bench::new();
    bench.device(20_000, 1);
    bench.queue(&[("anime", 512)]);
    bench.snapshot.queued[0].plan = Plan::VaeOnCpu;
    let none = WaitReason::NoWorker {
        preset: "anime".into(),
    };
    assert_eq!(reason(&bench.decide(), 1), Some(&none));
    bench.offer_all();
    assert_eq!(grants(&bench.decide())[0].plan, Plan::VaeOnCpu);
}

#[test]
fn a_loaded_model_keeps_its_device_until_another_job_has_waited_for_too_long() {
    let mut bench = Bench::new();
    let device = bench.device(1_000, 1);
    bench.snapshot.workers[0].max_children = 4;
    bench.model(device, "photo", "ready", 900);
    let idle = bench.model(device, "sketch", "ready", 10);
    let busy = bench.model(device, "tagger", "ready", 5_000);
    bench.lease(device, busy, "claimed");
    bench.queue(&[("anime", 256), ("photo", 256)]);
    let actions = bench.decide();
    assert_eq!(grants(&actions)[0].preset, "photo");
    assert_eq!(evicted(&actions), []);
    bench.snapshot.queued[0].queued_at = now() - TimeDelta::minutes(10);
    let actions = bench.decide();
    assert_eq!(evicted(&actions), [idle], "what is asked for stays");
    assert_eq!(
        reason(&actions, 1),
        Some(&WaitReason::VramShort {
            device: DeviceId("host/0".into()),
            need: Mib(2096 + 416),
            free: Mib(1_000),
        })
    );
    // The turn is kept for the first job, which would otherwise wait for the whole of the second.
    assert_eq!(reason(&actions, 2), Some(&WaitReason::Behind { n: 1 }));
}

#[test]
fn a_worker_with_all_its_children_unloads_one() {
    let mut bench = Bench::new();
    let device = bench.device(20_000, 1);
    bench.model(device, "photo", "ready", 5);
    let idle = bench.model(device, "sketch", "ready", 50);
    bench.queue(&[("anime", 512), ("tagger", 0)]);
    assert_eq!(evicted(&bench.decide()), [idle]);
}

#[test]
fn a_job_that_no_device_can_hold_stops_nobody() {
    let mut bench = Bench::new();
    let device = bench.device(1_000, 1);
    bench.model(device, "tagger", "ready", 5_000);
    bench.snapshot.devices[0].others = Mib(1_000);
    bench.queue(&[("anime", 2048), ("tagger", 0)]);
    bench.snapshot.devices[0].others = Mib(900);
    let actions = bench.decide();
    assert!(matches!(
        reason(&actions, 1),
        Some(WaitReason::TooLarge { .. })
    ));
    assert_eq!(evicted(&actions), []);
    assert_eq!(grants(&actions).len(), 1);
}

#[test]
fn nobody_waits_for_memory_in_quarantine() {
    let mut bench = Bench::new();
    let device = bench.device(1_000, 1);
    let model = bench.model(device, "anime", "ready", 0);
    bench.lease(device, model, "quarantined");
    bench.snapshot.devices[0].turns = 2;
    bench.snapshot.workers.remove(0);
    bench.snapshot.workers.push(SnapshotWorker {
        id: WorkerId(id(77)),
        device: DeviceId("host/0".into()),
        engine: EngineKind::Sd,
        max_children: 2,
        presets: vec![served("anime")],
    });
    bench.queue(&[("anime", 512), ("tagger", 0)]);
    bench.snapshot.devices[0].capacity = bench.snapshot.devices[0].capacity + Mib(1_300);
    let actions = bench.decide();
    assert!(matches!(
        reason(&actions, 1),
        Some(WaitReason::VramShort { .. })
    ));
    assert_eq!(grants(&actions).len(), 1, "the tagger is loaded");
}

#[test]
fn a_lost_device_gets_nothing_and_is_named_where_no_other_is_left() {
    let mut bench = Bench::new();
    let device = bench.device(20_000, 1);
    bench.snapshot.devices[device].lost_at = Some(now());
    bench.queue(&[("anime", 512)]);
    let lost = WaitReason::DeviceLost {
        device: bench.snapshot.devices[device].id.clone(),
    };
    assert_eq!(reason(&bench.decide(), 1), Some(&lost));
    let other = bench.device(20_000, 1);
    let actions = bench.decide();
    let [granted] = grants(&actions)[..] else {
        panic!("{actions:?}")
    };
    assert_eq!(granted.device, bench.snapshot.devices[other].id);
}

#[test]
fn only_idle_models_that_nobody_asks_for_are_unloaded_in_time() {
    let mut bench = Bench::new();
    let device = bench.device(0, 1);
    let old = bench.model(device, "photo", "ready", 300);
    bench.model(device, "sketch", "ready", 299);
    bench.model(device, "anime", "ready", 900);
    let used = bench.model(device, "tagger", "ready", 900);
    bench.lease(device, used, "claimed");
    bench.queue(&[("anime", 512)]);
    let limit = std::time::Duration::from_mins(5);
    assert_eq!(idle(&bench.snapshot, limit), [old]);
}

#[test]
fn a_model_of_other_files_takes_no_job_and_goes_when_nobody_has_it() {
    let mut bench = Bench::new();
    let device = bench.device(20_000, 1);
    let old = bench.model(device, "anime", "ready", 0);
    bench.queue(&[("anime", 512)]);
    bench.snapshot.devices[device].residents[0].outdated = true;
    let actions = bench.decide();
    let mut grants = grants(&actions).into_iter();
    assert!(grants.all(|grant| grant.seat != Seat::Loaded(old)));
    assert_eq!(outdated(&bench.snapshot), [old]);
    bench.lease(device, old, "claimed");
    assert_eq!(outdated(&bench.snapshot), []);
}

#[test]
fn an_idle_device_preloads_what_will_tag_the_pictures_that_are_drawn() {
    let mut bench = Bench::new();
    let idle = bench.device(20_000, 1);
    assert_eq!(preloaded(&bench.decide()), [], "nothing is to come");
    bench.draws("local", 1);
    let actions = bench.decide();
    let [preload] = &preloaded(&actions)[..] else {
        panic!("{actions:?}")
    };
    assert_eq!(preload.device, bench.snapshot.devices[idle].id);
    assert_eq!(preload.worker, bench.snapshot.workers[1].id);
    assert_eq!(preload.context, ContextPlan::Default);
    assert_eq!(
        (preload.preset.as_str(), preload.booked),
        ("tagger", booked("tagger"))
    );
    bench.model(idle, "tagger", "loading", 0);
    assert_eq!(preloaded(&bench.decide()), [], "once");
}

#[test]
fn a_preload_is_the_first_rung_that_its_worker_offers_and_needs_room_for_that() {
    let mut bench = Bench::new();
    let device = bench.device(20_000, 1);
    bench.draws("local", 1);
    let tagger = &mut bench.snapshot.workers[1].presets[0];
    tagger.plans = vec![Plan::HalfOffloaded, Plan::KvQuantised];
    let actions = bench.decide();
    let [preload] = &preloaded(&actions)[..] else {
        panic!("{actions:?}")
    };
    assert_eq!(preload.context, ContextPlan::KvQuantised);
    assert!(preload.booked < booked("tagger"));
    bench.snapshot.devices[device].capacity = preload.booked;
    assert_eq!(preloaded(&bench.decide()).len(), 1);
    bench.snapshot.devices[device].others = Mib(1);
    assert_eq!(preloaded(&bench.decide()), []);
}

#[test]
fn nothing_is_preloaded_for_jobs_that_will_wait_for_an_operator() {
    let mut bench = Bench::new();
    bench.device(20_000, 1);
    bench.draws("local", 1);
    for (pause, expected) in [
        (Pause::Queue, 0),
        (Pause::Preset("tagger".into()), 0),
        (Pause::Owner("local".into()), 0),
        (Pause::Preset("photo".into()), 1),
        (Pause::Owner("somebody else".into()), 1),
    ] {
        bench.snapshot.pauses = vec![PauseRecord {
            pause,
            release: false,
            paused_by: "local".into(),
            paused_at: now(),
        }];
        assert_eq!(preloaded(&bench.decide()).len(), expected);
    }
}

#[test]
fn what_failed_to_preload_is_left_to_its_first_job_there() {
    let mut bench = Bench::new();
    bench.device(20_000, 1);
    let other = bench.device(20_000, 1);
    bench.draws("local", 1);
    bench.snapshot.workers[1].presets[0].preload_failed = true;
    let actions = bench.decide();
    let [preload] = &preloaded(&actions)[..] else {
        panic!("{actions:?}")
    };
    assert_eq!(preload.device, bench.snapshot.devices[other].id);
    bench.snapshot.workers[3].presets[0].preload_failed = true;
    assert_eq!(preloaded(&bench.decide()), []);
}

#[test]
fn what_would_fit_without_strangers_is_short_of_memory_and_what_never_would_is_too_large() {
    let mut bench = Bench::new();
    let device = bench.device(4_000, 1);
    bench.snapshot.devices[device].others = Mib(3_500);
    bench.queue(&[("anime", 512), ("photo", 2048)]);
    let actions = bench.decide();
    let short = WaitReason::VramShort {
        device: DeviceId("host/0".into()),
        need: Mib(2096 + 520),
        free: Mib(500),
    };
    assert_eq!(reason(&actions, 1), Some(&short));
    assert!(matches!(
        reason(&actions, 2),
        Some(WaitReason::TooLarge { .. })
    ));
}

#[test]
fn an_idle_device_helps_a_batch_by_a_lease_of_its_own() {
    let mut bench = Bench::new();
    let busy = bench.device(20_000, 1);
    let idle = bench.device(20_000, 1);
    let there = bench.model(idle, "anime", "ready", 0);
    let batch = bench.batch(busy, "anime", 3);
    let actions = bench.decide();
    let [help] = helps(&actions)[..] else {
        panic!("{actions:?}")
    };
    assert_eq!((help.of, help.fence.0), (batch, 1));
    assert_ne!(help.grant.job, batch);
    assert_eq!(help.grant.device, DeviceId("host/1".into()));
    assert_eq!(help.grant.seat, Seat::Loaded(there));
    assert_eq!(help.grant.need.working, WORKING_512);
    // Whoever waits comes first.
    bench.queue(&[("anime", 512)]);
    let actions = bench.decide();
    assert_eq!((grants(&actions).len(), helps(&actions).len()), (1, 0));
}
