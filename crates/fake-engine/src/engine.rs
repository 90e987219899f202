//! The engine: it waits where others compute.

use std::error::Error;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mystic_domain::{FailureKind, GenerateParams, Phase, PhaseTimes};
use mystic_engine::child::{Engine, EngineError, Events};
use mystic_engine::{Command, Event, LoadModel, Said, ScoredTag, TagInstructions};

use crate::journal;
use crate::script::{Fault, Script, Then, When};

/// Progress reports of one load.
const LOADING_STEPS: u32 = 4;
/// How often a waiting child looks whether it still has to.
const LOOK: Duration = Duration::from_millis(20);

/// A child that pretends.
#[derive(Debug)]
pub struct FakeEngine {
    folder: PathBuf,
    /// The model's memory, really taken.
    _memory: Vec<u8>,
}

impl Engine for FakeEngine {
    fn load(_: LoadModel, events: &Events) -> Result<Self, EngineError> {
        let folder = folder();
        let script = Script::read(&folder).map_err(defect)?;
        let fault = Fault::take(&folder, |when| when == When::Loading).map_err(defect)?;
        for step in 1..=LOADING_STEPS {
            wait(&folder, |script| {
                script.loading_ms / u64::from(LOADING_STEPS)
            })?;
            if step == LOADING_STEPS / 2
                && let Some(fault) = &fault
            {
                break_down(&fault.then)?;
            }
            events.send(&Event::Progress {
                phase: Phase::Loading,
                step,
                of: LOADING_STEPS,
            });
        }
        // Every page is written, so that the memory is there and not only promised.
        let memory = black_box(vec![1; script.memory_mib << 20]);
        Ok(Self {
            folder,
            _memory: memory,
        })
    }

    fn run(&mut self, command: Command, events: &Events) -> Result<Event, EngineError> {
        match command {
            Command::Generate {
                params,
                seed,
                pixels,
                ..
            } => self.draw(&params, seed, &pixels, events),
            Command::Tag {
                order,
                prompt,
                instructions,
                ..
            } => {
                self.note("begin", &order)?;
                let tags = self.tag(&prompt, &instructions)?;
                self.note("end", &order)?;
                Ok(tags)
            }
            Command::Enhance { order, prompt, .. } => {
                self.note("begin", &order)?;
                wait(&self.folder, |script| script.step_ms)?;
                self.note("end", &order)?;
                Ok(Event::Enhanced {
                    prompt: format!("{prompt}, written out"),
                    said: said(),
                })
            }
            Command::Upscale { .. } => Err(defect("pictures are drawn here and not enlarged")),
            Command::Load { .. } => Err(defect("a second model")),
        }
    }
}

impl FakeEngine {
    fn note(&self, what: &str, order: &str) -> Result<(), EngineError> {
        journal::note(&self.folder, what, order).map_err(defect)
    }

    /// A picture whose every byte is made of the seed.
    fn draw(
        &self,
        params: &GenerateParams,
        seed: i64,
        pixels: &Path,
        events: &Events,
    ) -> Result<Event, EngineError> {
        // Named for its job, its fence and its index.
        let order = pixels.file_stem().unwrap_or_default().to_string_lossy();
        self.note("begin", &order)?;
        let sampling = |when| matches!(when, When::Sampling { .. });
        let fault = Fault::take(&self.folder, sampling).map_err(defect)?;
        let mut sampling = Duration::ZERO;
        for step in 0..params.steps {
            if let Some(fault) = &fault
                && fault.when == (When::Sampling { steps: step })
            {
                break_down(&fault.then)?;
            }
            sampling += wait(&self.folder, |script| script.step_ms)?;
            events.send(&Event::Progress {
                phase: Phase::Sampling,
                step: step + 1,
                of: params.steps,
            });
        }
        let script = Script::read(&self.folder).map_err(defect)?;
        drop(black_box(vec![1_u8; script.picture_mib << 20]));
        let (width, height) = params.final_size();
        let area = (width * height) as usize;
        let colours = seed.to_le_bytes();
        let rgb: Vec<u8> = colours.into_iter().cycle().take(3 * area).collect();
        std::fs::write(pixels, rgb).map_err(defect)?;
        self.note("end", &order)?;
        Ok(Event::Image {
            width,
            height,
            times: PhaseTimes {
                sampling_ms: u64::try_from(sampling.as_millis()).map_err(defect)?,
                ..PhaseTimes::default()
            },
            sampler: params.sampler.clone(),
            scheduler: params.scheduler.clone(),
        })
    }

    /// The prompt's words.
    fn tag(&self, prompt: &str, instructions: &TagInstructions) -> Result<Event, EngineError> {
        let fault = Fault::take(&self.folder, |when| when == When::Tagging).map_err(defect)?;
        if let Some(fault) = fault {
            break_down(&fault.then)?;
        }
        let words = prompt.split_whitespace();
        let tags = words.take(instructions.max_tags as usize).map(|word| {
            wait(&self.folder, |script| script.step_ms)?;
            Ok(ScoredTag {
                tag: word.to_owned(),
                confidence: 0.5,
            })
        });
        Ok(Event::Tags {
            tags: tags.collect::<Result<_, EngineError>>()?,
            said: said(),
        })
    }
}

/// No tokens, in no time.
fn said() -> Said {
    Said {
        times: PhaseTimes::default(),
        reused_tokens: 0,
        read_tokens: 0,
        written_tokens: 0,
    }
}

fn break_down(then: &Then) -> Result<(), EngineError> {
    match then {
        Then::Abort { saying } => {
            eprintln!("{saying}");
            std::process::abort();
        }
        Then::Exit { status } => std::process::exit(*status),
        Then::Hang => loop {
            std::thread::park();
        },
        Then::Fail { kind, message } => Err(EngineError::new(*kind, message.clone())),
    }
}

/// Waits for as many milliseconds as the script says, which may change meanwhile; how long it was.
fn wait(folder: &Path, milliseconds: impl Fn(&Script) -> u64) -> Result<Duration, EngineError> {
    let mut waited = Duration::ZERO;
    loop {
        let script = Script::read(folder).map_err(defect)?;
        let left = Duration::from_millis(milliseconds(&script)).saturating_sub(waited);
        if left.is_zero() {
            return Ok(waited);
        }
        let nap = left.min(LOOK);
        std::thread::sleep(nap);
        waited += nap;
    }
}

fn defect(error: impl Into<Box<dyn Error>>) -> EngineError {
    EngineError::new(FailureKind::Internal, error.into().to_string())
}

/// Where the program was started from: a link in a test's own folder.
fn folder() -> PathBuf {
    let program = std::env::args_os().next().map(PathBuf::from);
    let folder = program.as_deref().and_then(Path::parent);
    folder.unwrap_or(Path::new(".")).to_owned()
}
