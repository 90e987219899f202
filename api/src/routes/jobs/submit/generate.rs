//! A request for pictures becomes a job: every default and the seed filled in, every rule of its preset kept.

use chrono::{DateTime, Utc};
use mystic_domain::{
    GenerateParams, HIRES_STRENGTH, HIRES_UPSCALERS, Hires, ImageId, ImageModel, InvalidField,
    JobKind, JobParams, LoraUse, MAX_SEED, Model, STRENGTH, Source, UploadId,
};
use mystic_store::NewJob;
use rand::Rng;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::prompt;
use super::terms::{Terms, default_attempts, known_preset, text};
use crate::problem::Problem;
use crate::state::App;

/// Pictures from a prompt.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmitGenerate {
    /// `generate`.
    pub kind: GenerateKind,
    /// The image model, by a name from `/api/v1/presets`.
    #[schema(example = "demo")]
    pub preset: String,
    /// What to make.
    pub params: GenerateRequest,
    /// Whether each picture is tagged; where absent its owner's settings decide, or the server's configuration.
    #[serde(default)]
    pub auto_tag: Option<bool>,
    /// −100 to 100; higher runs first.
    #[serde(default)]
    #[schema(minimum = -100, maximum = 100)]
    pub priority: i16,
    /// Attempts allowed, 1 to 100.
    #[serde(default = "default_attempts")]
    #[schema(minimum = 1, maximum = 100, default = 5)]
    pub max_attempts: i32,
    /// Not started before this time.
    #[serde(default)]
    pub not_before: Option<DateTime<Utc>>,
    /// Seconds that one attempt may take, 1 to 86400; no limit where absent.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 86400)]
    pub timeout_s: Option<i32>,
}

/// The kind of [`SubmitGenerate`].
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GenerateKind {
    /// Pictures from a prompt.
    Generate,
}

/// What to make; everything but the prompt has the preset's default.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GenerateRequest {
    /// What to draw. `{a|b}` and `__wildcard__` are choices, made by the seed.
    #[schema(example = "a red circle on a blue background")]
    pub prompt: String,
    /// Names of prompt templates, put around the prompt one after the other.
    #[serde(default)]
    pub styles: Vec<String>,
    /// What to avoid.
    #[serde(default)]
    pub negative_prompt: Option<String>,
    /// Pixels.
    #[serde(default)]
    pub width: Option<u32>,
    /// Pixels.
    #[serde(default)]
    pub height: Option<u32>,
    /// Diffusion steps.
    #[serde(default)]
    pub steps: Option<u32>,
    /// Guidance scale.
    #[serde(default)]
    pub cfg: Option<f32>,
    /// Seed of the first picture, the next ones count up; random where absent.
    #[serde(default)]
    pub seed: Option<i64>,
    /// Pictures to make; 1 where absent.
    #[serde(default)]
    pub batch: Option<u32>,
    /// Sampler.
    #[serde(default)]
    pub sampler: Option<String>,
    /// Noise schedule.
    #[serde(default)]
    pub scheduler: Option<String>,
    /// The picture to start from: scaled until it covers this one, and cropped around its middle.
    #[serde(default)]
    pub init: Option<PictureRef>,
    /// How much of the start is painted over, 0 to 1; 0.75 where absent. Only with `init`.
    #[serde(default)]
    pub strength: Option<f32>,
    /// White where the start is painted over, scaled and cropped as it is; all of it where absent. Only with `init`.
    #[serde(default)]
    pub mask: Option<MaskRef>,
    /// LoRAs of the preset, by name.
    #[serde(default)]
    pub loras: Vec<LoraUse>,
    /// A second pass at a larger size.
    #[serde(default)]
    pub hires: Option<HiresRequest>,
}

/// Refers to a picture: an upload, or a finished one. Exactly one of the two.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PictureRef {
    /// An upload of one's own.
    #[serde(default)]
    pub upload: Option<UploadId>,
    /// A finished picture.
    #[serde(default)]
    pub image: Option<ImageId>,
}

/// Refers to an uploaded mask.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MaskRef {
    /// An upload of one's own.
    pub upload: UploadId,
}

/// A second pass at a larger size.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HiresRequest {
    /// How much larger each side becomes.
    #[schema(example = 2.0)]
    pub scale: f32,
    /// How much is painted over, 0.01 to 1; 0.7 where absent.
    #[serde(default)]
    pub strength: Option<f32>,
    /// Steps of the second pass; those of the first where absent.
    #[serde(default)]
    pub steps: Option<u32>,
    /// How the latents are enlarged; `Latent` where absent.
    #[serde(default)]
    pub upscaler: Option<String>,
}

