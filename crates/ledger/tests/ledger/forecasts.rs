//! What is foretold is what the same decisions make of it.

use std::time::Duration;

use mystic_domain::{DeviceId, JobId, Plan};
use mystic_ledger::Ledger;
use mystic_store::LearnedTime;

use crate::bench::*;

fn learned(preset: &str, unit_ms: f64, load_ms: f64) -> LearnedTime {
    LearnedTime {
        preset: preset.into(),
        device: DeviceId("host/0".into()),
        unit_ms: Some(unit_ms),
        load_ms: Some(load_ms),
    }
}

/// Milliseconds that one picture of 512² with 20 steps takes at 100 ms a unit.
const PICTURE: u64 = 576;

#[test]
fn jobs_on_one_card_follow_one_another_with_the_times_that_were_learned() {
    let mut bench = Bench::new();
    bench.device(20_000, 1);
    bench.snapshot.times = vec![learned("anime", 100.0, 3_000.0)];
    bench.queue(&[("anime", 512), ("anime", 512), ("anime", 512)]);
    let ledger = Ledger::of(&bench.snapshot);
    let start = |number: u128| {
        let forecast = ledger.forecast(JobId(id(number))).expect("it is queued");
        let start = forecast.start.expect("it will start");
        (forecast.position, start.after, start.runs)
    };
    let millis = Duration::from_millis;
    assert_eq!(start(1), (0, millis(0), millis(3_000 + PICTURE)));
    assert_eq!(start(2), (1, millis(3_000 + PICTURE), millis(PICTURE)));
    assert_eq!(start(3), (2, millis(3_000 + 2 * PICTURE), millis(PICTURE)));
}

#[test]
fn a_job_that_needs_another_s_memory_starts_when_that_has_ended() {
    let mut bench = Bench::new();
    let device = bench.device(2_500, 1);
    let other = bench.model(device, "photo", "ready", 0);
    bench.lease(device, other, "claimed");
    bench.queue(&[("anime", 512)]);
    let ledger = Ledger::of(&bench.snapshot);
    let start = ledger
        .forecast(JobId(id(1)))
        .and_then(|forecast| forecast.start)
        .expect("it will start");
    assert_eq!(start.device, DeviceId("host/0".into()));
    assert!(start.after >= Duration::from_secs(10), "{start:?}");
    assert_eq!(start.plan, Plan::Full);
    assert_eq!(start.need, booked("anime") + WORKING_512);
}

#[test]
fn nothing_is_foretold_of_a_job_that_nobody_can_run() {
    let mut bench = Bench::new();
    bench.device(1_000, 1);
    bench.queue(&[("anime", 512)]);
    let ledger = Ledger::of(&bench.snapshot);
    let forecast = ledger.forecast(JobId(id(1))).expect("it is queued");
    assert_eq!((forecast.position, forecast.start), (0, None));
    assert_eq!(ledger.forecast(JobId(id(2))), None);
}

#[test]
fn the_line_is_the_order_of_starts_and_who_can_t_start_stands_at_its_end() {
    let mut bench = Bench::new();
    let device = bench.device(4_000, 1);
    bench.model(device, "photo", "ready", 0);
    bench.queue(&[("sketch", 512), ("anime", 512), ("photo", 512)]);
    for worker in &mut bench.snapshot.workers {
        worker.presets.retain(|served| served.name != "sketch");
    }
    let ledger = Ledger::of(&bench.snapshot);
    let (unserved, other, loaded) = (JobId(id(1)), JobId(id(2)), JobId(id(3)));
    let line = ledger.line(10);
    assert_eq!(line.order().collect::<Vec<_>>(), [loaded, other, unserved]);
    assert_eq!(line.rest, [unserved]);
    for (place, job) in line.order().enumerate() {
        let forecast = ledger.forecast(job).expect("it is queued");
        let start = line.starts.get(place).map(|(_, start)| start.clone());
        assert_eq!((forecast.position, forecast.start), (place, start));
    }
    let first = ledger.line(1);
    assert_eq!((first.starts.len(), first.rest.len()), (1, 2));
}
