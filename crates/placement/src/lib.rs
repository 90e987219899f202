//! Which job runs where. [`decide`] is a pure function of a snapshot: no clock, no chance, no I/O; the service, the
//! simulator and the property tests call the same one.
//!
//! Of all pairs of a job and a device the one goes first whose due time plus cost is least, again and again until no
//! device has a turn to give. The cost is the predicted completion on the device's best rung, plus what it takes to
//! load again what is unloaded for it, plus what a load displaces. A pair whose job has to wait for another's end is a
//! promise: it takes the device's time, so that the next job sees it busy for longer, and grants nothing.
//!
//! A device that no waiting job could use draws pictures of the batches that run elsewhere.

mod action;
mod batch;
mod demand;
mod fit;
mod pass;
mod policy;
mod queue;
mod slot;
mod snapshot;
mod time;

pub use action::{Action, Grant, Hold, Reason, Reservation};
pub use batch::{Batch, Drawer};
pub use policy::Policy;
pub use queue::{Class, ClassIndex, Job, Queue, Rung};
pub use slot::OVERRUN;
pub use snapshot::{
    Device, DeviceIndex, Lease, Model, ModelState, Plans, Preload, Preset, PresetIndex, Served,
    Snapshot, seat, turns,
};
pub use time::Millis;

/// Decides what is to be done now: grants, the evictions and reservations that jobs wait for, preloads and help on devices
/// with nothing to do, and for each class with jobs left the reason why they wait.
#[must_use]
pub fn decide(snapshot: &Snapshot<'_>, now: Millis) -> Vec<Action> {
    pass::Pass::new(snapshot, now).decide()
}
