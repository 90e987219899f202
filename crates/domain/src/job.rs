//! A job: what was asked for, where it stands, and why it waits.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{DeviceId, ImageId, Mib, Pause, Pixels, Source};

/// The native engine that a job needs.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum EngineKind {
    /// Diffusion models, through stable-diffusion.cpp.
    Sd,
    /// Language models, through llama.cpp.
    Llm,
}

impl EngineKind {
    /// Every engine.
    pub const ALL: [Self; 2] = [Self::Sd, Self::Llm];

    /// The name in the database and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sd => "sd",
            Self::Llm => "llm",
        }
    }

    /// The engine of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// What a job makes.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// Pictures from a prompt.
    Generate,
    /// Tags for one picture.
    Tag,
    /// A prompt written out.
    Enhance,
    /// A picture enlarged.
    Upscale,
}

impl JobKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Generate, Self::Tag, Self::Enhance, Self::Upscale];

    /// The name in the database and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Generate => "generate",
            Self::Tag => "tag",
            Self::Enhance => "enhance",
            Self::Upscale => "upscale",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The engine that runs jobs of this kind.
    #[must_use]
    pub fn engine(self) -> EngineKind {
        match self {
            Self::Generate | Self::Upscale => EngineKind::Sd,
            Self::Tag | Self::Enhance => EngineKind::Llm,
        }
    }
}

/// Where a job stands.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waits for a grant.
    Queued,
    /// Granted to a worker that has not claimed it yet.
    Leased,
    /// Claimed: an attempt is under way.
    Running,
    /// All of it exists.
    Succeeded,
    /// Ended with an error; pictures finished before are kept.
    Failed,
    /// Ended by request; pictures finished before are kept.
    Cancelled,
}

impl JobState {
    /// Every state, in the order of a job's life.
    pub const ALL: [Self; 6] = [
        Self::Queued,
        Self::Leased,
        Self::Running,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The name in the database and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Leased => "leased",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Whether the job has ended.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// Part of a running attempt.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The model's tensors are read.
    Loading,
    /// The prompt is encoded.
    Encoding,
    /// Diffusion steps, tokens, or tiles of a picture that is enlarged.
    Sampling,
    /// Latents become pixels.
    Decoding,
    /// The picture is written to the store.
    Saving,
}

/// How far a running job is. A hint that travels over Redis and is never stored as truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Progress {
    /// The phase under way.
    pub phase: Phase,
    /// Steps done in this phase.
    pub step: u32,
    /// Steps in this phase; 0 where unknown.
    pub of: u32,
    /// Index of the picture in the job, from 0.
    pub index: u32,
    /// Attempt that makes it, from 1.
    pub attempt: i32,
    /// Previews that this attempt has shown; 0 where there is none to see.
    #[serde(default)]
    pub preview: u32,
}

/// Milliseconds that an attempt spent in each phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct PhaseTimes {
    /// Reading the model; 0 where it was loaded already.
    pub loading_ms: u64,
    /// Encoding the prompt.
    pub encoding_ms: u64,
    /// Sampling.
    pub sampling_ms: u64,
    /// Decoding.
    pub decoding_ms: u64,
    /// Writing to the store.
    pub saving_ms: u64,
}

impl PhaseTimes {
    /// Adds another picture's times.
    pub fn add(&mut self, other: Self) {
        self.loading_ms += other.loading_ms;
        self.encoding_ms += other.encoding_ms;
        self.sampling_ms += other.sampling_ms;
        self.decoding_ms += other.decoding_ms;
        self.saving_ms += other.saving_ms;
    }
}

/// Why a queued job waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum WaitReason {
    /// No live worker serves the preset.
    NoWorker {
        /// The preset asked for.
        preset: String,
    },
    /// The devices of all workers that serve the preset are lost: they need a reset, or don't answer.
    DeviceLost {
        /// One of them.
        device: DeviceId,
    },
    /// The device that comes nearest is short of memory.
    VramShort {
        /// The device.
        device: DeviceId,
        /// MiB that the job needs there.
        need: Mib,
        /// MiB that are free there.
        free: Mib,
    },
    /// No device that serves the preset could hold the job, whatever else were unloaded.
    TooLarge {
        /// The device that comes nearest.
        device: DeviceId,
        /// MiB that the job needs there with its most frugal plan.
        need: Mib,
        /// MiB that it could have there at most.
        most: Mib,
    },
    /// Its model is being loaded.
    ModelLoading {
        /// Where.
        device: DeviceId,
        /// What.
        preset: String,
        /// Per cent of it that are loaded, where its engine says so; told when somebody asks, and not noted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        percent: Option<u8>,
    },
    /// All turns of the fitting devices are taken, or other jobs come first.
    Behind {
        /// Jobs that come first: of hundreds, give or take a tenth.
        n: u32,
    },
    /// Not before a point in time.
    NotBefore,
    /// An operator has stopped it.
    Paused {
        /// By this pause.
        by: Pause,
    },
}

