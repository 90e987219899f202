//! What all pictures have in common, drawn or enlarged: they are made by a child, saved, and committed under the fence.

use std::path::{Path, PathBuf};
use std::time::Duration;

use mystic_domain::{DeviceModel, Failure, ImageId, Phase, PhaseTimes, Provenance, Source};
use mystic_engine::Event;
use mystic_process::fault;
use mystic_store::{Committed, NewImage};

use super::peak::Watch;
use super::{Bench, Halt, defect};
use crate::engine::EngineChild;
use crate::held::{Holding, Lease, Stop};
use crate::pace;
use crate::picture::input::{self, Colours, Fit, InputError};
use crate::picture::{Recipe, SaveError, UplinkError};

/// How often a picture is put again whose file's twin was just being deleted.
const PUTS: u32 = 5;

/// A picture whose pixels a child has written.
pub(super) struct Made {
    pub(super) width: u32,
    pub(super) height: u32,
    times: PhaseTimes,
    pub(super) sampler: Option<String>,
    pub(super) scheduler: Option<String>,
}

/// Which of its job's pictures one is.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// From 0.
    pub(super) index: i32,
    /// Its own.
    pub(super) seed: i64,
}

/// Follows a child until its picture is made.
pub(super) async fn made(
    holding: &Holding<Lease>,
    child: &mut EngineChild,
    watch: &Watch,
    pace: &mut pace::Watch,
    report: impl Fn(Phase, u32, u32),
    preview: impl Fn((u32, u32)),
) -> Result<Made, Halt> {
    loop {
        let event = tokio::select! {
            event = child.next(pace.bound()) => event?,
            why = holding.stopping() => return Err(Halt::Stopped(why)),
        };
        pace.note(&event, tokio::time::Instant::now());
        match event {
            Event::Progress { phase, step, of } => report(phase, step, of),
            Event::Preview { width, height } => preview((width, height)),
            Event::Buffer {
                module,
                size,
                in_ram,
            } => watch.buffer(&module, size, in_ram),
            Event::Image {
                width,
                height,
                times,
                sampler,
                scheduler,
            } => {
                fault::point(fault::Point::PixelsWritten);
                return Ok(Made {
                    width,
                    height,
                    times,
                    sampler,
                    scheduler,
                });
            }
            Event::Failed { kind, message } => {
                return Err(Halt::Failed(Failure::new(kind, message)));
            }
            other => {
                return Err(defect(format!(
                    "the engine answers for a picture with {other:?}"
                )));
            }
        }
    }
}

/// What a child makes pictures with.
pub(super) fn provenance(bench: &Bench, child: &EngineChild) -> Provenance {
    let device = &bench.device.info;
    Provenance {
        version: child.version.clone(),
        libraries: child.libraries.clone(),
        host: bench.host.clone(),
        device: DeviceModel {
            id: device.id.clone(),
            kind: device.kind.clone(),
            name: device.name.clone(),
        },
        sampler: None,
        scheduler: None,
        files: child.files.clone(),
        loras: Vec::new(),
    }
}

