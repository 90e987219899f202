use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;

/// A child process that does not outlive this one.
///
/// The child is in a process group of its own, so that Ctrl-C in a terminal reaches only us and
/// we choose the order in which children stop. Should we die without a chance to stop it, the
/// kernel sends it `death_signal`. The kernel ties that signal to the *thread* that started the
/// child, so a thread is kept for it, which also collects its exit.
#[derive(Debug)]
pub struct Kept {
    pid: Pid,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    ended: Mutex<Option<ExitStatus>>,
    changed: Condvar,
}

impl Kept {
    /// Starts the child.
    ///
    /// # Errors
    /// What starting it gave.
    pub fn start(mut command: Command, death_signal: Signal) -> std::io::Result<Self> {
        let (started, answer) = sync_channel(1);
        let state = Arc::new(State::default());
        let seen = Arc::clone(&state);
        let parent = nix::unistd::getpid();
        command.process_group(0);
        // SAFETY: between fork and exec only prctl, getppid and their error values are used, all
        // of them async-signal-safe.
        unsafe {
            command.pre_exec(move || {
                set_pdeathsig(death_signal)?;
                if nix::unistd::getppid() == parent {
                    Ok(())
                } else {
                    Err(std::io::Error::from_raw_os_error(nix::libc::ESRCH))
                }
            });
        }
        std::thread::Builder::new()
            .name("kept-child".to_owned())
            .spawn(move || keep(command, &started, &seen))?;
        let pid = answer.recv().map_err(std::io::Error::other)??;
        Ok(Self { pid, state })
    }

    /// The child's process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid.as_raw().unsigned_abs()
    }

    /// How the child ended, if it did.
    #[must_use]
    pub fn ended(&self) -> Option<ExitStatus> {
        *self.lock()
    }

    /// Sends a signal, unless the child has ended.
    pub fn signal(&self, signal: Signal) {
        // The exit is collected under the same lock, so the id cannot belong to another process.
        let ended = self.lock();
        if ended.is_none() {
            let _ = kill(self.pid, signal);
        }
    }

    /// Waits for the child's end for at most `limit`.
    #[must_use]
    pub fn wait(&self, limit: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + limit;
        let mut ended = self.lock();
        while ended.is_none() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            ended = self
                .state
                .changed
                .wait_timeout(ended, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        *ended
    }

    /// Asks with `gentle`, waits for at most `limit`, then kills.
    pub fn stop(&self, gentle: Signal, limit: Duration) {
        self.signal(gentle);
        if self.wait(limit).is_none() {
            self.signal(Signal::SIGKILL);
            let _ = self.wait(Duration::from_secs(5));
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<ExitStatus>> {
        self.state
            .ended
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn keep(mut command: Command, started: &SyncSender<std::io::Result<Pid>>, state: &State) {
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            let _ = started.send(Err(error));
            return;
        }
    };
    let pid = Pid::from_raw(child.id().cast_signed());
    // The descriptors given to the child must not stay open here.
    drop(command);
    let _ = started.send(Ok(pid));
    while waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT)
        == Err(nix::errno::Errno::EINTR)
    {}
    let mut ended = state.ended.lock().unwrap_or_else(PoisonError::into_inner);
    *ended = Some(
        child
            .wait()
            .unwrap_or_else(|_| ExitStatus::from_raw(nix::libc::SIGKILL)),
    );
    state.changed.notify_all();
}
