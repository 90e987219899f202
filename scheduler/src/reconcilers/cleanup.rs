//! Files that nothing uses, uploads that no job took, and Redis keys that nobody reads are deleted.

use std::time::Duration;

use mystic_domain::WorkerId;
use mystic_queue::Queue;
use mystic_store::Store;

use super::{Reconcile, RunError, acted};
use crate::outputs::Outputs;

/// How long an upload waits for a job that uses it.
const UNUSED_UPLOAD: Duration = Duration::from_hours(24);

/// Deletes what is left behind.
pub struct Cleanup {
    store: Store,
    queue: Queue,
    outputs: Outputs,
    staged: Duration,
}

impl Cleanup {
    /// Deletes from `outputs` and `queue` what `store` doesn't know. A file may be on its way to its picture's row for
    /// `staged`.
    #[must_use]
    pub fn new(store: Store, queue: Queue, outputs: Outputs, staged: Duration) -> Self {
        Self {
            store,
            queue,
            outputs,
            staged,
        }
    }

    async fn sweep(&self) -> Result<(), RunError> {
        // Where this host doesn't see the pictures, a file that is not there is not deleted.
        if !self.outputs.has_pictures().await {
            return Ok(());
        }
        for sha256 in self.store.sweep_files(self.staged).await? {
            if delete(&self.store, &self.outputs, &sha256).await? {
                acted::<Self>("delete_file");
            }
        }
        Ok(())
    }
}

/// Deletes a file whose row says that it has to go, under that row's lock; false where another was quicker.
pub(super) async fn delete(
    store: &Store,
    outputs: &Outputs,
    sha256: &str,
) -> Result<bool, RunError> {
    let Some(deleting) = store.delete_file(sha256).await? else {
        return Ok(false);
    };
    outputs.delete(sha256).await?;
    deleting.done().await?;
    Ok(true)
}

impl Reconcile for Cleanup {
    const NAME: &'static str = "cleanup";

    async fn run(&mut self) -> Result<(), RunError> {
        for _ in 0..self.store.sweep_uploads(UNUSED_UPLOAD).await? {
            acted::<Self>("delete_upload");
        }
        self.sweep().await?;
        let live: Vec<WorkerId> = self
            .store
            .beats()
            .await?
            .into_iter()
            .map(|(worker, _)| worker)
            .collect();
        let cleaned = self.queue.cleanup(&live).await?;
        for _ in 0..cleaned.queues {
            acted::<Self>("delete_queue");
        }
        Ok(())
    }
}
