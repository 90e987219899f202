//! A request for a larger picture becomes a job.

use chrono::{DateTime, Utc};
use mystic_domain::{JobKind, JobParams, Model, UpscaleParams};
use mystic_store::NewJob;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::generate::{PictureRef, source};
use super::terms::{Terms, default_attempts, known_preset};
use crate::problem::Problem;
use crate::state::App;

/// A picture, enlarged.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmitUpscale {
    /// `upscale`.
    pub kind: UpscaleKind,
    /// The network that enlarges, by a name from `/api/v1/presets`: it says how much larger each side becomes.
    pub preset: String,
    /// What to enlarge.
    pub params: PictureRef,
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

/// The kind of [`SubmitUpscale`].
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UpscaleKind {
    /// A picture, enlarged.
    Upscale,
}

pub(super) async fn job(app: &App, owner: &str, request: SubmitUpscale) -> Result<NewJob, Problem> {
    let terms = Terms {
        priority: request.priority,
        max_attempts: request.max_attempts,
        not_before: request.not_before,
        timeout_s: request.timeout_s,
    };
    let terms = terms.checked()?;
    let preset = known_preset(app, "preset", &request.preset, JobKind::Upscale).await?;
    let Model::Upscaler(model) = &preset.model else {
        return Err(Problem::internal("The preset's kind and model disagree."));
    };
    let (source, (width, height)) = source(app, owner, "params", &request.params).await?;
    let params = UpscaleParams {
        source,
        width,
        height,
        scale: model.scale,
    };
    model.check("params", &params)?;
    Ok(terms.job(JobParams::Upscale(params), preset.name))
}

#[cfg(test)]
mod tests {
    use mystic_domain::ImageId;
    use serde_json::{Value, json};

    use crate::testing::{TestApi, body, id, problem};

    async fn api() -> TestApi {
        let api = TestApi::start().await;
        let preset = json!({
            "title": "Larger", "engine": "upscaler", "file": "larger.safetensors", "scale": 2, "max_side": 128,
        });
        for (name, max_side) in [("larger", 128), ("small", 64)] {
            let mut preset = preset.clone();
            preset["max_side"] = json!(max_side);
            let url = format!("{}/api/v1/presets/{name}", api.url);
            let put = api.client.put(url).json(&preset).send().await;
            assert_eq!(put.expect("an answer").status(), 201);
        }
        api
    }

    fn larger(preset: &str, params: &Value) -> Value {
        json!({ "kind": "upscale", "preset": preset, "params": params })
    }

    #[tokio::test]
    async fn a_picture_is_asked_for_larger_and_says_what_it_was_made_from() {
        let api = api().await;
        let image = api.picture("a red circle").await;
        let asked = larger("larger", &json!({ "image": image }));
        let answer = api.submit(&asked).await;
        assert_eq!(answer.status(), 202);
        let job = body(answer).await;
        let params = &job["params"];
        let size = [&params["width"], &params["height"], &params["scale"]];
        assert_eq!(size, [&json!(128), &json!(128), &json!(2)]);
        assert_eq!(job["images_total"], 1);
        let job = id(&job);
        let worker = api.painter("larger").await;
        let fence = worker.take(job).await;
        let made = worker.picture(job, fence, 0, b"larger").await;
        let shown = api.shown(&format!("/api/v1/images/{made}")).await;
        assert_eq!(shown["parent"], json!(image));
        assert_eq!(shown["upscale"]["source"]["image"], json!(image));
        assert_eq!(shown["params"]["prompt"], "a red circle");
        let settings = api.shown(&format!("/api/v1/images/{made}/settings")).await;
        let again = body(api.submit(&settings).await).await;
        assert_eq!(again["params"], params.clone());
        let verified = api
            .post(&format!("/api/v1/images/{made}/verify"))
            .send()
            .await;
        let verified = body(verified.expect("an answer")).await;
        assert_eq!(verified["params"], params.clone());
        assert_eq!(verified["parent_image"], json!(made));
    }

    #[tokio::test]
    async fn what_can_t_be_enlarged_is_named() {
        let api = api().await;
        let image = api.picture("a red circle").await;
        let there = json!({ "image": image });
        for (preset, params, field, value) in [
            ("small", there.clone(), "params", "128 × 128 pixels"),
            ("demo", there.clone(), "preset", "demo"),
            ("larger", json!({}), "params", "neither"),
            (
                "larger",
                json!({ "image": ImageId::generate() }),
                "params",
                "",
            ),
            (
                "larger",
                json!({ "image": image, "scale": 3 }),
                "params.scale",
                "",
            ),
        ] {
            let refused = problem(api.submit(&larger(preset, &params)).await, 422).await;
            assert_eq!(refused["field"], field, "{refused}");
            if !value.is_empty() {
                assert_eq!(refused["value"], value, "{refused}");
            }
        }
        let draw =
            json!({ "kind": "generate", "preset": "larger", "params": { "prompt": "a house" } });
        let refused = problem(api.submit(&draw).await, 422).await;
        assert_eq!(
            (&refused["field"], &refused["allowed"]),
            (&json!("preset"), &json!("one of demo"))
        );
    }
}
