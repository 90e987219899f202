//! What pictures were made with, beyond what their job says: where the same parameters give other pixels, it says why.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::DeviceId;

/// What an attempt's pictures were made with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Version of the engine's program.
    pub version: String,
    /// Versions of its native libraries by their names, as far as they say.
    pub libraries: BTreeMap<String, String>,
    /// The machine.
    pub host: String,
    /// The device.
    pub device: DeviceModel,
    /// The sampler, also where the job left it to the model; none where nothing is sampled.
    pub sampler: Option<String>,
    /// The noise schedule, also where the job left it to the model.
    pub scheduler: Option<String>,
    /// The preset's files as they were loaded.
    pub files: Vec<UsedFile>,
    /// The LoRAs that were put on top.
    pub loras: Vec<UsedFile>,
}

/// A device and what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceModel {
    /// Its id.
    pub id: DeviceId,
    /// `cuda` or `cpu`.
    pub kind: String,
    /// Its name, for people.
    pub name: String,
}

/// A model file as it was when it was used. Its content is known by these until somebody has the time to hash it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsedFile {
    /// The preset's field, or the LoRA's name.
    pub role: String,
    /// Relative to the models directory.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// When it was last changed, in nanoseconds since 1970.
    pub modified_ns: i64,
}
