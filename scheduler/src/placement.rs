//! Which job runs where. A pure function of a snapshot: no clock, no chance, no I/O.
//!
//! Jobs are placed in execution order on a copy of the ledger, so that the grants of one pass fit together. A job that
//! waits for memory holds its turn, and nothing that comes later may load a model on its device: otherwise a stream of
//! small jobs would keep a large one waiting for good. Jobs for other devices and engines go on.

mod fit;
mod ledger;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mystic_domain::{EngineKind, JobId, Mib, Pause, Preset, ResidentId, WaitReason};
use mystic_store::{DeviceRecord, Grant, QueuedJob, ResidentRecord, Seat, Snapshot};

use fit::{Fit, Place, Shortage};
use ledger::Ledger;

/// What the scheduler does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Lease the job.
    Grant(Grant),
    /// Unload an idle model.
    Evict(ResidentId),
    /// Leave the job in the queue, and say why.
    Wait(JobId, WaitReason),
}

/// Places each queued job: one [`Action::Grant`] or one [`Action::Wait`] for each, with the evictions that it waits for
/// before it. `new_resident` names the models that have to be loaded.
pub fn decide(snapshot: &Snapshot, new_resident: impl FnMut() -> ResidentId) -> Vec<Action> {
    let mut pass = Pass {
        ledger: Ledger::of(snapshot),
        presets: snapshot
            .presets
            .iter()
            .map(|preset| (preset.name.as_str(), preset))
            .collect(),
        queued: queued_presets(snapshot),
        waiting: BTreeMap::new(),
        new_resident,
        actions: Vec::with_capacity(snapshot.queued.len()),
    };
    for job in &snapshot.queued {
        pass.place(job);
    }
    pass.actions
}

/// Models that nobody used for `limit`, and that no queued job asks for.
#[must_use]
pub fn idle(snapshot: &Snapshot, limit: Duration) -> Vec<ResidentId> {
    let limit = i64::try_from(limit.as_secs()).unwrap_or(i64::MAX);
    let queued = queued_presets(snapshot);
    unused(snapshot, |_, resident| {
        resident.idle_s >= limit && !queued.contains(resident.preset.as_str())
    })
}

/// Models that nobody uses on devices that are to give their memory back.
#[must_use]
pub fn released(snapshot: &Snapshot) -> Vec<ResidentId> {
    unused(snapshot, |device, _| {
        snapshot
            .pauses
            .iter()
            .any(|paused| paused.release && paused.pause == Pause::Device(device.id.clone()))
    })
}

fn unused(
    snapshot: &Snapshot,
    goes: impl Fn(&DeviceRecord, &ResidentRecord) -> bool,
) -> Vec<ResidentId> {
    let mut unused = Vec::new();
    for device in &snapshot.devices {
        let leased: BTreeSet<ResidentId> =
            device.leases.iter().map(|lease| lease.resident).collect();
        for resident in &device.residents {
            if resident.state == "ready" && !leased.contains(&resident.id) && goes(device, resident)
            {
                unused.push(resident.id);
            }
        }
    }
    unused
}

fn queued_presets(snapshot: &Snapshot) -> BTreeSet<&str> {
    snapshot
        .queued
        .iter()
        .map(|job| job.preset.as_str())
        .collect()
}

/// Compute turns that a job takes: two diffusion jobs only slow each other, text runs beside them.
fn turns(engine: EngineKind) -> i32 {
    match engine {
        EngineKind::Sd => 1,
        EngineKind::Llm => 0,
    }
}

struct Pass<'a, R> {
    ledger: Ledger<'a>,
    presets: BTreeMap<&'a str, &'a Preset>,
    queued: BTreeSet<&'a str>,
    /// Jobs placed so far that wait.
    waiting: BTreeMap<EngineKind, u32>,
    new_resident: R,
    actions: Vec<Action>,
}

impl<'a, R: FnMut() -> ResidentId> Pass<'a, R> {
    fn place(&mut self, job: &'a QueuedJob) {
        let workers = self.ledger.serving(job);
        let (Some(preset), false) = (
            self.presets.get(job.preset.as_str()).copied(),
            workers.is_empty(),
        ) else {
            let barred = self.ledger.barred(job);
            let reason = barred.unwrap_or_else(|| WaitReason::NoWorker {
                preset: job.preset.clone(),
            });
            return self.wait(job, reason);
        };
        let fits: Vec<(usize, Fit)> = workers
            .iter()
            .map(|&worker| {
                (
                    worker,
                    fit::fit(&self.ledger, worker, job, preset, &self.queued),
                )
            })
            .collect();
        if let Some((worker, place)) = best_place(&self.ledger, &fits) {
            self.grant(job, worker, place);
        } else if let Some((worker, shortage)) = best_shortage(&fits) {
            self.make_room(job, worker, shortage);
        } else if fits.iter().any(|(_, fit)| matches!(fit, Fit::Busy)) {
            for &worker in &workers {
                self.ledger.keep(worker, &job.preset);
            }
            let reason = self.behind(job, &workers);
            self.wait(job, reason);
        } else {
            self.never(job, &fits);
        }
    }

