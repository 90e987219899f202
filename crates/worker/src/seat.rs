//! The seat: one worker process per (host, device, engine), and proof that its predecessor is dead.
//!
//! The lock is held by the supervisor and, through an inherited descriptor, by every engine child. Whoever gets it
//! knows that no process of a predecessor lives.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mystic_domain::{DeviceId, EngineKind};
use nix::fcntl::{Flock, FlockArg, OFlag, open};
use nix::sys::stat::Mode;
use sha2::{Digest, Sha256};

use crate::WorkerError;

/// How long to wait for a predecessor that is just dying.
const PATIENCE: Duration = Duration::from_secs(10);

/// A held seat. Dropping it lets go, once all children have.
#[derive(Debug)]
pub(crate) struct Seat {
    _lock: Flock<File>,
    scratch: PathBuf,
}

impl Seat {
    /// Takes the seat, waiting for a predecessor that is just dying.
    pub(crate) async fn take(
        outputs: &Path,
        host: &str,
        device: &DeviceId,
        engine: EngineKind,
    ) -> Result<Self, WorkerError> {
        let name = name(host, device, engine);
        let locks = outputs.join(".locks");
        std::fs::create_dir_all(&locks).map_err(WorkerError::file(&locks))?;
        let path = locks.join(&name);
        let waited = tokio::time::Instant::now();
        let lock = loop {
            // Without O_CLOEXEC on purpose: the children inherit the descriptor, and with it the lock.
            let file: OwnedFd = open(
                &path,
                OFlag::O_RDWR | OFlag::O_CREAT,
                Mode::from_bits_truncate(0o600),
            )
            .map_err(|errno| WorkerError::File {
                path: path.clone(),
                source: errno.into(),
            })?;
            match Flock::lock(File::from(file), FlockArg::LockExclusiveNonblock) {
                Ok(lock) => break lock,
                Err(_) if waited.elapsed() < PATIENCE => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                Err(_) => return Err(WorkerError::SeatTaken(path)),
            }
        };
        // What a predecessor left unfinished is nobody's now.
        let scratch = outputs.join(".scratch").join(&name);
        if scratch.exists() {
            std::fs::remove_dir_all(&scratch).map_err(WorkerError::file(&scratch))?;
        }
        std::fs::create_dir_all(&scratch).map_err(WorkerError::file(&scratch))?;
        Ok(Self {
            _lock: lock,
            scratch,
        })
    }

    /// A directory for unfinished files, emptied at each start.
    pub(crate) fn scratch(&self) -> &Path {
        &self.scratch
    }
}

/// A file name for the seat: hashed, since hosts and devices may hold any character.
fn name(host: &str, device: &DeviceId, engine: EngineKind) -> String {
    let mut hash = Sha256::new();
    for part in [host, &device.0, engine.as_str()] {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    format!("{}-{}", engine.as_str(), hex::encode(&hash.finalize()[..8]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_child_inherits_the_lock() {
        let outputs = tempfile::tempdir().expect("a directory");
        let device = DeviceId("host/cpu".into());
        let seat = Seat::take(outputs.path(), "host", &device, EngineKind::Sd).await;
        let _seat = seat.expect("the seat is free");
        let child = std::process::Command::new("ls")
            .args(["-l", "/proc/self/fd"])
            .output()
            .expect("started");
        let open = String::from_utf8_lossy(&child.stdout).into_owned();
        let locks = outputs.path().join(".locks");
        assert!(open.contains(&locks.display().to_string()), "{open}");
    }
}
