//! The queue: jobs of equal needs in one class, each with the work that it is and that its owner had ahead of it.

use std::collections::HashMap;

use mystic_domain::{ContextPlan, JobId, JobParams, need, work};
use mystic_placement::{Job, Millis, Policy, Preset, PresetIndex, Queue};
use mystic_store::Snapshot;

use crate::Queued;
use crate::class::{Classes, weights};
use crate::times::{Times, millis};

pub(crate) fn presets(snapshot: &Snapshot, names: &[&str]) -> Vec<Preset> {
    let mut upcoming = vec![0; names.len()];
    for job in &snapshot.held {
        if let JobParams::Generate(params) = &job.params
            && let Some(tagger) = &params.tag_preset
            && !snapshot
                .pauses
                .iter()
                .any(|stopped| stopped.pause.covers(&job.owner, tagger))
            && let Some(at) = names.iter().position(|name| name == tagger)
        {
            upcoming[at] += job.images_left;
        }
    }
    let specs = snapshot.presets.iter().zip(upcoming);
    specs
        .map(|(spec, upcoming)| Preset {
            engine: spec.engine(),
            upcoming,
            resident: need::resident(spec, &weights(snapshot, &spec.name), ContextPlan::default()),
        })
        .collect()
}

pub(crate) fn queue<'a>(
    snapshot: &'a Snapshot,
    names: &[&str],
    times: &Times<'_>,
    classes: &mut Classes<'_>,
) -> (Queue, HashMap<JobId, Queued<'a>>) {
    let mut queue = Queue::new(Policy::default());
    let mut jobs = HashMap::with_capacity(snapshot.queued.len());
    let mut unfinished: HashMap<&str, Millis> = HashMap::new();
    for job in &snapshot.held {
        let work = work_of(&job.preset, &job.params, job.images_left, times);
        let before = unfinished.entry(&job.owner).or_default();
        *before = *before + work;
    }
    for record in &snapshot.queued {
        let Some(at) = names.iter().position(|name| *name == record.preset) else {
            continue;
        };
        let class = classes.find(&mut queue, PresetIndex(at), record.plan, &record.params);
        let work = work_of(&record.preset, &record.params, record.images_left, times);
        let before = unfinished.entry(&record.owner).or_default();
        let ahead = record.ahead_ms.map_or(*before, Millis);
        *before = *before + work;
        queue.push(Job {
            id: record.id,
            class,
            priority: i32::from(record.priority),
            queued_at: millis(record.queued_at),
            work,
            ahead,
        });
        jobs.insert(record.id, Queued { record, ahead });
    }
    (queue, jobs)
}

/// Predicted run on the preset's usual device.
pub(crate) fn work_of(
    preset: &str,
    params: &JobParams,
    images_left: u32,
    times: &Times<'_>,
) -> Millis {
    let engine = params.kind().engine();
    let units = match params {
        JobParams::Generate(params) => f64::from(images_left) * work::of_picture(params),
        JobParams::Tag(_) | JobParams::Enhance(_) | JobParams::Upscale(_) => work::units(params),
    };
    Millis(1000).times(units * times.unit(preset, engine) / 1000.0)
}
