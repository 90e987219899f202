//! What a decision is made on: the ledger as it was at one moment, in the placement's own terms.

use mystic_domain::{ContextPlan, EngineKind, Mib, Plan, ResidentId};

use crate::{Batch, Millis, Queue};

/// A preset, by its place in [`Snapshot::presets`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PresetIndex(pub usize);

/// A device, by its place in [`Snapshot::devices`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceIndex(pub usize);

/// Queue and ledger at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot<'a> {
    /// The presets that classes name.
    pub presets: &'a [Preset],
    /// Devices that can be given work: neither lost nor paused.
    pub devices: &'a [Device],
    /// Jobs under way with pictures that nobody has begun.
    pub batches: &'a [Batch],
    /// Jobs that may be granted now.
    pub queue: &'a Queue,
}

/// A preset as far as the placement is concerned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Preset {
    /// The engine that serves it.
    pub engine: EngineKind,
    /// Jobs that will ask for it when others end: prompts that are being enhanced, pictures that will be tagged.
    pub upcoming: u32,
    /// MiB of the loaded model.
    pub resident: Mib,
}

/// A device with its workers.
#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    /// Capacity less bookings and strangers; negative where strangers took what was booked.
    pub free: Mib,
    /// Compute turns that are free.
    pub turns: i32,
    /// Since when a turn was free without a break.
    pub idle_since: Millis,
    /// Models that each engine's worker may have; 0 where there is no worker.
    pub max_children: [usize; 2],
    /// For each preset: how it does here; none where no worker serves it.
    pub served: Vec<Option<Served>>,
    /// Models on it.
    pub models: Vec<Model>,
}

/// Learned times of a preset on a device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Served {
    /// Seconds that a second of [`crate::Job::work`] takes here.
    pub pace: f64,
    /// From the grant to a loaded model.
    pub load: Millis,
    /// The rungs that the worker offers.
    pub plans: Plans,
    /// How it is loaded ahead of its jobs; none where that has failed.
    pub preload: Option<Preload>,
}

/// How a model is loaded with no job on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preload {
    /// What it is loaded with.
    pub context: ContextPlan,
    /// MiB to book.
    pub resident: Mib,
}

/// A set of plans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plans(u16);

impl Plans {
    /// Every plan.
    pub const ALL: Self = Self(u16::MAX);

    /// These plans.
    #[must_use]
    pub fn of(plans: &[Plan]) -> Self {
        Self(plans.iter().fold(0, |set, plan| set | 1 << *plan as u16))
    }

    /// Whether it is one of them.
    #[must_use]
    pub fn has(self, plan: Plan) -> bool {
        self.0 & 1 << plan as u16 != 0
    }
}

/// A model on a device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Model {
    /// Its resident.
    pub id: ResidentId,
    /// What it is.
    pub preset: PresetIndex,
    /// How it is loaded.
    pub context: ContextPlan,
    /// Where it is in its life.
    pub state: ModelState,
    /// MiB booked for it.
    pub booked: Mib,
    /// When it was last used.
    pub used_at: Millis,
    /// The job on it.
    pub lease: Option<Lease>,
}

/// Where a model is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelState {
    /// Expected to be ready then.
    Loading(Millis),
    /// Loaded.
    Ready,
    /// On its way out.
    Evicting,
    /// Of a worker that is gone or drains: booked, and of no use.
    Stranded,
}

/// A job that holds a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// When it is expected to end.
    pub until: Millis,
    /// MiB beside the model.
    pub working: Mib,
    /// Compute turns that it took.
    pub turns: i32,
}

/// Compute turns that a job takes: two diffusion jobs only slow each other, text runs beside them.
#[must_use]
pub const fn turns(engine: EngineKind) -> i32 {
    match engine {
        EngineKind::Sd => 1,
        EngineKind::Llm => 0,
    }
}

/// The engine's place in [`Device::max_children`].
#[must_use]
pub const fn seat(engine: EngineKind) -> usize {
    match engine {
        EngineKind::Sd => 0,
        EngineKind::Llm => 1,
    }
}
