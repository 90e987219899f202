//! A preset: a named model with its files, settings, defaults and limits. The rules for parameters live here.

mod parameters;
mod rules;
mod signature;
mod upscale;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{EngineKind, GenerateParams, Hires, InvalidField, JobKind, LoraUse};

pub use parameters::{Parameter, Scalar};
pub use rules::is_pickle;
pub use upscale::UpscaleModel;

/// A named model. Unknown fields are refused by the model's own type: here, serde would refuse the model's too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Preset {
    /// Unique name.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// What the engine loads.
    #[serde(flatten)]
    pub model: Model,
}

/// What the engine loads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "engine", rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "a handful of presets exist at a time, and a box would be in every reader's way"
)]
pub enum Model {
    /// A diffusion model.
    Sd(ImageModel),
    /// A language model.
    Llm(TextModel),
    /// A network that enlarges pictures; the `sd` engine runs it.
    Upscaler(UpscaleModel),
}

impl Model {
    /// What a preset's `engine` says of it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sd(_) => "sd",
            Self::Llm(_) => "llm",
            Self::Upscaler(_) => "upscaler",
        }
    }
}

/// A diffusion model. Paths are relative to the models directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImageModel {
    /// The model's files.
    pub files: ImageFiles,
    /// How the library loads them.
    #[serde(default, skip_serializing_if = "ImageFlags::are_usual")]
    pub flags: ImageFlags,
    /// What is used where a request says nothing.
    pub defaults: ImageDefaults,
    /// What a request may ask for.
    pub limits: ImageLimits,
    /// How its memory grows.
    #[serde(default)]
    pub memory: ImageMemory,
    /// Small networks that a request may put on top, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loras: Vec<Lora>,
}

/// A small network on top of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Lora {
    /// What requests call it.
    pub name: String,
    /// Its file, relative to the models directory.
    pub file: String,
    /// Words that bring out what it has learned; added to prompts that lack them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
}

/// The files of a diffusion model; at least `model` or `diffusion_model`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ImageFiles {
    /// A full checkpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The diffusion network alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diffusion_model: Option<String>,
    /// The autoencoder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vae: Option<String>,
    /// A tiny autoencoder, used instead of the VAE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taesd: Option<String>,
    /// CLIP-L text encoder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip_l: Option<String>,
    /// CLIP-G text encoder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip_g: Option<String>,
    /// T5-XXL text encoder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub t5xxl: Option<String>,
    /// Language model as text encoder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub llm: Option<String>,
}

impl ImageFiles {
    /// The files that are named, each once.
    #[must_use]
    pub fn paths(&self) -> Vec<&str> {
        let mut paths: Vec<&str> = self.named().map(|file| file.path).collect();
        paths.sort_unstable();
        paths.dedup();
        paths
    }

    /// The files that are named. One may be named for several parts.
    pub fn named(&self) -> impl Iterator<Item = NamedFile<'_>> {
        use Part::{Decoder, Network, TextEncoder};
        [
            (Network, "files.model", &self.model),
            (Network, "files.diffusion_model", &self.diffusion_model),
            (TextEncoder, "files.clip_l", &self.clip_l),
            (TextEncoder, "files.clip_g", &self.clip_g),
            (TextEncoder, "files.t5xxl", &self.t5xxl),
            (TextEncoder, "files.llm", &self.llm),
            (Decoder, "files.vae", &self.vae),
            (Decoder, "files.taesd", &self.taesd),
        ]
        .into_iter()
        .filter_map(|(part, field, path)| {
            let path = path.as_deref()?;
            Some(NamedFile { part, field, path })
        })
    }
}

/// A file that a preset names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamedFile<'a> {
    /// What it is for.
    pub part: Part,
    /// The preset's field.
    pub field: &'static str,
    /// Its path, relative to the models directory.
    pub path: &'a str,
}

/// What a file of a model is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The network, with all that its file may hold beside it.
    Network,
    /// What reads the prompt.
    TextEncoder,
    /// What makes pixels of latents.
    Decoder,
    /// What lets a language model see.
    Projector,
}