pub(super) async fn job(
    app: &App,
    owner: &str,
    request: SubmitGenerate,
) -> Result<NewJob, Problem> {
    let terms = Terms {
        priority: request.priority,
        max_attempts: request.max_attempts,
        not_before: request.not_before,
        timeout_s: request.timeout_s,
    };
    let terms = terms.checked()?;
    let preset = known_preset(app, "preset", &request.preset, JobKind::Generate).await?;
    let Model::Sd(model) = &preset.model else {
        return Err(Problem::internal("The preset's engine and model disagree."));
    };
    let mut asked = request.params;
    text(
        "params.prompt",
        &asked.prompt,
        app.config.api.max_prompt_bytes,
        true,
    )?;
    if let Some(negative) = &asked.negative_prompt {
        text(
            "params.negative_prompt",
            negative,
            app.config.api.max_prompt_bytes,
            false,
        )?;
    }
    let styles = std::mem::take(&mut asked.styles);
    let init = match &asked.init {
        Some(init) => Some(source(app, owner, "params.init", init).await?.0),
        None => None,
    };
    let mask = match &asked.mask {
        Some(mask) => {
            let mask = PictureRef {
                upload: Some(mask.upload),
                image: None,
            };
            Some(source(app, owner, "params.mask", &mask).await?.0)
        }
        None => None,
    };
    let mut params = GenerateParams {
        init,
        mask,
        ..complete(model, asked)
    };
    model.check(&params, f64::from(app.config.api.max_cost))?;
    prompt::make(app, &mut params, styles).await?;
    params.tag_preset = tag_preset(app, owner, request.auto_tag).await?;
    Ok(terms.job(JobParams::Generate(params), preset.name))
}

/// The file that a request refers to, with the picture's width and height.
pub(super) async fn source(
    app: &App,
    owner: &str,
    field: &str,
    asked: &PictureRef,
) -> Result<(Source, (u32, u32)), Problem> {
    let pixels = |side| u32::try_from(side).unwrap_or_default();
    let (found, given, allowed) = match (asked.upload, asked.image) {
        (Some(id), None) => {
            let upload = app.store.upload(id).await?;
            let upload = upload.filter(|upload| upload.owner == owner);
            let found = upload.map(|it| (it.sha256, (pixels(it.width), pixels(it.height))));
            (
                found,
                id.to_string(),
                "an upload of yours that is still kept",
            )
        }
        (None, Some(id)) => {
            let image = app.store.image(id).await?;
            let found = image.map(|it| (it.sha256, (pixels(it.width), pixels(it.height))));
            (found, id.to_string(), "a picture that is there")
        }
        (upload, _) => {
            let given = if upload.is_some() { "both" } else { "neither" };
            let allowed = "either an upload or an image";
            return Err(InvalidField::new(field, given, allowed).into());
        }
    };
    let (sha256, size) = found.ok_or_else(|| InvalidField::new(field, given, allowed))?;
    let source = Source {
        upload: asked.upload,
        image: asked.image,
        sha256,
    };
    Ok((source, size))
}

/// The preset that tags the pictures of a job. A default that can't be met is no reason to refuse a picture.
async fn tag_preset(
    app: &App,
    owner: &str,
    asked: Option<bool>,
) -> Result<Option<String>, Problem> {
    let tagging = &app.config.tagging;
    let wished = if let Some(asked) = asked {
        asked
    } else {
        let settings = app.store.owner_settings(owner).await?;
        settings.auto_tag.unwrap_or(tagging.enabled)
    };
    if !wished {
        return Ok(None);
    }
    let there = app
        .store
        .preset(&tagging.preset)
        .await?
        .filter(|preset| preset.does(JobKind::Tag));
    if there.is_none() && asked == Some(true) {
        let allowed = format!(
            "false: the tagging preset {} is not known here",
            tagging.preset
        );
        return Err(InvalidField::new("auto_tag", true, allowed).into());
    }
    Ok(there.map(|preset| preset.name))
}

/// Where a request starts from is still open here.
fn complete(model: &ImageModel, asked: GenerateRequest) -> GenerateParams {
    let defaults = &model.defaults;
    let width = asked.width.unwrap_or(defaults.width);
    let height = asked.height.unwrap_or(defaults.height);
    let steps = asked
        .steps
        .unwrap_or_else(|| defaults.steps_for(width, height));
    let hires = asked.hires.map(|hires| Hires {
        width: model.hires_side(width, hires.scale),
        height: model.hires_side(height, hires.scale),
        scale: hires.scale,
        strength: hires.strength.unwrap_or(HIRES_STRENGTH),
        steps: hires.steps.unwrap_or(steps),
        upscaler: hires
            .upscaler
            .unwrap_or_else(|| HIRES_UPSCALERS[0].to_owned()),
    });
    GenerateParams {
        prompt: asked.prompt,
        negative_prompt: asked
            .negative_prompt
            .unwrap_or_else(|| defaults.negative_prompt.clone()),
        width,
        height,
        steps,
        cfg: asked.cfg.unwrap_or(defaults.cfg),
        seed: asked
            .seed
            .unwrap_or_else(|| rand::rng().random_range(0..=MAX_SEED)),
        batch: asked.batch.unwrap_or(1),
        sampler: asked.sampler.or_else(|| defaults.sampler.clone()),
        scheduler: asked.scheduler.or_else(|| defaults.scheduler.clone()),
        strength: asked
            .strength
            .or_else(|| asked.init.as_ref().map(|_| STRENGTH)),
        loras: asked.loras,
        hires,
        init: None,
        mask: None,
        tag_preset: None,
        asked: None,
    }
}
