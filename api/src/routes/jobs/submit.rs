use axum::Extension;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Datelike, Utc};
use mystic_domain::{
    EngineKind, GenerateParams, ImageId, ImageModel, InvalidField, JobId, JobParams, MAX_SEED,
    Model, Preset, TagParams,
};
use mystic_process::fault;
use mystic_store::{NewJob, Submitted};
use rand::Rng;
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

const IDEMPOTENCY_KEY: &str = "idempotency-key";
const DEFAULT_ATTEMPTS: i32 = 5;

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
pub enum SubmitJob {
    /// Pictures from a prompt.
    Generate(SubmitGenerate),
    /// Tags for one picture.
    Tag(SubmitTag),
}

/// Pictures from a prompt.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmitGenerate {
    /// `generate`.
    pub kind: GenerateKind,
    /// The image model, by a name from `/api/v1/presets`.
    #[schema(example = "demo")]
    pub preset: String,
    /// What to make.
    pub params: GenerateRequest,
    /// Whether each picture is tagged; the server's configuration decides where absent.
    #[serde(default)]
    pub auto_tag: Option<bool>,
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

/// The kind of [`SubmitGenerate`].
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GenerateKind {
    /// Pictures from a prompt.
    Generate,
}

/// The kind of [`SubmitTag`].
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TagKind {
    /// Tags for one picture.
    Tag,
}

/// What to make; everything but the prompt has the preset's default.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GenerateRequest {
    /// What to draw.
    #[schema(example = "a red circle on a blue background")]
    pub prompt: String,
    /// What to avoid.
    #[serde(default)]
    pub negative_prompt: Option<String>,
    /// Pixels.
    #[serde(default)]
    pub width: Option<u32>,
    /// Pixels.
    #[serde(default)]
    pub height: Option<u32>,
    /// Diffusion steps.
    #[serde(default)]
    pub steps: Option<u32>,
    /// Guidance scale.
    #[serde(default)]
    pub cfg: Option<f32>,
    /// Seed of the first picture, the next ones count up; random where absent.
    #[serde(default)]
    pub seed: Option<i64>,
    /// Pictures to make; 1 where absent.
    #[serde(default)]
    pub batch: Option<u32>,
    /// Sampler.
    #[serde(default)]
    pub sampler: Option<String>,
    /// Noise schedule.
    #[serde(default)]
    pub scheduler: Option<String>,
}

/// What to tag.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TagRequest {
    /// The picture.
    pub image: ImageId,
}