/// How the library loads a diffusion model; a change of one takes a load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ImageFlags {
    /// The network attends with flash attention. Where absent a card does and a processor does not, as is quickest; the
    /// memory formulae reckon with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flash_attention: Option<bool>,
    /// The network's convolutions without a buffer of their own.
    pub diffusion_conv_direct: bool,
    /// The decoder's, by which it takes some 2,560 bytes per pixel of a VAE's 6,656.
    pub vae_conv_direct: bool,
    /// Weights are mapped and not read.
    pub mmap: bool,
}

impl ImageFlags {
    /// Whether nothing is set.
    #[must_use]
    pub fn are_usual(&self) -> bool {
        *self == Self::default()
    }
}

/// Defaults of a diffusion preset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImageDefaults {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Diffusion steps.
    pub steps: u32,
    /// Diffusion steps of larger pictures, smallest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps_by_size: Vec<SizedSteps>,
    /// Guidance scale.
    pub cfg: f32,
    /// Sampler by the library's name; the model's own where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampler: Option<String>,
    /// Noise schedule by the library's name; the model's own where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduler: Option<String>,
    /// What to avoid.
    #[serde(default)]
    pub negative_prompt: String,
}

impl ImageDefaults {
    /// Diffusion steps of a picture of this size.
    #[must_use]
    pub fn steps_for(&self, width: u32, height: u32) -> u32 {
        let side = width.max(height);
        let mut largest_first = self.steps_by_size.iter().rev();
        largest_first
            .find(|sized| side > sized.above)
            .map_or(self.steps, |sized| sized.steps)
    }
}

/// Other steps for pictures from some size on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SizedSteps {
    /// For pictures whose longer side has more pixels than this.
    pub above: u32,
    /// Diffusion steps.
    pub steps: u32,
}

/// Limits of a diffusion preset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImageLimits {
    /// Width and height are multiples of this many pixels.
    pub multiple: u32,
    /// Smallest width and height in pixels.
    pub min_side: u32,
    /// Largest width and height in pixels.
    pub max_side: u32,
    /// Largest width and height after a second pass in pixels; `max_side` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_hires_side: Option<u32>,
    /// Most diffusion steps.
    pub max_steps: u32,
    /// Most pictures in one job.
    pub max_batch: u32,
}

/// What the memory formulae need to know of a diffusion model (see `need`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ImageMemory {
    /// Bytes that the decoder takes per output pixel, untiled.
    pub decode_bytes_per_pixel: u64,
    /// Side of a decoder tile in pixels.
    pub tile_side: u32,
    /// Pixels per latent cell along a side.
    pub latent_scale: u32,
    /// Factor of the architecture in the activation formula.
    pub activation_factor: f64,
}

impl Default for ImageMemory {
    /// A VAE of the SD family, measured at 6,656 B per pixel (1,664 MiB at 512 × 512), and twice the
    /// activations of SD 1.5: a preset that knows its architecture says less.
    fn default() -> Self {
        Self {
            decode_bytes_per_pixel: 6656,
            tile_side: 256,
            latent_scale: 8,
            activation_factor: 2.0,
        }
    }
}

/// A language model. Paths are relative to the models directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TextModel {
    /// The GGUF file.
    pub file: String,
    /// The GGUF file that lets it see, made for this model (`mmproj`): with it pictures are tagged by their pixels, and the
    /// prompt is a hint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mmproj: Option<String>,
    /// Context size in tokens.
    pub context: u32,
    /// Transformer layers.
    pub layers: u32,
    /// Key-value heads.
    pub kv_heads: u32,
    /// Size of a head.
    pub head_dim: u32,
}

/// Samplers by the library's names.
pub const SAMPLERS: [&str; 18] = [
    "euler",
    "euler_a",
    "heun",
    "dpm2",
    "dpm++2s_a",
    "dpm++2m",
    "dpm++2mv2",
    "ipndm",
    "ipndm_v",
    "lcm",
    "ddim_trailing",
    "tcd",
    "res_multistep",
    "res_2s",
    "er_sde",
    "euler_cfg_pp",
    "euler_a_cfg_pp",
    "euler_ge",
];

