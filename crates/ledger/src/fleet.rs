//! Devices, their workers and what is on them.

use mystic_domain::{EngineKind, Mib, Plan, Preset, need};
use mystic_placement::{
    Device, Lease, Millis, Model, ModelState, Plans, Preload, PresetIndex, Served, seat,
};
use mystic_store::{DeviceRecord, ResidentRecord, Snapshot, SnapshotPreset, SnapshotWorker};

use crate::times::{Times, millis};

type Workers<'a> = [Option<&'a SnapshotWorker>; 2];

/// Devices that take work, and who takes it there.
pub(crate) fn open(snapshot: &Snapshot) -> (Vec<&DeviceRecord>, Vec<Workers<'_>>) {
    snapshot
        .devices
        .iter()
        .filter(|device| device.lost_at.is_none() && !device.paused)
        .map(|device| {
            let worker = |engine| {
                let on = |worker: &&SnapshotWorker| {
                    worker.device == device.id && worker.engine == engine
                };
                snapshot.workers.iter().find(on)
            };
            (device, EngineKind::ALL.map(worker))
        })
        .unzip()
}

/// What a worker says of a preset; none where it can't serve it.
pub(crate) fn served<'a>(worker: &'a SnapshotWorker, preset: &str) -> Option<&'a SnapshotPreset> {
    worker.presets.iter().find(|served| served.name == preset)
}

/// What can be booked; negative where strangers took what was booked.
pub(crate) fn free(record: &DeviceRecord) -> Mib {
    record.capacity - record.resident - record.working - record.others
}

pub(crate) fn device(
    record: &DeviceRecord,
    workers: &Workers<'_>,
    presets: &[Preset],
    times: &Times<'_>,
    now: Millis,
) -> Device {
    let max_children = |engine| {
        let worker = workers[seat(engine)];
        worker.map_or(0, |worker| {
            usize::try_from(worker.max_children).unwrap_or(0)
        })
    };
    let served = |preset: &Preset| {
        let mut workers = workers.iter().flatten();
        workers.find_map(|worker| {
            let served = served(worker, &preset.name)?;
            Some(Served {
                pace: times.pace(worker.engine, &record.id.0, served),
                load: times.load(&record.id.0, served),
                plans: Plans::of(&served.plans),
                preload: preload(preset, served),
            })
        })
    };
    let models = record.residents.iter().filter_map(|resident| {
        let at = |preset: &Preset| preset.name == resident.preset;
        let preset = PresetIndex(presets.iter().position(at)?);
        Some(model(record, resident, preset, workers, times))
    });
    Device {
        free: free(record),
        turns: record.turns - record.turns_taken,
        idle_since: record.idle_since.map_or(now, millis),
        max_children: EngineKind::ALL.map(max_children),
        served: presets.iter().map(served).collect(),
        models: models.collect(),
    }
}

/// How a worker loads a preset ahead of its jobs: on the first rung that it offers, which they will ask for. Not where
/// that has failed.
fn preload(preset: &Preset, served: &SnapshotPreset) -> Option<Preload> {
    let mut ladder = Plan::ladder(preset.engine()).iter();
    let first = ladder.find(|plan| served.plans.contains(plan))?;
    let context = first.context();
    (!served.preload_failed).then(|| Preload {
        context,
        resident: need::resident(preset, &served.weights, context),
    })
}

fn model(
    device: &DeviceRecord,
    resident: &ResidentRecord,
    preset: PresetIndex,
    workers: &Workers<'_>,
    times: &Times<'_>,
) -> Model {
    let owner = workers
        .iter()
        .flatten()
        .find(|worker| worker.id == resident.worker);
    let state = match (owner, resident.state.as_str()) {
        (None, _) => ModelState::Stranded,
        // It serves whoever has it, and goes then.
        (Some(_), _) if resident.outdated => ModelState::Evicting,
        (Some(worker), "loading") => {
            let load = served(worker, &resident.preset)
                .map_or(Millis(0), |served| times.load(&device.id.0, served));
            ModelState::Loading(millis(resident.created_at) + load)
        }
        (Some(_), "ready") => ModelState::Ready,
        (Some(_), _) => ModelState::Evicting,
    };
    let leases = device
        .leases
        .iter()
        .filter(|lease| lease.resident == resident.id);
    let lease = leases
        .map(|lease| Lease {
            until: millis(lease.granted_at) + Millis(lease.expected_ms),
            working: lease.working,
            turns: lease.turns,
        })
        .max_by_key(|lease| lease.until);
    Model {
        id: resident.id,
        preset,
        context: resident.context,
        state,
        booked: resident.booked,
        used_at: millis(resident.used_at),
        lease,
    }
}
