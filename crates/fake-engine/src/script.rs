//! What tests tell their engine children: `script.json`, looked at again and again, and `faults/*.json`, each taken by the
//! first child that it applies to.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use mystic_domain::FailureKind;
use serde::{Deserialize, Serialize};

const SCRIPT: &str = "script.json";
const FAULTS: &str = "faults";

/// How a healthy child behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// How long a model takes to load.
    pub loading_ms: u64,
    /// How long each diffusion step and each tag takes.
    pub step_ms: u64,
    /// Memory that a loaded model takes, beside the process's own.
    pub memory_mib: usize,
    /// Memory that each picture takes on top.
    pub picture_mib: usize,
}

/// Something that goes wrong once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The next command of this sort.
    pub when: When,
    /// What the child does then.
    pub then: Then,
}

/// Where in its work a child breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum When {
    /// In the middle of loading a model.
    Loading,
    /// After so many steps of a picture.
    Sampling {
        /// From 0.
        steps: u32,
    },
    /// Before the first tag.
    Tagging,
}

/// How a child breaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Then {
    /// Writes a line to standard error and aborts, as a failed assertion of a native library does.
    Abort {
        /// The line.
        saying: String,
    },
    /// Exits.
    Exit {
        /// With this status.
        status: i32,
    },
    /// Says nothing more and never ends.
    Hang,
    /// Reports a failure and lives on.
    Fail {
        /// The type.
        kind: FailureKind,
        /// The sentence.
        message: String,
    },
}

impl Script {
    /// Writes the script into `folder`; children see all of it or nothing.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        let unfinished = folder.join("script.json.new");
        fs::write(&unfinished, serde_json::to_vec(self)?)?;
        fs::rename(unfinished, folder.join(SCRIPT))
    }

    /// The script in `folder`; the default where there is none.
    ///
    /// # Errors
    /// The file is no script.
    pub fn read(folder: &Path) -> io::Result<Self> {
        match fs::read(folder.join(SCRIPT)) {
            Ok(text) => Ok(serde_json::from_slice(&text)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }
}

impl Fault {
    /// Puts the fault into `folder`, behind those that are there.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn put(&self, folder: &Path) -> io::Result<()> {
        let folder = folder.join(FAULTS);
        fs::create_dir_all(&folder)?;
        let number = fs::read_dir(&folder)?.count();
        let unfinished = folder.join(format!("{number:04}.new"));
        fs::write(&unfinished, serde_json::to_vec(self)?)?;
        fs::rename(unfinished, folder.join(format!("{number:04}.json")))
    }

    /// Takes the first fault of this sort; two children never take the same one.
    ///
    /// # Errors
    /// A file is no fault.
    pub fn take(folder: &Path, applies: impl Fn(When) -> bool) -> io::Result<Option<Self>> {
        let Ok(files) = fs::read_dir(folder.join(FAULTS)) else {
            return Ok(None);
        };
        let mut files: Vec<PathBuf> = files.flatten().map(|file| file.path()).collect();
        files.retain(|file| file.extension().is_some_and(|end| end == "json"));
        files.sort();
        for file in files {
            let Ok(text) = fs::read(&file) else { continue };
            let fault: Self = serde_json::from_slice(&text)?;
            if applies(fault.when) && fs::rename(&file, file.with_extension("taken")).is_ok() {
                return Ok(Some(fault));
            }
        }
        Ok(None)
    }
}
