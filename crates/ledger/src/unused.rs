//! Models that go without anybody asking for their memory.

use std::collections::BTreeSet;
use std::time::Duration;

use mystic_domain::{JobParams, Pause, ResidentId};
use mystic_store::{DeviceRecord, ResidentRecord, Snapshot};

/// Models that nobody used for `limit`, and that neither a queued job asks for nor one that runs will.
#[must_use]
pub fn idle(snapshot: &Snapshot, limit: Duration) -> Vec<ResidentId> {
    let limit = i64::try_from(limit.as_secs()).unwrap_or(i64::MAX);
    let queued = snapshot.queued.iter().map(|job| job.preset.as_str());
    let to_come = snapshot.held.iter().filter_map(|job| match &job.params {
        JobParams::Generate(params) => params.tag_preset.as_deref(),
        JobParams::Tag(_) | JobParams::Enhance(_) | JobParams::Upscale(_) => None,
    });
    let wanted: BTreeSet<&str> = queued.chain(to_come).collect();
    unused(snapshot, |_, resident| {
        resident.idle_s >= limit && !wanted.contains(resident.preset.as_str())
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

/// Models that nobody uses and no job will: their presets name other files or flags by now.
#[must_use]
pub fn outdated(snapshot: &Snapshot) -> Vec<ResidentId> {
    unused(snapshot, |_, resident| resident.outdated)
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