/// Noise schedules by the library's names.
pub const SCHEDULERS: [&str; 12] = [
    "discrete",
    "karras",
    "exponential",
    "ays",
    "gits",
    "sgm_uniform",
    "simple",
    "smoothstep",
    "kl_optimal",
    "lcm",
    "bong_tangent",
    "ltx2",
];

/// Largest guidance scale.
const MAX_CFG: f32 = 30.0;

/// What the library paints over of a start where nobody says how much.
pub const STRENGTH: f32 = 0.75;
/// The same of a second pass.
pub const HIRES_STRENGTH: f32 = 0.7;
/// The least that a second pass paints over.
const MIN_HIRES_STRENGTH: f32 = 0.01;

/// Largest weight of a LoRA, and its negative the smallest.
const MAX_LORA_WEIGHT: f32 = 4.0;

/// How a second pass enlarges the first one's latents, by the library's names, the usual one first. Those that decode them
/// for it are left out.
pub const HIRES_UPSCALERS: [&str; 6] = [
    "Latent",
    "Latent (nearest)",
    "Latent (nearest-exact)",
    "Latent (antialiased)",
    "Latent (bicubic)",
    "Latent (bicubic antialiased)",
];

/// Most LoRAs of one job: what is booked for a model has room for so many of its largest.
pub const MAX_LORAS: usize = 4;

/// Largest seed that a job may start from: seed + index stays inside what every client's numbers can hold.
pub const MAX_SEED: i64 = (1 << 53) - 1 - 1024;

impl Preset {
    /// The engine that serves it.
    #[must_use]
    pub fn engine(&self) -> EngineKind {
        match self.model {
            Model::Sd(_) | Model::Upscaler(_) => EngineKind::Sd,
            Model::Llm(_) => EngineKind::Llm,
        }
    }

    /// Whether it does jobs of this kind.
    #[must_use]
    pub fn does(&self, kind: JobKind) -> bool {
        match self.model {
            Model::Sd(_) => kind == JobKind::Generate,
            Model::Llm(_) => matches!(kind, JobKind::Tag | JobKind::Enhance),
            Model::Upscaler(_) => kind == JobKind::Upscale,
        }
    }

    /// Every file that must be there, relative to the models directory.
    #[must_use]
    pub fn paths(&self) -> Vec<&str> {
        match &self.model {
            Model::Sd(model) => {
                let loras = model.loras.iter().map(|lora| lora.file.as_str());
                model.files.paths().into_iter().chain(loras).collect()
            }
            Model::Llm(model) => model.named().map(|file| file.path).collect(),
            Model::Upscaler(model) => vec![&model.file],
        }
    }

    /// Its files with what they are for. One may be named for several parts.
    #[must_use]
    pub fn files(&self) -> Vec<NamedFile<'_>> {
        match &self.model {
            Model::Sd(model) => model.files.named().collect(),
            Model::Llm(model) => model.named().collect(),
            Model::Upscaler(model) => vec![network(&model.file)],
        }
    }
}

impl TextModel {
    fn named(&self) -> impl Iterator<Item = NamedFile<'_>> {
        let projector = self.mmproj.as_deref().map(|path| NamedFile {
            part: Part::Projector,
            field: "mmproj",
            path,
        });
        [network(&self.file)].into_iter().chain(projector)
    }
}

fn network(path: &str) -> NamedFile<'_> {
    NamedFile {
        part: Part::Network,
        field: "file",
        path,
    }
}

impl ImageLimits {
    /// Pixels that a side may have after a second pass.
    fn largest_hires_side(&self) -> u32 {
        self.max_hires_side.unwrap_or(self.max_side)
    }

    fn check_side(&self, field: &str, side: u32) -> Result<(), InvalidField> {
        let in_range = (self.min_side..=self.max_side).contains(&side);
        if in_range && side.is_multiple_of(self.multiple) {
            return Ok(());
        }
        let allowed = format!(
            "a multiple of {} from {} to {}",
            self.multiple, self.min_side, self.max_side
        );
        Err(InvalidField::new(field, side, allowed))
    }
}

