//! Pictures: one call of the engine for each that nobody has begun, each committed as soon as it is finished.

use std::time::Duration;

use mystic_domain::{
    DeviceModel, Failure, FailureKind, GenerateParams, ImageId, ImageModel, Model, Phase,
    PhaseTimes, Progress, Provenance, Source, UsedFile,
};
use mystic_engine::{Command, Event, LoraFile, Start};
use mystic_process::fault;
use mystic_store::{Claimed, Committed, NewImage, NextPicture, Outcome};

use super::peak::Watch;
use super::preview::Previews;
use super::progress::Reporter;
use super::{Bench, Halt, defect};
use crate::engine::EngineChild;
use crate::held::{Holding, Lease, Stop};
use crate::measure;
use crate::models;
use crate::pace;
use crate::picture::input::{self, Colours};
use crate::picture::{Recipe, SaveError, UplinkError};

/// How often a picture is put again whose file's twin was just being deleted.
const PUTS: u32 = 5;

/// How often a job looks again whose last pictures are drawn elsewhere.
const LOOK: Duration = Duration::from_millis(500);

/// Makes the pictures that nobody else makes.
pub(super) async fn run(
    bench: &Bench,
    holding: &Holding<Lease>,
    claimed: &Claimed,
    params: &GenerateParams,
    child: &mut EngineChild,
    watch: &Watch,
    times: &mut PhaseTimes,
) -> Result<Outcome, Halt> {
    let reporter = Reporter::start(bench, holding.job);
    let room = bench.shelf.check_room();
    room.map_err(|full| Halt::Failed(full.failure()))?;
    let (drawn, start, loras) = prepare(bench, holding, claimed, params).await?;
    let provenance = provenance(bench, child, painter(claimed)?, params);
    let (width, height) = params.final_size();
    let previews = bench.previews.then(|| {
        let path = bench
            .scratch
            .join(format!("{}preview.rgb", unfinished(holding)));
        Previews::start(bench, holding.job, path, reporter.clone())
    });
    while let Some(index) = next(bench, holding).await? {
        if let Some(why) = holding.stopped() {
            return Err(Halt::Stopped(why));
        }
        let progress = |phase, step, of| Progress {
            phase,
            step,
            of,
            index: u32::try_from(index).unwrap_or_default(),
            attempt: claimed.job.attempt,
            preview: 0,
        };
        reporter.report(progress(Phase::Encoding, 0, 0));
        let seed = params.seed + i64::from(index);
        let pixels = bench
            .scratch
            .join(format!("{}{index}.rgb", unfinished(holding)));
        let command = Command::Generate {
            params: drawn.clone(),
            start: start.clone(),
            loras: loras.clone(),
            seed,
            plan: claimed.job.plan,
            pixels: pixels.clone(),
            preview: previews.as_ref().map(|previews| previews.path().to_owned()),
        };
        child.send(&command).await?;
        let mut pace = bench.paces.picture(&claimed.preset.name, width, height);
        let told = |phase, step, of| reporter.report(progress(phase, step, of));
        let Drawn {
            width,
            height,
            times: mut spent,
            sampler,
            scheduler,
        } = follow(holding, child, watch, &mut pace, told, previews.as_ref()).await?;
        fault::point(fault::Point::PixelsWritten);
        reporter.report(progress(Phase::Saving, 0, 0));
        let saving = tokio::time::Instant::now();
        let recipe = Recipe {
            params,
            seed,
            preset: &claimed.job.preset,
            plan: claimed.job.plan,
        };
        let (mut puts, mut waiting) = (1, false);
        loop {
            let saved = match bench.shelf.save(&pixels, width, height, &recipe).await {
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
                index,
                seed,
                width,
                height,
                sha256: saved.sha256,
                thumb_sha256: saved.thumb_sha256,
                pixels_sha256: saved.pixels_sha256,
                times: spent,
                provenance: sampled(&provenance, &sampler, &scheduler),
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
                Some(Committed::Unwanted) => return Ok(Outcome::Stopped),
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
        if let Err(error) = tokio::fs::remove_file(&pixels).await {
            tracing::debug!(%error, "the pixels can't be removed; the attempt's end does it");
        }
        measure::phases(&claimed.preset.name, &spent);
        times.add(spent);
    }
    Ok(Outcome::Succeeded)
}

/// A picture whose pixels a child has written.
struct Drawn {
    width: u32,
    height: u32,
    times: PhaseTimes,
    sampler: String,
    scheduler: String,
}

/// Follows a child until its picture is drawn.
async fn follow(
    holding: &Holding<Lease>,
    child: &mut EngineChild,
    watch: &Watch,
    pace: &mut pace::Watch,
    told: impl Fn(Phase, u32, u32),
    previews: Option<&Previews>,
) -> Result<Drawn, Halt> {
    loop {
        let event = tokio::select! {
            event = child.next(pace.bound()) => event?,
            why = holding.stopping() => return Err(Halt::Stopped(why)),
        };
        pace.note(&event, tokio::time::Instant::now());
        match event {
            Event::Progress { phase, step, of } => told(phase, step, of),
            Event::Preview { width, height } => {
                if let Some(previews) = previews {
                    previews.show((width, height));
                }
            }
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
                return Ok(Drawn {
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
                    "the engine answers a generate with {other:?}"
                )));
            }
        }
    }
}

