//! Devices and the workers on them.

mod beat;
mod reap;
mod register;
mod residents;
mod show;

use mystic_domain::{DeviceId, EngineKind, Fence, JobId, Mib, Plan, ResidentId, Weights, WorkerId};

pub(crate) use show::DeviceRow;
pub use show::{DeviceRecord, LeaseRecord, ResidentRecord, WorkerRecord};

/// A device as its worker found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// NVML UUID or `<host>/cpu`.
    pub id: DeviceId,
    /// `cuda` or `cpu`.
    pub kind: String,
    /// For people.
    pub name: String,
    /// All of its memory.
    pub total: Mib,
    /// What may be booked: total less headroom.
    pub capacity: Mib,
    /// Diffusion jobs that may run at a time.
    pub turns: i32,
}

impl DeviceInfo {
    /// Whether it is a host's processor, whose memory is the system's.
    #[must_use]
    pub fn is_processor(&self) -> bool {
        self.kind == "cpu"
    }
}

/// A preset as its worker found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServedPreset {
    /// Its name.
    pub preset: String,
    /// Its signature: what was looked at.
    pub signature: String,
    /// Size of its files.
    pub weights: Weights,
    /// The rungs that the worker offers.
    pub plans: Vec<Plan>,
    /// Why it can't be served.
    pub problem: Option<String>,
}

/// A worker process that starts.
#[derive(Clone, Debug)]
pub struct Registration {
    /// Its id, new at each start.
    pub worker: WorkerId,
    /// The machine.
    pub host: String,
    /// Its device.
    pub device: DeviceInfo,
    /// Its engine.
    pub engine: EngineKind,
    /// Version of its program.
    pub version: String,
    /// Its process.
    pub pid: i32,
    /// The kernel's id of this boot of the machine.
    pub boot_id: String,
    /// Engine children that it may have.
    pub max_children: i32,
    /// What it can serve, or why not.
    pub presets: Vec<ServedPreset>,
}

/// What a device says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceTelemetry {
    /// Memory in use, by anybody.
    pub used: Option<Mib>,
    /// Memory in use by strangers.
    pub others: Mib,
    /// Whether `others` was reckoned from bookings, since processes couldn't be matched.
    pub others_estimated: bool,
    /// Per cent.
    pub utilisation: Option<i32>,
    /// °C.
    pub temperature: Option<i32>,
    /// Watts that it draws.
    pub power: Option<i32>,
    /// Whether the device can't be used, or can again; nothing where this worker has no news of that.
    pub lost: Option<bool>,
    /// Whether the device could not be read: its figures stay as they were told last.
    pub unread: bool,
}

/// A worker's heartbeat.
#[derive(Clone, Debug)]
pub struct Beat {
    /// The worker.
    pub worker: WorkerId,
    /// Its device.
    pub device: DeviceId,
    /// The leases that it holds; only these are renewed.
    pub held: Vec<(JobId, Fence)>,
    /// What the device says.
    pub telemetry: DeviceTelemetry,
    /// The models that it holds, with the memory that each was seen to take.
    pub residents: Vec<(ResidentId, Mib)>,
}

/// The answer to a heartbeat.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BeatReply {
    /// False where the worker was given up: it ends its children and registers anew.
    pub known: bool,
    /// Whether it should take no more work and end.
    pub draining: bool,
    /// Leases that it sent and that are no longer its own.
    pub lost: Vec<(JobId, Fence)>,
    /// Jobs whose end was asked for.
    pub cancel: Vec<JobId>,
    /// Leases that it has and didn't send.
    pub assigned: Vec<(JobId, Fence)>,
    /// Models to unload.
    pub evict: Vec<ResidentId>,
    /// Models to load with no job on them, which it didn't say that it holds.
    pub preload: Vec<ResidentId>,
    /// Whether presets of its engine are new or other than it has looked at.
    pub presets: bool,
    /// The engine children of every worker on the device, with what is booked for those that are ready.
    pub children: Vec<(u32, Option<Mib>)>,
}
