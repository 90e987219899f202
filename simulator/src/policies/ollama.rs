//! As Ollama's scheduler (`server/sched.go`) does it, with one instance a card, since it knows no other machine's, behind
//! one queue: the first job goes to an idle runner of its model; else its model is admitted to an empty card, or where it
//! takes less than four fifths of what is free; else the idle runner with the shortest keep-alive goes. Whoever comes
//! later waits for the first job. A card's runners compute side by side.

use mystic_domain::Plan;

use super::{heads, start};
use crate::fleet::P99;
use crate::presets::{RUNGS, model};
use crate::workload::JobIndex;
use crate::world::{Card, Order, Policy, World, booked, size};

/// `OLLAMA_MAX_LOADED_MODELS`, for each card.
const RUNNERS: usize = 3;

/// The rule; its state is the world's.
pub struct Ollama;

impl Policy for Ollama {
    fn orders(&mut self, world: &World<'_>) -> Vec<Order> {
        let Some(&job) = heads(world).first() else {
            return Vec::new();
        };
        let preset = world.jobs[job].preset;
        let ask = size(preset) + reserve(preset);
        let able = || {
            let cards = world.cards.iter().enumerate();
            cards.filter(|(_, card)| ask <= card.capacity)
        };
        let fastest = |a: &(usize, &Card), b: &(usize, &Card)| a.1.speed.total_cmp(&b.1.speed);
        let idle = |card: &Card| card.resident(preset).is_some_and(|on| on.job.is_none());
        if let Some((at, card)) = able().filter(|(_, card)| idle(card)).max_by(fastest) {
            let free = unreserved(card) + reserve(preset);
            return start(at, job, plan(world, job, free), Vec::new());
        }
        let admitted = able()
            .filter(|(_, card)| card.resident(preset).is_none() && card.residents.len() < RUNNERS)
            .filter(|(_, card)| {
                world.cards.iter().all(|card| card.residents.is_empty())
                    || ask <= 0.8 * unreserved(card)
            })
            .max_by(|a, b| {
                unreserved(a.1)
                    .total_cmp(&unreserved(b.1))
                    .then(fastest(a, b))
            });
        if let Some((at, card)) = admitted {
            return start(
                at,
                job,
                plan(world, job, unreserved(card) - size(preset)),
                Vec::new(),
            );
        }
        // All keep-alives are equal, so the shortest is the one that began first.
        world
            .cards
            .iter()
            .enumerate()
            .flat_map(|(at, card)| card.residents.iter().map(move |on| (at, on)))
            .filter(|(_, on)| on.ready_at <= world.now && on.job.is_none())
            .min_by_key(|(at, on)| (model(on.preset).name, *at))
            .map(|(card, on)| Order::Unload {
                card,
                resident: on.number,
            })
            .into_iter()
            .collect()
    }
}

/// The first plan for which this much memory is enough; decoding in tiles is what a runner keeps memory for.
fn plan(world: &World<'_>, job: JobIndex, free: f64) -> Plan {
    let fits = |plan: &Plan| world.allows(job, *plan) && booked(&world.jobs[job], *plan) <= free;
    RUNGS.into_iter().find(fits).unwrap_or(Plan::VaeTiling)
}

/// MiB that a runner keeps for its jobs from its load to its end: its largest picture, decoded in tiles.
fn reserve(preset: usize) -> f64 {
    let model = model(preset);
    let most = model
        .sizes
        .iter()
        .map(|size| model.working(*size, Plan::VaeTiling));
    (most.fold(16.0, f64::max) * P99).ceil()
}

/// MiB that no runner keeps or uses.
fn unreserved(card: &Card) -> f64 {
    let kept = card.residents.iter().map(|on| {
        let used = card.runs.iter().find(|run| run.resident == on.number);
        let used = used.map_or(0.0, |run| run.booked);
        size(on.preset) + used.max(reserve(on.preset))
    });
    card.capacity - kept.sum::<f64>()
}