impl ImageModel {
    /// Checks complete parameters against this preset's limits.
    ///
    /// `max_cost` caps megapixels × steps × pictures, so that one request can't hold a card for days.
    ///
    /// # Errors
    /// The first field that breaks a rule, with its value and what is allowed.
    pub fn check(&self, params: &GenerateParams, max_cost: f64) -> Result<(), InvalidField> {
        let limits = &self.limits;
        limits.check_side("params.width", params.width)?;
        limits.check_side("params.height", params.height)?;
        if !(1..=limits.max_steps).contains(&params.steps) {
            let allowed = format!("1 to {}", limits.max_steps);
            return Err(InvalidField::new("params.steps", params.steps, allowed));
        }
        if !(1..=limits.max_batch).contains(&params.batch) {
            let allowed = format!("1 to {}", limits.max_batch);
            return Err(InvalidField::new("params.batch", params.batch, allowed));
        }
        if !(0.0..=MAX_CFG).contains(&params.cfg) {
            let allowed = format!("0 to {MAX_CFG}");
            return Err(InvalidField::new("params.cfg", params.cfg, allowed));
        }
        if !(0..=MAX_SEED).contains(&params.seed) {
            let allowed = format!("0 to {MAX_SEED}");
            return Err(InvalidField::new("params.seed", params.seed, allowed));
        }
        one_of("params.sampler", params.sampler.as_deref(), &SAMPLERS)?;
        one_of("params.scheduler", params.scheduler.as_deref(), &SCHEDULERS)?;
        check_start(params)?;
        self.check_loras(&params.loras)?;
        if let Some(hires) = &params.hires {
            self.check_hires(hires, params)?;
        }
        let cost = params.megapixel_steps(0.0) * f64::from(params.batch);
        if cost > max_cost {
            return Err(InvalidField::new(
                "params",
                format!("{cost:.1} megapixel-steps"),
                format!("width × height × steps × batch up to {max_cost:.1} megapixel-steps"),
            ));
        }
        Ok(())
    }
}

/// A picture to start from has a strength, and nothing else has one or a mask.
fn check_start(params: &GenerateParams) -> Result<(), InvalidField> {
    let only = "only together with params.init";
    match (&params.init, params.strength, &params.mask) {
        (None, Some(strength), _) => Err(InvalidField::new("params.strength", strength, only)),
        (None, None, Some(mask)) => Err(InvalidField::new("params.mask", &mask.sha256, only)),
        (Some(_), Some(strength), _) if !(0.0..=1.0).contains(&strength) => {
            Err(InvalidField::new("params.strength", strength, "0 to 1"))
        }
        _ => Ok(()),
    }
}

impl ImageModel {
    /// The prompt as the model gets it: with the words of its LoRAs that are not in it already.
    #[must_use]
    pub fn prompt(&self, params: &GenerateParams) -> String {
        let mut prompt = params.prompt.clone();
        for lora in self
            .loras_in_use(params)
            .filter_map(|(lora, _)| lora.trigger.as_ref())
        {
            if !prompt.to_lowercase().contains(&lora.to_lowercase()) {
                prompt.push_str(", ");
                prompt.push_str(lora);
            }
        }
        prompt
    }

