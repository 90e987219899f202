use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use mystic_domain::{InvalidField, Model, Preset};
use mystic_store::{PresetRecord, PresetWritten};
use mystic_weights::Misfit;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::no_preset;
use crate::extract::{Id, JsonBody, typed};
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;

/// A preset that was written.
#[derive(Debug, Serialize, ToSchema)]
pub struct PresetPut {
    /// The preset.
    #[serde(flatten)]
    preset: PresetRecord,
    /// Why its files could not be looked at on the API's own host; absent where they were. What each worker finds is
    /// under `workers`.
    #[serde(skip_serializing_if = "Option::is_none")]
    unchecked: Option<String>,
}

/// Create or replace a preset
///
/// Workers look at its files and offer it without a restart. Other files or flags take a load: a model that is loaded as
/// the preset was before finishes its job and is unloaded. Limits and defaults hold for the next request. The files'
/// headers are checked where the API's host has them; `unchecked` says where it has not. What is put here is not
/// overwritten by the models directory's catalogue.
#[utoipa::path(
    put,
    path = "/api/v1/presets/{name}",
    tag = "fleet",
    operation_id = "put_preset",
    params(("name" = String, Path, description = "The preset's name; the body may leave it out")),
    request_body = Preset,
    responses(
        (status = 201, description = "Created", body = PresetPut),
        (status = 200, description = "Replaced, or so already", body = PresetPut),
        (status = 422, description = "A field is unknown, missing or not allowed", body = Problem, content_type = "application/problem+json"),
        Problems,
    )
)]
pub async fn put(
    State(app): State<App>,
    Id(name): Id<String>,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let preset = parse(name, body)?;
    preset.check()?;
    let unchecked = look(&app, &preset).await?;
    let status = match app.store.put_preset(&preset).await? {
        PresetWritten::Created => StatusCode::CREATED,
        PresetWritten::OtherEngine(engine) => {
            let given = preset.model.name();
            let allowed = format!("{engine}: jobs of preset {} need it", preset.name);
            return Err(InvalidField::new("engine", given, allowed).into());
        }
        PresetWritten::Replaced | PresetWritten::Same | PresetWritten::Kept => StatusCode::OK,
    };
    tracing::info!(preset = preset.name, %status, "preset put");
    let record = app.store.preset_record(&preset.name).await?;
    // Somebody may have deleted it just now.
    let preset = record.ok_or_else(|| no_preset(&preset.name))?;
    Ok((status, Json(PresetPut { preset, unchecked })).into_response())
}

/// What a preset's model is for.
const ENGINES: &str = "sd, llm or upscaler";

/// Reads a preset field by field, so that each problem names its own.
fn parse(name: String, body: Value) -> Result<Preset, Problem> {
    let Value::Object(mut object) = body else {
        return Err(Problem::malformed("The body is not a JSON object."));
    };
    match object.remove("name") {
        Some(given) if given != name.as_str() => {
            let allowed = format!("{name}, as in the path, or nothing");
            return Err(InvalidField::new("name", given, allowed).into());
        }
        _ => {}
    }
    let mut text = |field: &str, allowed: &str| match object.remove(field) {
        Some(Value::String(text)) => Ok(text),
        Some(other) => Err(Problem::from(InvalidField::new(field, other, allowed))),
        None => Err(
            Problem::missing_field(format!("{field} is missing.")).about(
                field,
                None,
                Some(allowed.to_owned()),
            ),
        ),
    };
    let title = text("title", "text")?;
    let engine = text("engine", ENGINES)?;
    let rest = Value::Object(object);
    let model = match engine.as_str() {
        "sd" => Model::Sd(typed(rest)?),
        "llm" => Model::Llm(typed(rest)?),
        "upscaler" => Model::Upscaler(typed(rest)?),
        _ => return Err(InvalidField::new("engine", engine, ENGINES).into()),
    };
    Ok(Preset { name, title, model })
}

