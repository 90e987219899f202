//! The ledger that the store recorded, in the placement's terms: what the scheduler decides on, and what the API
//! foretells with the same decisions.

mod batch;
mod class;
mod decision;
mod fleet;
mod forecast;
mod line;
mod times;
mod unused;

use std::collections::HashMap;

use mystic_domain::JobId;
use mystic_placement::{Batch, Device, Millis, Preset, PresetIndex, Queue};
use mystic_store::{DeviceRecord, QueuedJob, Snapshot, SnapshotWorker};

pub use decision::Action;
pub use forecast::{Forecast, Line, Start};
pub use unused::{idle, outdated, released};

use class::Classes;
use times::Times;

/// A snapshot as the placement sees it.
pub struct Ledger<'a> {
    snapshot: &'a Snapshot,
    now: Millis,
    presets: Vec<Preset>,
    /// Devices that can be given work, by their indexes.
    records: Vec<&'a DeviceRecord>,
    /// Their workers: one for each engine, by [`mystic_placement::seat`].
    workers: Vec<[Option<&'a SnapshotWorker>; 2]>,
    devices: Vec<Device>,
    batches: Vec<Batch>,
    queue: Queue,
    jobs: HashMap<JobId, Queued<'a>>,
}

/// A queued job and what its owner had ahead of it.
struct Queued<'a> {
    record: &'a QueuedJob,
    ahead: Millis,
}

impl<'a> Ledger<'a> {
    /// The placement's view of a snapshot.
    #[must_use]
    pub fn of(snapshot: &'a Snapshot) -> Self {
        let names: Vec<&str> = snapshot
            .presets
            .iter()
            .map(|preset| preset.name.as_str())
            .collect();
        let times = Times::of(snapshot);
        let now = times::millis(snapshot.now);
        let (records, workers) = fleet::open(snapshot);
        let devices = records
            .iter()
            .zip(&workers)
            .map(|(record, workers)| fleet::device(record, workers, &snapshot.presets, &times, now))
            .collect();
        let mut classes = Classes::of(snapshot);
        let (mut queue, jobs) = line::queue(snapshot, &names, &times, &mut classes);
        let batches = batch::batches(snapshot, &names, &times, now, &mut queue, &mut classes);
        Self {
            presets: line::presets(snapshot, &names),
            now,
            records,
            workers,
            devices,
            batches,
            queue,
            jobs,
            snapshot,
        }
    }

    fn placement(&self) -> mystic_placement::Snapshot<'_> {
        mystic_placement::Snapshot {
            presets: &self.presets,
            devices: &self.devices,
            batches: &self.batches,
            queue: &self.queue,
        }
    }

    fn preset_of(&self, job: JobId) -> Option<PresetIndex> {
        let job = self.queue.get(job)?;
        Some(self.queue.class_of(job.class).preset)
    }
}
