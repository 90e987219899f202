//! Classes: jobs of one preset, lowest rung and size need the same.

use std::collections::HashMap;

use mystic_domain::correction::Bucket;
use mystic_domain::{JobParams, Need, Plan, Preset as Spec, Weights, need};
use mystic_placement::{Class, ClassIndex, PresetIndex, Queue, Rung};
use mystic_store::Snapshot;

use crate::fleet;

/// How much longer a job runs on a rung than on the first one.
pub(crate) fn slowdown(plan: Plan) -> f64 {
    match plan {
        Plan::Full => 1.0,
        Plan::VaeTiling | Plan::KvQuantised => 1.1,
        Plan::TextEncoderOnCpu => 1.3,
        Plan::VaeOnCpu | Plan::HalfOffloaded => 3.0,
        Plan::Streamed => 4.0,
    }
}

/// What the preset's files take, on the worker where they take most.
pub(crate) fn weights(snapshot: &Snapshot, preset: &str) -> Weights {
    let told = snapshot.workers.iter();
    let told = told.filter_map(|worker| fleet::served(worker, preset));
    told.map(|served| served.weights)
        .max_by_key(Weights::total)
        .unwrap_or_default()
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

/// Preset, lowest rung, width and height.
type Key = (usize, Plan, u32, u32);

/// The classes of a queue.
pub(crate) struct Classes<'a> {
    snapshot: &'a Snapshot,
    known: HashMap<Key, ClassIndex>,
}

impl<'a> Classes<'a> {
    pub(crate) fn of(snapshot: &'a Snapshot) -> Self {
        Self {
            snapshot,
            known: HashMap::new(),
        }
    }

    /// The class of jobs with these parameters that may have the rungs from `plan` on.
    pub(crate) fn find(
        &mut self,
        queue: &mut Queue,
        preset: PresetIndex,
        plan: Plan,
        params: &JobParams,
    ) -> ClassIndex {
        let (width, height) = params.final_size().unwrap_or_default();
        let snapshot = self.snapshot;
        let class = || {
            let spec = &snapshot.presets[preset.0];
            let weights = weights(snapshot, &spec.name);
            let ladder = Plan::ladder(spec.engine()).iter().copied();
            let rungs = ladder.filter(|rung| *rung >= plan);
            let rungs = rungs.map(|rung| Rung {
                plan: rung,
                context: rung.context(),
                need: corrected(snapshot, spec, &weights, params, rung),
                slowdown: slowdown(rung) / slowdown(plan),
            });
            queue.class(Class {
                preset,
                rungs: rungs.collect(),
            })
        };
        let key = (preset.0, plan, width, height);
        *self.known.entry(key).or_insert_with(class)
    }
}
