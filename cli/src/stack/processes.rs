//! Our programs as children, each with a log of its own.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use mystic_services::Kept;
use nix::sys::signal::Signal;

use crate::error::{Result, Tried};

const LAST_LINES: usize = 10;

/// One of our programs. It is killed when this value is dropped.
pub struct Process {
    name: String,
    child: Kept,
    log: PathBuf,
}

impl Process {
    /// Starts it; the log of the run before is kept beside the new one.
    ///
    /// # Errors
    /// The log cannot be written or the program does not start.
    pub fn start(name: &str, mut command: Command, logs: &Path, death: Signal) -> Result<Self> {
        let log = logs.join(format!("{name}.log"));
        let what = || format!("cannot write {}", log.display());
        fs::create_dir_all(logs).tried(what)?;
        if log.is_file() {
            fs::rename(&log, logs.join(format!("{name}.before.log"))).tried(what)?;
        }
        let file = File::create(&log).tried(what)?;
        command
            .stdin(Stdio::null())
            .stdout(file.try_clone().tried(what)?)
            .stderr(file);
        let program = command.get_program().to_owned();
        let child = Kept::start(command, death)
            .tried(|| format!("{} cannot be started", program.display()))?;
        Ok(Self {
            name: name.to_owned(),
            child,
            log,
        })
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        self.child.signal(signal);
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        self.child.ended().is_some()
    }

    /// Whether it has ended of its own will.
    pub fn has_ended_well(&self) -> bool {
        self.child.ended().is_some_and(|status| status.success())
    }

    /// How it ended, if it did, with the last lines it wrote.
    pub fn death(&self) -> Option<String> {
        let status = self.child.ended()?;
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        Some(format!(
            "{} ended with {status}; the last lines of {}:\n{}",
            self.name,
            self.log.display(),
            lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
        ))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.stop(Signal::SIGKILL, Duration::from_secs(5));
    }
}
