//! One decision: the pairs of job and device, best first.

mod finish;
mod help;

use std::collections::btree_map::Iter;

use mystic_domain::{ContextPlan, EngineKind, JobId, Mib};

use crate::demand::Demand;
use crate::fit::{Fit, Weighing};
use crate::queue::{Class, Job, Line, Place};
use crate::slot::{Held, Life, Slot};
use crate::snapshot::turns;
use crate::{Action, ClassIndex, DeviceIndex, Grant, Hold, Millis, Policy, PresetIndex, Snapshot};

/// Promises to jobs of one class in one pass: what lies further back does not change what is granted now.
const PROMISES: usize = 8;

pub(crate) struct Pass<'a> {
    snapshot: &'a Snapshot<'a>,
    policy: &'a Policy,
    now: Millis,
    slots: Vec<Slot<'a>>,
    heads: Vec<Head<'a>>,
    demand: Demand,
    /// Whether there are fewer diffusion jobs than devices, so that one may wait for a busy device to load its model.
    sparse: bool,
    /// Promises to diffusion jobs that may still be made.
    promises: usize,
    /// Whether more than one job waits, so that memory is dear.
    crowded: bool,
    /// Waiting diffusion jobs for each device, each shared among the devices that could hold it.
    crowds: Vec<f64>,
    /// Where more diffusion jobs wait than turns are free: the pace of each preset on its fastest device.
    contested: Option<Vec<f64>>,
    actions: Vec<Action>,
}

/// The jobs of a class that the pass has not come to.
struct Head<'a> {
    index: ClassIndex,
    class: &'a Class,
    engine: EngineKind,
    jobs: Iter<'a, Place, Job>,
    next: Option<(&'a Place, &'a Job)>,
    /// Devices that could hold it.
    able: usize,
    /// Jobs that are neither granted nor promised a device.
    left: usize,
    /// The first that was promised a device, and which.
    promised: Option<(&'a Place, &'a Job, usize, Fit)>,
    promises: usize,
    /// How the next job does on each slot; empty until it is looked at.
    pairs: Vec<Pair>,
    /// Whether pairs are missing that seemed too dear.
    pruned: bool,
    /// The slot where it does best.
    best: Option<usize>,
}

/// How well a job does on a slot. There are thousands in a pass, so what fits how is found again for the one that is taken.
#[derive(Clone, Copy)]
struct Pair {
    /// `i64::MAX`: not at all, or too dear to be of interest.
    score: i64,
    immediate: bool,
}

impl Pair {
    fn of(scored: Option<(i64, Fit)>) -> Self {
        let (score, immediate) = scored.map_or((i64::MAX, false), |(score, fit)| {
            (score, fit.is_immediate())
        });
        Self { score, immediate }
    }
}

impl<'a> Pass<'a> {
    pub(crate) fn new(snapshot: &'a Snapshot<'a>, now: Millis) -> Self {
        let engine = |preset: PresetIndex| snapshot.presets[preset.0].engine;
        let slots: Vec<Slot<'a>> = snapshot
            .devices
            .iter()
            .map(|device| Slot::of(device, engine, now))
            .collect();
        let lines = snapshot.queue.lines.iter().enumerate();
        let mut heads: Vec<Head<'a>> = lines
            .filter(|(_, line)| !line.jobs.is_empty())
            .map(|(at, line)| Head::of(ClassIndex(at), line, engine(line.class.preset)))
            .collect();
        let mut demand = Demand::new(snapshot.presets.len());
        let mut crowds = vec![0.0; slots.len()];
        for head in &mut heads {
            let able = || (0..slots.len()).filter(|at| slots[*at].holds_ever(head.class));
            head.able = able().count();
            // What no device can hold keeps no model from going.
            if head.able > 0 {
                demand.add(head.class.preset, head.left);
            }
            if turns(head.engine) > 0 {
                #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 jobs")]
                let part = head.left as f64 / head.able.max(1) as f64;
                able().for_each(|at| crowds[at] += part);
            }
        }
        for model in slots.iter().flat_map(|slot| &slot.models) {
            if model.is_live() {
                demand.copy(model.preset);
            }
        }
        let pictures = || heads.iter().filter(|head| head.engine == EngineKind::Sd);
        let open = slots.iter().filter(|slot| slot.is_open()).count();
        let able = pictures().filter(|head| head.able > 0);
        let contested = able.map(|head| head.left).sum::<usize>() > open;
        Self {
            promises: PROMISES + 4 * open,
            crowded: heads.iter().map(|head| head.left).sum::<usize>() > 1,
            crowds,
            contested: contested.then(|| fastest(snapshot)),
            snapshot,
            policy: snapshot.queue.policy(),
            now,
            sparse: pictures().map(|head| head.left).sum::<usize>() <= slots.len(),
            slots,
            heads,
            demand,
            actions: Vec::new(),
        }
    }