impl WaitReason {
    /// Whether it is worth noting over what was noted before. A job's end moves everybody behind it up by one, and in a
    /// queue of thousands writing that down would cost more than the job: a place is noted again when it is a tenth off.
    #[must_use]
    pub fn is_news(&self, noted: Option<&Self>) -> bool {
        match (noted, self) {
            (Some(Self::Behind { n: noted }), Self::Behind { n }) => {
                10 * u64::from(noted.abs_diff(*n)) > u64::from(*n)
            }
            (noted, now) => noted != Some(now),
        }
    }
}

/// What a `generate` job makes, every default filled in: the same values make the same picture.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GenerateParams {
    /// What to draw.
    pub prompt: String,
    /// What to avoid.
    pub negative_prompt: String,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Diffusion steps.
    pub steps: u32,
    /// Guidance scale.
    pub cfg: f32,
    /// Seed of the first picture; the picture at index i has seed + i.
    pub seed: i64,
    /// Pictures to make.
    pub batch: u32,
    /// Sampler by the library's name; the model's own where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampler: Option<String>,
    /// Noise schedule by the library's name; the model's own where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduler: Option<String>,
    /// The picture to start from, scaled and cropped to this one's size; noise alone where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init: Option<Source>,
    /// How much of the start is painted over, 0 to 1; there with `init` alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strength: Option<f32>,
    /// White where the start is painted over, all of it where absent; there with `init` alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask: Option<Source>,
    /// Small networks on top of the model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loras: Vec<LoraUse>,
    /// A second pass at a larger size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hires: Option<Hires>,
    /// Ask for tags of each picture, by this preset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag_preset: Option<String>,
    /// What was asked for, where choices and styles made the prompt of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<AskedPrompt>,
}

/// A prompt before its choices were made and its styles put around it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskedPrompt {
    /// What to draw.
    pub prompt: String,
    /// What to avoid.
    pub negative_prompt: String,
    /// Names of the styles, in the order in which they are put around it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub styles: Vec<String>,
}

impl GenerateParams {
    /// Steps that the first pass takes: a picture to start from leaves out the noisiest ones. As the library counts.
    #[must_use]
    pub fn first_steps(&self) -> u32 {
        match self.strength {
            Some(strength) if strength < 1.0 => taken(self.steps, strength),
            _ => self.steps,
        }
    }

    /// Steps of both passes.
    #[must_use]
    pub fn all_steps(&self) -> u32 {
        self.first_steps() + self.hires.as_ref().map_or(0, Hires::taken_steps)
    }

    /// Width and height of the finished picture, pixels.
    #[must_use]
    pub fn final_size(&self) -> (u32, u32) {
        match &self.hires {
            Some(hires) => (hires.width, hires.height),
            None => (self.width, self.height),
        }
    }

    /// Work of one picture in megapixels × steps, with `per_pass` steps more for each pass.
    #[must_use]
    pub fn megapixel_steps(&self, per_pass: f64) -> f64 {
        let pass =
            |width, height, steps| Pixels::of(width, height).mega() * (f64::from(steps) + per_pass);
        let second = |hires: &Hires| pass(hires.width, hires.height, hires.taken_steps());
        pass(self.width, self.height, self.first_steps()) + self.hires.as_ref().map_or(0.0, second)
    }
}

/// The last part of so many steps: `strength` of them, and at least one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "steps are few, and the library cuts them off in the same way"
)]
fn taken(steps: u32, strength: f32) -> u32 {
    ((steps as f32 * strength) as u32).min(steps.saturating_sub(1)) + 1
}

/// A LoRA of the preset, and how much of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoraUse {
    /// Its name in the preset.
    pub name: String,
    /// −4 to 4; 0 is as good as none.
    #[serde(default = "whole")]
    #[schema(minimum = -4, maximum = 4, default = 1)]
    pub weight: f32,
}

fn whole() -> f32 {
    1.0
}

/// A second pass: the first one's latents, enlarged and painted over in part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Hires {
    /// How much larger each side becomes; the sides are rounded to the preset's multiple.
    pub scale: f32,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// How much is painted over, above 0 to 1.
    pub strength: f32,
    /// Steps of the second pass.
    pub steps: u32,
    /// How the latents are enlarged, by the library's name.
    pub upscaler: String,
}

impl Hires {
    /// Steps that the second pass takes. The library makes a longer schedule, of which `steps` are left.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "steps are few, and the library cuts them off in the same way"
    )]
    pub fn taken_steps(&self) -> u32 {
        let schedule = ((self.steps as f32 / self.strength) as u32).max(1);
        taken(schedule, self.strength)
    }
}

/// What a `tag` job reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TagParams {
    /// The picture that gets the tags.
    pub image: ImageId,
    /// The prompt that made it.
    pub prompt: String,
}

/// What an `enhance` job writes out: with the same plan the same values give the same words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EnhanceParams {
    /// The prompt as somebody wrote it.
    pub prompt: String,
    /// Another seed gives other words.
    pub seed: i64,
}

