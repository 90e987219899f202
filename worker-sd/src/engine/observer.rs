//! Makes sense of the library's two global callbacks: which phase it is in, what it took, why it failed.
//!
//! Progress is one callback for tensors being read, sampling steps and decoder tiles alike; only the log lines around
//! it tell them apart. The version of the library is pinned and the engine's tests would notice other lines.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use mystic_domain::{FailureKind, Mib, Phase, PhaseTimes};
use mystic_engine::Event;
use mystic_engine::child::EngineError;

use super::Settings;
use super::preview::{self, Previews};

/// Warnings and errors that are kept to explain a failure.
const KEPT_COMPLAINTS: usize = 16;

/// How serious a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

/// What a native call is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    Load,
    /// Of so many steps in each pass.
    Picture {
        passes: [u32; 2],
    },
    /// In tiles, one after the other.
    Enlargement,
}

/// Turns the library's callbacks into events and keeps the time of each phase.
pub struct Observer {
    report: Box<dyn Fn(Event) + Send + Sync>,
    state: Mutex<State>,
    previews: Mutex<Previews>,
}

struct State {
    work: Work,
    phase: Phase,
    /// When the phase began.
    since: Instant,
    /// Tensors are being read, so progress counts these, whatever the phase.
    reading: bool,
    times: PhaseTimes,
    complaints: VecDeque<String>,
    /// Steps of passes that are over.
    before: u32,
    /// What the library says of each LoRA that it has put on top of the model while it draws.
    loras: Option<Vec<String>>,
}

impl Observer {
    /// An observer that tells `report` what happens; the library may call it from several threads.
    ///
    /// `Failed` is reported where the library would abort the process next, so that somebody still learns why.
    pub fn new(report: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Self {
            report: Box::new(report),
            state: Mutex::new(State {
                work: Work::Load,
                phase: Phase::Loading,
                since: now(),
                reading: false,
                times: PhaseTimes::default(),
                complaints: VecDeque::new(),
                before: 0,
                loras: None,
            }),
            previews: Mutex::default(),
        }
    }

    /// Starts the clock for a native call.
    pub(super) fn begin(&self, work: Work) {
        let phase = match work {
            Work::Load => Phase::Loading,
            Work::Picture { .. } => Phase::Encoding,
            Work::Enlargement => Phase::Sampling,
        };
        self.with(|state| {
            *state = State {
                work,
                phase,
                since: now(),
                reading: false,
                times: PhaseTimes::default(),
                complaints: VecDeque::new(),
                before: 0,
                loras: None,
            };
        });
        self.report_progress(phase, 0, 0);
    }

    /// Sends the previews of the next picture to this file, or nowhere.
    pub(super) fn show_previews(&self, path: Option<&Path>) {
        self.previews().send_to(path);
    }

    /// Whether the library is to make previews.
    pub(super) fn wants_previews(&self) -> bool {
        self.previews().wanted()
    }

    /// What the picture looks like so far.
    pub(super) fn preview(&self, width: u32, height: u32, rgb: &[u8]) {
        let Some(path) = self.previews().due(now()) else {
            return;
        };
        match preview::put(&path, rgb) {
            Ok(()) => (self.report)(Event::Preview { width, height }),
            // A preview that is lost takes nothing from the picture.
            Err(error) => drop(writeln!(io::stderr(), "a preview is lost: {error}")),
        }
    }

    fn previews(&self) -> MutexGuard<'_, Previews> {
        self.previews.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops the clock and returns the time of each phase of a picture.
    pub(super) fn end(&self) -> PhaseTimes {
        self.with(|state| {
            state.close_phase();
            state.times
        })
    }

    /// The library's last words as a typed failure: out of memory where they say so, else `otherwise`.
    pub(super) fn failure(&self, otherwise: FailureKind) -> EngineError {
        self.with(|state| {
            let said_so = |line: &&String| tells_out_of_memory(line);
            let (kind, line) = match state.complaints.iter().find(said_so) {
                Some(line) => (FailureKind::OutOfMemory, Some(line)),
                None => (otherwise, state.complaints.back()),
            };
            let message = match line {
                Some(line) => format!("the engine gave up: {line}"),
                None => "the engine gave up and did not say why".to_owned(),
            };
            EngineError::new(kind, message)
        })
    }

    /// A file that the library couldn't read. It goes on without one, and would draw something else than was asked.
    pub(super) fn refused_file(&self) -> Option<String> {
        self.with(|state| {
            let refused = |line: &&String| {
                line.starts_with("loading ") && line.ends_with(" failed")
                    || line.starts_with("init model loader from file failed")
            };
            state.complaints.iter().find(refused).cloned()
        })
    }

    /// A LoRA that the library couldn't read, or that fits nothing of the model. It goes on without one, and would draw
    /// something else than was asked.
    pub(super) fn refused_lora(&self, settings: &Settings) -> Option<String> {
        self.with(|state| {
            let unread = |line: &&String| line.starts_with("load lora tensors from ");
            if let Some(line) = state.complaints.iter().find(unread) {
                return Some(line.clone());
            }
            let told = state.loras.as_ref()?;
            let fits = |path: &str| {
                let mut told = told.iter().filter(|line| line.ends_with(path));
                told.any(|line| !line.contains("(0 / "))
            };
            let mut paths = settings
                .loras
                .iter()
                .map(|(path, _)| path.to_string_lossy());
            let unfit = paths.find(|path| !fits(path))?;
            Some(format!("the LoRA {unfit} fits no tensor of the model"))
        })
    }

