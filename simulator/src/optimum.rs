//! Ours against the best there is, on instances that can be tried out: up to eight image jobs, all there from the start,
//! on two cards.
//!
//! A card loads or draws, not both at once, and at best never unloads: then the time in which it does a set of jobs is
//! their runs and one load for each of their models, in whatever order; the best order and the best division between the
//! cards are found over all sets. Where a card has to unload after all, the true optimum is worse than this one.

use mystic_domain::Plan;
use mystic_placement::Policy as Figures;

use crate::policies::Ledger;
use crate::presets::{RUNGS, model, slowdown};
use crate::workload::{Job, draw_tiny};
use crate::world::{World, booked, size};

/// GB of the two cards.
const SIZES: [f64; 2] = [12.0, 24.0];
const SPEEDS: [f64; 2] = [0.7, 1.0];
/// Instances for each seed: of 4 to 8 jobs.
const INSTANCES: u64 = 5;

/// Ours as a multiple of the least.
#[derive(Clone, Copy, Debug)]
pub struct Ratios {
    /// Of the mean time to a job's end.
    pub completion: f64,
    /// Of the time to the last end.
    pub makespan: f64,
}

/// Each of a seed's instances.
#[must_use]
pub fn ratios(figures: Figures, seed: u64) -> Vec<Ratios> {
    (0..INSTANCES)
        .map(|number| {
            let jobs = draw_tiny(
                4 + usize::try_from(number).unwrap_or(0),
                3,
                seed * INSTANCES + number,
            );
            let mut world = World::with_cards(&jobs, &SIZES, &SPEEDS);
            world.run(&mut Ledger::new(figures));
            let ends = || world.fates.iter().filter_map(|fate| fate.ended);
            let (least_sum, least_makespan) = least(&jobs);
            Ratios {
                completion: ends().sum::<f64>() / least_sum,
                makespan: ends().fold(0.0, f64::max) / least_makespan,
            }
        })
        .collect()
}

/// The least sum of ends, and the least makespan.
fn least(jobs: &[Job]) -> (f64, f64) {
    let all = (1_usize << jobs.len()) - 1;
    let cards = [0, 1].map(|card| sets(jobs, card));
    (0..=all).fold((f64::INFINITY, f64::INFINITY), |(sum, makespan), set| {
        let (here, there) = (cards[0][set], cards[1][all - set]);
        (sum.min(here.0 + there.0), makespan.min(here.1.max(there.1)))
    })
}

/// For each set of jobs on a card: the least sum of their ends, and the time for all. Infinite where one doesn't fit.
fn sets(jobs: &[Job], card: usize) -> Vec<(f64, f64)> {
    let capacity = World::with_cards(&[], &SIZES, &SPEEDS).cards[card].capacity;
    let mut sets = vec![(0.0, 0.0)];
    for set in 1..1_usize << jobs.len() {
        let members = || (0..jobs.len()).filter(move |at| set >> at & 1 == 1);
        let mut models: Vec<usize> = members().map(|at| jobs[at].preset).collect();
        models.sort_unstable();
        models.dedup();
        let loads: f64 = models
            .iter()
            .map(|preset| model(*preset).load_seconds())
            .sum();
        let runs = members().map(|at| {
            let fits = |plan: &Plan| size(jobs[at].preset) + booked(&jobs[at], *plan) <= capacity;
            let plan = RUNGS.into_iter().find(fits);
            plan.map_or(f64::INFINITY, |plan| {
                jobs[at].work * slowdown(plan) / SPEEDS[card]
            })
        });
        let time = loads + runs.sum::<f64>();
        // Whichever ends last ends at that time.
        let before = members().map(|at| sets[set & !(1 << at)].0);
        let sum = before.fold(f64::INFINITY, f64::min) + time;
        sets.push((sum, time));
    }
    sets
}
