//! How far an attempt is, told over Redis: the newest state counts, so a slow Redis skips some and delays nothing.

use std::time::Duration;

use mystic_domain::{JobId, Phase, Progress};
use tokio::sync::watch;

use super::Bench;

/// Least time between two messages.
const PACE: Duration = Duration::from_millis(50);

/// Tells the progress of one attempt until it is dropped, with its clones.
#[derive(Clone, Debug)]
pub(super) struct Reporter(watch::Sender<Option<Progress>>);

impl Reporter {
    /// Starts to report.
    pub(super) fn start(bench: &Bench, job: JobId) -> Self {
        let (sender, mut newest) = watch::channel(None);
        let queue = bench.queue.clone();
        tokio::spawn(async move {
            while newest.changed().await.is_ok() {
                let progress: Option<Progress> = *newest.borrow_and_update();
                if let Some(progress) = progress
                    && let Err(error) = queue.publish_progress(job, &progress).await
                {
                    tracing::debug!(%job, %error, "progress is not told");
                }
                tokio::time::sleep(PACE).await;
            }
        });
        Self(sender)
    }

    /// Tells of one piece of an attempt, a picture or a text, by its place in the job: phase, step and of how many.
    pub(super) fn of(&self, index: u32, attempt: i32) -> impl Fn(Phase, u32, u32) {
        move |phase, step, of| {
            // Of the newest state the previews that were shown are kept.
            self.0.send_modify(|newest| {
                *newest = Some(Progress {
                    phase,
                    step,
                    of,
                    index,
                    attempt,
                    preview: newest.map_or(0, |newest| newest.preview),
                });
            });
        }
    }

    /// One more preview can be seen.
    pub(super) fn shown(&self) {
        self.0.send_modify(|newest| {
            if let Some(newest) = newest {
                newest.preview += 1;
            }
        });
    }
}
