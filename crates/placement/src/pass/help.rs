//! A device that no waiting job could use draws a picture of a batch that runs elsewhere: one at a time, so that whoever
//! comes next waits for no more than that.

use super::{Head, Pass};
use crate::fit::{Fit, Weighing};
use crate::queue::Job;
use crate::snapshot::turns;
use crate::{Action, Batch, Drawer, Millis};

/// A device for a batch.
struct Hand {
    slot: usize,
    batch: usize,
    fit: Fit,
    /// As one more drawer of the batch.
    drawer: Drawer,
    /// By how much the batch ends sooner, less what is unloaded for it.
    gain: Millis,
}

impl Pass<'_> {
    /// Gives devices to the batches that gain most by them.
    pub(super) fn help(&mut self) {
        if !(0..self.slots.len()).any(|slot| self.is_spare(slot)) {
            return;
        }
        let mut batches = self.snapshot.batches.to_vec();
        while let Some(hand) = self.hand(&batches) {
            let Hand { slot, fit, .. } = hand;
            let batch = &mut batches[hand.batch];
            let class = self.snapshot.queue.class_of(batch.class);
            let engine = self.snapshot.presets[class.preset.0].engine;
            batch.unbegun -= 1;
            batch.drawers.push(Drawer {
                free_at: hand.drawer.free_at + hand.drawer.picture,
                ..hand.drawer
            });
            if fit.victims != 0 {
                self.unload(slot, fit, engine, batch.job);
                continue;
            }
            self.slots[slot].claimed = true;
            let grant = self.leased(slot, class, fit, batch.job);
            self.actions.push(Action::Help(grant));
        }
    }

    /// The pair of device and batch with the most gain.
    fn hand(&self, batches: &[Batch]) -> Option<Hand> {
        let slots = (0..self.slots.len()).filter(|slot| self.is_spare(*slot));
        let pairs = slots.flat_map(|slot| {
            let batches = batches.iter().enumerate();
            batches.filter_map(move |(at, batch)| self.weigh_hand(slot, at, batch))
        });
        let worth = pairs.filter(|hand| hand.gain >= self.policy.help_gain);
        worth.min_by_key(|hand| (-hand.gain.0, hand.slot, hand.batch))
    }

    /// Whether a device has a turn that no waiting job could take, and no model on its way out for one.
    fn is_spare(&self, slot: usize) -> bool {
        let on = &self.slots[slot];
        let wants = |head: &Head<'_>| {
            turns(head.engine) > 0 && head.first().is_some() && on.holds_ever(head.class)
        };
        on.is_open() && on.leaving == 0 && !self.heads.iter().any(wants)
    }

    fn weigh_hand(&self, slot: usize, at: usize, batch: &Batch) -> Option<Hand> {
        if batch.unbegun == 0 {
            return None;
        }
        let on = &self.slots[slot];
        let class = self.snapshot.queue.class_of(batch.class);
        let job = Job {
            id: batch.job,
            class: batch.class,
            priority: 0,
            queued_at: self.now,
            work: batch.picture,
            ahead: Millis(0),
        };
        let weighing = Weighing {
            helps: true,
            ..self.weighing()
        };
        let fit = weighing.fit(on, class, &job, self.now)?;
        // A model that this very pass begins to load has no name yet by which it could be leased.
        let unborn = fit.seat.is_some_and(|seat| on.models[seat].at.is_none());
        if !fit.is_immediate() || unborn {
            return None;
        }
        let pace = on.served(class.preset)?.pace * class.rungs[fit.rung].slowdown;
        let picture = batch.picture.times(pace);
        let drawer = Drawer {
            free_at: self.now + Millis(fit.busy) - picture,
            picture,
        };
        let gain = batch.gain(drawer) - Millis(fit.loss);
        Some(Hand {
            slot,
            batch: at,
            fit,
            drawer,
            gain,
        })
    }
}
