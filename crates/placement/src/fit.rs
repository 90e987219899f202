//! How a job fits on a device: rung, victims and time weighed together.

use std::cmp::Reverse;

use mystic_domain::EngineKind;

use crate::demand::Demand;
use crate::queue::{Class, Job, Rung};
use crate::slot::{Held, Life, Slot};
use crate::snapshot::turns;
use crate::{Millis, Policy, Preset, PresetIndex};

/// A plan that takes less memory may cost this part of the run, where others wait that would find none.
const FRUGALITY: i64 = 8;

/// Jobs that a reload is counted for, at most.
const SHARERS: usize = 2;

/// The best way to run a job on a device.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fit {
    /// Place in the class's ladder.
    pub(crate) rung: usize,
    /// Place among the slot's models; none: load it.
    pub(crate) seat: Option<usize>,
    /// MiB to be booked.
    pub(crate) ask: i64,
    /// Until turn, seat and memory are there.
    pub(crate) delay: i64,
    /// Models to unload: bits by place among the slot's models.
    pub(crate) victims: u64,
    /// Load and run.
    pub(crate) busy: i64,
    /// What it takes to load the victims again.
    pub(crate) loss: i64,
    /// What the order weighs: predicted completion, what it costs to load victims again, and what a load displaces.
    pub(crate) cost: i64,
}

impl Fit {
    /// Nothing has to end first; models may have to be unloaded.
    pub(crate) fn is_immediate(&self) -> bool {
        self.delay == 0
    }

    /// Whether it loads a model beside another of the same preset.
    fn doubles(&self, slot: &Slot<'_>, preset: PresetIndex) -> bool {
        let mut models = slot.models.iter().enumerate().take(64);
        self.seat.is_none()
            && models.any(|(at, model)| {
                model.preset == preset && model.is_live() && self.victims & (1 << at) == 0
            })
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Weighing<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) presets: &'a [Preset],
    pub(crate) demand: &'a Demand,
    pub(crate) now: Millis,
    /// A fit that costs as much is of no interest.
    pub(crate) limit: i64,
    /// Whether other jobs wait, so that memory is dearer than a little time.
    pub(crate) crowded: bool,
    /// Whether it is for a batch that runs already, which a model that loads for the next job does not go for.
    pub(crate) helps: bool,
    /// Where more diffusion jobs wait than turns are free: the pace of each preset on its fastest device.
    pub(crate) contested: Option<&'a [f64]>,
}