/// Saves a picture, commits it, and removes its pixels; how long each phase took, or nothing where nobody wants it any
/// more.
pub(super) async fn keep(
    bench: &Bench,
    holding: &Holding<Lease>,
    pixels: &Path,
    recipe: &Recipe<'_>,
    place: Place,
    made: &Made,
    provenance: Provenance,
) -> Result<Option<PhaseTimes>, Halt> {
    let Made { width, height, .. } = *made;
    let mut spent = made.times;
    let saving = tokio::time::Instant::now();
    let (mut puts, mut waiting) = (1, false);
    loop {
        let saved = match bench.shelf.save(pixels, width, height, recipe).await {
            Ok(saved) => saved,
            Err(SaveError::Deleting) if puts < PUTS => {
                puts += 1;
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            }
            // However long the database or the API is away, the picture is made and waits for it.
            Err(error) if error.is_passing() => {
                if !std::mem::replace(&mut waiting, true) {
                    tracing::warn!(%error, "a picture can't be saved yet: its job waits with it");
                }
                if let Some(why) = holding.stopped() {
                    return Err(Halt::Stopped(why));
                }
                tokio::time::sleep(super::AGAIN).await;
                continue;
            }
            Err(SaveError::Uplink(UplinkError::GivenUp(_))) => {
                return Err(Halt::Stopped(Stop::Lost));
            }
            Err(SaveError::Uplink(error @ UplinkError::Shut(_))) => {
                // Whatever it makes is made for nothing.
                tracing::error!(%error, "this machine takes no more work");
                bench.shutdown.drain();
                return Err(Halt::Stopped(Stop::HandBack));
            }
            Err(error) => return Err(Halt::Failed(error.failure())),
        };
        spent.saving_ms = u64::try_from(saving.elapsed().as_millis()).unwrap_or(u64::MAX);
        let new = NewImage {
            id: ImageId::generate(),
            job: holding.job,
            fence: holding.fence,
            worker: bench.worker,
            index: place.index,
            seed: place.seed,
            width,
            height,
            sha256: saved.sha256,
            thumb_sha256: saved.thumb_sha256,
            pixels_sha256: saved.pixels_sha256,
            times: spent,
            provenance: provenance.clone(),
        };
        match persist!(
            bench.leaving,
            holding,
            "commit",
            bench.store.commit_image(&new)
        ) {
            Some(Committed::New | Committed::Already) => break,
            Some(Committed::FilesGone) if puts < PUTS => puts += 1,
            Some(Committed::FilesGone) => {
                return Err(defect("the picture's file is deleted again and again"));
            }
            Some(Committed::Unwanted) => return Ok(None),
            Some(Committed::Stale) => return Err(Halt::Stopped(Stop::Lost)),
            None => {
                return Err(match holding.stopped() {
                    Some(why) => Halt::Stopped(why),
                    None => defect("the picture can't be committed"),
                });
            }
        }
    }
    fault::point(fault::Point::ImageCommitted);
    if let Err(error) = tokio::fs::remove_file(pixels).await {
        tracing::debug!(%error, "the pixels can't be removed; the attempt's end does it");
    }
    Ok(Some(spent))
}

/// Brings a picture of the store as raw pixels of this size, however long the store is away.
pub(super) async fn bring(
    bench: &Bench,
    holding: &Holding<Lease>,
    source: &Source,
    size: (u32, u32),
    colours: Colours,
    path: &Path,
) -> Result<(), Halt> {
    let fit = Fit::Cover(size);
    let brought = fetch(bench, holding, &source.sha256, fit, colours, path).await?;
    match brought {
        Ok(_) => Ok(()),
        Err(error) => Err(Halt::Failed(error.failure())),
    }
}

/// Brings a picture of the store as raw pixels, all of it, with no side longer than this; its width and height, or none
/// where its file is gone.
pub(super) async fn look(
    bench: &Bench,
    holding: &Holding<Lease>,
    sha256: &str,
    side: u32,
    path: &Path,
) -> Result<Option<(u32, u32)>, Halt> {
    let fit = Fit::Within(side);
    match fetch(bench, holding, sha256, fit, Colours::Rgb, path).await? {
        Ok(there) => Ok(Some(there)),
        Err(error) if error.is_gone() => Ok(None),
        Err(error) => Err(Halt::Failed(error.failure())),
    }
}

/// Tries until it is brought, can't be, or is not wanted any more.
async fn fetch(
    bench: &Bench,
    holding: &Holding<Lease>,
    sha256: &str,
    fit: Fit,
    colours: Colours,
    path: &Path,
) -> Result<Result<(u32, u32), InputError>, Halt> {
    loop {
        match input::bring(&bench.shelf, sha256, fit, colours, path).await {
            Err(error) if error.is_passing() => {
                if let Some(why) = holding.stopped() {
                    return Err(Halt::Stopped(why));
                }
                tokio::time::sleep(super::AGAIN).await;
            }
            brought => return Ok(brought),
        }
    }
}

/// Where an attempt keeps pixels of this name for as long as it lasts.
pub(super) fn unfinished(bench: &Bench, holding: &Holding<Lease>, name: &str) -> PathBuf {
    bench.scratch.join(format!("{}{name}", prefix(holding)))
}

/// What the names of an attempt's pixels begin with.
fn prefix(holding: &Holding<Lease>) -> String {
    format!("{}-{}-", holding.job, holding.fence)
}

/// Removes the pixels of an attempt that has ended: of a picture that was stopped, or could not be saved.
pub(super) async fn remove_pixels(bench: &Bench, holding: &Holding<Lease>) -> std::io::Result<()> {
    let prefix = prefix(holding);
    let mut files = tokio::fs::read_dir(&bench.scratch).await?;
    while let Some(file) = files.next_entry().await? {
        if file
            .file_name()
            .as_encoded_bytes()
            .starts_with(prefix.as_bytes())
        {
            tokio::fs::remove_file(file.path()).await?;
        }
    }
    Ok(())
}
