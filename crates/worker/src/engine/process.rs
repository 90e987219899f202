//! Starts a child, talks to it, and knows when it is dead.

use std::collections::{BTreeMap, VecDeque};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mystic_domain::{Failure, FailureKind, UsedFile};
use mystic_engine::{Command, Event, PROTOCOL};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::task::JoinHandle;

use super::diagnose::diagnose;
use super::oom_kills::OomKills;

/// Lines of standard error that are kept for the error message.
const TAIL: usize = 30;
/// How long a killed child may take to end before its job goes on without it.
const DEATH: Duration = Duration::from_secs(2);
/// How long a dead child's last words may take to arrive.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// A living engine child. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct EngineChild {
    child: Child,
    commands: ChildStdin,
    events: Lines<BufReader<ChildStdout>>,
    tail: Arc<Mutex<VecDeque<String>>>,
    stderr: JoinHandle<()>,
    /// Those before its start.
    oom_kills: OomKills,
    /// Version of its program.
    pub(crate) version: String,
    /// Versions of its native libraries by their names.
    pub(crate) libraries: BTreeMap<String, String>,
    /// What it has loaded.
    pub(crate) files: Vec<UsedFile>,
}

/// The child is dead and reaped; this is why.
#[derive(Debug)]
pub(crate) struct ChildLost(pub(crate) Failure);

impl EngineChild {
    /// Starts `program engine` and waits for its greeting, at most for so long.
    pub(crate) async fn start(program: &Path, within: Duration) -> Result<Self, ChildLost> {
        let oom_kills = OomKills::now();
        let mut child = tokio::process::Command::new(program)
            .arg("engine")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            // A terminal's Ctrl-C is for the supervisor, which decides what becomes of its children.
            .process_group(0)
            .spawn()
            .map_err(|error| {
                let message = format!("the engine {} can't be started: {error}", program.display());
                ChildLost(Failure::new(FailureKind::Internal, message))
            })?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(commands), Some(stdout), Some(stderr)) = pipes else {
            return Err(ChildLost(Failure::new(
                FailureKind::Internal,
                "the engine has no pipes",
            )));
        };
        prefer_as_victim(child.id());
        let tail = Arc::<Mutex<VecDeque<String>>>::default();
        let kept = Arc::clone(&tail);
        let stderr = tokio::spawn(async move {
            let mut lines = BufReader::new(stderr).split(b'\n');
            while let Ok(Some(line)) = lines.next_segment().await {
                let line = String::from_utf8_lossy(&line).trim_end().to_owned();
                tracing::debug!(target: "engine", "{line}");
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                if kept.len() == TAIL {
                    kept.pop_front();
                }
                kept.push_back(line);
            }
        });
        let mut started = Self {
            child,
            commands,
            events: BufReader::new(stdout).lines(),
            tail,
            stderr,
            oom_kills,
            version: String::new(),
            libraries: BTreeMap::new(),
            files: Vec::new(),
        };
        match started.next(within).await? {
            Event::Hello {
                protocol: PROTOCOL,
                version,
                libraries,
            } => Ok(Self {
                version,
                libraries,
                ..started
            }),
            other => {
                let message = format!("the engine greets with {other:?}: it is of another version");
                started.kill().await;
                Err(ChildLost(Failure::new(FailureKind::Internal, message)))
            }
        }
    }

    /// Its process.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Sends a command.
    pub(crate) async fn send(&mut self, command: &Command) -> Result<(), ChildLost> {
        let Ok(mut line) = serde_json::to_vec(command) else {
            let message = "a command can't be written as JSON";
            self.kill().await;
            return Err(ChildLost(Failure::new(FailureKind::Internal, message)));
        };
        line.push(b'\n');
        if self.commands.write_all(&line).await.is_err() {
            return Err(self.autopsy(None).await);
        }
        Ok(())
    }

    /// The next event. A child that says nothing for so long is killed and counts as hung.
    ///
    /// Cancel safe: a line that has begun is kept for the next call.
    pub(crate) async fn next(&mut self, within: Duration) -> Result<Event, ChildLost> {
        let line = match tokio::time::timeout(within, self.events.next_line()).await {
            Ok(Ok(Some(line))) => line,
            Ok(Ok(None) | Err(_)) => return Err(self.autopsy(None).await),
            Err(_) => {
                let message = format!(
                    "the engine showed no progress for {} s",
                    within.as_secs_f64()
                );
                return Err(self.autopsy(Some((FailureKind::EngineHung, message))).await);
            }
        };
        match serde_json::from_str(&line) {
            Ok(event) => Ok(event),
            Err(error) => {
                let message = format!("the engine wrote a line that is no event: {error}");
                Err(self.autopsy(Some((FailureKind::Internal, message))).await)
            }
        }
    }

    /// Kills the child and waits for its end, but not for long: one that hangs in a driver ends only when the driver
    /// lets go of it, and its job need not wait for that.
    pub(crate) async fn kill(&mut self) -> Option<ExitStatus> {
        // Fails only where the child is reaped already.
        let _ = self.child.start_kill();
        tokio::time::timeout(DEATH, self.child.wait())
            .await
            .ok()?
            .ok()
    }

    /// Waits until a killed child is reaped, so that its memory is free.
    pub(crate) async fn reaped(&mut self) {
        if let Err(error) = self.child.wait().await {
            tracing::error!(%error, "the engine's end can't be waited for");
        }
    }

    /// Waits for a dying child, or kills one that should be dead, and says why it ended.
    async fn autopsy(&mut self, known: Option<(FailureKind, String)>) -> ChildLost {
        let status = if known.is_none() {
            match tokio::time::timeout(LAST_WORDS, self.child.wait()).await {
                Ok(status) => status.ok(),
                Err(_) => self.kill().await,
            }
        } else {
            self.kill().await
        };
        // The pipe may be held open by nobody else, so this ends with the child's last line.
        let _ = tokio::time::timeout(LAST_WORDS, &mut self.stderr).await;
        let tail: Vec<String> = self
            .tail
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .cloned()
            .collect();
        let (kind, message) = known.unwrap_or_else(|| diagnose(status, &tail, self.oom_kills));
        ChildLost(Failure {
            kind,
            message,
            signal: status.and_then(|status| status.signal()),
            stderr_tail: tail,
        })
    }
}

/// Under memory pressure the kernel should end a child rather than its supervisor.
fn prefer_as_victim(pid: Option<u32>) {
    let Some(pid) = pid else { return };
    if let Err(error) = std::fs::write(format!("/proc/{pid}/oom_score_adj"), "500") {
        tracing::debug!(pid, %error, "the engine's oom_score_adj can't be raised");
    }
}
