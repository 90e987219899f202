//! What MystiCanvas is about, with no I/O: jobs and their states, presets, plans, memory needs, ids and units.

pub mod correction;
mod failure;
mod ids;
mod invalid;
mod job;
pub mod machine;
pub mod need;
mod path;
mod pause;
mod plan;
mod preset;
mod source;
pub mod tags;
mod units;
mod weights;
pub mod work;

pub use failure::{Failure, FailureKind, MAX_ENGINE_DEATHS, Tried, Verdict, verdict};
pub use ids::{DeviceId, Fence, ImageId, JobId, ResidentId, SchedulerId, UploadId, WorkerId};
pub use invalid::InvalidField;
pub use job::{
    EngineKind, GenerateParams, Hires, JobKind, JobParams, JobState, LoraUse, Phase, PhaseTimes,
    Progress, TagParams, WaitReason,
};
pub use need::Need;
pub use path::file_path;
pub use pause::Pause;
pub use plan::{ContextPlan, Plan};
pub use preset::{
    HIRES_UPSCALERS, ImageDefaults, ImageFiles, ImageLimits, ImageMemory, ImageModel, Lora,
    MAX_LORAS, MAX_SEED, Model, Preset, SAMPLERS, SCHEDULERS, TextModel,
};
pub use source::{Source, UploadKind};
pub use units::{Mib, Pixels};
pub use weights::Weights;