/// What an `enhance` job has written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Enhanced {
    /// The prompt, written out.
    pub prompt: String,
}

/// What an `upscale` job enlarges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpscaleParams {
    /// The picture.
    pub source: Source,
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
    /// How much larger each side becomes.
    pub scale: u32,
}

impl UpscaleParams {
    /// Width and height of the finished picture, pixels.
    #[must_use]
    pub fn final_size(&self) -> (u32, u32) {
        (self.width * self.scale, self.height * self.scale)
    }
}

/// A job's parameters, by its kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
#[expect(
    clippy::large_enum_variant,
    reason = "most jobs draw, and a box would be in every reader's way"
)]
pub enum JobParams {
    /// Of a `generate` job.
    Generate(GenerateParams),
    /// Of a `tag` job.
    Tag(TagParams),
    /// Of an `enhance` job.
    Enhance(EnhanceParams),
    /// Of an `upscale` job.
    Upscale(UpscaleParams),
}

impl JobParams {
    /// The kind that these parameters are of.
    #[must_use]
    pub fn kind(&self) -> JobKind {
        match self {
            Self::Generate(_) => JobKind::Generate,
            Self::Tag(_) => JobKind::Tag,
            Self::Enhance(_) => JobKind::Enhance,
            Self::Upscale(_) => JobKind::Upscale,
        }
    }

    /// Files in the store that the job reads, each once, in order.
    #[must_use]
    pub fn inputs(&self) -> Vec<&str> {
        let sources = match self {
            Self::Generate(params) => [params.init.as_ref(), params.mask.as_ref()],
            Self::Upscale(params) => [Some(&params.source), None],
            Self::Tag(_) | Self::Enhance(_) => [None, None],
        };
        let mut files: Vec<&str> = sources
            .into_iter()
            .flatten()
            .map(|source| source.sha256.as_str())
            .collect();
        files.sort_unstable();
        files.dedup();
        files
    }

    /// Width and height of the pictures that the job makes, pixels; none for kinds that make none.
    #[must_use]
    pub fn final_size(&self) -> Option<(u32, u32)> {
        match self {
            Self::Generate(params) => Some(params.final_size()),
            Self::Upscale(params) => Some(params.final_size()),
            Self::Tag(_) | Self::Enhance(_) => None,
        }
    }

    /// Pictures that the job makes; 0 for kinds that make none.
    #[must_use]
    pub fn images(&self) -> u32 {
        match self {
            Self::Generate(params) => params.batch,
            Self::Upscale(_) => 1,
            Self::Tag(_) | Self::Enhance(_) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{GenerateParams, Hires, WaitReason};

    #[test]
    fn a_start_leaves_out_steps_as_the_library_does() {
        let steps = |steps, strength| {
            let params = GenerateParams {
                steps,
                strength,
                ..GenerateParams::default()
            };
            params.first_steps()
        };
        assert_eq!(steps(8, None), 8);
        assert_eq!(steps(8, Some(1.0)), 8);
        assert_eq!(steps(8, Some(0.99)), 8);
        assert_eq!(steps(8, Some(0.5)), 5);
        assert_eq!(steps(8, Some(0.0)), 1);
        assert_eq!(steps(1, Some(0.7)), 1);
    }

    #[test]
    fn a_second_pass_is_work_at_its_own_size() {
        let params = GenerateParams {
            width: 1000,
            height: 1000,
            steps: 20,
            hires: Some(Hires {
                scale: 2.0,
                width: 2000,
                height: 2000,
                strength: 0.5,
                steps: 10,
                upscaler: "Latent".into(),
            }),
            ..GenerateParams::default()
        };
        assert_eq!(params.all_steps(), 20 + 11);
        assert_eq!(params.final_size(), (2000, 2000));
        let work = params.megapixel_steps(2.0);
        assert!((work - (22.0 + 4.0 * 13.0)).abs() < 1e-9, "{work}");
    }

    #[test]
    fn a_place_in_a_long_queue_is_noted_a_hundred_times_and_not_ten_thousand() {
        let mut noted: Option<WaitReason> = None;
        let mut written = 0;
        for n in (0..=10_000).rev() {
            let now = WaitReason::Behind { n };
            if now.is_news(noted.as_ref()) {
                noted = Some(now);
                written += 1;
            }
            let Some(WaitReason::Behind { n: told }) = noted else {
                panic!("nothing is noted")
            };
            assert!(told - n <= n / 10, "{told} is told, and {n} come first");
        }
        assert!(written < 100, "{written}");
    }

    #[test]
    fn another_reason_is_news_at_once() {
        let behind = WaitReason::Behind { n: 1000 };
        assert!(WaitReason::NotBefore.is_news(Some(&behind)));
        assert!(behind.is_news(Some(&WaitReason::NotBefore)));
        assert!(behind.is_news(None));
        assert!(!WaitReason::NotBefore.is_news(Some(&WaitReason::NotBefore)));
    }
}
