//! Jobs under way with pictures that nobody has begun, and when those at work on them begin the next.

use mystic_domain::Plan;
use mystic_placement::{Batch, Drawer, Millis, OVERRUN, PresetIndex, Queue};
use mystic_store::{BatchDrawer, Snapshot};

use crate::class::{Classes, slowdown};
use crate::fleet;
use crate::line::work_of;
use crate::times::{Times, millis};

pub(crate) fn batches(
    snapshot: &Snapshot,
    names: &[&str],
    times: &Times<'_>,
    now: Millis,
    queue: &mut Queue,
    classes: &mut Classes<'_>,
) -> Vec<Batch> {
    let open = snapshot.batches.iter().filter(|batch| batch.unbegun > 0);
    let batches = open.filter_map(|batch| {
        let preset = PresetIndex(names.iter().position(|name| *name == batch.preset)?);
        let picture = work_of(&batch.preset, &batch.params, 1, times);
        let drawers = batch.drawers.iter().map(|drawer| {
            let pace = pace(snapshot, times, &batch.preset, drawer);
            let takes = picture.times(pace * slowdown(drawer.plan) / slowdown(Plan::Full));
            Drawer {
                free_at: (millis(drawer.began_at) + takes).max(now + OVERRUN),
                picture: takes,
            }
        });
        Some(Batch {
            job: batch.job,
            class: classes.find(queue, preset, batch.plan, &batch.params),
            picture,
            unbegun: batch.unbegun,
            drawers: drawers.collect(),
        })
    });
    batches.collect()
}

/// The preset's pace where it is drawn; the usual one where its worker no longer says that it serves it.
fn pace(snapshot: &Snapshot, times: &Times<'_>, preset: &str, drawer: &BatchDrawer) -> f64 {
    let workers = snapshot.workers.iter();
    let mut workers = workers.filter(|worker| worker.device == drawer.device);
    workers
        .find_map(|worker| {
            let served = fleet::served(worker, preset)?;
            Some(times.pace(worker.engine, &drawer.device.0, served))
        })
        .unwrap_or(1.0)
}
