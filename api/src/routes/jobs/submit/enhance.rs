//! A request to write a prompt out becomes a job.

use chrono::{DateTime, Utc};
use mystic_domain::{EnhanceParams, InvalidField, JobKind, JobParams, MAX_SEED};
use mystic_store::NewJob;
use rand::Rng;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::terms::{Terms, default_attempts, known_preset, text};
use crate::problem::Problem;
use crate::state::App;

/// A prompt to write out.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmitEnhance {
    /// `enhance`.
    pub kind: EnhanceKind,
    /// The language model; the server's own for prompts where absent.
    #[serde(default)]
    pub preset: Option<String>,
    /// What to write out.
    pub params: EnhanceRequest,
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

/// The kind of [`SubmitEnhance`].
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EnhanceKind {
    /// A prompt, written out.
    Enhance,
}

/// What to write out.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EnhanceRequest {
    /// The prompt; it stays as it is in the job's `params`, and what comes of it is the job's `result`.
    #[schema(example = "a rabbit")]
    pub prompt: String,
    /// Another seed gives other words; random where absent.
    #[serde(default)]
    pub seed: Option<i64>,
}

pub(super) async fn job(app: &App, request: SubmitEnhance) -> Result<NewJob, Problem> {
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
        .unwrap_or(&app.config.prompts.preset);
    let preset = known_preset(app, "preset", name, JobKind::Enhance).await?;
    let EnhanceRequest { prompt, seed } = request.params;
    text(
        "params.prompt",
        &prompt,
        app.config.api.max_prompt_bytes,
        true,
    )?;
    let seed = seed.unwrap_or_else(|| rand::rng().random_range(0..=MAX_SEED));
    if !(0..=MAX_SEED).contains(&seed) {
        return Err(InvalidField::new("params.seed", seed, format!("0 to {MAX_SEED}")).into());
    }
    let params = EnhanceParams { prompt, seed };
    Ok(terms.job(JobParams::Enhance(params), preset.name))
}
