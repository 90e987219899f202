//! A note about the running stack, so that other commands find it.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Result, Tried};

/// What the note says.
#[derive(Debug, Serialize, Deserialize)]
pub struct Running {
    /// The process that runs the stack.
    pub pid: u32,
    /// Where its API is.
    pub url: String,
    /// Its private database, which needs no password.
    pub database: Option<String>,
}

/// Removes its file when it is dropped.
pub struct Note {
    path: PathBuf,
}

impl Note {
    /// Writes down that this process runs a stack in `dir`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(dir: &Path, url: &str, database: Option<String>) -> Result<Self> {
        let path = path(dir);
        let text = serde_json::to_string(&Running {
            pid: std::process::id(),
            url: url.to_owned(),
            database,
        })
        .tried(|| "the note about the stack")?;
        fs::write(&path, text).tried(|| format!("cannot write {}", path.display()))?;
        Ok(Self { path })
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// The stack that runs in `dir`. A note whose writer was killed says nothing.
pub fn running(dir: &Path) -> Option<Running> {
    let text = fs::read_to_string(path(dir)).ok()?;
    let note: Running = serde_json::from_str(&text).ok()?;
    PathBuf::from(format!("/proc/{}", note.pid))
        .exists()
        .then_some(note)
}

fn path(dir: &Path) -> PathBuf {
    dir.join("stack.json")
}
