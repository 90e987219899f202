//! What supervisor and engine child say to each other: one JSON object a line.
//!
//! Commands go to the child's standard input, events come from its standard output. The child moves its standard
//! output away first (see [`crate::child`]), so that a native library's `printf` can't break a line.

use std::collections::BTreeMap;
use std::path::PathBuf;

use mystic_domain::{
    ContextPlan, FailureKind, GenerateParams, ImageFiles, ImageFlags, Mib, Phase, PhaseTimes, Plan,
    TextModel, UpscaleModel,
};
use serde::{Deserialize, Serialize};

/// From the supervisor to the child.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
#[expect(
    clippy::large_enum_variant,
    reason = "one is sent at a time, and a box would be in every reader's way"
)]
pub enum Command {
    /// Load a model. The first command, and sent once: another model is another child.
    Load {
        /// What to load.
        model: LoadModel,
    },
    /// Make one picture.
    Generate {
        /// The job's parameters; the child draws one picture, whatever `batch` says. The prompt is as the model gets it.
        params: GenerateParams,
        /// What the picture starts from; there where the parameters have an `init`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        start: Option<Start>,
        /// What is put on top of the model.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        loras: Vec<LoraFile>,
        /// The picture's own seed.
        seed: i64,
        /// How to fit it into memory.
        plan: Plan,
        /// Where the pixels go: RGB, 8 bits each, row by row, no header.
        pixels: PathBuf,
        /// Where previews go on the way, in the same form, each in the place of the one before; none where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        preview: Option<PathBuf>,
    },
    /// Enlarge one picture.
    Upscale {
        /// Its raw pixels: RGB, 8 bits each, row by row, no header.
        source: PathBuf,
        /// Its width in pixels.
        width: u32,
        /// Its height in pixels.
        height: u32,
        /// Where the pixels go, in the same form.
        pixels: PathBuf,
    },
    /// Find tags for one picture.
    Tag {
        /// Names the work for whoever follows a child: `<job>-<fence>-tags`.
        order: String,
        /// The prompt that made it: what is tagged, or a hint where the picture is there to be looked at.
        prompt: String,
        /// The picture itself, for a model that sees.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        picture: Option<Picture>,
        /// The system prompt and examples that come before it.
        instructions: TagInstructions,
    },
    /// Write a prompt out.
    Enhance {
        /// Names the work for whoever follows a child: `<job>-<fence>-prompt`.
        order: String,
        /// The prompt as somebody wrote it.
        prompt: String,
        /// Another seed gives other words.
        seed: i64,
        /// The system prompt and examples that come before it.
        instructions: EnhanceInstructions,
    },
}

/// What a picture starts from: files of raw pixels, row by row, of the first pass's size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// RGB, 8 bits each.
    pub pixels: PathBuf,
    /// Grey of 8 bits: white where it is painted over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask: Option<PathBuf>,
}

/// A picture to be looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Picture {
    /// Its raw pixels: RGB, 8 bits each, row by row, no header.
    pub pixels: PathBuf,
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
}

/// A LoRA's file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoraFile {
    /// Absolute.
    pub path: String,
    /// How much of it.
    pub weight: f32,
}

/// A model with absolute paths.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "engine", rename_all = "snake_case")]
pub enum LoadModel {
    /// A diffusion model.
    Sd {
        /// Absolute paths.
        files: ImageFiles,
        /// How the library loads them.
        #[serde(default)]
        flags: ImageFlags,
        /// CPU threads.
        threads: u32,
        /// What lies where.
        context: ContextPlan,
        /// What a streamed network may take of its device, weights and activations together.
        stream_budget: Mib,
    },
    /// A network that enlarges pictures.
    Upscaler {
        /// `file` is an absolute path.
        model: UpscaleModel,
        /// CPU threads.
        threads: u32,
    },
    /// A language model.
    Llm {
        /// `file` and `mmproj` are absolute paths.
        model: TextModel,
        /// CPU threads.
        threads: u32,
        /// What lies where.
        context: ContextPlan,
    },
}

/// How a language model is asked for tags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagInstructions {
    /// What the model is told to be.
    pub system: String,
    /// Prompts with the tags that they should get.
    pub examples: Vec<TagExample>,
    /// Most tags to ask for.
    pub max_tags: u32,
}

/// A prompt with the tags that it should get.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagExample {
    /// The prompt.
    pub prompt: String,
    /// Its tags.
    pub tags: Vec<String>,
}

/// How a language model is asked to write a prompt out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnhanceInstructions {
    /// What the model is told to be.
    pub system: String,
    /// Prompts as they come, and as they should be.
    pub examples: Vec<EnhanceExample>,
    /// Most tokens to write.
    pub max_tokens: u32,
}

/// A prompt as it comes, and as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnhanceExample {
    /// As it comes.
    pub prompt: String,
    /// As it should be.
    pub enhanced: String,
}

/// From the child to the supervisor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// The child is up. Always the first event.
    Hello {
        /// [`crate::PROTOCOL`].
        protocol: u32,
        /// Version of the child's program.
        version: String,
        /// Versions of its native libraries by their names, as far as they say.
        libraries: BTreeMap<String, String>,
    },
    /// The model is ready.
    Loaded {
        /// Milliseconds that it took.
        loading_ms: u64,
    },
    /// Something moved.
    Progress {
        /// The phase under way.
        phase: Phase,
        /// Steps done.
        step: u32,
        /// Steps in all; 0 where unknown.
        of: u32,
    },
    /// A preview is in the file that the command named.
    Preview {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
    /// A buffer that the native library has taken, from its own log.
    Buffer {
        /// Which module took it.
        module: String,
        /// Its size.
        size: Mib,
        /// Whether it is system memory.
        in_ram: bool,
    },
    /// The pixels are in the file that the command named.
    Image {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
        /// Time by phase; `loading_ms` and `saving_ms` are 0.
        times: PhaseTimes,
        /// The sampler that drew it, also where the job named none; none where nothing is sampled.
        sampler: Option<String>,
        /// Its noise schedule, also where the job named none.
        scheduler: Option<String>,
    },
    /// The tags.
    Tags {
        /// As the model wrote them, best first.
        tags: Vec<ScoredTag>,
        /// How they were written.
        said: Said,
    },
    /// The prompt, written out.
    Enhanced {
        /// One line.
        prompt: String,
        /// How it was written.
        said: Said,
    },
    /// The command failed; the child lives and takes the next one, unless it was `Load`.
    Failed {
        /// The type.
        kind: FailureKind,
        /// One sentence for a person.
        message: String,
    },
}

/// How a language model's answer was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Time by phase; encoding is the prompt, sampling the answer.
    pub times: PhaseTimes,
    /// Tokens of the prompt that were still in the cache.
    pub reused_tokens: u32,
    /// Tokens of the prompt that had to be read.
    pub read_tokens: u32,
    /// Tokens of the answer.
    pub written_tokens: u32,
}

/// A tag with how sure the model was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoredTag {
    /// As the model wrote it.
    pub tag: String,
    /// 0 to 1: the geometric mean of its tokens' probabilities.
    pub confidence: f32,
}
