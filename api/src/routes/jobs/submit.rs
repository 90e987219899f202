mod enhance;
mod generate;
mod prompt;
mod tag;
mod terms;
#[cfg(test)]
mod tests;
mod upscale;

use axum::Extension;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use mystic_domain::{InvalidField, JobParams};
use mystic_process::fault;
use mystic_store::{NewJob, Submitted};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};

use crate::extract::{JsonBody, Query, header_text, typed};
use crate::files;
use crate::guard::Owner;
use crate::openapi::Problems;
use crate::outlook::Outlook;
use crate::problem::Problem;
use crate::routes::presets::delete::retired;
use crate::routes::query::flag;
use crate::state::App;
use crate::wire::{Job, job_url};

pub use enhance::SubmitEnhance;
pub use generate::SubmitGenerate;
pub use tag::SubmitTag;
pub(crate) use terms::{DEFAULT_ATTEMPTS, known_preset, text};
pub use upscale::SubmitUpscale;

const IDEMPOTENCY_KEY: &str = "idempotency-key";
const KINDS: &str = "generate, tag, enhance, upscale";

/// How to submit.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SubmitQuery {
    /// Only say what would come of the job, and store nothing.
    #[serde(default, deserialize_with = "flag")]
    dry_run: bool,
}

/// What would come of a job.
#[derive(Debug, Serialize, ToSchema)]
pub struct DryRun {
    /// Its parameters, every default filled in.
    params: JobParams,
    /// What is expected of it; null where it may not start yet.
    outlook: Option<Outlook>,
}

/// A job that was there, or what would come of one.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "one exists at a time")]
pub enum SubmitAnswer {
    /// Accepted before.
    Job(Job),
    /// With `dry_run`.
    DryRun(DryRun),
}

/// A job to submit. Unknown fields are refused.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "one exists at a time")]
pub enum SubmitJob {
    /// Pictures from a prompt.
    Generate(SubmitGenerate),
    /// Tags for one picture.
    Tag(SubmitTag),
    /// A prompt, written out.
    Enhance(SubmitEnhance),
    /// A picture, enlarged.
    Upscale(SubmitUpscale),
}

/// Accept a job
///
/// The job is stored before the answer is sent; a worker takes it up as soon as it has a turn.
/// With an `Idempotency-Key` a repeated request returns the job that the first one made (200) instead of another.
#[utoipa::path(
    post,
    path = "/api/v1/jobs",
    tag = "jobs",
    operation_id = "submit_job",
    params(SubmitQuery, ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters, unique per job and owner")),
    request_body = SubmitJob,
    responses(
        (status = 202, description = "Accepted", body = Job, headers(("Location" = String, description = "The job's URL"))),
        (status = 200, description = "Accepted before, under the same key; with `dry_run`, what would come of it",
         body = SubmitAnswer),
        (status = 409, description = "The key was used for another request", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "A field is unknown, missing or not allowed", body = Problem, content_type = "application/problem+json"),
        Problems,
    )
)]
pub async fn submit(
    State(app): State<App>,
    Extension(Owner(owner)): Extension<Owner>,
    Query(SubmitQuery { dry_run }): Query<SubmitQuery>,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let idempotency = idempotency(&headers, &body)?;
    files::check_room(&app)?;
    let job = new_job(&app, &owner, parse(body)?).await?;
    let new = NewJob {
        idempotency,
        owner,
        ..job
    };
    if dry_run {
        let outlook = app.outlooks.of_new(&app.store, &new).await?;
        let answer = DryRun {
            params: new.params,
            outlook,
        };
        return Ok(Json(SubmitAnswer::DryRun(answer)).into_response());
    }
    let (status, record) = match app.store.submit(&new).await? {
        Submitted::New(record) => {
            fault::point(fault::Point::Submitted);
            app.hints.submitted(record.id);
            tracing::info!(job = %record.id, preset = record.preset, owner = record.owner, "job accepted");
            (StatusCode::ACCEPTED, record)
        }
        Submitted::Same(record) => (StatusCode::OK, record),
        Submitted::Retired(preset) => return Err(retired(&preset)),
        Submitted::InputGone => {
            let inputs = new.params.inputs().join(", ");
            let allowed = "a picture and a mask that are still kept";
            return Err(InvalidField::new("params.init", inputs, allowed).into());
        }
        Submitted::Other => {
            return Err(Problem::idempotency_conflict(
                "This Idempotency-Key came with another request before.",
            )
            .about(
                IDEMPOTENCY_KEY,
                new.idempotency.map(|(key, _)| key),
                Some("a fresh key".into()),
            ));
        }
    };
    let location = job_url(record.id);
    let answer = SubmitAnswer::Job(Job::new(record, None));
    Ok((status, [(header::LOCATION, location)], Json(answer)).into_response())
}

fn parse(body: Value) -> Result<SubmitJob, Problem> {
    let Some(object) = body.as_object() else {
        return Err(Problem::malformed("The body is not a JSON object."));
    };
    match object.get("kind") {
        Some(Value::String(kind)) if kind == "generate" => typed(body).map(SubmitJob::Generate),
        Some(Value::String(kind)) if kind == "tag" => typed(body).map(SubmitJob::Tag),
        Some(Value::String(kind)) if kind == "enhance" => typed(body).map(SubmitJob::Enhance),
        Some(Value::String(kind)) if kind == "upscale" => typed(body).map(SubmitJob::Upscale),
        Some(Value::String(kind)) => Err(InvalidField::new("kind", kind, KINDS).into()),
        Some(other) => Err(InvalidField::new("kind", other, KINDS).into()),
        None => Err(Problem::missing_field("kind is missing.").about(
            "kind",
            None,
            Some(KINDS.to_owned()),
        )),
    }
}

fn idempotency(headers: &HeaderMap, body: &Value) -> Result<Option<(String, [u8; 32])>, Problem> {
    if !headers.contains_key(IDEMPOTENCY_KEY) {
        return Ok(None);
    }
    let key = header_text(headers, IDEMPOTENCY_KEY).unwrap_or_default();
    if key.is_empty() || key.len() > 255 || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(
            InvalidField::new(IDEMPOTENCY_KEY, key, "1 to 255 visible ASCII characters").into(),
        );
    }
    Ok(Some((
        key.to_owned(),
        Sha256::digest(body.to_string().as_bytes()).into(),
    )))
}

async fn new_job(app: &App, owner: &str, request: SubmitJob) -> Result<NewJob, Problem> {
    match request {
        SubmitJob::Generate(request) => generate::job(app, owner, request).await,
        SubmitJob::Tag(request) => tag::job(app, request).await,
        SubmitJob::Enhance(request) => enhance::job(app, request).await,
        SubmitJob::Upscale(request) => upscale::job(app, owner, request).await,
    }
}