/// Holds the preset against its files where they are here; why it could not.
async fn look(app: &App, preset: &Preset) -> Result<Option<String>, Problem> {
    let (dir, looked) = (app.config.models.dir.clone(), preset.clone());
    let found = tokio::task::spawn_blocking(move || mystic_weights::of_preset(&dir, &looked))
        .await
        .map_err(|error| {
            tracing::error!(%error, "a look at model files broke off");
            Problem::internal("The model files could not be looked at; the log says why.")
        })?;
    match found {
        Ok(_) => Ok(None),
        Err(misfit) if misfit.missing().is_some() => Ok(Some(format!(
            "{} is not in the models directory of the API's host",
            misfit.missing().unwrap_or_default()
        ))),
        Err(Misfit::File {
            file,
            problem: mystic_weights::Problem::Io(error),
            ..
        }) => Ok(Some(format!(
            "{file} can't be read on the API's host: {error}"
        ))),
        Err(misfit) => Err(InvalidField::from(misfit).into()),
    }
}

#[cfg(test)]
mod tests {
    use mystic_store::ServedPreset;
    use serde_json::{Value, json};

    use crate::testing::{TestApi, body, generate, problem};

    const PAINTER: &str = "demo/demo-painter-q8_0.gguf";

    fn painter() -> Value {
        json!({
            "title": "Another", "engine": "sd",
            "files": { "model": PAINTER, "taesd": PAINTER },
            "defaults": {
                "width": 128, "height": 128, "steps": 4, "cfg": 3.0,
                "steps_by_size": [{ "above": 128, "steps": 6 }],
            },
            "limits": {
                "multiple": 8, "min_side": 64, "max_side": 256, "max_steps": 50, "max_batch": 4,
            },
        })
    }

    async fn api() -> TestApi {
        TestApi::with(|config| {
            config.models.dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../models").into();
        })
        .await
    }

    async fn put(api: &TestApi, name: &str, preset: &Value) -> reqwest::Response {
        let url = format!("{}/api/v1/presets/{name}", api.url);
        let sent = api.client.put(url).json(preset).send().await;
        sent.expect("an answer")
    }

    #[tokio::test]
    async fn a_preset_is_created_shown_replaced_deleted_and_put_again() {
        let api = api().await;
        let created = put(&api, "another", &painter()).await;
        assert_eq!(created.status(), 201);
        let created = body(created).await;
        assert_eq!(created.get("unchecked"), None, "{created}");
        let shown = api.shown("/api/v1/presets/another").await;
        assert_eq!(created, shown);
        assert_eq!(
            (&shown["name"], &shown["origin"]),
            (&json!("another"), &json!("api"))
        );
        assert_eq!(shown["parameters"]["width"]["maximum"], 256);
        assert_eq!(put(&api, "another", &painter()).await.status(), 200);

        let mut larger = painter();
        larger["limits"]["max_side"] = json!(512);
        let replaced = body(put(&api, "another", &larger).await).await;
        assert_eq!(replaced["parameters"]["width"]["maximum"], 512);
        assert_eq!(replaced["signature"], shown["signature"]);
        larger["flags"] = json!({ "mmap": true });
        let flagged = body(put(&api, "another", &larger).await).await;
        assert_ne!(flagged["signature"], shown["signature"]);

        let url = format!("{}/api/v1/presets/another", api.url);
        let deleted = api.client.delete(url).send().await.expect("an answer");
        assert_eq!(deleted.status(), 204);
        let gone = api.get("/api/v1/presets/another").send().await;
        problem(gone.expect("an answer"), 404).await;
        assert_eq!(put(&api, "another", &painter()).await.status(), 201);
    }

