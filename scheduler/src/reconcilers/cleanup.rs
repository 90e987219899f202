//! Files that no picture uses and Redis keys that nobody reads are deleted.

use std::sync::Arc;
use std::time::Duration;

use mystic_domain::{WorkerId, file_path};
use mystic_queue::Queue;
use mystic_store::Store;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{Error, ObjectStoreExt};

use super::{Reconcile, RunError, acted};

/// Deletes what is left behind.
pub struct Cleanup {
    store: Store,
    queue: Queue,
    files: Arc<LocalFileSystem>,
    staged: Duration,
}

impl Cleanup {
    /// Deletes from `files` and `queue` what `store` doesn't know. A file may be on its way to its picture's row for
    /// `staged`.
    #[must_use]
    pub fn new(store: Store, queue: Queue, files: Arc<LocalFileSystem>, staged: Duration) -> Self {
        Self {
            store,
            queue,
            files,
            staged,
        }
    }
}

impl Reconcile for Cleanup {
    const NAME: &'static str = "cleanup";

    async fn run(&mut self) -> Result<(), RunError> {
        for sha256 in self.store.sweep_files(self.staged).await? {
            match self.files.delete(&Path::from(file_path(&sha256))).await {
                Ok(()) | Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
            self.store.file_deleted(&sha256).await?;
            acted::<Self>("delete_file");
        }
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
