//! A request for tags of one picture becomes a job.

use chrono::{DateTime, Utc};
use mystic_domain::{ImageId, InvalidField, JobKind, JobParams, TagParams};
use mystic_store::NewJob;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::terms::{Terms, default_attempts, known_preset};
use crate::problem::Problem;
use crate::state::App;

/// Tags for one picture.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmitTag {
    /// `tag`.
    pub kind: TagKind,
    /// The language model; the server's tagging preset where absent.
    #[serde(default)]
    pub preset: Option<String>,
    /// What to tag.
    pub params: TagRequest,
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

/// The kind of [`SubmitTag`].
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TagKind {
    /// Tags for one picture.
    Tag,
}

/// What to tag.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TagRequest {
    /// The picture.
    pub image: ImageId,
}

pub(super) async fn job(app: &App, request: SubmitTag) -> Result<NewJob, Problem> {
    let terms = Terms {
        priority: request.priority,
        max_attempts: request.max_attempts,
        not_before: request.not_before,
        timeout_s: request.timeout_s,
    };
    let terms = terms.checked()?;
    let name = request
        .preset
        .as_deref()
        .unwrap_or(&app.config.tagging.preset);
    let preset = known_preset(app, "preset", name, JobKind::Tag).await?;
    let image = request.params.image;
    let Some(record) = app.store.image(image).await? else {
        return Err(InvalidField::new("params.image", image, "the id of a picture").into());
    };
    let params = TagParams {
        image,
        prompt: record.params.prompt,
    };
    Ok(NewJob {
        parent_image: Some(image),
        ..terms.job(JobParams::Tag(params), preset.name)
    })
}