    pub(crate) fn decide(mut self) -> Vec<Action> {
        while let Some(at) = self.next() {
            self.take(at);
        }
        self.finish();
        self.actions
    }

    /// The class whose first job comes next.
    fn next(&mut self) -> Option<usize> {
        loop {
            // When all promises are made, what has been idle for as long as it may still gets its job.
            let looked = |at: &usize| self.promises > 0 || self.must_give(*at);
            let slots = (0..self.slots.len()).filter(|at| self.slots[*at].is_open());
            let open: Vec<usize> = slots.filter(looked).collect();
            let done = open.is_empty();
            let mut next: Option<(i64, usize)> = None;
            for at in 0..self.heads.len() {
                let head = &self.heads[at];
                let over = head.next.is_none()
                    || head.promises >= PROMISES
                    || (turns(head.engine) > 0 && done);
                if over {
                    continue;
                }
                if head.pairs.is_empty() {
                    self.weigh(at);
                }
                let head = &self.heads[at];
                if let Some((_, pair)) = head.chosen()
                    && next.is_none_or(|(score, _)| pair.score < score)
                    && (turns(head.engine) == 0 || self.could_open(head, &open))
                {
                    next = Some((pair.score, at));
                }
            }
            let (score, at) = next?;
            let slot = self.heads[at].best?;
            // What was decided elsewhere since may have made a victim of it dearer.
            self.weigh_again(at, slot);
            let head = &self.heads[at];
            if !head.pairs.is_empty()
                && head
                    .chosen()
                    .is_some_and(|(on, pair)| on == slot && pair.score <= score)
            {
                return Some(at);
            }
        }
    }

    /// Whether a device with a turn to give could run the first job of a class: else it is of no use to look further.
    fn could_open(&self, head: &Head<'_>, open: &[usize]) -> bool {
        open.iter().any(|&slot| {
            let pair = head.pairs[slot];
            pair.score < i64::MAX && (pair.immediate || !self.must_give(slot))
        })
    }

    /// Whether a device has been idle for as long as it may, and there is a job that it could run at once.
    fn must_give(&self, slot: usize) -> bool {
        let mut pairs = self.heads.iter().filter(|head| turns(head.engine) > 0);
        self.slots[slot].is_overdue(self.now, self.policy.affinity)
            && pairs.any(|head| {
                let pair = head.pairs.get(slot);
                pair.is_some_and(|pair| pair.immediate)
            })
    }

    /// Looks at every slot for the first job of a class.
    fn weigh(&mut self, at: usize) {
        let mut pairs = std::mem::take(&mut self.heads[at].pairs);
        let mut limit = i64::MAX;
        self.heads[at].pruned = false;
        for slot in 0..self.slots.len() {
            let pair = Pair::of(self.fit(at, slot, limit));
            self.heads[at].pruned |= pair.score == i64::MAX && limit < i64::MAX;
            limit = limit.min(pair.score);
            pairs.push(pair);
        }
        self.heads[at].pairs = pairs;
        self.heads[at].best = self.best(at);
    }

    /// Looks at a slot again that is not as it was.
    fn weigh_again(&mut self, at: usize, slot: usize) {
        let Some((best, was)) = self.heads[at].chosen() else {
            self.heads[at].pairs.clear();
            return;
        };
        let limit = if best == slot { i64::MAX } else { was.score };
        let pair = Pair::of(self.fit(at, slot, limit));
        self.heads[at].pairs[slot] = pair;
        let score = pair.score;
        if best == slot && score > was.score && self.heads[at].pruned {
            // Others that seemed dearer may do better.
            self.heads[at].pairs.clear();
        } else if best == slot || score < was.score {
            self.heads[at].best = self.best(at);
        }
    }

