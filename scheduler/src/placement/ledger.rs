//! The ledger as it will be when what was decided so far is done.

use std::collections::BTreeSet;

use mystic_domain::{ContextPlan, Mib, Need, Pause, ResidentId, WaitReason};
use mystic_store::{DeviceRecord, QueuedJob, Seat, Snapshot, SnapshotWorker};

pub(super) struct Ledger<'a> {
    pub(super) devices: Vec<Device<'a>>,
    pub(super) workers: Vec<Worker<'a>>,
}

pub(super) struct Device<'a> {
    pub(super) record: &'a DeviceRecord,
    /// Capacity less bookings and strangers; negative where strangers took what was booked.
    pub(super) free: Mib,
    /// What would be free if each live worker ended its jobs and unloaded its models.
    pub(super) reachable: Mib,
    pub(super) turns: i32,
    /// An earlier job waits for memory here: whatever comes later may not load.
    pub(super) reserved: bool,
    pub(super) models: Vec<Model<'a>>,
}

pub(super) struct Worker<'a> {
    pub(super) record: &'a SnapshotWorker,
    pub(super) device: usize,
    /// Jobs on it.
    pub(super) held: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ModelState {
    Loading,
    Ready,
    Evicting,
}

pub(super) struct Model<'a> {
    pub(super) id: ResidentId,
    /// Index of its worker; none where that takes no more work.
    pub(super) worker: Option<usize>,
    pub(super) preset: &'a str,
    pub(super) context: ContextPlan,
    pub(super) state: ModelState,
    pub(super) booked: Mib,
    pub(super) idle_s: i64,
    pub(super) leased: bool,
    /// An earlier job waits for it.
    pub(super) kept: bool,
}

impl<'a> Ledger<'a> {
    pub(super) fn of(snapshot: &'a Snapshot) -> Self {
        let workers: Vec<Worker<'a>> = snapshot
            .workers
            .iter()
            .filter_map(|record| {
                let device = snapshot
                    .devices
                    .iter()
                    .position(|device| device.id == record.device)?;
                let held = snapshot.devices[device]
                    .leases
                    .iter()
                    .filter(|lease| lease.worker == record.id && lease.state != "quarantined")
                    .count();
                Some(Worker {
                    record,
                    device,
                    held: u32::try_from(held).unwrap_or(u32::MAX),
                })
            })
            .collect();
        let devices = snapshot
            .devices
            .iter()
            .map(|record| Device::of(record, &workers))
            .collect();
        Self { devices, workers }
    }

    pub(super) fn device_of(&self, worker: usize) -> &Device<'a> {
        &self.devices[self.workers[worker].device]
    }

    /// Workers that can run this job.
    pub(super) fn serving(&self, job: &QueuedJob) -> Vec<usize> {
        self.knowing(job)
            .filter(|&worker| barred(self.device_of(worker).record).is_none())
            .collect()
    }

    /// Why a device takes nothing on which this job could run otherwise.
    pub(super) fn barred(&self, job: &QueuedJob) -> Option<WaitReason> {
        self.knowing(job)
            .find_map(|worker| barred(self.device_of(worker).record))
    }

    fn knowing(&self, job: &QueuedJob) -> impl Iterator<Item = usize> {
        (0..self.workers.len()).filter(move |&index| {
            let worker = self.workers[index].record;
            worker.engine == job.kind.engine()
                && worker.presets.iter().any(|served| {
                    served.name == job.preset && served.plans.iter().any(|plan| *plan >= job.plan)
                })
        })
    }

    pub(super) fn children(&self, worker: usize) -> impl Iterator<Item = &Model<'a>> {
        self.device_of(worker)
            .models
            .iter()
            .filter(move |model| model.worker == Some(worker))
    }

    pub(super) fn book(
        &mut self,
        worker: usize,
        preset: &'a str,
        seat: Seat,
        need: Need,
        turns: i32,
    ) {
        self.workers[worker].held += 1;
        let device = &mut self.devices[self.workers[worker].device];
        device.turns -= turns;
        device.free = device.free - need.working;
        match seat {
            Seat::Loaded(resident) => {
                if let Some(model) = device.models.iter_mut().find(|model| model.id == resident) {
                    model.leased = true;
                }
            }
            Seat::Load { resident, context } => {
                device.free = device.free - need.resident;
                device.models.push(Model {
                    id: resident,
                    worker: Some(worker),
                    preset,
                    context,
                    state: ModelState::Loading,
                    booked: need.resident,
                    idle_s: 0,
                    leased: true,
                    kept: false,
                });
            }
        }
    }

    pub(super) fn evict(&mut self, device: usize, resident: ResidentId) {
        for model in &mut self.devices[device].models {
            if model.id == resident {
                model.state = ModelState::Evicting;
            }
        }
    }

    /// Holds the device for a job that waits for its memory.
    pub(super) fn reserve(&mut self, device: usize, turns: i32) {
        let device = &mut self.devices[device];
        device.reserved = true;
        device.turns -= turns;
    }

    /// Later jobs may not unload what an earlier one waits for.
    pub(super) fn keep(&mut self, worker: usize, preset: &str) {
        let device = self.workers[worker].device;
        for model in &mut self.devices[device].models {
            if model.worker == Some(worker) && model.preset == preset {
                model.kept = true;
            }
        }
    }
}

/// Why a device takes nothing, if it takes nothing.
fn barred(device: &DeviceRecord) -> Option<WaitReason> {
    if device.paused {
        Some(WaitReason::Paused {
            by: Pause::Device(device.id.clone()),
        })
    } else {
        device.lost_at.map(|_| WaitReason::DeviceLost {
            device: device.id.clone(),
        })
    }
}

impl<'a> Device<'a> {
    fn of(record: &'a DeviceRecord, workers: &[Worker<'a>]) -> Self {
        let leased: BTreeSet<ResidentId> =
            record.leases.iter().map(|lease| lease.resident).collect();
        let models: Vec<Model<'a>> = record
            .residents
            .iter()
            .map(|resident| Model {
                id: resident.id,
                worker: workers
                    .iter()
                    .position(|worker| worker.record.id == resident.worker),
                preset: &resident.preset,
                context: resident.context,
                state: match resident.state.as_str() {
                    "loading" => ModelState::Loading,
                    "ready" => ModelState::Ready,
                    _ => ModelState::Evicting,
                },
                booked: resident.booked,
                idle_s: resident.idle_s,
                leased: leased.contains(&resident.id),
                kept: false,
            })
            .collect();
        let free = record.capacity - record.resident - record.working - record.others;
        let live_models: Mib = models
            .iter()
            .filter(|model| model.worker.is_some())
            .map(|model| model.booked)
            .sum();
        let live_jobs: Mib = record
            .leases
            .iter()
            .filter(|lease| lease.state != "quarantined")
            .map(|lease| lease.working)
            .sum();
        Self {
            record,
            free,
            reachable: free + live_models + live_jobs,
            turns: record.turns - record.turns_taken,
            reserved: false,
            models,
        }
    }

    /// Memory that models on their way out will free.
    pub(super) fn leaving(&self) -> Mib {
        self.models
            .iter()
            .filter(|model| model.state == ModelState::Evicting && model.worker.is_some())
            .map(|model| model.booked)
            .sum()
    }
}
