//! First in, first out: one job a card.

use mystic_domain::EngineKind;

use super::{ask, heads, plan, start};
use crate::world::{Order, Policy, World};

/// One model a card. A free card that has the job's model comes first, then the fastest.
pub struct Fifo;

/// The predecessor's rule: a card has an image model and a text model, and the text model is unloaded for every image
/// job. Otherwise as [`Fifo`].
pub struct Predecessor;

impl Policy for Fifo {
    fn orders(&mut self, world: &World<'_>) -> Vec<Order> {
        orders(world, |world, card, job| {
            let preset = world.jobs[job].preset;
            let others = world.cards[card].residents.iter();
            others
                .filter(|on| on.preset != preset)
                .map(|on| on.number)
                .collect()
        })
    }
}

impl Policy for Predecessor {
    fn orders(&mut self, world: &World<'_>) -> Vec<Order> {
        orders(world, |world, card, job| {
            let on = &world.cards[card];
            let needed = &world.jobs[job];
            let plan = plan(world, job, on).expect("the card was chosen for it");
            let beside =
                needed.engine() == EngineKind::Llm && ask(world, job, on, plan) <= on.free();
            on.residents
                .iter()
                .filter(|other| other.preset != needed.preset)
                .filter(|other| {
                    !(beside && crate::presets::model(other.preset).engine == EngineKind::Sd)
                })
                .map(|other| other.number)
                .collect()
        })
    }
}

fn orders(world: &World<'_>, unloads: impl Fn(&World<'_>, usize, usize) -> Vec<u64>) -> Vec<Order> {
    let free: Vec<usize> = (0..world.cards.len())
        .filter(|card| world.cards[*card].runs.is_empty())
        .collect();
    if free.is_empty() {
        return Vec::new();
    }
    for job in heads(world) {
        let best = free
            .iter()
            .filter_map(|card| Some((*card, plan(world, job, &world.cards[*card])?)))
            .max_by(|(a, _), (b, _)| {
                let loaded =
                    |card: usize| world.cards[card].resident(world.jobs[job].preset).is_some();
                loaded(*a)
                    .cmp(&loaded(*b))
                    .then(world.cards[*a].speed.total_cmp(&world.cards[*b].speed))
                    .then(b.cmp(a))
            });
        if let Some((card, plan)) = best {
            return start(card, job, plan, unloads(world, card, job));
        }
    }
    Vec::new()
}
