//! One picture, enlarged in tiles by one call of the engine.

use mystic_domain::{Phase, PhaseTimes, UpscaleParams};
use mystic_engine::Command;
use mystic_store::{Claimed, Outcome};

use super::peak::Watch;
use super::picture::{self, Place};
use super::progress::Reporter;
use super::{Bench, Halt};
use crate::engine::EngineChild;
use crate::held::{Holding, Lease};
use crate::measure;
use crate::picture::input::Colours;
use crate::picture::{Enlarging, Recipe};

/// Enlarges the picture, unless that was done.
pub(super) async fn run(
    bench: &Bench,
    holding: &Holding<Lease>,
    claimed: &Claimed,
    params: &UpscaleParams,
    child: &mut EngineChild,
    watch: &Watch,
    times: &mut PhaseTimes,
) -> Result<Outcome, Halt> {
    if claimed.job.images_done > 0 {
        return Ok(Outcome::Succeeded);
    }
    let reporter = Reporter::start(bench, holding.job);
    let report = reporter.of(0, claimed.job.attempt);
    let room = bench.shelf.check_room();
    room.map_err(|full| Halt::Failed(full.failure()))?;
    let unfinished = |name| picture::unfinished(bench, holding, name);
    let (source, pixels) = (unfinished("source.rgb"), unfinished("0.rgb"));
    let size = (params.width, params.height);
    picture::bring(bench, holding, &params.source, size, Colours::Rgb, &source).await?;
    let command = Command::Upscale {
        source,
        width: params.width,
        height: params.height,
        pixels: pixels.clone(),
    };
    child.send(&command).await?;
    let (width, height) = params.final_size();
    let mut pace = bench.paces.picture(&claimed.preset.name, width, height);
    let made = picture::made(holding, child, watch, &mut pace, &report, |_| {}).await?;
    report(Phase::Saving, 0, 0);
    let recipe = Recipe::Enlarged(Enlarging {
        source: &params.source.sha256,
        scale: params.scale,
        preset: &claimed.job.preset,
    });
    let provenance = picture::provenance(bench, child);
    let at = Place { index: 0, seed: 0 };
    let kept = picture::keep(bench, holding, &pixels, &recipe, at, &made, provenance);
    let Some(spent) = kept.await? else {
        return Ok(Outcome::Stopped);
    };
    measure::phases(&claimed.preset.name, &spent);
    times.add(spent);
    Ok(Outcome::Succeeded)
}
