//! As Ollama's scheduler does it (`processPending` in `server/sched.go`), with the fleet's cards as those of one server.
//!
//! The first job of the queue gets an idle runner of its model. Else its model is loaded, where it takes at most four
//! fifths of what is free on a card (`assessLoadedRunnerFit`; any card while nothing is loaded at all). Else an idle
//! runner goes, the one with the shortest keep-alive (`findRunnerToUnload`): all keep-alives are equal, and then the name
//! decides, whether or not it makes room. Until the first job has its runner everybody else waits.
//!
//! Kinder than the original in three points. It has one runner a model, and jobs for it queue there: played so, on six
//! cards, jobs waited twenty times longer than ours at load 0.9, and few models were loaded at all. It loads one model at
//! a time, and here loads overlap. And it waits for a busy runner to end where none is idle, here for any. A card's
//! runners compute side by side.

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
        let nothing_loaded = world.cards.iter().all(|card| card.residents.is_empty());
        let admitted = able()
            .filter(|(_, card)| card.resident(preset).is_none() && card.residents.len() < RUNNERS)
            .filter(|(_, card)| nothing_loaded || ask <= 0.8 * unreserved(card))
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
        let cards = world.cards.iter().enumerate();
        cards
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
