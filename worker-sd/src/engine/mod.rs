//! The engine child's work: one model, that draws or enlarges, kept between pictures.

mod context;
mod observer;
mod placement;
mod preview;
mod settings;
mod upscaler;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use mystic_domain::{FailureKind, ImageFiles, ImageFlags, Pixels, UpscaleModel};
use mystic_engine::child::{Engine, EngineError, Events};
use mystic_engine::{Command, Event, LoadModel};

pub use context::{Context, Picture, sampler, scheduler};
pub use observer::Observer;
pub use placement::Placement;
pub use settings::Settings;
pub use upscaler::{Enlarged, Upscaler};

use observer::Work;

/// A loaded diffusion model and what watches its library.
pub struct SdEngine {
    context: Context,
    observer: Arc<Observer>,
}

impl SdEngine {
    /// Loads a model; `report` gets progress and buffer sizes from then on.
    ///
    /// The library reads weights only when a picture needs them. One throw-away step makes it read them all, so that
    /// a truncated file is found here and the first picture is as quick as the next.
    ///
    /// # Errors
    /// `ModelMissing` where a file can't be opened, `ModelCorrupt` where the library refuses one, `OutOfMemory` where
    /// it says that memory ran out, `InvalidInput` where the model draws no pictures.
    pub fn open(
        files: &ImageFiles,
        flags: ImageFlags,
        threads: u32,
        placement: Placement,
        report: impl Fn(Event) + Send + Sync + 'static,
    ) -> Result<Self, EngineError> {
        files.paths().into_iter().try_for_each(there)?;
        let observer = Arc::new(Observer::new(report));
        observer.begin(Work::Load);
        let context = Context::load(files, flags, threads, placement, Arc::clone(&observer))?;
        if let Some(refused) = observer.refused_file() {
            return Err(EngineError::new(FailureKind::ModelCorrupt, refused));
        }
        if !context.draws_images() {
            return Err(EngineError::new(
                FailureKind::InvalidInput,
                "this model makes videos, not pictures",
            ));
        }
        let mut engine = Self { context, observer };
        if engine.context.draw(&Settings::one_small_step()).is_none() {
            return Err(engine.observer.failure(FailureKind::ModelCorrupt));
        }
        engine.observer.end();
        Ok(engine)
    }

    /// Draws one picture and writes its pixels to `path`: RGB, 8 bits each, row by row, no header.
    ///
    /// # Errors
    /// `ModelCorrupt` where a LoRA can't be put on top, `OutOfMemory` where it says that memory ran out,
    /// `DiskFull` where the pixels don't fit, else `Internal`.
    pub fn draw(&mut self, settings: &Settings, path: &Path) -> Result<Event, EngineError> {
        self.observer.begin(Work::Picture {
            passes: settings.passes,
        });
        self.observer.show_previews(settings.preview.as_deref());
        let picture = self.context.draw(settings);
        let times = self.observer.end();
        if let Some(refused) = self.observer.refused_lora(settings) {
            return Err(EngineError::new(FailureKind::ModelCorrupt, refused));
        }
        let picture = picture.ok_or_else(|| self.observer.failure(FailureKind::Internal))?;
        write_pixels(path, picture.rgb()).map_err(|error| unwritten(path, &error))?;
        Ok(Event::Image {
            width: picture.width(),
            height: picture.height(),
            times,
            sampler: Some(self.context.sampler_of(settings)),
            scheduler: Some(self.context.scheduler_of(settings)),
        })
    }
}

/// A loaded network that enlarges pictures, and what watches its library.
pub struct SdUpscaler {
    upscaler: Upscaler,
    observer: Arc<Observer>,
}

impl SdUpscaler {
    /// Loads a network; `report` gets progress and buffer sizes from then on. A throw-away picture makes the library read
    /// all of its weights.
    ///
    /// # Errors
    /// `ModelMissing` where the file can't be opened, `ModelCorrupt` where the library refuses it, `OutOfMemory` where it
    /// says that memory ran out, `InvalidInput` where the network's scale is not the preset's.
    pub fn open(
        model: &UpscaleModel,
        threads: u32,
        report: impl Fn(Event) + Send + Sync + 'static,
    ) -> Result<Self, EngineError> {
        there(&model.file)?;
        let observer = Arc::new(Observer::new(report));
        observer.begin(Work::Load);
        let mut upscaler = Upscaler::load(model, threads, Arc::clone(&observer))?;
        if upscaler.scale() != model.scale {
            let message = format!(
                "scale is {}; allowed: {}, as {} has it",
                model.scale,
                upscaler.scale(),
                model.file
            );
            return Err(EngineError::new(FailureKind::InvalidInput, message));
        }
        let small = [0; 3 * 8 * 8];
        if upscaler.enlarge(&small, 8, 8).is_none() {
            return Err(observer.failure(FailureKind::ModelCorrupt));
        }
        observer.end();
        Ok(Self { upscaler, observer })
    }