fn default_attempts() -> i32 {
    DEFAULT_ATTEMPTS
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
    let new = NewJob {
        idempotency,
        owner,
        ..new_job(&app, parse(body)?).await?
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
    let kinds = || Some("generate, tag".to_owned());
    match object.get("kind") {
        Some(Value::String(kind)) if kind == "generate" => typed(body).map(SubmitJob::Generate),
        Some(Value::String(kind)) if kind == "tag" => typed(body).map(SubmitJob::Tag),
        Some(Value::String(kind)) => Err(InvalidField::new("kind", kind, "generate, tag").into()),
        Some(other) => Err(InvalidField::new("kind", other, "generate, tag").into()),
        None => Err(Problem::missing_field("kind is missing.").about("kind", None, kinds())),
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

async fn new_job(app: &App, request: SubmitJob) -> Result<NewJob, Problem> {
    match request {
        SubmitJob::Generate(request) => generate(app, request).await,
        SubmitJob::Tag(request) => tag(app, request).await,
    }
}

async fn generate(app: &App, request: SubmitGenerate) -> Result<NewJob, Problem> {
    common(
        request.priority,
        request.max_attempts,
        request.not_before,
        request.timeout_s,
    )?;
    let preset = known_preset(app, "preset", &request.preset, EngineKind::Sd).await?;
    let Model::Sd(model) = &preset.model else {
        return Err(Problem::internal("The preset's engine and model disagree."));
    };
    let asked = request.params;
    text(
        "params.prompt",
        &asked.prompt,
        app.config.api.max_prompt_bytes,
        true,
    )?;
    if let Some(negative) = &asked.negative_prompt {
        text(
            "params.negative_prompt",
            negative,
            app.config.api.max_prompt_bytes,
            false,
        )?;
    }
    let mut params = complete(model, asked);
    model.check(&params, f64::from(app.config.api.max_cost))?;
    params.tag_preset = tag_preset(app, request.auto_tag).await?;
    Ok(NewJob {
        priority: request.priority,
        max_attempts: request.max_attempts,
        not_before: request.not_before,
        timeout_s: request.timeout_s,
        ..blank(JobParams::Generate(params), preset.name)
    })
}

async fn tag(app: &App, request: SubmitTag) -> Result<NewJob, Problem> {
    common(
        request.priority,
        request.max_attempts,
        request.not_before,
        request.timeout_s,
    )?;
    let name = request
        .preset
        .as_deref()
        .unwrap_or(&app.config.tagging.preset);
    let preset = known_preset(app, "preset", name, EngineKind::Llm).await?;
    let image = request.params.image;
    let Some(record) = app.store.image(image).await? else {
        return Err(InvalidField::new("params.image", image, "the id of a picture").into());
    };
    let params = TagParams {
        image,
        prompt: record.params.prompt,
    };
    Ok(NewJob {
        priority: request.priority,
        max_attempts: request.max_attempts,
        not_before: request.not_before,
        timeout_s: request.timeout_s,
        parent_image: Some(image),
        ..blank(JobParams::Tag(params), preset.name)
    })
}

fn blank(params: JobParams, preset: String) -> NewJob {
    NewJob {
        id: JobId::generate(),
        params,
        preset,
        owner: String::new(),
        priority: 0,
        max_attempts: DEFAULT_ATTEMPTS,
        not_before: None,
        timeout_s: None,
        idempotency: None,
        parent_image: None,
        auto: false,
    }
}

fn common(
    priority: i16,
    max_attempts: i32,
    not_before: Option<DateTime<Utc>>,
    timeout_s: Option<i32>,
) -> Result<(), InvalidField> {
    if !(-100..=100).contains(&priority) {
        return Err(InvalidField::new("priority", priority, "-100 to 100"));
    }
    if !(1..=100).contains(&max_attempts) {
        return Err(InvalidField::new("max_attempts", max_attempts, "1 to 100"));
    }
    if let Some(timeout_s) = timeout_s.filter(|seconds| !(1..=86_400).contains(seconds)) {
        return Err(InvalidField::new("timeout_s", timeout_s, "1 to 86400"));
    }
    match not_before {
        Some(at) if !(1970..=9999).contains(&at.year()) => Err(InvalidField::new(
            "not_before",
            at,
            "a time of the years 1970 to 9999",
        )),
        _ => Ok(()),
    }
}

fn text(field: &str, text: &str, max_bytes: usize, required: bool) -> Result<(), InvalidField> {
    let shown = || text.chars().take(60).collect::<String>();
    if required && text.trim().is_empty() {
        return Err(InvalidField::new(field, "empty", "some text"));
    }
    if text.len() > max_bytes {
        let given = format!("{} bytes long", text.len());
        return Err(InvalidField::new(
            field,
            given,
            format!("up to {max_bytes} bytes of UTF-8"),
        ));
    }
    if text.contains('\0') {
        return Err(InvalidField::new(
            field,
            shown().replace('\0', "\u{2400}"),
            "text without NUL",
        ));
    }
    Ok(())
}

async fn known_preset(
    app: &App,
    field: &str,
    name: &str,
    engine: EngineKind,
) -> Result<Preset, Problem> {
    let asked = if name.contains('\0') {
        None
    } else {
        app.store.preset(name).await?
    };
    if let Some(preset) = asked.filter(|preset| preset.engine() == engine) {
        return Ok(preset);
    }
    let presets = app.store.presets().await?;
    let fitting = presets
        .iter()
        .map(|record| &record.preset)
        .filter(|preset| preset.engine() == engine);
    let names: Vec<&str> = fitting.map(|preset| preset.name.as_str()).collect();
    let allowed = if names.is_empty() {
        format!("none: no preset of engine {} is known", engine.as_str())
    } else {
        format!("one of {}", names.join(", "))
    };
    Err(InvalidField::new(field, name.replace('\0', "\u{2400}"), allowed).into())
}

/// The preset that tags the pictures of a job. A default that can't be met is no reason to refuse a picture.
async fn tag_preset(app: &App, asked: Option<bool>) -> Result<Option<String>, Problem> {
    let tagging = &app.config.tagging;
    if !asked.unwrap_or(tagging.enabled) {
        return Ok(None);
    }
    let there = app
        .store
        .preset(&tagging.preset)
        .await?
        .filter(|preset| preset.engine() == EngineKind::Llm);
    if there.is_none() && asked == Some(true) {
        let allowed = format!(
            "false: the tagging preset {} is not known here",
            tagging.preset
        );
        return Err(InvalidField::new("auto_tag", true, allowed).into());
    }
    Ok(there.map(|preset| preset.name))
}

fn complete(model: &ImageModel, asked: GenerateRequest) -> GenerateParams {
    let defaults = &model.defaults;
    let (width, height) = (
        asked.width.unwrap_or(defaults.width),
        asked.height.unwrap_or(defaults.height),
    );
    GenerateParams {
        prompt: asked.prompt,
        negative_prompt: asked
            .negative_prompt
            .unwrap_or_else(|| defaults.negative_prompt.clone()),
        width,
        height,
        steps: asked
            .steps
            .unwrap_or_else(|| defaults.steps_for(width, height)),
        cfg: asked.cfg.unwrap_or(defaults.cfg),
        seed: asked
            .seed
            .unwrap_or_else(|| rand::rng().random_range(0..=MAX_SEED)),
        batch: asked.batch.unwrap_or(1),
        sampler: asked.sampler.or_else(|| defaults.sampler.clone()),
        scheduler: asked.scheduler.or_else(|| defaults.scheduler.clone()),
        tag_preset: None,
    }
}

#[cfg(test)]
mod tests {
    use mystic_domain::{JobState, MAX_SEED, Mib};
    use mystic_testkit::wait_until;
    use serde_json::{Value, json};

    use crate::testing::{TestApi, body, generate, id, problem};

    #[tokio::test]
    async fn without_room_for_pictures_nothing_is_accepted() {
        let api = TestApi::with(|config| config.store.min_free = Mib(i64::MAX)).await;
        let refused = problem(api.submit(&generate()).await, 507).await;
        assert_eq!(refused["type"], "urn:mystic:problem:store_full");
        let counts = api.store.counts().await.expect("counts");
        assert_eq!(counts.values().sum::<i64>(), 0);
    }

    #[tokio::test]
    async fn a_job_is_stored_before_it_is_accepted() {
        let api = TestApi::start().await;
        let answer = api.submit(&generate()).await;
        assert_eq!(answer.status(), 202);
        let location = answer.headers()["location"]
            .to_str()
            .expect("text")
            .to_owned();
        let job = body(answer).await;
        assert_eq!(job["url"], location);
        let row = api.store.job(id(&job)).await.expect("read").expect("there");
        assert_eq!((row.state, row.owner.as_str()), (JobState::Queued, "local"));
        assert_eq!(
            api.shown(&location).await["params"]["prompt"],
            "a red circle"
        );
        let hinted = || async {
            api.queue
                .depths()
                .await
                .is_ok_and(|depths| depths.submitted == 1)
        };
        wait_until("the hint to arrive", hinted).await;
    }

    #[tokio::test]
    async fn what_a_request_leaves_out_comes_from_the_preset_and_the_seed_from_chance() {
        let api = TestApi::start().await;
        let (one, other) = (
            body(api.submit(&generate()).await).await,
            body(api.submit(&generate()).await).await,
        );
        let params = &one["params"];
        assert_eq!(
            (&params["width"], &params["steps"], &params["batch"]),
            (&json!(128), &json!(8), &json!(1))
        );
        assert_eq!(params["sampler"], "euler");
        let seed = params["seed"].as_i64().expect("a number");
        assert!((0..=MAX_SEED).contains(&seed));
        assert_ne!(params["seed"], other["params"]["seed"]);
    }

    #[tokio::test]
    async fn pictures_are_tagged_as_configured_unless_the_request_says_otherwise() {
        let api = TestApi::start().await;
        let mut request = generate();
        let object = request.as_object_mut().expect("an object");
        object.remove("auto_tag");
        let by_default = body(api.submit(&request).await).await;
        assert_eq!(by_default["params"]["tag_preset"], "demo-tagger");
        let refused = body(api.submit(&generate()).await).await;
        assert_eq!(refused["params"].get("tag_preset"), None);
    }

    /// One change to a request that is accepted, and what the refusal says.
    async fn refused(api: &TestApi, at: &str, value: Value, kind: &str, allowed: &str) {
        let mut request = generate();
        let (parent, name) = at
            .rsplit_once('.')
            .map_or(("", at), |(parent, name)| (parent, name));
        let parent = if parent.is_empty() {
            &mut request
        } else {
            &mut request[parent]
        };
        parent[name] = value;
        let problem = problem(api.submit(&request).await, 422).await;
        assert_eq!(problem["field"], at, "{problem}");
        assert_eq!(
            problem["type"],
            format!("urn:mystic:problem:{kind}"),
            "{problem}"
        );
        let said = problem["allowed"].as_str().unwrap_or_default();
        assert!(said.contains(allowed), "{at}: {problem}");
    }

    #[tokio::test]
    async fn unknown_fields_are_refused_by_name() {
        let api = TestApi::start().await;
        refused(&api, "colour", json!("red"), "unknown_field", "priority").await;
        refused(&api, "params.widht", json!(128), "unknown_field", "width").await;
    }

    #[tokio::test]
    async fn every_limit_is_said_with_its_field() {
        let api = TestApi::start().await;
        let invalid = "invalid_field";
        refused(&api, "kind", json!("upscale"), invalid, "generate").await;
        refused(&api, "preset", json!("missing"), invalid, "one of demo").await;
        refused(&api, "preset", json!("demo-tagger"), invalid, "one of demo").await;
        refused(&api, "params.prompt", json!(""), invalid, "some text").await;
        refused(
            &api,
            "params.prompt",
            json!("x".repeat(8193)),
            invalid,
            "8192 bytes",
        )
        .await;
        refused(&api, "params.prompt", json!("a\0b"), invalid, "without NUL").await;
        refused(&api, "params.prompt", json!(3), invalid, "text").await;
        refused(
            &api,
            "params.negative_prompt",
            json!("x".repeat(8193)),
            invalid,
            "8192 bytes",
        )
        .await;
        refused(&api, "params.width", json!(130), invalid, "multiple of 8").await;
        refused(&api, "params.height", json!(4096), invalid, "from 128 to").await;
        refused(&api, "params.width", json!(-1), invalid, "whole number").await;
        refused(&api, "params.steps", json!(0), invalid, "1 to 50").await;
        refused(&api, "params.batch", json!(65), invalid, "1 to 64").await;
        refused(&api, "params.cfg", json!(1e30), invalid, "0 to 30").await;
        refused(&api, "params.seed", json!(-1), invalid, "0 to").await;
        refused(&api, "params.sampler", json!("magic"), invalid, "euler").await;
        refused(&api, "priority", json!(101), invalid, "-100 to 100").await;
        refused(&api, "max_attempts", json!(0), invalid, "1 to 100").await;
        refused(&api, "timeout_s", json!(0), invalid, "1 to 86400").await;
        refused(&api, "not_before", json!("tomorrow"), invalid, "").await;
        refused(
            &api,
            "not_before",
            json!("+100000-01-01T00:00:00Z"),
            invalid,
            "",
        )
        .await;
    }

    #[tokio::test]
    async fn a_job_that_would_hold_a_card_for_too_long_is_refused() {
        let api = TestApi::with(|config| config.api.max_cost = 1).await;
        let mut request = generate();
        request["params"]["batch"] = json!(64);
        let problem = problem(api.submit(&request).await, 422).await;
        assert_eq!(problem["field"], "params");
        assert!(
            problem["allowed"]
                .as_str()
                .expect("text")
                .contains("megapixel-steps"),
            "{problem}"
        );
    }

    #[tokio::test]
    async fn missing_fields_and_other_bodies_are_refused() {
        let api = TestApi::start().await;
        let missing = problem(
            api.submit(&json!({"kind": "generate", "preset": "demo", "params": {}}))
                .await,
            422,
        )
        .await;
        assert_eq!(missing["field"], "params.prompt");
        assert_eq!(
            problem(api.submit(&json!({})).await, 422).await["field"],
            "kind"
        );
        problem(api.submit(&json!([])).await, 400).await;
        let post = || api.post("/api/v1/jobs");
        let broken = post()
            .header("content-type", "application/json")
            .body("{\"kind\":")
            .send()
            .await;
        problem(broken.expect("an answer"), 400).await;
        problem(
            post()
                .body("kind=generate")
                .send()
                .await
                .expect("an answer"),
            415,
        )
        .await;
        let huge = json!({"kind": "generate", "preset": "x".repeat(1 << 20)});
        problem(api.submit(&huge).await, 413).await;
    }

    #[tokio::test]
    async fn a_repeated_key_makes_one_job_and_another_body_is_a_conflict() {
        let api = TestApi::start().await;
        let send = async |request: &Value, key: &str| {
            let post = api
                .post("/api/v1/jobs")
                .header("idempotency-key", key)
                .json(request);
            post.send().await.expect("an answer")
        };
        let first = send(&generate(), "one").await;
        assert_eq!(first.status(), 202);
        let first = body(first).await;
        let again = send(&generate(), "one").await;
        assert_eq!(again.status(), 200);
        assert_eq!(body(again).await["id"], first["id"]);
        let mut other = generate();
        other["params"]["prompt"] = json!("a blue square");
        let conflict = problem(send(&other, "one").await, 409).await;
        assert_eq!(conflict["value"], "one");
        let fresh = send(&generate(), "two").await;
        assert_eq!(fresh.status(), 202);
        assert_ne!(body(fresh).await["id"], first["id"]);
        problem(send(&generate(), &"x".repeat(256)).await, 422).await;
    }

    #[tokio::test]
    async fn a_job_is_accepted_while_redis_is_down() {
        let mut api = TestApi::start().await;
        drop(api.redis.take());
        for _ in 0..3 {
            let job = api.accepted().await;
            assert!(api.store.job(job).await.expect("read").is_some());
        }
    }

    #[tokio::test]
    async fn a_dry_run_tells_what_would_come_and_stores_nothing() {
        let api = TestApi::start().await;
        let dry = async |request: &Value| {
            let post = api.post("/api/v1/jobs?dry_run=true").json(request);
            post.send().await.expect("an answer")
        };
        let nobody = dry(&generate()).await;
        assert_eq!(nobody.status(), 200);
        let nobody = body(nobody).await;
        assert_eq!(nobody["outlook"]["wait_reason"]["reason"], "no_worker");
        assert_eq!(nobody["outlook"]["estimate"], Value::Null);
        assert_eq!(nobody["params"]["prompt"], "a red circle");
        let worker = api.worker().await;
        let told = || async {
            let told = body(dry(&generate()).await).await;
            told["outlook"]["wait_reason"].is_null()
                && told["outlook"]["estimate"]["device"] == json!(worker.device)
                && told["outlook"]["estimate"]["start_in_s"] == json!(0.0)
                && told["outlook"]["estimate"]["run_s"].as_f64() > Some(0.0)
        };
        wait_until("the worker to be seen", told).await;
        let mut wrong = generate();
        wrong["params"]["width"] = json!(1);
        problem(dry(&wrong).await, 422).await;
        let maybe = api.post("/api/v1/jobs?dry_run=maybe").json(&generate());
        let refused = problem(maybe.send().await.expect("an answer"), 422).await;
        assert_eq!(
            (&refused["field"], &refused["value"]),
            (&json!("dry_run"), &json!("maybe"))
        );
        assert_eq!(api.shown("/api/v1/queue").await["counts"]["queued"], 0);
    }

    #[tokio::test]
    async fn a_picture_is_tagged_on_request_and_a_missing_one_is_not() {
        let api = TestApi::start().await;
        let job = api.accepted().await;
        let worker = api.worker().await;
        let fence = worker.take(job).await;
        let image = worker.picture(job, fence, 0, b"picture").await;
        let answer = api
            .submit(&json!({"kind": "tag", "params": {"image": image}}))
            .await;
        assert_eq!(answer.status(), 202);
        let tag = body(answer).await;
        assert_eq!(
            (&tag["preset"], &tag["params"]["prompt"]),
            (&json!("demo-tagger"), &json!("a red circle"))
        );
        let shown = api.shown(&format!("/api/v1/jobs/{job}")).await;
        assert_eq!(shown["tag_jobs"][0]["id"], tag["id"]);
        assert_eq!(shown["images"][0]["tags_state"], "pending");
        let nothing = json!({"kind": "tag", "params": {"image": job}});
        assert_eq!(
            problem(api.submit(&nothing).await, 422).await["field"],
            "params.image"
        );
    }
}
