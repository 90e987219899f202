//! Every workload under every policy.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use mystic_placement::Policy as Figures;

use crate::fleet::SPEEDS;
use crate::measure::{Measured, measure};
use crate::policies::{Fifo, Greedy, Ledger, Lru, Ollama, Predecessor};
use crate::workload::{Shape, draw};
use crate::world::{Policy, World};

/// Work that arrives, as a share of the fleet's capacity.
pub const LOADS: [f64; 4] = [0.5, 0.7, 0.9, 1.1];
/// Burstiness.
pub const CVS: [f64; 3] = [1.0, 4.0, 12.0];
/// Popularity.
pub const ZIPFS: [f64; 3] = [0.8, 1.1, 1.7];

/// What ours is compared with.
pub const BASELINES: [&str; 6] = [
    "fifo",
    "predecessor",
    "ollama",
    "lru",
    "greedy",
    "greedy_aged",
];

/// One workload's outcome.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Which point of the grid.
    pub shape: Shape,
    /// Which seed.
    pub seed: u64,
    /// Ours.
    pub ours: Measured,
    /// Theirs, in the order of [`BASELINES`].
    pub theirs: Vec<Measured>,
    /// Work ÷ capacity: no policy's makespan is shorter.
    pub bound: f64,
}

/// Runs the grid on as many threads as there are processors; the outcomes are in the grid's order.
///
/// # Panics
/// Where a policy orders what can't be.
#[must_use]
pub fn run(figures: Figures, seeds: &[u64], loads: &[f64]) -> Vec<Outcome> {
    let mut points = Vec::new();
    for &load in loads {
        for cv in CVS {
            for zipf in ZIPFS {
                points.extend(seeds.iter().map(|seed| (Shape { load, cv, zipf }, *seed)));
            }
        }
    }
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(vec![None; points.len()]);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some((shape, seed)) = points.get(at) else {
                        break;
                    };
                    let outcome = compare(figures, *shape, *seed);
                    outcomes.lock().unwrap_or_else(PoisonError::into_inner)[at] = Some(outcome);
                }
            });
        }
    });
    let outcomes = outcomes
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    outcomes.into_iter().flatten().collect()
}

fn compare(figures: Figures, shape: Shape, seed: u64) -> Outcome {
    let jobs = draw(shape, seed);
    let run = |policy: &mut dyn Policy| {
        let mut world = World::new(&jobs);
        world.run(policy);
        measure(&world)
    };
    let baselines: [&mut dyn Policy; 6] = [
        &mut Fifo,
        &mut Predecessor,
        &mut Ollama,
        &mut Lru,
        &mut Greedy {
            ageing: f64::INFINITY,
        },
        &mut Greedy { ageing: 30.0 },
    ];
    Outcome {
        shape,
        seed,
        ours: run(&mut Ledger::new(figures)),
        theirs: baselines.into_iter().map(run).collect(),
        bound: jobs.iter().map(|job| job.work).sum::<f64>() / SPEEDS.iter().sum::<f64>(),
    }
}