    /// Enlarges a picture of raw pixels, and writes the result's to `path`.
    ///
    /// # Errors
    /// `InvalidInput` where the source is not there or of another size, `OutOfMemory` where the library says that memory
    /// ran out, `DiskFull` where the pixels don't fit, else `Internal`.
    pub fn enlarge(
        &mut self,
        source: &Path,
        (width, height): (u32, u32),
        path: &Path,
    ) -> Result<Event, EngineError> {
        let pixels = settings::read("source", source, 3 * Pixels::of(width, height).0)?;
        self.observer.begin(Work::Enlargement);
        let picture = self.upscaler.enlarge(&pixels, width, height);
        let times = self.observer.end();
        let picture = picture.ok_or_else(|| self.observer.failure(FailureKind::Internal))?;
        write_pixels(path, picture.rgb()).map_err(|error| unwritten(path, &error))?;
        Ok(Event::Image {
            width: picture.width(),
            height: picture.height(),
            times,
            sampler: None,
            scheduler: None,
        })
    }
}

/// Version of `diffusion-rs-sys`, which brings the sources of stable-diffusion.cpp. What that says of its own version is
/// that of whatever repository it was built in.
const BINDINGS: &str = "0.1.20";
/// What it computes with, which a device alone does not tell.
const BACKEND: &str = if cfg!(feature = "cuda") {
    "cuda"
} else if cfg!(feature = "vulkan") {
    "vulkan"
} else {
    "cpu"
};

/// What an engine child has loaded.
pub enum SdChild {
    /// A model that draws.
    Painter(SdEngine),
    /// A network that enlarges.
    Upscaler(SdUpscaler),
}

impl Engine for SdChild {
    fn libraries() -> BTreeMap<String, String> {
        let version = format!("{BINDINGS}+{BACKEND}");
        BTreeMap::from([("diffusion-rs-sys".into(), version)])
    }

    fn load(model: LoadModel, events: &Events) -> Result<Self, EngineError> {
        let events = events.clone();
        let report = move |event| {
            events.send(&event);
            if matches!(event, Event::Failed { .. }) {
                // The library aborts next. A failed load ends the child anyway, and this way without a core dump.
                std::process::exit(1);
            }
        };
        match model {
            LoadModel::Sd {
                files,
                flags,
                threads,
                context,
                stream_budget,
            } => {
                let placement = Placement::of(context, stream_budget)?;
                SdEngine::open(&files, flags, threads, placement, report).map(Self::Painter)
            }
            LoadModel::Upscaler { model, threads } => {
                SdUpscaler::open(&model, threads, report).map(Self::Upscaler)
            }
            LoadModel::Llm { .. } => Err(EngineError::new(
                FailureKind::InvalidInput,
                "this engine loads no language models",
            )),
        }
    }

    fn run(&mut self, command: Command, _events: &Events) -> Result<Event, EngineError> {
        match (command, self) {
            (
                Command::Upscale {
                    source,
                    width,
                    height,
                    pixels,
                },
                Self::Upscaler(upscaler),
            ) => upscaler.enlarge(&source, (width, height), &pixels),
            (
                Command::Generate {
                    params,
                    start,
                    loras,
                    seed,
                    plan,
                    pixels,
                    preview,
                },
                Self::Painter(painter),
            ) => {
                let settings = Settings {
                    preview,
                    ..Settings::new(&params, seed, plan, start.as_ref(), &loras)?
                };
                painter.draw(&settings, &pixels)
            }
            (Command::Load { .. }, _) => Err(EngineError::new(
                FailureKind::InvalidInput,
                "a model is loaded already; another one needs another child",
            )),
            _ => Err(EngineError::new(
                FailureKind::InvalidInput,
                "that is not what this child has loaded a model for",
            )),
        }
    }
}

/// That a model file can be opened.
fn there(path: &str) -> Result<(), EngineError> {
    File::open(path).map(drop).map_err(|error| {
        let message = format!("model file {path} can't be opened: {error}");
        EngineError::new(FailureKind::ModelMissing, message)
    })
}

/// Writes raw pixels to a file.
fn write_pixels(path: &Path, rgb: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(rgb)?;
    file.flush()
}

fn unwritten(path: &Path, error: &io::Error) -> EngineError {
    let kind = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => FailureKind::DiskFull,
        _ => FailureKind::Internal,
    };
    let path = path.display();
    EngineError::new(kind, format!("pixels can't be written to {path}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::BINDINGS;

    #[test]
    fn the_version_of_the_bindings_is_the_one_that_is_built() {
        let locked = include_str!("../../../Cargo.lock");
        let entry = format!("name = \"diffusion-rs-sys\"\nversion = \"{BINDINGS}\"\n");
        assert!(locked.contains(&entry));
    }
}
