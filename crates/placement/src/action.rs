//! What a decision says.

use mystic_domain::{ContextPlan, JobId, Mib, Need, Plan, ResidentId};

use crate::{ClassIndex, DeviceIndex, Millis, Preload, PresetIndex};

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Lease the job.
    Grant(Grant),
    /// Lease one picture of this running job, which nobody has begun, to a device that has nothing else to do.
    Help(Grant),
    /// Unload an idle model.
    Evict(ResidentId),
    /// Load a model that nobody has asked for yet, on a device with nothing to do.
    Preload {
        /// Where.
        device: DeviceIndex,
        /// What.
        preset: PresetIndex,
        /// How.
        how: Preload,
    },
    /// Leave a device idle for a job although some job could run on it.
    Reserve(Reservation),
    /// Leave the other jobs of a class in the queue, and say why.
    Wait(ClassIndex, Reason),
}

/// A decision to lease a job.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grant {
    /// The job.
    pub job: JobId,
    /// Where it runs.
    pub device: DeviceIndex,
    /// How it is fitted into memory.
    pub plan: Plan,
    /// What the model is loaded with.
    pub context: ContextPlan,
    /// What is booked: `resident` only where the model has to be loaded.
    pub need: Need,
    /// The model that it sits on; none: load it.
    pub seat: Option<ResidentId>,
    /// Compute turns that it takes.
    pub turns: i32,
    /// When it is expected to end.
    pub until: Millis,
}

/// Why a device stays idle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// The device.
    pub device: DeviceIndex,
    /// The first job that could run on it.
    pub job: JobId,
    /// Why it does not yet.
    pub why: Hold,
    /// When it is given to whoever fits, at the latest.
    pub until: Millis,
}

/// Why a job is not given an idle device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// It is expected to end sooner where it waits for another job's end.
    SoonerOn(DeviceIndex),
    /// Models are being unloaded for a job that comes first.
    Unloading,
    /// A job that comes first waits for memory that running jobs hold.
    MemoryHeld,
}

/// Why jobs wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No device serves the preset.
    NoWorker,
    /// Not even an empty device could hold the job; the one that comes nearest.
    TooLarge {
        /// The device.
        device: DeviceIndex,
        /// MiB of the most frugal plan.
        need: Mib,
        /// MiB that it could have there at most.
        most: Mib,
    },
    /// Memory on this device, which the job will have next.
    VramShort {
        /// The device.
        device: DeviceIndex,
        /// MiB that the job needs there.
        need: Mib,
        /// MiB that are free there.
        free: Mib,
    },
    /// Its model is being loaded there.
    ModelLoading(DeviceIndex),
    /// Jobs that run, or are due before it.
    Behind,
}
