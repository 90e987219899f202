//! Every picture's files are there, and as long as they were: looked at file by file, round and round.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use mystic_store::Store;

use super::{Reconcile, RunError};
use crate::gauges::float;
use crate::outputs::Outputs;

/// Files that one run looks at.
const PAGE: usize = 500;
/// Findings that are remembered, and with that told and counted.
const FINDINGS: usize = 10_000;

/// Compares the files that pictures are made of with what is on disk, and tells of each that is missing or has another
/// size, once. It mends nothing: nothing of ours deletes such a file.
pub struct Audit {
    store: Store,
    outputs: Outputs,
    /// The file that was looked at last; empty at the beginning of a round.
    last: String,
    missing: BTreeSet<String>,
    told: bool,
}

impl Audit {
    /// Looks in `outputs` for what `store` says is there.
    #[must_use]
    pub fn new(store: Store, outputs: Outputs) -> Self {
        Self {
            store,
            outputs,
            last: String::new(),
            missing: BTreeSet::new(),
            told: false,
        }
    }

    /// Files that are known to be missing, by the SHA-256 that their content had.
    pub fn missing(&self) -> impl Iterator<Item = &str> {
        self.missing.iter().map(String::as_str)
    }

    /// Takes up what was found between the last file and `end`.
    fn note(&mut self, found: &BTreeMap<String, (u64, Option<u64>)>, end: Bound<&str>) {
        let page = (Bound::Excluded(self.last.as_str()), end);
        let known = self.missing.range::<str, _>(page);
        let back: Vec<String> = known
            .filter(|it| !found.contains_key(*it))
            .cloned()
            .collect();
        for sha256 in back {
            tracing::info!(sha256, "a picture's file is back");
            self.missing.remove(&sha256);
        }
        for (sha256, (size_bytes, on_disk)) in found {
            if self.missing.len() < FINDINGS && self.missing.insert(sha256.clone()) {
                match on_disk {
                    None => tracing::error!(sha256, size_bytes, "a picture's file is missing"),
                    Some(found_bytes) => {
                        tracing::error!(
                            sha256,
                            size_bytes,
                            found_bytes,
                            "a picture's file has another size"
                        );
                    }
                }
            }
        }
        metrics::gauge!("mystic_files_missing").set(float(self.missing.len()));
    }
}

impl Reconcile for Audit {
    const NAME: &'static str = "audit";

    async fn run(&mut self) -> Result<(), RunError> {
        let limit = i64::try_from(PAGE).unwrap_or(i64::MAX);
        let page = self.store.referenced_files(&self.last, limit).await?;
        let mut found = BTreeMap::new();
        for (sha256, bytes) in &page {
            let on_disk = self.outputs.size(sha256).await?;
            if on_disk != Some(*bytes) {
                found.insert(sha256.clone(), (*bytes, on_disk));
            }
        }
        // A directory without any picture says nothing of those that are missing in it.
        if !found.is_empty() && !self.outputs.has_pictures().await {
            if !self.told {
                tracing::warn!(
                    "no picture is below store.outputs on this host; is it mounted, and the directory that workers write to?"
                );
                self.told = true;
            }
            return Ok(());
        }
        self.told = false;
        match page.last() {
            Some((last, _)) if page.len() == PAGE => {
                self.note(&found, Bound::Included(last));
                self.last.clone_from(last);
            }
            _ => {
                self.note(&found, Bound::Unbounded);
                self.last.clear();
            }
        }
        Ok(())
    }
}
