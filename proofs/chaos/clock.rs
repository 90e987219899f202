//! Clocks that are wrong: libfaketime, preloaded, with a file that says by how much. Monotonic clocks stay right.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

const LIBRARIES: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib64/faketime/libfaketime.so.1",
    "/usr/lib/faketime/libfaketime.so.1",
];

/// libfaketime, where it is installed.
pub(super) fn library() -> Option<PathBuf> {
    LIBRARIES
        .map(PathBuf::from)
        .into_iter()
        .find(|library| library.is_file())
}

/// The clock of one machine.
pub(super) struct Clock(PathBuf);

impl Clock {
    /// A clock that is right, kept in this file.
    pub(super) fn new(file: PathBuf) -> Self {
        let clock = Self(file);
        clock.set("+0");
        clock
    }

    /// Puts the clock off by so much: `-20`, `+1h`.
    pub(super) fn set(&self, offset: &str) {
        let unfinished = self.0.with_extension("new");
        fs::write(&unfinished, offset).expect("written");
        fs::rename(unfinished, &self.0).expect("renamed");
    }

    /// What a process of that machine has in its environment besides the preloaded library.
    pub(super) fn environment(&self) -> Vec<(OsString, OsString)> {
        let file: &Path = &self.0;
        [
            ("FAKETIME_TIMESTAMP_FILE", file.as_os_str()),
            ("FAKETIME_NO_CACHE", "1".as_ref()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".as_ref()),
            ("DONT_FAKE_MONOTONIC", "1".as_ref()),
        ]
        .map(|(name, value)| (name.into(), value.into()))
        .into()
    }
}
