//! Per-model greedy: a card goes on with a model that it has while jobs for it wait; then with the model that most
//! jobs wait for. As many models a card as it holds; the least recently used goes.

use mystic_domain::EngineKind;

use super::{ask, has_turn, least_recently_used, plan, start};
use crate::presets::model;
use crate::workload::JobIndex;
use crate::world::{Order, Policy, World};

/// With ageing, a model gains a job for each `ageing` seconds that its first one has waited.
pub struct Greedy {
    /// Seconds; infinite: no ageing.
    pub ageing: f64,
}

impl Policy for Greedy {
    fn orders(&mut self, world: &World<'_>) -> Vec<Order> {
        let mut cards: Vec<usize> = (0..world.cards.len()).collect();
        cards.sort_by(|a, b| world.cards[*b].speed.total_cmp(&world.cards[*a].speed));
        for engine in EngineKind::ALL {
            let mut wanted: Vec<(f64, usize, JobIndex)> = world
                .waiting
                .iter()
                .enumerate()
                .filter(|(preset, _)| model(*preset).engine == engine)
                .filter_map(|(preset, jobs)| {
                    let (_, job) = jobs.first_key_value()?;
                    let waited = world.now - world.fates[*job].queued.unwrap_or(world.now);
                    #[expect(clippy::cast_precision_loss, reason = "some thousand jobs")]
                    let score = jobs.len() as f64 + waited / self.ageing;
                    Some((score, preset, *job))
                })
                .collect();
            wanted.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            for &card in &cards {
                let on = &world.cards[card];
                let here = |preset: usize| on.resident(preset).is_some();
                let own = wanted.iter().filter(|(_, preset, _)| here(*preset));
                let others = wanted.iter().filter(|(_, preset, _)| !here(*preset));
                // With ageing, another model's claim may outweigh the loaded one's.
                let mut order: Vec<_> = own.chain(others).collect();
                if self.ageing.is_finite() {
                    let stays = |preset: usize| if here(preset) { 4.0 } else { 0.0 };
                    order.sort_by(|a, b| (b.0 + stays(b.1)).total_cmp(&(a.0 + stays(a.1))));
                }
                for (_, preset, job) in order {
                    let fits = has_turn(world, *job, on)
                        .then(|| plan(world, *job, on))
                        .flatten();
                    let Some(plan) = fits else { continue };
                    let ask = ask(world, *job, on, plan);
                    if let Some(victims) = least_recently_used(world, on, ask, *preset) {
                        return start(card, *job, plan, victims);
                    }
                }
            }
        }
        Vec::new()
    }
}