    fn grant(&mut self, job: &'a QueuedJob, worker: usize, place: Place) {
        let turns = turns(job.kind.engine());
        let seat = match place.loaded {
            Some(resident) => Seat::Loaded(resident),
            None => Seat::Load {
                resident: (self.new_resident)(),
                context: place.plan.context(),
            },
        };
        self.ledger
            .book(worker, &job.preset, seat, place.need, turns);
        let on = &self.ledger.workers[worker].record;
        self.actions.push(Action::Grant(Grant {
            job: job.id,
            worker: on.id,
            device: on.device.clone(),
            preset: job.preset.clone(),
            plan: place.plan,
            need: place.need,
            seat,
            turns,
        }));
    }

    fn make_room(&mut self, job: &QueuedJob, worker: usize, shortage: &Shortage) {
        let device = self.ledger.workers[worker].device;
        let free = self.ledger.devices[device].free;
        for &victim in &shortage.victims {
            self.ledger.evict(device, victim);
            self.actions.push(Action::Evict(victim));
        }
        self.ledger.reserve(device, turns(job.kind.engine()));
        // Memory may suffice, and the worker have too many models, or the job's own be on its way out.
        let reason = if free >= shortage.need {
            self.behind(job, &[worker])
        } else {
            WaitReason::VramShort {
                device: self.ledger.devices[device].record.id.clone(),
                need: shortage.need,
                free: free.max(Mib(0)),
            }
        };
        self.wait(job, reason);
    }

    /// Jobs that these workers hold, and jobs for the same engine that wait and come first.
    fn behind(&self, job: &QueuedJob, workers: &[usize]) -> WaitReason {
        let held = workers
            .iter()
            .map(|&worker| self.ledger.workers[worker].held);
        let waiting = self.waiting.get(&job.kind.engine()).copied();
        WaitReason::Behind {
            n: held.sum::<u32>() + waiting.unwrap_or(0),
        }
    }

    /// No device could hold the job even if all else were unloaded. It holds nobody up.
    fn never(&mut self, job: &QueuedJob, fits: &[(usize, Fit)]) {
        let nearest = fits
            .iter()
            .filter_map(|(worker, fit)| match fit {
                Fit::Never { need } => Some((self.ledger.device_of(*worker), *need)),
                _ => None,
            })
            .min_by_key(|(device, need)| *need - device.free);
        let reason = match nearest {
            Some((device, need)) => WaitReason::VramShort {
                device: device.record.id.clone(),
                need,
                free: device.free.max(Mib(0)),
            },
            None => WaitReason::NoWorker {
                preset: job.preset.clone(),
            },
        };
        self.wait(job, reason);
    }

    fn wait(&mut self, job: &QueuedJob, reason: WaitReason) {
        *self.waiting.entry(job.kind.engine()).or_default() += 1;
        self.actions.push(Action::Wait(job.id, reason));
    }
}

/// A loaded model before one to load, a faster plan before a slower one, then the device with most to spare.
fn best_place(ledger: &Ledger<'_>, fits: &[(usize, Fit)]) -> Option<(usize, Place)> {
    fits.iter()
        .filter_map(|(worker, fit)| match fit {
            Fit::Now(place) => Some((*worker, *place)),
            _ => None,
        })
        .min_by_key(|(worker, place)| {
            let device = ledger.device_of(*worker);
            (
                device.turns <= 0,
                place.loaded.is_none(),
                place.plan,
                -device.turns,
                -device.free.0,
            )
        })
}

/// Where unloading idle models is enough, and costs least to load again; else where least is missing.
fn best_shortage(fits: &[(usize, Fit)]) -> Option<(usize, &Shortage)> {
    fits.iter()
        .filter_map(|(worker, fit)| match fit {
            Fit::Short(shortage) => Some((*worker, shortage)),
            _ => None,
        })
        .min_by_key(|(_, shortage)| (shortage.missing, shortage.cost))
}
