//! What MystiCanvas is about, with no I/O: jobs and their states, presets, plans, memory needs, ids and units.

pub mod correction;
pub mod dynamic;
mod failure;
mod ids;
mod invalid;
mod job;
pub mod machine;
mod name;
pub mod need;
mod path;
mod pause;
mod plan;
mod preset;
mod provenance;
mod source;
pub mod tags;
mod units;
mod weights;
pub mod work;

pub use failure::{Failure, FailureKind, MAX_ENGINE_DEATHS, Tried, Verdict, verdict};
pub use ids::{
    DeviceId, Fence, ImageId, JobId, OperationId, ResidentId, SchedulerId, UploadId, WorkerId,
};
pub use invalid::InvalidField;
pub use job::{
    AskedPrompt, EngineKind, EnhanceParams, Enhanced, GenerateParams, Hires, JobKind, JobParams,
    JobState, LoraUse, Phase, PhaseTimes, Progress, TagParams, UpscaleParams, WaitReason,
};
pub use name::check_name;
pub use need::Need;
pub use path::file_path;
pub use pause::Pause;
pub use plan::{ContextPlan, Plan};
pub use preset::{
    HIRES_STRENGTH, HIRES_UPSCALERS, ImageDefaults, ImageFiles, ImageFlags, ImageLimits,
    ImageMemory, ImageModel, Lora, MAX_LORAS, MAX_SEED, Model, NamedFile, Parameter, Part, Preset,
    SAMPLERS, SCHEDULERS, STRENGTH, Scalar, SizedSteps, TextModel, UpscaleModel, is_pickle,
};
pub use provenance::{DeviceModel, Provenance, UsedFile};
pub use source::{Source, UploadKind};
pub use units::{Mib, Pixels};
pub use weights::Weights;