impl Weighing<'_> {
    /// The rung and victims with the least predicted completion and reload cost; none where the device can't ever.
    pub(crate) fn fit(
        &self,
        slot: &Slot<'_>,
        class: &Class,
        job: &Job,
        due: Millis,
    ) -> Option<Fit> {
        let (cheapest, cut) = self.best_rung(slot, class, job, due);
        if cheapest.is_none() || !cut {
            return cheapest;
        }
        // The rung that is taken may be dearer than the cheapest, and must not depend on what the limit left out.
        let unlimited = Weighing {
            limit: i64::MAX,
            ..*self
        };
        unlimited.best_rung(slot, class, job, due).0
    }

    /// The best of the rungs that cost less than the limit, and whether there may be others.
    fn best_rung(
        &self,
        slot: &Slot<'_>,
        class: &Class,
        job: &Job,
        due: Millis,
    ) -> (Option<Fit>, bool) {
        let mut best: Option<Fit> = None;
        let mut cut = false;
        for (at, rung) in class.rungs.iter().enumerate() {
            let fit = self.on_rung(slot, class, job, due, (at, rung));
            cut |= fit.is_none() && self.limit < i64::MAX;
            best = match (best, fit) {
                (Some(best), Some(fit)) if self.better(slot, class, &fit, &best) => Some(fit),
                (None, fit) => fit,
                (best, _) => best,
            };
        }
        (best, cut)
    }

    fn better(&self, slot: &Slot<'_>, class: &Class, fit: &Fit, than: &Fit) -> bool {
        // What the device holds already is waited for, not loaded a second time in another way.
        let doubles = [fit, than].map(|fit| fit.doubles(slot, class.preset));
        if doubles[0] != doubles[1] {
            return doubles[1];
        }
        if self.crowded && fit.is_immediate() && self.is_dear(slot, class, than) {
            return fit.ask < than.ask && fit.cost <= than.cost + than.busy / FRUGALITY;
        }
        fit.cost < than.cost
    }

    /// Whether this fit costs a model, or one that is wanted and is not here would find no room beside it.
    fn is_dear(&self, slot: &Slot<'_>, class: &Class, fit: &Fit) -> bool {
        let mut presets = self.presets.iter().enumerate();
        fit.victims != 0
            || presets.any(|(at, preset)| {
                let other = PresetIndex(at);
                other != class.preset
                    && (preset.upcoming > 0 || self.demand.jobs(other) > 0)
                    && slot.served(other).is_some()
                    && !slot.holds(other)
                    && slot.free - fit.ask < preset.resident.0
            })
    }

    fn on_rung(
        &self,
        slot: &Slot<'_>,
        class: &Class,
        job: &Job,
        due: Millis,
        (at, rung): (usize, &Rung),
    ) -> Option<Fit> {
        let engine = self.presets[class.preset.0].engine;
        let served = slot.served(class.preset)?;
        if !served.plans.has(rung.plan) {
            return None;
        }
        let mut delay = 0;
        let there = slot.models.iter().position(|model| {
            model.preset == class.preset
                && model.context == rung.context
                && model.life != Life::Stranded
        });
        let (seat, load) = match there.map(|at| (at, slot.models[at].life)) {
            Some((at, Life::Loading(left))) => (Some(at), left),
            Some((at, Life::Ready)) => (Some(at), 0),
            Some(_) => {
                delay = self.policy.unload.0;
                (None, served.load.0)
            }
            None => (None, served.load.0),
        };
        let mut ask = rung.need.working.0;
        if seat.is_none() {
            ask += rung.need.resident.0;
        }
        if turns(engine) > slot.turns {
            delay = delay.max(slot.turn_in);
        }
        if let Some((left, _)) = seat.and_then(|at| slot.models[at].lease) {
            delay = delay.max(left);
        }
        let full = seat.is_none() && delay == 0 && slot.full(engine);
        let mut run = job.work.times(served.pace * rung.slowdown).0;
        if turns(engine) == 0 && slot.turns <= 0 {
            // Beside a picture it takes twice as long, and holds the picture up.
            run *= self.policy.beside;
        }
        // A job that takes longer on a slow device leaves a fast one to another: where there are others, that costs nobody.
        let felt = match self.contested {
            Some(fastest) if turns(engine) > 0 => {
                let pace = fastest[class.preset.0];
                job.work.times(pace * rung.slowdown).0
            }
            _ => run,
        };
        let least = felt + if seat.is_some() { load } else { 0 };
        let wanted = Wanted {
            ask,
            seat,
            full,
            engine,
            least,
        };
        let room = self.make_room(slot, due, delay, &wanted)?;
        let unload = if room.victims == 0 {
            0
        } else {
            self.policy.unload.0
        };
        let mut cost = room.delay + unload + felt;
        if seat.is_none() {
            let price = load + room.loss;
            let price = price + self.displaced(slot, class, price);
            cost += price
                / if turns(engine) == 0 {
                    self.sharers(class.preset)
                } else {
                    1
                };
        } else {
            cost += load + room.loss;
        }
        Some(Fit {
            rung: at,
            seat,
            ask,
            delay: room.delay,
            victims: room.victims,
            busy: load + run,
            loss: room.loss,
            cost,
        })
    }

    /// Jobs that will use a copy that is loaded for one of them: the queue's and those to come, among all copies.
    fn sharers(&self, preset: PresetIndex) -> i64 {
        let claims = self.demand.jobs(preset) + self.presets[preset.0].upcoming as usize;
        let each = claims / (self.demand.copies(preset) + 1);
        i64::try_from(each.clamp(1, self.policy.sharers)).unwrap_or(1)
    }

    /// What a load costs the jobs that wait for models of the same engine here, shared by the jobs that will use it.
    fn displaced(&self, slot: &Slot<'_>, class: &Class, seconds: i64) -> i64 {
        let engine = self.presets[class.preset.0].engine;
        let contested = slot.models.iter().any(|model| {
            model.engine == engine && model.is_live() && self.demand.wants(model.preset)
        });
        if !contested || turns(engine) == 0 {
            return 0;
        }
        Millis(seconds)
            .times(self.policy.load_weight)
            .min(self.policy.affinity)
            .0
    }

    fn make_room(&self, slot: &Slot<'_>, due: Millis, delay: i64, wanted: &Wanted) -> Option<Room> {
        let mut delay = delay;
        while delay + wanted.least < self.limit {
            let mut ended = 0;
            if delay > 0 {
                for (left, working) in slot.models.iter().filter_map(|model| model.lease) {
                    ended += if left <= delay { working } else { 0 };
                }
            }
            let left = if delay >= self.policy.unload.0 {
                slot.leaving
            } else {
                0
            };
            let missing = wanted.ask - slot.free - ended - left;
            if missing <= 0 && !wanted.full {
                return Some(Room {
                    delay,
                    victims: 0,
                    loss: 0,
                });
            }
            if let Some((victims, loss)) = self.victims(slot, due, delay, missing, wanted) {
                return Some(Room {
                    delay,
                    victims,
                    loss,
                });
            }
            let leaving =
                (slot.leaving > 0 && delay < self.policy.unload.0).then_some(self.policy.unload.0);
            delay = slot
                .models
                .iter()
                .filter_map(|model| model.lease.map(|(left, _)| left))
                .chain(leaving)
                .filter(|left| *left > delay)
                .min()?;
        }
        None
    }

    /// Idle models to unload: those whose loss is least, until it is enough.
    fn victims(
        &self,
        slot: &Slot<'_>,
        due: Millis,
        delay: i64,
        missing: i64,
        wanted: &Wanted,
    ) -> Option<(u64, i64)> {
        // What jobs wait for goes only for a job that has waited for longer than the bound.
        let bound = if turns(wanted.engine) > 0 {
            self.policy.affinity
        } else {
            self.policy.text_affinity
        };
        let overdue = due + bound <= self.now;
        let may_go = |(at, model): &(usize, &Held)| {
            let idle = match model.life {
                Life::Ready => model.lease.is_none_or(|(left, _)| left <= delay),
                // For nobody yet: a preload, which costs no job the wait for its end.
                Life::Loading(_) => !self.helps && model.lease.is_none(),
                Life::Evicting | Life::Stranded => false,
            };
            idle && model.at.is_some()
                && Some(*at) != wanted.seat
                && (overdue || !self.demand.wants(model.preset))
        };
        let candidates = || slot.models.iter().enumerate().take(64).filter(may_go);
        // Mostly all of them together would not do, and then there is nothing to weigh.
        if candidates().map(|(_, model)| model.booked).sum::<i64>() < missing {
            return None;
        }
        let mut missing = missing;
        let mut child = wanted.full;
        let (mut victims, mut loss) = (0_u64, 0);
        while missing > 0 || child {
            let (at, price) = candidates()
                .filter(|(at, model)| {
                    victims & (1 << at) == 0 && (!child || model.engine == wanted.engine)
                })
                .map(|(at, model)| (at, self.loss(slot, at), model))
                .min_by_key(|(at, price, model)| {
                    (
                        self.demand.wants(model.preset),
                        *price,
                        model.engine == EngineKind::Sd,
                        Reverse(model.idle),
                        *at,
                    )
                })
                .map(|(at, price, _)| (at, price))?;
            victims |= 1 << at;
            loss += price;
            missing -= slot.models[at].booked;
            child = false;
        }
        // A large one at the end may have made earlier ones unnecessary.
        for (at, model) in slot.models.iter().enumerate().take(64) {
            let chosen = victims & (1 << at) != 0;
            if chosen && !wanted.full && missing + model.booked <= 0 {
                victims &= !(1 << at);
                missing += model.booked;
                loss -= self.loss(slot, at);
            }
        }
        Some((victims, loss))
    }

    /// What it will cost to load the model again: all of it where jobs want it, half of it for each half-life idle.
    fn loss(&self, slot: &Slot<'_>, at: usize) -> i64 {
        let model = &slot.models[at];
        let load = slot
            .served(model.preset)
            .map_or(Millis(0), |served| served.load);
        let claims =
            self.demand.jobs(model.preset) + self.presets[model.preset.0].upcoming as usize;
        if claims > 0 {
            // Each job that would have used it waits for another load.
            let each = claims
                .div_ceil(self.demand.copies(model.preset).max(1))
                .min(SHARERS);
            return load.0 * i64::try_from(each).unwrap_or(1);
        }
        let halves = model.idle / self.policy.half_life.0.max(1);
        load.0 >> halves.min(62)
    }
}

/// What room is wanted for.
struct Wanted {
    ask: i64,
    /// The model that the job sits on, which is no victim.
    seat: Option<usize>,
    /// Whether the worker has as many models as it may, so that one of its own has to go.
    full: bool,
    engine: EngineKind,
    /// Load and run: the job can't cost less.
    least: i64,
}

struct Room {
    delay: i64,
    victims: u64,
    loss: i64,
}
