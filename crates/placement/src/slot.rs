//! A device as it will be when what was decided so far is done.

use mystic_domain::{ContextPlan, EngineKind, JobId};

use crate::queue::{Class, Rung};
use crate::snapshot::seat;
use crate::{Device, Hold, Millis, Model, ModelState, PresetIndex, Served};

/// A running job's end that was predicted for the past is expected this soon.
pub const OVERRUN: Millis = Millis(1000);

pub(crate) struct Slot<'a> {
    pub(crate) device: &'a Device,
    /// MiB; negative where a job that comes first waits for more than there is.
    pub(crate) free: i64,
    pub(crate) turns: i32,
    /// When a turn is free, where none is now: from now on.
    pub(crate) turn_in: i64,
    /// Whether this pass gave its turn to a job, or holds it for one.
    pub(crate) claimed: bool,
    /// For whom it holds its turn, and why.
    pub(crate) held: Option<(JobId, Hold)>,
    /// MiB that models on their way out will free.
    pub(crate) leaving: i64,
    /// MiB that would be free without its models and jobs.
    pub(crate) reachable: i64,
    pub(crate) models: Vec<Held>,
}

/// A model on a slot.
#[derive(Clone, Copy)]
pub(crate) struct Held {
    /// Its place among the device's models; none where this pass loads it.
    pub(crate) at: Option<usize>,
    pub(crate) preset: PresetIndex,
    pub(crate) context: ContextPlan,
    pub(crate) engine: EngineKind,
    pub(crate) life: Life,
    pub(crate) booked: i64,
    /// How long it has been of no use.
    pub(crate) idle: i64,
    /// The job on it: from now to its end, and what it frees then.
    pub(crate) lease: Option<(i64, i64)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    /// Ready in this time.
    Loading(i64),
    Ready,
    Evicting,
    Stranded,
}

impl<'a> Slot<'a> {
    pub(crate) fn of(
        device: &'a Device,
        engine: impl Fn(PresetIndex) -> EngineKind,
        now: Millis,
    ) -> Self {
        let models: Vec<Held> = device
            .models
            .iter()
            .enumerate()
            .map(|(at, model)| Held::of(at, model, engine(model.preset), now))
            .collect();
        let turn_in = device
            .models
            .iter()
            .zip(&models)
            .filter(|(model, _)| model.lease.is_some_and(|lease| lease.turns > 0))
            .filter_map(|(_, held)| held.lease)
            .map(|(until, _)| until)
            .min()
            .unwrap_or(0);
        Self {
            device,
            free: device.free.0,
            turns: device.turns,
            turn_in,
            claimed: false,
            held: None,
            leaving: models
                .iter()
                .filter(|model| model.life == Life::Evicting)
                .map(|model| model.booked)
                .sum(),
            reachable: device.free.0
                + models
                    .iter()
                    .filter(|model| model.life != Life::Stranded)
                    .map(|model| model.booked + model.lease.map_or(0, |(_, working)| working))
                    .sum::<i64>(),
            models,
        }
    }

    pub(crate) fn served(&self, preset: PresetIndex) -> Option<Served> {
        self.device.served.get(preset.0).copied().flatten()
    }

    /// The model that serves this preset, or will.
    pub(crate) fn holds(&self, preset: PresetIndex) -> bool {
        self.models
            .iter()
            .any(|model| model.preset == preset && model.is_live())
    }

    /// The rungs of a class that a worker offers here.
    pub(crate) fn offers<'c>(&self, class: &'c Class) -> impl Iterator<Item = &'c Rung> {
        let served = self.served(class.preset);
        let rungs = class.rungs.iter();
        rungs.filter(move |rung| served.is_some_and(|served| served.plans.has(rung.plan)))
    }

    /// Whether it could hold the class if everything else were gone.
    pub(crate) fn holds_ever(&self, class: &Class) -> bool {
        self.offers(class)
            .any(|rung| (rung.need.resident + rung.need.working).0 <= self.reachable)
    }

    /// Whether the engine's worker has as many models as it may.
    pub(crate) fn full(&self, engine: EngineKind) -> bool {
        let count = self
            .models
            .iter()
            .filter(|model| model.engine == engine && model.life != Life::Stranded)
            .count();
        count >= self.device.max_children[seat(engine)]
    }

    /// Whether it has stood idle for as long as it may while a job waits that it could run.
    pub(crate) fn is_overdue(&self, now: Millis, affinity: Millis) -> bool {
        self.is_open() && self.device.idle_since + affinity <= now
    }

    pub(crate) fn is_open(&self) -> bool {
        self.turns > 0 && !self.claimed
    }
}

impl Held {
    fn of(at: usize, model: &Model, engine: EngineKind, now: Millis) -> Self {
        Self {
            at: Some(at),
            preset: model.preset,
            context: model.context,
            engine,
            life: match model.state {
                ModelState::Loading(until) => Life::Loading((until - now).0.max(0)),
                ModelState::Ready => Life::Ready,
                ModelState::Evicting => Life::Evicting,
                ModelState::Stranded => Life::Stranded,
            },
            booked: model.booked.0,
            idle: (now - model.used_at).0.max(0),
            lease: model.lease.map(|lease| {
                let left = (lease.until - now).max(OVERRUN);
                (left.0, lease.working.0)
            }),
        }
    }

    /// Whether a job could sit on it, now or when the one on it ends.
    pub(crate) fn is_live(&self) -> bool {
        matches!(self.life, Life::Loading(_) | Life::Ready)
    }
}
