//! The placement and what it is compared with.

mod fifo;
mod greedy;
mod ledger;
mod lru;
mod ollama;

use mystic_domain::{EngineKind, Plan};

pub use fifo::{Fifo, Predecessor};
pub use greedy::Greedy;
pub use ledger::Ledger;
pub use lru::Lru;
pub use ollama::Ollama;

use crate::presets::RUNGS;
use crate::workload::JobIndex;
use crate::world::{Card, Order, World, booked, size};

/// The first waiting job of each preset, earliest first.
fn heads(world: &World<'_>) -> Vec<JobIndex> {
    let mut heads: Vec<(u64, JobIndex)> = world
        .waiting
        .iter()
        .filter_map(|jobs| jobs.first_key_value())
        .map(|(place, job)| (*place, *job))
        .collect();
    heads.sort_unstable();
    heads.into_iter().map(|(_, job)| job).collect()
}

/// The fastest plan that an empty card could hold: all policies but ours take it whatever else is loaded.
fn plan(world: &World<'_>, job: JobIndex, card: &Card) -> Option<Plan> {
    let needed = &world.jobs[job];
    RUNGS.into_iter().find(|plan| {
        world.allows(job, *plan) && size(needed.preset) + booked(needed, *plan) <= card.capacity
    })
}

/// MiB that a job takes on a card beside what is there.
fn ask(world: &World<'_>, job: JobIndex, card: &Card, plan: Plan) -> f64 {
    let needed = &world.jobs[job];
    let model = match card.resident(needed.preset) {
        Some(_) => 0.0,
        None => size(needed.preset),
    };
    model + booked(needed, plan)
}

/// The least recently used idle models that have to go for this much memory; none where that is not enough.
fn least_recently_used(world: &World<'_>, card: &Card, ask: f64, keep: usize) -> Option<Vec<u64>> {
    let mut idle: Vec<(f64, u64, f64)> = card
        .residents
        .iter()
        .filter(|on| on.job.is_none() && on.ready_at <= world.now && on.preset != keep)
        .map(|on| (on.used_at, on.number, size(on.preset)))
        .collect();
    idle.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut missing = ask - card.free();
    let mut victims = Vec::new();
    for (_, number, size) in idle {
        if missing <= 0.0 {
            break;
        }
        missing -= size;
        victims.push(number);
    }
    (missing <= 0.0).then_some(victims)
}

/// Whether a job of this engine could begin on a card: one diffusion job at a time, and one job a model.
fn has_turn(world: &World<'_>, job: JobIndex, card: &Card) -> bool {
    let needed = &world.jobs[job];
    let free = card
        .resident(needed.preset)
        .is_none_or(|on| on.job.is_none());
    free && (needed.engine() == EngineKind::Llm || !card.draws())
}

fn start(card: usize, job: JobIndex, plan: Plan, victims: Vec<u64>) -> Vec<Order> {
    victims
        .into_iter()
        .map(|resident| Order::Unload { card, resident })
        .chain([Order::Start { job, card, plan }])
        .collect()
}
