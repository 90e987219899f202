//! The child's side: reads commands, writes events, and ends with its supervisor.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::{dup, dup2_stdout, getppid};

use crate::{Command, Event, PROTOCOL};

/// Where events go. Clones write to the same pipe, a line at a time.
#[derive(Clone, Debug)]
pub struct Events(Arc<Mutex<File>>);

impl Events {
    /// Writes one event.
    ///
    /// A supervisor that no longer reads is gone, and so is the reason to go on: the process ends.
    pub fn send(&self, event: &Event) {
        let mut line = match serde_json::to_vec(event) {
            Ok(line) => line,
            Err(error) => {
                eprintln!("an event can't be written as JSON: {error}");
                std::process::exit(70);
            }
        };
        line.push(b'\n');
        let mut pipe = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if pipe.write_all(&line).and_then(|()| pipe.flush()).is_err() {
            std::process::exit(0);
        }
    }
}

/// An engine: what a child does with the commands that follow `Load`.
pub trait Engine: Sized {
    /// Versions of the native libraries by their names, as far as they say.
    #[must_use]
    fn libraries() -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    /// Loads the model.
    ///
    /// # Errors
    /// Why it can't; the child reports it and ends.
    fn load(model: crate::LoadModel, events: &Events) -> Result<Self, EngineError>;

    /// Carries out one command and returns its last event.
    ///
    /// # Errors
    /// Why it can't; the child reports it and takes the next command.
    fn run(&mut self, command: Command, events: &Events) -> Result<Event, EngineError>;
}

/// A failure that the engine knows the type of.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct EngineError {
    /// The type.
    pub kind: mystic_domain::FailureKind,
    /// One sentence for a person.
    pub message: String,
}

impl EngineError {
    /// A failure of this type.
    pub fn new(kind: mystic_domain::FailureKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }
}

/// Runs an engine child until its supervisor closes the pipe.
///
/// # Errors
/// Pipes that can't be set up, or a line that is no command.
pub fn serve<E: Engine>() -> io::Result<()> {
    let parent = getppid();
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    if getppid() != parent {
        // The supervisor died before the signal was armed.
        return Ok(());
    }
    let events = take_stdout()?;
    events.send(&Event::Hello {
        protocol: PROTOCOL,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        libraries: E::libraries(),
    });
    let mut engine: Option<E> = None;
    for line in BufReader::new(io::stdin()).lines() {
        let command: Command = serde_json::from_str(&line?)?;
        let last = match (command, &mut engine) {
            (Command::Load { model }, slot @ None) => {
                let started = now();
                E::load(model, &events).map(|loaded| {
                    *slot = Some(loaded);
                    let loading_ms =
                        u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
                    Event::Loaded { loading_ms }
                })
            }
            (command, Some(engine)) => engine.run(command, &events),
            (_, None) => return Err(io::Error::other("the first command must be load")),
        };
        events.send(&last.unwrap_or_else(|error| Event::Failed {
            kind: error.kind,
            message: error.message,
        }));
    }
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the child has no runtime; the figure is for people and decides nothing"
)]
fn now() -> Instant {
    Instant::now()
}

/// Keeps standard output for events and sends everything else that is printed there to standard error.
fn take_stdout() -> io::Result<Events> {
    let pipe: OwnedFd = dup(io::stdout().as_fd())?;
    dup2_stdout(io::stderr().as_fd())?;
    Ok(Events(Arc::new(Mutex::new(File::from(pipe)))))
}
