//! SHA-256 of the model files that pictures are made with: read after the pictures, once for each state of a file, one file
//! at a time and behind everything else that the machine does.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use mystic_domain::UsedFile;
use mystic_store::{Store, StoreError};
use tokio::sync::{mpsc, oneshot};

use crate::models;

/// Requests that may wait; the next attempt asks again for what came on top.
const REQUESTS: usize = 16;
/// The least that the kernel gives to a thread that others compete with.
const LAST: i32 = 19;

/// Takes requests for as long as it is there.
#[derive(Debug)]
pub(crate) struct Hashes(mpsc::Sender<Vec<UsedFile>>);

/// Whose files are hashed.
struct Reader {
    store: Store,
    host: String,
    models: PathBuf,
    known: HashSet<UsedFile>,
}

impl Hashes {
    /// Starts to take requests for the files below the models directory of this host.
    pub(crate) fn start(store: Store, host: String, models: PathBuf) -> Self {
        let (sender, mut requests) = mpsc::channel::<Vec<UsedFile>>(REQUESTS);
        let mut reader = Reader {
            store,
            host,
            models,
            known: HashSet::new(),
        };
        tokio::spawn(async move {
            while let Some(files) = requests.recv().await {
                for file in files {
                    if let Err(error) = reader.read(&file).await {
                        tracing::debug!(path = file.path, %error, "a hash is not noted; the next attempt asks again");
                    }
                }
            }
        });
        Self(sender)
    }

    /// Has these files hashed soon, unless they are already. It never waits.
    pub(crate) fn want(&self, files: Vec<UsedFile>) {
        // Full of others: the next attempt asks again.
        let _ = self.0.try_send(files);
    }
}

impl Reader {
    async fn read(&mut self, file: &UsedFile) -> Result<(), StoreError> {
        if self.known.contains(file) {
            return Ok(());
        }
        if self.store.file_sha256(&self.host, file).await?.is_none() {
            let Some(sha256) = hash(self.models.clone(), file.clone()).await else {
                return Ok(());
            };
            self.store
                .note_file_sha256(&self.host, file, &sha256)
                .await?;
            tracing::debug!(path = file.path, sha256, "model file hashed");
        }
        self.known.insert(file.clone());
        Ok(())
    }
}

/// A file's hash, on a thread of its own that comes after all others; none where it is not that file any more.
async fn hash(models: PathBuf, file: UsedFile) -> Option<String> {
    let (answer, hashed) = oneshot::channel();
    let started = std::thread::Builder::new()
        .name("hash".into())
        .spawn(move || {
            if let Err(error) = rustix::process::setpriority_process(None, LAST) {
                tracing::debug!(%error, "model files are hashed at usual priority");
            }
            // Nobody waits where the worker has ended.
            let _ = answer.send(hash_unchanged(&models, &file));
        });
    if let Err(error) = started {
        tracing::warn!(%error, "no thread for hashes");
        return None;
    }
    hashed.await.ok().flatten()
}

fn hash_unchanged(models: &Path, file: &UsedFile) -> Option<String> {
    let same = || models::used(models, &file.role, &file.path).is_ok_and(|now| now == *file);
    if !same() {
        return None;
    }
    let go_on = &mut |_| ControlFlow::Continue(());
    match mystic_weights::sha256(&models.join(&file.path), go_on) {
        Ok(sha256) => sha256.filter(|_| same()),
        Err(error) => {
            tracing::debug!(path = file.path, %error, "a model file can't be hashed");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_the_file_that_was_used_is_hashed() {
        let models = tempfile::tempdir().expect("a folder");
        let path = models.path().join("a.gguf");
        fs::write(&path, "weights").expect("written");
        let used = models::used(models.path(), "files.model", "a.gguf").expect("there");
        let there = mystic_weights::sha256(&path, &mut |_| ControlFlow::Continue(()));
        let there = there.expect("read").expect("whole");
        assert_eq!(hash_unchanged(models.path(), &used), Some(there));
        for other in [
            UsedFile {
                modified_ns: used.modified_ns - 1,
                ..used.clone()
            },
            UsedFile {
                bytes: used.bytes + 1,
                ..used.clone()
            },
        ] {
            assert_eq!(hash_unchanged(models.path(), &other), None);
        }
        fs::remove_file(&path).expect("gone");
        assert_eq!(hash_unchanged(models.path(), &used), None);
    }
}
