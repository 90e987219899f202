//! What the queue wants of each preset, as far as this pass has not served it.

use crate::PresetIndex;

pub(crate) struct Demand {
    wants: Vec<Want>,
}

#[derive(Clone, Copy, Default)]
struct Want {
    /// Queued jobs that are not granted.
    jobs: usize,
    /// Copies of the model that jobs can sit on.
    copies: usize,
}

impl Demand {
    pub(crate) fn new(presets: usize) -> Self {
        Self {
            wants: vec![Want::default(); presets],
        }
    }

    pub(crate) fn add(&mut self, preset: PresetIndex, jobs: usize) {
        self.wants[preset.0].jobs += jobs;
    }

    pub(crate) fn copy(&mut self, preset: PresetIndex) {
        self.wants[preset.0].copies += 1;
    }

    pub(crate) fn gone(&mut self, preset: PresetIndex) {
        self.wants[preset.0].copies -= 1;
    }

    /// A job was granted.
    pub(crate) fn served(&mut self, preset: PresetIndex) {
        self.wants[preset.0].jobs -= 1;
    }

    pub(crate) fn jobs(&self, preset: PresetIndex) -> usize {
        self.wants[preset.0].jobs
    }

    pub(crate) fn copies(&self, preset: PresetIndex) -> usize {
        self.wants[preset.0].copies
    }

    /// Whether each copy of the model has a job to come.
    pub(crate) fn wants(&self, preset: PresetIndex) -> bool {
        let want = self.wants[preset.0];
        want.jobs > 0 && want.copies <= want.jobs
    }
}
