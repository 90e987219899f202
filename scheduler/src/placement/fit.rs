//! How one job fits on one worker.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use mystic_domain::{Mib, Need, Plan, Preset, ResidentId, need};
use mystic_store::QueuedJob;

use super::ledger::{Ledger, Model, ModelState};
use super::turns;

/// How a job fits.
pub(super) enum Fit {
    /// It can run now.
    Now(Place),
    /// It waits for other jobs to end: its model is in use, all turns are taken, or an earlier job waits for memory.
    Busy,
    /// It waits for memory, or for one of the worker's models to make place.
    Short(Shortage),
    /// The device is too small for it.
    Never {
        /// MiB of the most frugal plan.
        need: Mib,
    },
}

/// Where and how a job can run now.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// The model that it sits on; none: load it.
    pub(super) loaded: Option<ResidentId>,
    pub(super) plan: Plan,
    pub(super) need: Need,
}

/// What a job waits for.
pub(super) struct Shortage {
    /// MiB that the job needs.
    pub(super) need: Mib,
    /// Models to unload for it.
    pub(super) victims: Vec<ResidentId>,
    /// MiB to load again later.
    pub(super) cost: Mib,
    /// MiB that still have to come from jobs that run.
    pub(super) missing: Mib,
}

/// A rung of the ladder that the device could hold, though not now.
struct Rung {
    need: Mib,
    /// The model that the job would sit on.
    seat: Option<ResidentId>,
    /// Whether the worker has as many models as it may.
    full: bool,
}

/// Tries the ladder downward from the job's plan, as far as the worker offers it. A rung that needs the model loaded in
/// another way costs that and is slow, so it is for a device that can't ever hold the job on those above.
pub(super) fn fit(
    ledger: &Ledger<'_>,
    worker: usize,
    job: &QueuedJob,
    preset: &Preset,
    queued: &BTreeSet<&str>,
) -> Fit {
    let on = ledger.workers[worker].record;
    let mut smallest = Mib(i64::MAX);
    for served in on.presets.iter().filter(|served| served.name == job.preset) {
        let plans: Vec<Plan> = Plan::ladder(on.engine)
            .iter()
            .copied()
            .filter(|plan| *plan >= job.plan && served.plans.contains(plan))
            .collect();
        for alike in plans.chunk_by(|a, b| a.context() == b.context()) {
            let rungs = alike.iter().map(|plan| {
                let need = need::estimate(preset, &served.weights, &job.params, *plan);
                (*plan, need)
            });
            match fit_loaded_alike(ledger, worker, job, rungs, queued) {
                Fit::Never { need } => smallest = smallest.min(need),
                fit => return fit,
            }
        }
    }
    Fit::Never { need: smallest }
}

/// Tries rungs that a model serves once it is loaded.
fn fit_loaded_alike(
    ledger: &Ledger<'_>,
    worker: usize,
    job: &QueuedJob,
    plans: impl Iterator<Item = (Plan, Need)>,
    queued: &BTreeSet<&str>,
) -> Fit {
    let on = ledger.workers[worker].record;
    let device = ledger.device_of(worker);
    let mut busy = false;
    let mut smallest = Mib(i64::MAX);
    let mut rungs = Vec::new();
    for (plan, need) in plans {
        let model = ledger
            .children(worker)
            .find(|model| model.preset == job.preset && model.context == plan.context());
        let (booked, ask) = match model {
            Some(model) if model.state != ModelState::Evicting => (model.booked, need.working),
            _ => (Mib(0), need.resident + need.working),
        };
        smallest = smallest.min(ask);
        if booked + ask > device.reachable {
            continue;
        }
        let full = model.is_none() && too_many(ledger, worker);
        let (leaves, free_seat) = match model {
            Some(model) if model.leased => {
                busy = true;
                continue;
            }
            Some(model) if model.state == ModelState::Evicting => (true, None),
            model => (false, model.map(|model| model.id)),
        };
        if device.turns < turns(on.engine) || (device.reserved && free_seat.is_none()) {
            busy = true;
        } else if ask <= device.free && !full && !leaves {
            return Fit::Now(Place {
                loaded: free_seat,
                plan,
                need,
            });
        } else if device.reserved {
            busy = true;
        } else {
            rungs.push(Rung {
                need: ask,
                seat: free_seat,
                full,
            });
        }
    }
    let mut shortages: Vec<Shortage> = rungs
        .iter()
        .filter_map(|rung| make_room(ledger, worker, rung, queued))
        .collect();
    // The fastest plan for which unloading is enough; else the most frugal, which waits least.
    let chosen = shortages
        .iter()
        .position(|shortage| shortage.missing == Mib(0))
        .or(shortages.len().checked_sub(1));
    match chosen {
        Some(index) => Fit::Short(shortages.swap_remove(index)),
        None if busy || !rungs.is_empty() => Fit::Busy,
        None => Fit::Never { need: smallest },
    }
}

fn too_many(ledger: &Ledger<'_>, worker: usize) -> bool {
    let most = usize::try_from(ledger.workers[worker].record.max_children).unwrap_or(0);
    ledger.children(worker).count() >= most
}

/// Chooses what to unload, perhaps nothing yet: a model that still loads can't be unloaded before it is ready. None
/// where a place among the worker's models can only come from a job's end.
fn make_room(
    ledger: &Ledger<'_>,
    worker: usize,
    rung: &Rung,
    queued: &BTreeSet<&str>,
) -> Option<Shortage> {
    let device = ledger.device_of(worker);
    let mut idle: Vec<&Model<'_>> = device
        .models
        .iter()
        .filter(|model| {
            model.state == ModelState::Ready
                && !model.leased
                && !model.kept
                && model.worker.is_some()
                && Some(model.id) != rung.seat
        })
        .collect();
    // Longest idle for its reload cost first, and none that somebody waits for while there are others.
    idle.sort_by_key(|model| {
        let idle_per_tebi = i128::from(model.idle_s.max(0) + 1) << 40;
        (
            queued.contains(model.preset),
            Reverse(idle_per_tebi / i128::from(model.booked.0.max(1))),
            model.id,
        )
    });
    let mut missing = rung.need.0 - device.free.0 - device.leaving().0;
    let mut victims: Vec<&Model<'_>> = Vec::new();
    let leaving = ledger
        .children(worker)
        .any(|model| model.state == ModelState::Evicting);
    let forced = if rung.full && !leaving {
        let place = idle.iter().position(|model| model.worker == Some(worker));
        if let Some(index) = place {
            let victim = idle.remove(index);
            missing -= victim.booked.0;
            victims.push(victim);
        } else if !ledger
            .children(worker)
            .any(|model| model.state == ModelState::Loading && !model.leased)
        {
            return None;
        }
        victims.len()
    } else {
        0
    };
    for model in idle {
        if missing <= 0 {
            break;
        }
        missing -= model.booked.0;
        victims.push(model);
    }
    // A large one at the end may have made earlier ones unnecessary.
    let mut index = forced;
    while index < victims.len() {
        if missing + victims[index].booked.0 <= 0 {
            missing += victims.remove(index).booked.0;
        } else {
            index += 1;
        }
    }
    Some(Shortage {
        need: rung.need,
        cost: victims.iter().map(|model| model.booked).sum(),
        victims: victims.iter().map(|model| model.id).collect(),
        missing: Mib(missing.max(0)),
    })
}
