//! One process that is kept running: what ends it, ends it, and it is started again as a service manager would.

use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mystic_services::Kept;
use nix::sys::signal::Signal;
use tokio::time::Instant;

use super::slot::Slot;

/// How long a process stays down that ended by itself.
const DOWN: Duration = Duration::from_millis(200);

/// A process and its next lives.
pub(super) struct Program {
    pub(super) slot: Slot,
    log: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    child: Option<Kept>,
    /// Nobody starts it while this is set.
    down: bool,
    /// We killed the present child.
    killed: bool,
    ended: Option<Instant>,
    lives: u32,
}

/// How a life ended that we did not end.
pub(super) enum End {
    Killed,
    Other(String),
}

impl Program {
    pub(super) fn new(slot: Slot, log: PathBuf) -> Self {
        Self {
            slot,
            log,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the process if it is due, in the so many-th life from 0; tells of an end that nobody ordered.
    pub(super) fn look_after(
        &self,
        command: impl FnOnce(u32) -> Command,
        born: impl FnOnce(u32),
    ) -> Option<End> {
        let mut state = self.state();
        let mut end = None;
        if let Some(status) = state.child.as_ref().and_then(Kept::ended) {
            if !state.killed {
                end = Some(match status.signal() {
                    Some(9) => End::Killed,
                    _ => End::Other(status.to_string()),
                });
            }
            state.child = None;
            state.killed = false;
            state.ended = Some(Instant::now());
        }
        let due = state.ended.is_none_or(|ended| ended.elapsed() >= DOWN);
        if state.child.is_none() && !state.down && due {
            let log = File::options()
                .create(true)
                .append(true)
                .open(&self.log)
                .expect("a log");
            let mut command = command(state.lives);
            command.stdout(log.try_clone().expect("a second handle"));
            command.stderr(log);
            let child = Kept::start(command, Signal::SIGKILL).expect("it starts");
            born(child.pid());
            state.child = Some(child);
            state.lives += 1;
        }
        end
    }

    /// Kills the process; it stays down until [`Program::may_live`].
    pub(super) fn kill(&self) {
        let mut state = self.state();
        state.down = true;
        if let Some(child) = &state.child {
            child.signal(Signal::SIGKILL);
            state.killed = true;
        }
    }

    pub(super) fn may_live(&self) {
        self.state().down = false;
    }

    pub(super) fn signal(&self, signal: Signal) {
        if let Some(child) = &self.state().child {
            child.signal(signal);
        }
    }

    /// Kills the process for good and waits for its end.
    pub(super) fn end(&self) {
        self.kill();
        let child = self.state().child.take();
        if let Some(child) = child {
            let _ = child.wait(Duration::from_secs(10));
        }
    }
}
