//! What jobs were seen to take is what is booked, foretold, and decided on.

use mystic_domain::correction::{Bucket, Correction};
use mystic_domain::{DeviceId, JobId, Mib, Plan, WaitReason};
use mystic_ledger::Ledger;
use mystic_store::LearnedNeed;

use crate::bench::*;

fn learned(preset: &str, side: u32, plan: Plan, ratio: f64) -> LearnedNeed {
    LearnedNeed {
        preset: preset.into(),
        bucket: Bucket::of(&job(1, preset, side).params),
        plan,
        correction: Correction { ratio, samples: 20 },
    }
}

#[test]
fn a_corrected_need_is_booked_for_its_own_preset_size_and_plan_alone() {
    for (need, working) in [
        (learned("anime", 512, Plan::Full, 1.5), Mib(2496)),
        (learned("anime", 512, Plan::Full, 0.5), Mib(832)),
        (learned("anime", 1024, Plan::Full, 1.5), WORKING_512),
        (learned("photo", 512, Plan::Full, 1.5), WORKING_512),
        (learned("anime", 512, Plan::VaeTiling, 1.5), WORKING_512),
    ] {
        let mut bench = Bench::new();
        bench.device(20_000, 1);
        bench.snapshot.needs = vec![need];
        bench.queue(&[("anime", 512)]);
        let granted = grants(&bench.decide())[0].clone();
        assert_eq!((granted.plan, granted.need.working), (Plan::Full, working));
        assert_eq!(granted.need.resident, booked("anime"));
        let forecast = Ledger::of(&bench.snapshot).forecast(JobId(id(1)));
        let start = forecast.and_then(|forecast| forecast.start);
        assert_eq!(
            start.map(|start| start.need),
            Some(booked("anime") + working)
        );
    }
}

#[test]
fn sizes_of_one_bucket_are_corrected_each_by_its_own_formula() {
    let mut bench = Bench::new();
    bench.device(20_000, 1);
    bench.device(20_000, 1);
    bench.snapshot.needs = vec![learned("anime", 512, Plan::Full, 2.0)];
    bench.queue(&[("anime", 512), ("anime", 576)]);
    let actions = bench.decide();
    let mut working: Vec<Mib> = grants(&actions).iter().map(|g| g.need.working).collect();
    working.sort();
    // 6,656 B for each of 512² and 576² pixels, twice.
    assert_eq!(working, [Mib(3328), Mib(4212)]);
}

#[test]
fn a_rung_whose_need_was_raised_is_left_for_one_that_fits() {
    let room = booked("anime") + WORKING_512;
    let plan = |needs: Vec<LearnedNeed>| {
        let mut bench = Bench::new();
        bench.device(room.0, 1);
        bench.snapshot.needs = needs;
        bench.queue(&[("anime", 512)]);
        grants(&bench.decide())[0].plan
    };
    assert_eq!(plan(vec![]), Plan::Full);
    let raised = learned("anime", 512, Plan::Full, 1.01);
    assert_eq!(plan(vec![raised]), Plan::VaeTiling);
}

#[test]
fn a_job_that_is_known_to_be_too_large_says_so_with_what_it_would_take() {
    let mut bench = Bench::new();
    bench.device(3_000, 1);
    let raised = |plan| learned("tagger", 0, plan, 200.0);
    bench.snapshot.needs = [Plan::Full, Plan::VaeTiling].map(raised).to_vec();
    bench.queue(&[("tagger", 0)]);
    let actions = bench.decide();
    let too_large = WaitReason::TooLarge {
        device: DeviceId("host/0".into()),
        need: booked("tagger") + Mib(3200),
        most: Mib(3000),
    };
    assert_eq!(reason(&actions, 1), Some(&too_large));
}