    /// A line of the library's log.
    pub(super) fn log(&self, level: Level, text: &str) {
        if level > Level::Debug {
            // A closed standard error takes nothing from the picture.
            let _ = writeln!(io::stderr(), "{level:?}: {}", text.trim_end());
        }
        let line = without_place(text);
        if line.contains(" LoRA tensors have been applied, ") {
            self.with(|state| {
                if let Some(told) = &mut state.loras {
                    told.push(line.to_owned());
                }
            });
        } else if line.starts_with("No latent to RGB projection known") {
            self.previews().give_up();
        } else if level >= Level::Warn {
            let loading = self.with(|state| {
                state.complain(line);
                state.work == Work::Load
            });
            if loading && level == Level::Error {
                self.report_last_words(line);
            }
        } else if let Some((module, size, in_ram)) = compute_buffer(line) {
            self.report_buffer(module, size, in_ram);
        } else {
            self.follow(line);
        }
    }

    /// A step of whatever the library is doing.
    pub(super) fn progress(&self, step: u32, of: u32) {
        let moved = self.with(|state| match state.work {
            _ if state.reading => Some((Phase::Loading, step, of)),
            Work::Load => None,
            Work::Picture { passes } if state.phase == Phase::Sampling => {
                Some((Phase::Sampling, state.before + step, passes.iter().sum()))
            }
            Work::Picture { .. } | Work::Enlargement => Some((state.phase, step, of)),
        });
        if let Some((phase, step, of)) = moved {
            self.report_progress(phase, step, of);
        }
    }

    /// Moves to the phase that a line announces.
    fn follow(&self, line: &str) {
        let moved = self.with(|state| {
            if line.starts_with("loading ") {
                // "loading 12/80 tensors from …" and "loading tensors completed, …"
                state.reading = line.contains(" tensors from ");
                return None;
            }
            let Work::Picture { passes } = state.work else {
                return None;
            };
            if line == "apply lora at runtime" {
                state.loras = Some(Vec::new());
                return None;
            }
            if line.starts_with("hires fix: upscaling to ") {
                state.before = passes[0];
                return None;
            }
            if line.starts_with("get_learned_condition completed") {
                state.enter(Phase::Sampling);
                Some((Phase::Sampling, passes.iter().sum()))
            } else if line.starts_with("decoding ") && line.ends_with(" latents") {
                state.enter(Phase::Decoding);
                Some((Phase::Decoding, 0))
            } else {
                None
            }
        });
        if let Some((phase, of)) = moved {
            self.report_progress(phase, 0, of);
        }
    }

    fn report_progress(&self, phase: Phase, step: u32, of: u32) {
        (self.report)(Event::Progress { phase, step, of });
    }

    /// Reports a buffer, unless the small picture that loading draws took it: it says nothing about real ones.
    fn report_buffer(&self, module: &str, size: Mib, in_ram: bool) {
        if self.with(|state| state.work != Work::Load) {
            (self.report)(Event::Buffer {
                module: module.to_owned(),
                size,
                in_ram,
            });
        }
    }

    /// Reports a failure that the library is about to turn into a failed assertion: no null comes back from these.
    fn report_last_words(&self, line: &str) {
        let kind = if tells_out_of_memory(line) {
            FailureKind::OutOfMemory
        } else if line.starts_with("read tensor data failed") {
            FailureKind::ModelCorrupt
        } else {
            return;
        };
        let message = format!("the model can't be loaded: {line}");
        (self.report)(Event::Failed { kind, message });
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    fn enter(&mut self, phase: Phase) {
        self.close_phase();
        self.phase = phase;
    }

    fn close_phase(&mut self) {
        let now = now();
        let spent = u64::try_from((now - self.since).as_millis()).unwrap_or(u64::MAX);
        self.since = now;
        match self.phase {
            Phase::Encoding => self.times.encoding_ms += spent,
            Phase::Sampling => self.times.sampling_ms += spent,
            Phase::Decoding => self.times.decoding_ms += spent,
            Phase::Loading | Phase::Saving => {}
        }
    }

    fn complain(&mut self, line: &str) {
        if self.complaints.len() == KEPT_COMPLAINTS {
            self.complaints.pop_front();
        }
        self.complaints.push_back(line.to_owned());
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the time of a native call is measured where no runtime is; nothing is decided by it"
)]
fn now() -> Instant {
    Instant::now()
}

/// The line without the source file and line number that the library puts before it.
fn without_place(text: &str) -> &str {
    let text = text.trim_end();
    text.split_once(" - ").map_or(text, |(_, line)| line)
}

/// Module, size and whether it is system memory, of "`z_image compute buffer size: 3.27 MB(RAM)`".
fn compute_buffer(line: &str) -> Option<(&str, Mib, bool)> {
    let (module, size) = line.split_once(" compute buffer size: ")?;
    let (size, place) = size.split_once(" MB")?;
    let (whole, hundredths) = size.split_once('.')?;
    let whole: i64 = whole.parse().ok()?;
    let rest = hundredths.bytes().any(|digit| digit != b'0');
    Some((module, Mib(whole + i64::from(rest)), place == "(RAM)"))
}

/// Whether a line of the library, of ggml or of a GPU runtime says that an allocation failed.
fn tells_out_of_memory(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    let allocation = line.contains("alloc") && line.contains("fail");
    allocation
        || [
            "out of memory",
            "erroroutofdevicememory",
            "erroroutofhostmemory",
        ]
        .iter()
        .any(|words| line.contains(words))
}
