//! Pictures, their files and their tags.

mod aliases;
mod change;
mod commit;
mod delete;
mod facets;
mod files;
mod filter;
mod import;
mod kin;
#[cfg(test)]
mod plans;
mod read;
mod retag;
mod tags;

use chrono::{DateTime, Utc};
use mystic_domain::{GenerateParams, ImageId, JobId, PhaseTimes, Plan, UpscaleParams};
use serde::Serialize;
use utoipa::ToSchema;

pub use aliases::{AliasRecord, PutAlias};
pub use change::{Change, MAX_TAGS};
pub use commit::{Committed, NewImage};
pub use facets::{COUNTED, Facets, SizeCount, ValueCount};
pub use files::Deleting;
pub(crate) use files::keep_file;
pub use filter::{Bin, ImageFilter, Place};
pub use import::{Imported, NewImport};
pub use kin::{Lineage, Similar};
pub use read::RANKED;
pub use retag::Retagging;
pub(crate) use tags::store_tags;

/// A finished picture.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ImageRecord {
    /// Its id.
    pub id: ImageId,
    /// `job` where a job of ours made it, `import` where it came from elsewhere.
    pub origin: String,
    /// The job that made it; null where it was imported.
    pub job: Option<JobId>,
    /// The helper that drew it for that job on another device; `attempt` is an attempt of that one then.
    pub drawn_by: Option<JobId>,
    /// Its place in that job, from 0.
    pub index: i32,
    /// The attempt that made it; 0 where it was imported.
    pub attempt: i32,
    /// The plan that was really used; null where it was imported.
    pub plan: Option<Plan>,
    /// The API key's name, or `local`.
    pub owner: String,
    /// The model; of an imported picture what its file names so, or `unknown`.
    pub preset: String,
    /// Pixels.
    pub width: i32,
    /// Pixels.
    pub height: i32,
    /// Its own seed.
    pub seed: i64,
    /// The job's parameters; of an imported picture what its file says, and 0 or nothing where it says nothing; of an
    /// enlarged picture those of the one that it was made from.
    pub params: GenerateParams,
    /// What it was enlarged from; absent of any other picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upscale: Option<UpscaleParams>,
    /// What its file is: `png`, `jpeg` or `webp`.
    pub format: String,
    /// SHA-256 of its file.
    pub sha256: String,
    /// SHA-256 of the thumbnail's file.
    pub thumb_sha256: String,
    /// SHA-256 of the RGB pixels.
    pub pixels_sha256: String,
    /// Time by phase.
    pub times: PhaseTimes,
    /// `none`, `pending`, `done` or `failed`.
    pub tags_state: String,
    /// Its tags, best first.
    pub tags: Vec<TagRecord>,
    /// The picture that it was made from.
    pub parent: Option<ImageId>,
    /// 1 to 5; 0 where nobody has rated it.
    pub rating: i16,
    /// Whether it is a favourite.
    pub favourite: bool,
    /// Since when it is in the bin.
    pub binned_at: Option<DateTime<Utc>>,
    /// When it was committed.
    pub created_at: DateTime<Utc>,
}

/// A tag of a picture.
#[derive(Clone, Debug, PartialEq, Serialize, serde::Deserialize, ToSchema)]
pub struct TagRecord {
    /// The tag.
    pub name: String,
    /// `user`, `llm` or `vlm`.
    pub source: String,
    /// 0 to 1.
    pub confidence: f32,
}