    #[tokio::test]
    async fn a_larger_picture_gets_its_steps_unless_the_request_names_them() {
        let api = api().await;
        assert_eq!(put(&api, "another", &painter()).await.status(), 201);
        let steps = async |params: Value| {
            let mut request = generate();
            request["preset"] = json!("another");
            for (name, value) in params.as_object().expect("parameters") {
                request["params"][name] = value.clone();
            }
            body(api.submit(&request).await).await["params"]["steps"].clone()
        };
        assert_eq!(steps(json!({})).await, 4);
        assert_eq!(steps(json!({ "height": 136 })).await, 6);
        assert_eq!(steps(json!({ "height": 136, "steps": 5 })).await, 5);
    }

    #[tokio::test]
    async fn what_is_wrong_is_told_by_its_field() {
        let api = api().await;
        for (at, value, field) in [
            ("/name", json!("other"), "name"),
            ("/title", json!(null), "title"),
            ("/engine", json!("gan"), "engine"),
            ("/colour", json!("red"), "colour"),
            ("/limits/colour", json!("red"), "limits.colour"),
            ("/limits/max_side", json!("wide"), "limits.max_side"),
            ("/limits/max_side", json!(100), "limits.max_side"),
            ("/defaults/sampler", json!("magic"), "defaults.sampler"),
            ("/files/vae", json!("../vae.gguf"), "files.vae"),
            ("/files/vae", json!("vae.ckpt"), "files.vae"),
            ("/flags", json!({ "fast": true }), "flags.fast"),
            // The files' own word.
            ("/files/model", json!("presets.toml"), "files.model"),
        ] {
            let mut preset = painter();
            let (parent, name) = at.rsplit_once('/').expect("a path");
            preset.pointer_mut(parent).expect("there")[name] = value;
            let refused = problem(put(&api, "another", &preset).await, 422).await;
            assert_eq!(refused["field"], field, "{at}: {refused}");
        }
        for name in ["Demo", "%2Fetc", "a%00b"] {
            let refused = problem(put(&api, name, &painter()).await, 422).await;
            assert_eq!(refused["field"], "name", "{refused}");
        }
        let tagger = json!({
            "title": "T", "engine": "llm", "file": PAINTER, "context": 512, "layers": 1, "kv_heads": 1, "head_dim": 64,
        });
        let refused = problem(put(&api, "another", &tagger).await, 422).await;
        assert_eq!(refused["field"], "file", "{refused}");
        // Jobs that named it were made for the other engine.
        let mut other = tagger;
        other["file"] = json!("elsewhere/tagger.gguf");
        let refused = problem(put(&api, "demo", &other).await, 422).await;
        assert_eq!(refused["field"], "engine");
        // The same workers would run it, but its jobs are others.
        let larger = json!({
            "title": "T", "engine": "upscaler", "file": "elsewhere/larger.gguf", "scale": 2, "max_side": 64,
        });
        let refused = problem(put(&api, "demo", &larger).await, 422).await;
        assert_eq!(
            (&refused["field"], &refused["value"]),
            (&json!("engine"), &json!("upscaler"))
        );
    }

