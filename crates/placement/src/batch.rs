//! A batch under way, and when it ends with one more device at work on it.

use mystic_domain::JobId;

use crate::{ClassIndex, Millis};

/// A diffusion job under way with pictures that nobody has begun: a device with nothing to do may draw one of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The job.
    pub job: JobId,
    /// What it needs.
    pub class: ClassIndex,
    /// Predicted run of one picture on a device of pace 1, on the first rung.
    pub picture: Millis,
    /// Pictures that nobody has begun.
    pub unbegun: u32,
    /// Those at work on it.
    pub drawers: Vec<Drawer>,
}

/// A device at work on a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drawer {
    /// When it can begin its next picture.
    pub free_at: Millis,
    /// What a picture takes it.
    pub picture: Millis,
}

impl Batch {
    /// By how much it ends sooner with one more drawer; nothing where that one would draw none.
    pub(crate) fn gain(&self, more: Drawer) -> Millis {
        let (alone, _) = self.end(self.drawers.clone());
        let mut drawers = self.drawers.clone();
        drawers.push(more);
        let (helped, drawn) = self.end(drawers);
        if drawn == 0 {
            return Millis(0);
        }
        alone - helped
    }

    /// When its last picture is done if each goes to whoever ends it first, and how many the last drawer draws.
    fn end(&self, mut drawers: Vec<Drawer>) -> (Millis, u32) {
        let mut drawn = vec![0; drawers.len()];
        let mut end = drawers
            .iter()
            .take(self.drawers.len())
            .map(|drawer| drawer.free_at)
            .max();
        for _ in 0..self.unbegun {
            let next =
                (0..drawers.len()).min_by_key(|at| drawers[*at].free_at + drawers[*at].picture);
            let Some(next) = next else { break };
            drawers[next].free_at = drawers[next].free_at + drawers[next].picture;
            drawn[next] += 1;
            end = end.max(Some(drawers[next].free_at));
        }
        (end.unwrap_or_default(), drawn.last().copied().unwrap_or(0))
    }
}