    /// How the first job of a class fits on a slot, and its score, if that can be below the limit.
    fn fit(&self, at: usize, slot: usize, limit: i64) -> Option<(i64, Fit)> {
        let head = &self.heads[at];
        let (place, job) = head.next?;
        let on = &self.slots[slot];
        let preset = head.class.preset;
        let text = turns(head.engine) == 0;
        if !text && !self.sparse && on.turns <= 0 && !on.holds(preset) {
            return None;
        }
        let counts = text || !on.is_open();
        let weighing = Weighing {
            limit: if counts {
                limit.saturating_sub(place.due.0)
            } else {
                i64::MAX
            },
            ..self.weighing()
        };
        let fit = weighing.fit(on, head.class, job, place.due)?;
        let mut score = place.due + Millis(fit.cost);
        if !text {
            let crowd = Millis(fit.busy).times(self.policy.crowd_weight * self.crowds[slot]);
            score = score + crowd.min(self.policy.crowd_limit);
        }
        Some((score.0, fit))
    }

    /// Where the first job of a class does best: not where it has to wait, while a device that could run it at once has
    /// been idle for as long as it may.
    fn best(&self, at: usize) -> Option<usize> {
        let head = &self.heads[at];
        let pairs = || {
            let pairs = head.pairs.iter().enumerate();
            pairs.filter(|(_, pair)| pair.score < i64::MAX)
        };
        let (best, pair) = pairs().min_by_key(|(slot, pair)| (pair.score, *slot))?;
        if pair.immediate || turns(head.engine) == 0 {
            return Some(best);
        }
        let affinity = self.policy.affinity;
        pairs()
            .filter(|(_, pair)| pair.immediate)
            .filter(|(slot, _)| self.slots[*slot].is_overdue(self.now, affinity))
            .min_by_key(|(slot, pair)| (pair.score, *slot))
            .map(|(slot, _)| slot)
            .or(Some(best))
    }

