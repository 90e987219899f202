//! The queue: jobs of equal needs in one class, each with the work that it is and that its owner had ahead of it.

use std::collections::HashMap;

use mystic_domain::correction::Bucket;
use mystic_domain::{
    ContextPlan, JobId, JobParams, Need, Plan, Preset as Spec, Weights, need, work,
};
use mystic_placement::{Class, ClassIndex, Job, Millis, Policy, Preset, PresetIndex, Queue, Rung};
use mystic_store::{QueuedJob, Snapshot};

use crate::Queued;
use crate::fleet;
use crate::times::{Times, millis};

/// How much longer a job runs on a rung than on the first one.
fn slowdown(plan: Plan) -> f64 {
    match plan {
        Plan::Full => 1.0,
        Plan::VaeTiling | Plan::KvQuantised => 1.1,
        Plan::TextEncoderOnCpu => 1.3,
        Plan::VaeOnCpu | Plan::HalfOffloaded => 3.0,
        Plan::Streamed => 4.0,
    }
}

/// What the preset's files take, on the worker where they take most.
fn weights(snapshot: &Snapshot, preset: &str) -> Weights {
    let told = snapshot.workers.iter();
    let told = told.filter_map(|worker| fleet::served(worker, preset));
    told.map(|served| served.weights)
        .max_by_key(Weights::total)
        .unwrap_or_default()
}

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
) -> (Queue, HashMap<JobId, Queued<'a>>) {
    let mut queue = Queue::new(Policy::default());
    let mut jobs = HashMap::with_capacity(snapshot.queued.len());
    let mut classes = HashMap::new();
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
        let class = class_of(&mut queue, &mut classes, snapshot, PresetIndex(at), record);
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
fn work_of(preset: &str, params: &JobParams, images_left: u32, times: &Times<'_>) -> Millis {
    let engine = params.kind().engine();
    let units = match params {
        JobParams::Generate(params) => f64::from(images_left) * work::of_picture(params),
        JobParams::Tag(_) | JobParams::Enhance(_) => work::units(params),
    };
    Millis(1000).times(units * times.unit(preset, engine) / 1000.0)
}

/// What a job takes: by its formula, and by what such jobs were seen to take.
fn corrected(
    snapshot: &Snapshot,
    spec: &Spec,
    weights: &Weights,
    params: &JobParams,
    plan: Plan,
) -> Need {
    let need = need::estimate(spec, weights, params, plan);
    let bucket = Bucket::of(params);
    let learned = snapshot.needs.iter().find(|learned| {
        learned.preset == spec.name && learned.bucket == bucket && learned.plan == plan
    });
    let working = learned.map_or(need.working, |learned| {
        learned.correction.correct(need.working)
    });
    Need { working, ..need }
}

type Key = (usize, Plan, u32, u32);

fn class_of(
    queue: &mut Queue,
    classes: &mut HashMap<Key, ClassIndex>,
    snapshot: &Snapshot,
    preset: PresetIndex,
    job: &QueuedJob,
) -> ClassIndex {
    let (width, height) = match &job.params {
        JobParams::Generate(params) => params.final_size(),
        JobParams::Tag(_) | JobParams::Enhance(_) => (0, 0),
    };
    let key = (preset.0, job.plan, width, height);
    *classes.entry(key).or_insert_with(|| {
        let spec = &snapshot.presets[preset.0];
        let weights = weights(snapshot, &spec.name);
        let ladder = Plan::ladder(spec.engine()).iter().copied();
        let rungs = ladder.filter(|plan| *plan >= job.plan);
        queue.class(Class {
            preset,
            rungs: rungs
                .map(|plan| Rung {
                    plan,
                    context: plan.context(),
                    need: corrected(snapshot, spec, &weights, &job.params, plan),
                    slowdown: slowdown(plan) / slowdown(job.plan),
                })
                .collect(),
        })
    })
}
