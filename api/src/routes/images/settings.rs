use axum::Json;
use axum::extract::State;
use mystic_domain::{ImageId, SAMPLERS, SCHEDULERS, dynamic};
use mystic_store::ImageRecord;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::show::record;
use crate::extract::Id;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::routes::jobs::submit::{SubmitGenerate, SubmitUpscale};
use crate::state::App;

/// The request that makes a picture.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "one exists at a time")]
pub enum ImageSettings {
    /// Of one that was drawn.
    Generate(SubmitGenerate),
    /// Of one that was enlarged.
    Upscale(SubmitUpscale),
}

/// Get the request that makes a picture again
///
/// The body of a `POST /api/v1/jobs` for this one picture: its own seed, every parameter, no default left to the preset.
#[utoipa::path(
    get,
    path = "/api/v1/images/{id}/settings",
    tag = "images",
    operation_id = "get_image_settings",
    params(("id" = ImageId, Path, description = "The picture")),
    responses((status = 200, description = "The request", body = ImageSettings), Problems)
)]
pub async fn settings(
    State(app): State<App>,
    Id(id): Id<ImageId>,
) -> Result<Json<ImageSettings>, Problem> {
    let request = again(&record(&app, id).await?);
    request.map(Json).map_err(|error| {
        tracing::error!(%error, image = %id, "a picture's parameters are no request");
        Problem::internal("The picture's parameters can't be asked for again; the log says why.")
    })
}

/// A request has the names of the parameters that it becomes, but for what the server makes of them.
fn again(image: &ImageRecord) -> serde_json::Result<ImageSettings> {
    if let Some(upscale) = &image.upscale {
        let source = &upscale.source;
        let request = json!({
            "kind": "upscale",
            "preset": image.preset,
            "params": { "upload": source.upload, "image": source.image },
        });
        return serde_json::from_value(request).map(ImageSettings::Upscale);
    }
    let mut params = serde_json::to_value(&image.params)?;
    let mut drop_from = |at: &str, name: &str| {
        let part = params.pointer_mut(at).and_then(Value::as_object_mut);
        part.and_then(|part| part.remove(name))
    };
    let tag_preset = drop_from("", "tag_preset");
    for (at, name) in [
        ("", "asked"),
        ("/init", "sha256"),
        ("/mask", "sha256"),
        ("/mask", "image"),
        ("/hires", "width"),
        ("/hires", "height"),
    ] {
        drop_from(at, name);
    }
    if image.origin == "import" {
        drop_unknown(&mut params);
    }
    // Its choices are made already.
    params["prompt"] = Value::from(dynamic::literal(&image.params.prompt));
    params["negative_prompt"] = Value::from(dynamic::literal(&image.params.negative_prompt));
    params["seed"] = Value::from(image.seed);
    params["batch"] = Value::from(1);
    serde_json::from_value(json!({
        "kind": "generate",
        "preset": image.preset,
        "params": params,
        "auto_tag": tag_preset.is_some(),
    }))
    .map(ImageSettings::Generate)
}

/// Of another tool's picture nothing is asked for that its file does not say, or that no model here has.
fn drop_unknown(params: &mut Value) {
    let Some(params) = params.as_object_mut() else {
        return;
    };
    for (name, known) in [("sampler", &SAMPLERS[..]), ("scheduler", &SCHEDULERS[..])] {
        let foreign = |value: &Value| value.as_str().is_some_and(|it| !known.contains(&it));
        if params.get(name).is_some_and(foreign) {
            params.remove(name);
        }
    }
    for name in ["steps", "cfg"] {
        if params.get(name).and_then(Value::as_f64) == Some(0.0) {
            params.remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use mystic_store::Outcome;
    use serde_json::json;

    use crate::testing::{TestApi, body, id, problem};

    #[tokio::test]
    async fn a_picture_s_settings_are_a_request_for_the_same_picture() {
        let api = TestApi::start().await;
        let worker = api.worker().await;
        let first = api.accepted().await;
        let fence = worker.take(first).await;
        let start = worker.picture(first, fence, 0, b"first").await;
        worker.settle(first, fence, &Outcome::Succeeded).await;
        let request = json!({
            "kind": "generate", "preset": "demo", "auto_tag": false,
            "params": {"prompt": "a {red|blue} circle, \\{as|is\\}", "init": {"image": start}, "strength": 0.5, "negative_prompt": "blue", "width": 128, "steps": 3, "cfg": 2.3,
                       "seed": 5, "batch": 2, "sampler": "heun"},
        });
        let job = id(&body(api.submit(&request).await).await);
        let worker = api.worker().await;
        let fence = worker.take(job).await;
        let image = worker.picture(job, fence, 1, b"second").await;
        let settings = api.shown(&format!("/api/v1/images/{image}/settings")).await;
        let answer = api.submit(&settings).await;
        assert_eq!(answer.status(), 202, "{settings}");
        let mut again = body(answer).await;
        let shown = api.shown(&format!("/api/v1/images/{image}")).await;
        let mut expected = shown["params"].clone();
        expected["seed"] = shown["seed"].clone();
        expected["batch"] = json!(1);
        assert!(
            expected["prompt"]
                .as_str()
                .expect("text")
                .ends_with("circle, {as|is}")
        );
        for params in [&mut again["params"], &mut expected] {
            params.as_object_mut().expect("an object").remove("asked");
        }
        assert_eq!(again["params"], expected);
        let lineage = api.shown(&format!("/api/v1/images/{image}/lineage")).await;
        assert!(
            lineage.to_string().contains(&start.to_string()),
            "{lineage}"
        );
        let path = format!("/api/v1/images/{job}/settings");
        problem(api.get(&path).send().await.expect("an answer"), 404).await;
    }
}