    /// The LoRAs that change a job's pictures, with their weights.
    pub fn loras_in_use<'a>(
        &'a self,
        params: &'a GenerateParams,
    ) -> impl Iterator<Item = (&'a Lora, f32)> {
        let asked = params.loras.iter().filter(|asked| asked.weight != 0.0);
        asked.filter_map(|asked| Some((self.lora(&asked.name)?, asked.weight)))
    }

    fn lora(&self, name: &str) -> Option<&Lora> {
        self.loras.iter().find(|lora| lora.name == name)
    }

    fn check_loras(&self, asked: &[LoraUse]) -> Result<(), InvalidField> {
        if asked.len() > MAX_LORAS {
            let allowed = format!("up to {MAX_LORAS} of them");
            return Err(InvalidField::new("params.loras", asked.len(), allowed));
        }
        for (at, LoraUse { name, weight }) in asked.iter().enumerate() {
            let field = |part| format!("params.loras[{at}].{part}");
            if self.lora(name).is_none() {
                let names: Vec<&str> = self.loras.iter().map(|lora| lora.name.as_str()).collect();
                let allowed = if names.is_empty() {
                    "none: this preset has no LoRAs".to_owned()
                } else {
                    format!("one of {}", names.join(", "))
                };
                let shown: String = name.chars().take(60).collect();
                return Err(InvalidField::new(&field("name"), shown, allowed));
            }
            if asked[..at].iter().any(|before| before.name == *name) {
                return Err(InvalidField::new(&field("name"), name, "each name once"));
            }
            if !(-MAX_LORA_WEIGHT..=MAX_LORA_WEIGHT).contains(weight) {
                let allowed = format!("-{MAX_LORA_WEIGHT} to {MAX_LORA_WEIGHT}");
                return Err(InvalidField::new(&field("weight"), weight, allowed));
            }
        }
        Ok(())
    }

    fn check_hires(&self, hires: &Hires, first: &GenerateParams) -> Result<(), InvalidField> {
        let limits = &self.limits;
        let most = limits.largest_hires_side();
        let sides = [(hires.width, first.width), (hires.height, first.height)];
        if sides
            .iter()
            .any(|(side, before)| side > &most || side < before)
        {
            let allowed = format!(
                "what makes sides of {} × {} to {most} × {most} pixels",
                first.width, first.height
            );
            return Err(InvalidField::new(
                "params.hires.scale",
                hires.scale,
                allowed,
            ));
        }
        if !(MIN_HIRES_STRENGTH..=1.0).contains(&hires.strength) {
            return Err(InvalidField::new(
                "params.hires.strength",
                hires.strength,
                format!("{MIN_HIRES_STRENGTH} to 1"),
            ));
        }
        if !(1..=limits.max_steps).contains(&hires.steps) {
            let allowed = format!("1 to {}", limits.max_steps);
            return Err(InvalidField::new(
                "params.hires.steps",
                hires.steps,
                allowed,
            ));
        }
        one_of(
            "params.hires.upscaler",
            Some(&hires.upscaler),
            &HIRES_UPSCALERS,
        )
    }

    /// Sides of a second pass: `scale` times the first one's, rounded to the preset's multiple.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whatever is out of range becomes its end, and is refused by the limits"
    )]
    pub fn hires_side(&self, side: u32, scale: f32) -> u32 {
        let multiple = self.limits.multiple.max(1);
        let steps = f64::from(side) * f64::from(scale) / f64::from(multiple);
        (steps.round() as u32).saturating_mul(multiple)
    }
}

fn one_of(field: &str, name: Option<&str>, names: &[&str]) -> Result<(), InvalidField> {
    match name {
        Some(name) if !names.contains(&name) => Err(InvalidField::new(
            field,
            name,
            format!("one of {}", names.join(", ")),
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn painter() -> Preset {
        let painter = serde_json::json!({
            "name": "sd15", "title": "SD 1.5", "engine": "sd",
            "files": { "model": "sd15.safetensors" },
            "defaults": {
                "width": 512, "height": 512, "steps": 20, "cfg": 7.5,
                "steps_by_size": [{ "above": 1024, "steps": 30 }],
            },
            "limits": {
                "multiple": 8, "min_side": 64, "max_side": 2048, "max_steps": 100, "max_batch": 16,
            },
        });
        serde_json::from_value(painter).expect("a preset")
    }

    pub(super) fn tagger() -> Preset {
        let tagger = serde_json::json!({
            "name": "tagger", "title": "Tagger", "engine": "llm", "file": "tagger.gguf",
            "context": 2048, "layers": 30, "kv_heads": 3, "head_dim": 64,
        });
        serde_json::from_value(tagger).expect("a preset")
    }

    #[test]
    fn a_larger_picture_gets_the_steps_of_the_largest_size_that_it_exceeds() {
        let Model::Sd(mut model) = painter().model else {
            panic!("it draws")
        };
        let sized = |above, steps| SizedSteps { above, steps };
        model.defaults.steps_by_size = vec![sized(768, 25), sized(1024, 30)];
        let steps = |width, height| model.defaults.steps_for(width, height);
        assert_eq!(
            [
                steps(512, 768),
                steps(776, 64),
                steps(64, 1024),
                steps(1032, 1032)
            ],
            [20, 25, 25, 30]
        );
    }
}
