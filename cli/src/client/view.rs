//! The parts of the API's answers that are shown here.

use std::collections::BTreeMap;
use std::fmt::{self, Display};

use chrono::{DateTime, Utc};
use mystic_domain::{
    DeviceModel, Failure, JobKind, JobState, PhaseTimes, Plan, Progress, WaitReason,
};
use serde::{Deserialize, Serialize};

/// A job to submit. What is absent is the preset's choice.
#[derive(Debug, Clone, Serialize)]
pub struct NewJob {
    /// What it makes.
    pub kind: JobKind,
    /// The model.
    pub preset: String,
    /// What to draw, and how.
    pub params: NewParams,
    /// −100 to 100; higher runs first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i16>,
    /// Whether its pictures are tagged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_tag: Option<bool>,
}

/// Parameters of a `generate` job.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct NewParams {
    /// What to draw.
    pub prompt: String,
    /// What to avoid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub negative_prompt: Option<String>,
    /// Pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Diffusion steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u32>,
    /// Guidance scale.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cfg: Option<f32>,
    /// Seed of the first picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// Pictures to make.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<u32>,
}

/// A job as the API shows it.
#[derive(Debug, Clone, Deserialize)]
pub struct JobView {
    /// Its id.
    pub id: String,
    /// What it makes.
    pub kind: JobKind,
    /// The model.
    pub preset: String,
    /// Whose it is.
    pub owner: String,
    /// Where it stands.
    pub state: JobState,
    /// Pictures to make.
    pub images_total: i32,
    /// Pictures that exist.
    pub images_done: i32,
    /// Why it waits.
    pub wait_reason: Option<WaitReason>,
    /// Why it failed.
    pub error: Option<Failure>,
    /// Where it is shown.
    pub url: String,
    /// How far it is.
    pub progress: Option<Progress>,
    /// When it was accepted.
    pub created_at: DateTime<Utc>,
    /// When the last attempt started.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// Its parameters.
    #[serde(default)]
    pub params: serde_json::Value,
    /// Its attempts, first to last; only where one job is asked for.
    #[serde(default)]
    pub attempts: Vec<AttemptView>,
    /// Its pictures; only where one job is asked for.
    #[serde(default)]
    pub images: Vec<ImageView>,
    /// The jobs that tag its pictures; only where one job is asked for.
    #[serde(default)]
    pub tag_jobs: Vec<JobView>,
}

/// An attempt of a job.
#[derive(Debug, Clone, Deserialize)]
pub struct AttemptView {
    /// Time by phase.
    pub times: Option<PhaseTimes>,
}

/// A picture.
#[derive(Debug, Clone, Deserialize)]
pub struct ImageView {
    /// Its id.
    pub id: String,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Its own seed.
    pub seed: i64,
    /// SHA-256 of its PNG.
    pub sha256: String,
    /// `none`, `pending`, `done` or `failed`.
    pub tags_state: String,
    /// Its tags, best first.
    pub tags: Vec<TagView>,
    /// Its PNG.
    pub file_url: String,
}

/// All that a picture's pixels follow from.
#[derive(Debug, Clone, Deserialize)]
pub struct Receipt {
    /// SHA-256 of its RGB pixels.
    pub pixels_sha256: String,
    /// How it was fitted into memory.
    pub plan: Plan,
    /// With what it was made, where that was noted.
    pub made_with: Option<MadeWith>,
}

/// With what a picture was made.
#[derive(Debug, Clone, Deserialize)]
pub struct MadeWith {
    /// Version of the engine's program.
    pub version: String,
    /// Versions of its native libraries by their names.
    pub libraries: BTreeMap<String, String>,
    /// The device.
    pub device: DeviceModel,
    /// The sampler, where there is one.
    pub sampler: Option<String>,
    /// The noise schedule, where there is one.
    pub scheduler: Option<String>,
    /// The model's files.
    pub files: Vec<HashedFile>,
    /// The LoRAs that were put on top.
    pub loras: Vec<HashedFile>,
}

/// A model file as it was when it was used.
#[derive(Debug, Clone, Deserialize)]
pub struct HashedFile {
    /// The preset's field, or the LoRA's name.
    pub role: String,
    /// Relative to the models directory.
    pub path: String,
    /// Its SHA-256, where it was read.
    pub sha256: Option<String>,
}

/// A tag of a picture.
#[derive(Debug, Clone, Deserialize)]
pub struct TagView {
    /// The tag.
    pub name: String,
}

impl ImageView {
    /// The names of its tags.
    pub fn tag_names(&self) -> Vec<String> {
        self.tags.iter().map(|tag| tag.name.clone()).collect()
    }
}

/// A page of jobs or pictures.
#[derive(Debug, Deserialize)]
pub struct Page {
    /// Jobs, on a page of them.
    #[serde(default)]
    pub jobs: Vec<JobView>,
    /// Pictures, on a page of them.
    #[serde(default)]
    pub images: Vec<ImageView>,
}

/// Why the API refused (RFC 9457).
#[derive(Debug, Deserialize)]
pub struct Problem {
    title: String,
    #[serde(default)]
    detail: String,
    field: Option<String>,
    value: Option<String>,
    allowed: Option<String>,
}

impl Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.detail.is_empty() {
            &self.title
        } else {
            &self.detail
        })?;
        let parts = [
            ("field", &self.field),
            ("value", &self.value),
            ("allowed", &self.allowed),
        ];
        for (name, value) in parts {
            if let Some(value) = value
                && !self.detail.contains(value)
            {
                write!(f, "; {name}: {value}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_field_value_and_what_is_allowed_once() {
        let problem: Problem = serde_json::from_str(
            r#"{"type":"urn:x","title":"A field is wrong","status":422,"detail":"steps is 0.",
                "field":"params.steps","value":"0","allowed":"1 to 50"}"#,
        )
        .unwrap();
        assert_eq!(
            problem.to_string(),
            "steps is 0.; field: params.steps; allowed: 1 to 50"
        );
    }

    #[test]
    fn absent_parameters_are_not_sent() {
        let params = NewParams {
            prompt: "a house".to_owned(),
            ..NewParams::default()
        };
        assert_eq!(
            serde_json::to_string(&params).unwrap(),
            r#"{"prompt":"a house"}"#
        );
    }
}