    fn weighing(&self) -> Weighing<'_> {
        Weighing {
            policy: self.policy,
            presets: self.snapshot.presets,
            demand: &self.demand,
            now: self.now,
            limit: i64::MAX,
            crowded: self.crowded,
            helps: false,
            contested: self.contested.as_deref(),
        }
    }

    /// Gives the first job of a class its place: a grant, models to unload, or a promise.
    fn take(&mut self, at: usize) {
        let head = &self.heads[at];
        let (Some((slot, _)), Some((place, job))) = (head.chosen(), head.next) else {
            return;
        };
        let Some((_, fit)) = self.fit(at, slot, i64::MAX) else {
            return;
        };
        let (preset, engine) = (head.class.preset, head.engine);
        if fit.is_immediate() && fit.victims == 0 {
            self.grant(at, slot, fit, job);
        } else if fit.is_immediate() {
            self.unload(slot, fit, engine, job.id);
            self.promise(at, slot, fit, place, job);
        } else {
            self.wait_for(slot, fit, engine, job.id);
            self.promise(at, slot, fit, place, job);
        }
        let head = &mut self.heads[at];
        head.next = head.jobs.next();
        head.left -= 1;
        head.pairs.clear();
        head.best = None;
        // A load makes the slot better for jobs of the same model. For all others it is worse than it was, which is
        // found out when one of them is to go there.
        for other in 0..self.heads.len() {
            let head = &self.heads[other];
            if fit.seat.is_none() && head.class.preset == preset && !head.pairs.is_empty() {
                self.weigh_again(other, slot);
            }
        }
    }

    fn grant(&mut self, at: usize, slot: usize, fit: Fit, job: &Job) {
        let head = &self.heads[at];
        let (class, rung) = (head.class, head.class.rungs[fit.rung]);
        let (preset, engine) = (class.preset, head.engine);
        let on = &mut self.slots[slot];
        on.free -= fit.ask;
        on.turns -= turns(engine);
        if turns(engine) > 0 {
            on.turn_in = on.turn_in.max(fit.busy);
            on.claimed = on.turns <= 0;
        }
        let seat = fit.seat.unwrap_or_else(|| {
            let left = fit.busy - job.work.0.min(fit.busy);
            self.load(slot, preset, rung.context, rung.need.resident, left)
        });
        self.slots[slot].models[seat].lease = Some((fit.busy, rung.need.working.0));
        self.demand.served(preset);
        let grant = self.leased(slot, class, fit, job.id);
        self.actions.push(Action::Grant(grant));
    }

    /// A model comes to a slot, whose memory was taken for it; its place among the slot's models.
    fn load(
        &mut self,
        slot: usize,
        preset: PresetIndex,
        context: ContextPlan,
        booked: Mib,
        left: i64,
    ) -> usize {
        self.demand.copy(preset);
        let models = &mut self.slots[slot].models;
        models.push(Held {
            at: None,
            preset,
            context,
            engine: self.snapshot.presets[preset.0].engine,
            life: Life::Loading(left),
            booked: booked.0,
            idle: 0,
            lease: None,
        });
        models.len() - 1
    }

    /// A lease on a slot, of a job or of a picture of one.
    fn leased(&self, slot: usize, class: &Class, fit: Fit, job: JobId) -> Grant {
        let rung = class.rungs[fit.rung];
        let seat = fit.seat.and_then(|seat| self.slots[slot].models[seat].at);
        Grant {
            job,
            device: DeviceIndex(slot),
            plan: rung.plan,
            context: rung.context,
            need: rung.need,
            seat: seat.map(|seat| self.snapshot.devices[slot].models[seat].id),
            turns: turns(self.snapshot.presets[class.preset.0].engine),
            until: self.now + Millis(fit.busy),
        }
    }

    /// Unloads the victims and holds their memory and the turn.
    fn unload(&mut self, slot: usize, fit: Fit, engine: EngineKind, job: JobId) {
        let on = &mut self.slots[slot];
        for (at, model) in on.models.iter_mut().enumerate().take(64) {
            if fit.victims & (1 << at) == 0 {
                continue;
            }
            model.life = Life::Evicting;
            self.demand.gone(model.preset);
            on.leaving += model.booked;
            if let Some(at) = model.at {
                let id = self.snapshot.devices[slot].models[at].id;
                self.actions.push(Action::Evict(id));
            }
        }
        on.free -= fit.ask;
        if turns(engine) > 0 {
            on.turns -= 1;
            on.turn_in = on.turn_in.max(self.policy.unload.0 + fit.busy);
            on.claimed = true;
            on.held = Some((job, Hold::Unloading));
        }
    }

    /// Takes the time of a device for a job that waits for another's end there.
    fn wait_for(&mut self, slot: usize, fit: Fit, engine: EngineKind, job: JobId) {
        let must_give = self.must_give(slot);
        let on = &mut self.slots[slot];
        let end = fit.delay + fit.busy;
        if let Some(seat) = fit.seat
            && let Some((left, _)) = &mut on.models[seat].lease
        {
            *left = (*left).max(end);
        }
        if turns(engine) > 0 {
            // Its turn is free, and memory is not: what comes later may take neither, for as long as the bound.
            if on.turns > 0 && !must_give {
                on.free -= fit.ask;
                on.turns -= 1;
                on.claimed = true;
                let leaves = on.leaving > 0;
                on.held = Some((
                    job,
                    if leaves {
                        Hold::Unloading
                    } else {
                        Hold::MemoryHeld
                    },
                ));
            }
            on.turn_in = on.turn_in.max(end);
        }
    }

    fn promise(&mut self, at: usize, slot: usize, fit: Fit, place: &'a Place, job: &'a Job) {
        let head = &mut self.heads[at];
        self.promises = self
            .promises
            .saturating_sub(usize::from(turns(head.engine) > 0));
        head.promises += 1;
        head.promised.get_or_insert((place, job, slot, fit));
    }
}

/// The least pace of each preset.
fn fastest(snapshot: &Snapshot<'_>) -> Vec<f64> {
    let paces = |preset: usize| {
        let served = snapshot
            .devices
            .iter()
            .map(move |device| device.served[preset]);
        served.flatten().map(|served| served.pace)
    };
    let presets = 0..snapshot.presets.len();
    presets
        .map(|preset| paces(preset).fold(f64::INFINITY, f64::min))
        .collect()
}

impl<'a> Head<'a> {
    fn of(index: ClassIndex, line: &'a Line, engine: EngineKind) -> Self {
        let mut jobs = line.jobs.iter();
        Self {
            index,
            class: &line.class,
            engine,
            next: jobs.next(),
            jobs,
            able: 0,
            left: line.jobs.len(),
            promised: None,
            promises: 0,
            pairs: Vec::new(),
            pruned: false,
            best: None,
        }
    }

    fn chosen(&self) -> Option<(usize, Pair)> {
        let slot = self.best?;
        let pair = self.pairs.get(slot).copied();
        Some((slot, pair.filter(|pair| pair.score < i64::MAX)?))
    }

    /// The first job that is not granted.
    fn first(&self) -> Option<(&'a Place, &'a Job)> {
        self.promised
            .map(|(place, job, ..)| (place, job))
            .or(self.next)
    }
}
