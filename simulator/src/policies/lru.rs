//! First in, first out with as many models a card as it holds; the least recently used goes.

use super::{ask, has_turn, heads, least_recently_used, plan, start};
use crate::world::{Order, Policy, World};

/// A card that has the job's model comes first, then where least has to go, then the fastest.
pub struct Lru;

impl Policy for Lru {
    fn orders(&mut self, world: &World<'_>) -> Vec<Order> {
        for job in heads(world) {
            let preset = world.jobs[job].preset;
            let best = world
                .cards
                .iter()
                .enumerate()
                .filter(|(_, card)| has_turn(world, job, card))
                .filter_map(|(at, card)| {
                    let plan = plan(world, job, card)?;
                    let ask = ask(world, job, card, plan);
                    let victims = least_recently_used(world, card, ask, preset)?;
                    Some((at, card, plan, victims))
                })
                .min_by(|(_, a, _, ours), (_, b, _, theirs)| {
                    let missing = |card: &crate::world::Card| card.resident(preset).is_none();
                    missing(a)
                        .cmp(&missing(b))
                        .then(ours.len().cmp(&theirs.len()))
                        .then(b.speed.total_cmp(&a.speed))
                });
            if let Some((card, _, plan, victims)) = best {
                return start(card, job, plan, victims);
            }
        }
        Vec::new()
    }
}
