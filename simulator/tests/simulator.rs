//! What the simulator itself promises.

use mystic_domain::EngineKind;
use mystic_placement::Policy as Figures;
use mystic_simulator::fleet::SPEEDS;
use mystic_simulator::grid;
use mystic_simulator::policies::{Fifo, Greedy, Ledger, Lru, Ollama, Predecessor};
use mystic_simulator::workload::{JOBS, Shape, draw};
use mystic_simulator::world::{Policy, World};

const SHAPE: Shape = Shape {
    load: 0.9,
    cv: 4.0,
    zipf: 1.1,
};

#[test]
fn the_load_is_what_it_says_with_as_many_image_jobs_as_asked_for() {
    let jobs = draw(SHAPE, 1);
    let images = jobs.iter().filter(|job| job.engine() == EngineKind::Sd);
    assert_eq!(images.count(), JOBS);
    let work: f64 = jobs.iter().map(|job| job.work).sum();
    let last = jobs.iter().filter_map(|job| job.at).fold(0.0, f64::max);
    let load = work / SPEEDS.iter().sum::<f64>() / last;
    assert!((load - SHAPE.load).abs() < 1e-6, "{load}");
}

/// `World` itself refuses what can't be, and a queue that is left behind.
#[test]
fn every_job_ends_under_every_policy() {
    let jobs = draw(SHAPE, 2);
    let policies: [&mut dyn Policy; 7] = [
        &mut Ledger::new(Figures::default()),
        &mut Fifo,
        &mut Predecessor,
        &mut Ollama,
        &mut Lru,
        &mut Greedy {
            ageing: f64::INFINITY,
        },
        &mut Greedy { ageing: 30.0 },
    ];
    for policy in policies {
        let mut world = World::new(&jobs);
        world.run(policy);
        let queued = world.fates.iter().filter(|fate| fate.queued.is_some());
        assert!(queued.clone().count() > JOBS);
        assert!(queued.into_iter().all(|fate| fate.ended.is_some()));
    }
}

#[test]
fn the_same_seeds_have_the_same_outcome_on_any_number_of_threads() {
    let run = || format!("{:?}", grid::run(Figures::default(), &[3], &[0.9]));
    assert_eq!(run(), run());
}