    #[tokio::test]
    async fn what_lets_a_model_see_is_told_by_its_field() {
        let models = tempfile::tempdir().expect("a folder");
        let tagger = "tagger.gguf";
        let there = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../models/demo-tagger/smollm2-135m-instruct-q4_1.gguf"
        );
        let there = std::path::Path::new(there);
        std::fs::copy(there, models.path().join(tagger)).expect("the demo tagger");
        mystic_testkit::mmproj(&models.path().join("eye.gguf"), there);
        std::fs::write(models.path().join("notes.gguf"), "a text").expect("written");
        let whole = std::fs::read(models.path().join("eye.gguf")).expect("written");
        std::fs::write(models.path().join("half.gguf"), &whole[..whole.len() / 2])
            .expect("written");
        let dir = models.path().to_owned();
        let api = TestApi::with(|config| config.models.dir = dir).await;
        let seeing = |mmproj: Value| {
            json!({
                "title": "T", "engine": "llm", "file": tagger, "mmproj": mmproj, "context": 512, "layers": 30,
                "kv_heads": 3, "head_dim": 64,
            })
        };
        for (mmproj, says) in [
            (json!(7), "string"),
            (json!("../eye.gguf"), "below the models directory"),
            (json!("eye.bin"), "PyTorch"),
            (json!("eye.PT"), "PyTorch"),
            (json!("notes.gguf"), "neither GGUF nor safetensors"),
            (json!("half.gguf"), "cut off"),
            (
                json!(tagger),
                "general.architecture is llama; allowed: clip",
            ),
        ] {
            let refused = problem(put(&api, "seer", &seeing(mmproj)).await, 422).await;
            assert_eq!(refused["field"], "mmproj", "{refused}");
            assert!(refused.to_string().contains(says), "{refused}");
        }
        let elsewhere = body(put(&api, "seer", &seeing(json!("other.gguf"))).await).await;
        let why = elsewhere["unchecked"].as_str().expect("a reason");
        assert!(why.contains("other.gguf"), "{why}");
        let created = body(put(&api, "seer", &seeing(json!("eye.gguf"))).await).await;
        assert_eq!(created["mmproj"], "eye.gguf");
        assert_eq!(created.get("unchecked"), None, "{created}");
        assert_ne!(created["signature"], elsewhere["signature"]);
        let blind = body(put(&api, "seer", &seeing(Value::Null)).await).await;
        assert_eq!(blind.get("mmproj"), None, "{blind}");
    }

    #[tokio::test]
    async fn files_that_only_workers_have_are_not_checked_and_each_worker_says_what_it_finds() {
        let api = api().await;
        let worker = api.worker().await;
        let mut elsewhere = painter();
        elsewhere["files"]["vae"] = json!("elsewhere/vae.safetensors");
        let created = body(put(&api, "another", &elsewhere).await).await;
        let why = created["unchecked"].as_str().expect("a reason");
        assert!(why.contains("elsewhere/vae.safetensors"), "{why}");
        assert_eq!(created["workers"], json!([]));

        let signature = created["signature"].as_str().expect("text").to_owned();
        let missing = ServedPreset {
            preset: "another".into(),
            signature,
            weights: mystic_domain::Weights::default(),
            plans: vec![mystic_domain::Plan::Full],
            problem: Some("elsewhere/vae.safetensors: No such file".into()),
        };
        let news = api.store.serve(worker.worker, &[missing]).await;
        assert_eq!(news.expect("noted"), ["another"]);
        let said = &api.shown("/api/v1/presets/another").await["workers"][0];
        assert_eq!(said["problem"], "elsewhere/vae.safetensors: No such file");
        assert_eq!(
            (&said["outdated"], &said["need"]),
            (&json!(false), &Value::Null)
        );
        let demo = &api.shown("/api/v1/presets/demo").await["workers"][0];
        assert!(
            demo["need"]["resident"].as_i64().expect("MiB") > 0,
            "{demo}"
        );
    }

    #[tokio::test]
    async fn the_catalogue_does_not_overwrite_what_was_put() {
        let api = api().await;
        let models = api.config.models.dir.clone();
        let mut demo = api.shown("/api/v1/presets/demo").await;
        for of_the_answer in [
            "origin",
            "signature",
            "updated_at",
            "parameters",
            "workers",
            "measured",
        ] {
            demo.as_object_mut()
                .expect("an object")
                .remove(of_the_answer);
        }
        demo["limits"]["max_steps"] = json!(20);
        assert_eq!(put(&api, "demo", &demo).await.status(), 200);
        let catalogue = crate::load_presets(&models).expect("presets");
        api.store.upsert_presets(&catalogue).await.expect("again");
        let shown = api.shown("/api/v1/presets/demo").await;
        assert_eq!(shown["limits"]["max_steps"], 20);
        let tagger = api.shown("/api/v1/presets/demo-tagger").await;
        assert_eq!(tagger["origin"], "file");
    }
}
