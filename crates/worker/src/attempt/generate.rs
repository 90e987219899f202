//! Pictures: one call of the engine for each that nobody has begun, each committed as soon as it is finished.

use std::time::Duration;

use mystic_domain::{
    Failure, FailureKind, GenerateParams, ImageModel, Model, Phase, PhaseTimes, Provenance,
    UsedFile,
};
use mystic_engine::{Command, LoraFile, Start};
use mystic_store::{Claimed, NextPicture, Outcome};

use super::peak::Watch;
use super::picture::{self, Place};
use super::preview::Previews;
use super::progress::Reporter;
use super::{Bench, Halt, defect};
use crate::engine::EngineChild;
use crate::held::{Holding, Lease, Stop};
use crate::measure;
use crate::models;
use crate::picture::input::Colours;
use crate::picture::{Drawing, Recipe};

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
    let provenance = Provenance {
        loras: lora_files(bench, painter(claimed)?, params),
        ..picture::provenance(bench, child)
    };
    let (width, height) = params.final_size();
    let previews = bench.previews.then(|| {
        let path = picture::unfinished(bench, holding, "preview.rgb");
        Previews::start(bench, holding.job, path, reporter.clone())
    });
    while let Some(index) = next(bench, holding).await? {
        if let Some(why) = holding.stopped() {
            return Err(Halt::Stopped(why));
        }
        let report = reporter.of(
            u32::try_from(index).unwrap_or_default(),
            claimed.job.attempt,
        );
        report(Phase::Encoding, 0, 0);
        let seed = params.seed + i64::from(index);
        let pixels = picture::unfinished(bench, holding, &format!("{index}.rgb"));
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
        let show = |size| {
            if let Some(previews) = &previews {
                previews.show(size);
            }
        };
        let made = picture::made(holding, child, watch, &mut pace, &report, show).await?;
        report(Phase::Saving, 0, 0);
        let recipe = Recipe::Drawn(Drawing {
            params,
            seed,
            preset: &claimed.job.preset,
            plan: claimed.job.plan,
        });
        let at = Place { index, seed };
        let provenance = sampled(&provenance, &made);
        let kept = picture::keep(bench, holding, &pixels, &recipe, at, &made, provenance);
        let Some(spent) = kept.await? else {
            return Ok(Outcome::Stopped);
        };
        measure::phases(&claimed.preset.name, &spent);
        times.add(spent);
    }
    Ok(Outcome::Succeeded)
}

fn painter(claimed: &Claimed) -> Result<&ImageModel, Halt> {
    match &claimed.preset.model {
        Model::Sd(model) => Ok(model),
        Model::Llm(_) | Model::Upscaler(_) => Err(defect(
            "a model that draws nothing was granted for a picture",
        )),
    }
}

/// What one picture was made with, by what sampled it.
fn sampled(provenance: &Provenance, made: &picture::Made) -> Provenance {
    Provenance {
        sampler: made.sampler.clone(),
        scheduler: made.scheduler.clone(),
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
    let bring = async |source, colours, name: &str| {
        let path = picture::unfinished(bench, holding, name);
        picture::bring(bench, holding, source, size, colours, &path).await?;
        Ok::<_, Halt>(path)
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
