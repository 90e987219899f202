//! Files that nobody knows or finishes any more are deleted.

mod watch;

use std::collections::HashSet;
use std::time::Duration;

use mystic_store::Store;
use tokio::time::Instant;

use super::cleanup::delete;
use super::{Reconcile, RunError, acted};
use crate::outputs::{Entry, Outputs, Stamp};
use watch::Watch;

/// Names that one run looks at, at least one folder's: all of a small store's, a part of a large one's.
const NAMES: usize = 4096;
/// Files that are watched at a time, so that a store full of strays can't fill the memory.
const WATCHED: usize = 65_536;
/// Pictures without a row that one run deletes, so that a drain need not wait for thousands.
const DELETED: usize = 256;
/// Pictures that are marked at a time: whoever puts one of them again waits until it is deleted.
const MARKED: usize = 16;

/// Deletes what stood still in its own reads for as long as a file may be on its way: pictures without a row, uploads
/// that were not finished, and the scratch of seats that nobody holds.
pub struct Strays {
    store: Store,
    outputs: Outputs,
    files: Watch<Entry, Stamp>,
    seats: Watch<String, Stamp>,
    /// The folder that was looked at last.
    last: String,
    told: bool,
}

impl Strays {
    /// Deletes from `outputs` what `store` doesn't know and nobody has touched for `still`.
    #[must_use]
    pub fn new(store: Store, outputs: Outputs, still: Duration) -> Self {
        Self {
            store,
            outputs,
            files: Watch::new(still, WATCHED),
            seats: Watch::new(still, WATCHED),
            last: String::new(),
            told: false,
        }
    }

    /// Whether the directory is this database's: marked with it, or new, or without a mark and with a picture of ours. A
    /// new database beside old pictures would take all of them for strays.
    async fn ours(&mut self) -> Result<bool, RunError> {
        let ours = self.store.identity().await?.to_string();
        if let Some(mark) = self.outputs.mark().await? {
            return Ok(mark == ours);
        }
        let mut known = self.outputs.folders().await?.is_empty();
        if let Some((sha256, _)) = self.store.referenced_files("", 1).await?.pop() {
            known |= self.outputs.size(&sha256).await?.is_some();
        }
        if known {
            self.outputs.set_mark(&ours).await?;
        }
        Ok(known)
    }

    async fn clear_scratch(&mut self) -> Result<(), RunError> {
        let asked = Instant::now();
        let mut found = Vec::new();
        for seat in self.outputs.seats().await? {
            if let Some(stamp) = self.outputs.scratch(&seat).await? {
                found.push((seat, stamp));
            }
        }
        for seat in self.seats.look("", found, asked, Instant::now()).due {
            if self.outputs.clear_scratch(&seat).await? {
                tracing::info!(
                    seat,
                    "unfinished pixels of a seat that nobody holds deleted"
                );
                acted::<Self>("clear_scratch");
            }
        }
        Ok(())
    }

    /// What the next folders hold, of files that are in their place only those without a row.
    async fn strays(&mut self) -> Result<Vec<(String, Vec<Entry>)>, RunError> {
        let folders = self.outputs.folders().await?;
        self.files
            .keep(|folder| folders.iter().any(|it| it == folder));
        let next = folders.partition_point(|folder| *folder <= self.last);
        let (mut listed, mut names) = (Vec::new(), Vec::new());
        for folder in folders[next..].iter().chain(&folders[..next]) {
            let entries = self.outputs.list(folder).await?;
            names.extend(entries.iter().filter_map(|entry| match entry {
                Entry::Stored(sha256) => Some(sha256.clone()),
                Entry::Unfinished(_) => None,
            }));
            listed.push((folder.clone(), entries));
            if names.len() >= NAMES {
                break;
            }
        }
        // Asked after the look: a file's row comes before the file.
        let unknown = self.store.unknown_files(&names).await?;
        let unknown: HashSet<String> = unknown.into_iter().collect();
        for (_, entries) in &mut listed {
            entries.retain(|entry| match entry {
                Entry::Stored(sha256) => unknown.contains(sha256),
                Entry::Unfinished(_) => true,
            });
        }
        Ok(listed)
    }

    /// Marks pictures without a row as being deleted, and deletes those that nobody put again meanwhile.
    async fn delete(&self, strays: &[String]) -> Result<(), RunError> {
        for some in strays.chunks(MARKED) {
            for sha256 in self.store.mark_strays(some).await? {
                if delete(&self.store, &self.outputs, &sha256).await? {
                    tracing::info!(sha256, "a file without a row deleted");
                    acted::<Self>("delete_file");
                }
            }
        }
        Ok(())
    }
}

impl Reconcile for Strays {
    const NAME: &'static str = "strays";

    async fn run(&mut self) -> Result<(), RunError> {
        self.clear_scratch().await?;
        if !self.ours().await? {
            if !std::mem::replace(&mut self.told, true) {
                tracing::warn!(
                    "store.outputs holds pictures of another database: none of them is collected; \
                     delete the file .database there if they are this one's"
                );
            }
            return Ok(());
        }
        let asked = Instant::now();
        let (mut due, mut new) = (Vec::new(), 0);
        for (folder, entries) in self.strays().await? {
            let mut found = Vec::with_capacity(entries.len());
            for entry in entries {
                if let Some(stamp) = self.outputs.stamp(&entry).await? {
                    found.push((entry, stamp));
                }
            }
            let looked = self.files.look(&folder, found, asked, Instant::now());
            new += looked
                .new
                .iter()
                .filter(|entry| matches!(entry, Entry::Stored(_)))
                .count();
            due.extend(looked.due);
            self.last = folder;
        }
        if new > 0 {
            tracing::warn!(
                files = new,
                "files that no picture uses; they are deleted if nobody touches them"
            );
        }
        let mut strays = Vec::new();
        for entry in due {
            match entry {
                Entry::Unfinished(name) => {
                    self.outputs.delete_unfinished(&name).await?;
                    tracing::info!(name, "an unfinished upload deleted");
                    acted::<Self>("delete_upload");
                }
                Entry::Stored(sha256) => strays.push(sha256),
            }
        }
        strays.truncate(DELETED);
        self.delete(&strays).await
    }
}