fn painter(claimed: &Claimed) -> Result<&ImageModel, Halt> {
    match &claimed.preset.model {
        Model::Sd(model) => Ok(model),
        Model::Llm(_) => Err(defect("a language model was granted for a picture")),
    }
}

/// What the pictures are made with. Sampler and scheduler come with each.
fn provenance(
    bench: &Bench,
    child: &EngineChild,
    model: &ImageModel,
    params: &GenerateParams,
) -> Provenance {
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
        sampler: String::new(),
        scheduler: String::new(),
        files: child.files.clone(),
        loras: lora_files(bench, model, params),
    }
}

/// The same for one picture, by what sampled it.
fn sampled(provenance: &Provenance, sampler: &str, scheduler: &str) -> Provenance {
    Provenance {
        sampler: sampler.to_owned(),
        scheduler: scheduler.to_owned(),
        ..provenance.clone()
    }
}

/// The place of the next picture to draw; none where all exist. Whoever is left with pictures that others draw waits
/// for them: one that fails leaves its picture.
async fn next(bench: &Bench, holding: &Holding<Lease>) -> Result<Option<i32>, Halt> {
    loop {
        let (job, fence) = (holding.job, holding.fence);
        let next = persist!(
            bench.leaving,
            holding,
            "next picture",
            bench.store.next_picture(bench.worker, job, fence)
        );
        match next {
            Some(NextPicture::Draw(index)) => return Ok(Some(index)),
            Some(NextPicture::Complete) => return Ok(None),
            Some(NextPicture::DrawnElsewhere) => tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                why = holding.stopping() => return Err(Halt::Stopped(why)),
            },
            Some(NextPicture::Stale) => return Err(Halt::Stopped(Stop::Lost)),
            None => {
                return Err(match holding.stopped() {
                    Some(why) => Halt::Stopped(why),
                    None => defect("the next picture can't be told"),
                });
            }
        }
    }
}

/// The LoRAs that go on top of the model, as they are now. One that can't be asked for is left out: the engine says why.
fn lora_files(bench: &Bench, model: &ImageModel, params: &GenerateParams) -> Vec<UsedFile> {
    let loras = model.loras_in_use(params);
    let used = loras.map(|(lora, _)| models::used(&bench.models, &lora.name, &lora.file));
    used.filter_map(Result::ok).collect()
}

/// Has the files hashed that the pictures were made with.
pub(super) fn hash(bench: &Bench, claimed: &Claimed, params: &GenerateParams, child: &EngineChild) {
    if let Ok(model) = painter(claimed) {
        let files = [child.files.clone(), lora_files(bench, model, params)].concat();
        bench.hashes.want(files);
    }
}

/// Brings what the pictures start from, and finds what goes on top of the model; the parameters as the model gets them.
async fn prepare(
    bench: &Bench,
    holding: &Holding<Lease>,
    claimed: &Claimed,
    params: &GenerateParams,
) -> Result<(GenerateParams, Option<Start>, Vec<LoraFile>), Halt> {
    let model = painter(claimed)?;
    let drawn = GenerateParams {
        prompt: model.prompt(params),
        ..params.clone()
    };
    let loras = model.loras_in_use(params).map(|(lora, weight)| {
        let path = models::file(&bench.models, &lora.file)?;
        Ok(LoraFile { path, weight })
    });
    let loras = loras.collect::<Result<_, String>>();
    let loras = loras.map_err(|why| Halt::Failed(Failure::new(FailureKind::ModelMissing, why)))?;
    let size = (params.width, params.height);
    let bring = async |source: &Source, colours, name: &str| {
        let path = bench.scratch.join(format!("{}{name}", unfinished(holding)));
        loop {
            let brought = input::bring(&bench.shelf, &source.sha256, size, colours, &path).await;
            match brought {
                Ok(()) => return Ok(path),
                Err(error) if error.is_passing() => {
                    if let Some(why) = holding.stopped() {
                        return Err(Halt::Stopped(why));
                    }
                    tokio::time::sleep(super::AGAIN).await;
                }
                Err(error) => return Err(Halt::Failed(error.failure())),
            }
        }
    };
    let Some(init) = &params.init else {
        return Ok((drawn, None, loras));
    };
    let pixels = bring(init, Colours::Rgb, "init.rgb").await?;
    let mask = match &params.mask {
        Some(mask) => Some(bring(mask, Colours::Grey, "mask.grey").await?),
        None => None,
    };
    Ok((drawn, Some(Start { pixels, mask }), loras))
}

/// What the names of an attempt's pixels begin with, before the picture's index.
fn unfinished(holding: &Holding<Lease>) -> String {
    format!("{}-{}-", holding.job, holding.fence)
}

/// Removes the pixels of an attempt that has ended: of a picture that was stopped, or could not be saved.
pub(super) async fn remove_pixels(bench: &Bench, holding: &Holding<Lease>) -> std::io::Result<()> {
    let unfinished = unfinished(holding);
    let mut files = tokio::fs::read_dir(&bench.scratch).await?;
    while let Some(file) = files.next_entry().await? {
        if file
            .file_name()
            .as_encoded_bytes()
            .starts_with(unfinished.as_bytes())
        {
            tokio::fs::remove_file(file.path()).await?;
        }
    }
    Ok(())
}
