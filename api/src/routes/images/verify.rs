use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use mystic_domain::{GenerateParams, ImageId, InvalidField, JobId, JobParams, Model};
use mystic_process::fault;
use mystic_store::{NewJob, Submitted};

use super::show::{drawn, record};
use crate::extract::Id;
use crate::files;
use crate::guard::Owner;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::routes::jobs::submit::{DEFAULT_ATTEMPTS, known_preset};
use crate::routes::presets::delete::retired;
use crate::state::App;
use crate::wire::{Job, job_url};

/// Draw a picture again, to compare the two
///
/// A job with the picture's own parameters and seed, that names it as its `parent_image`. What it draws goes to the bin at
/// once and gets no tags; its receipt (`/api/v1/images/{id}/receipt`) beside the first one's says whether the pixels are the
/// same, and what differs where they are not. `mystic verify` does all of it.
#[utoipa::path(
    post,
    path = "/api/v1/images/{id}/verify",
    tag = "images",
    operation_id = "verify_image",
    params(("id" = ImageId, Path, description = "The picture")),
    responses(
        (status = 202, description = "The job", body = Job, headers(("Location" = String, description = "The job's URL"))),
        (status = 409, description = "It was imported, or its preset takes no jobs any more", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Its preset does not allow its parameters any more", body = Problem, content_type = "application/problem+json"),
        Problems,
    )
)]
pub async fn verify(
    State(app): State<App>,
    Extension(Owner(owner)): Extension<Owner>,
    Id(id): Id<ImageId>,
) -> Result<Response, Problem> {
    let image = record(&app, id).await?;
    drawn(&image)?;
    files::check_room(&app)?;
    let params = match image.upscale {
        Some(upscale) => JobParams::Upscale(upscale),
        None => JobParams::Generate(GenerateParams {
            seed: image.seed,
            batch: 1,
            tag_preset: None,
            asked: None,
            ..image.params
        }),
    };
    let preset = known_preset(&app, "preset", &image.preset, params.kind()).await?;
    match (&preset.model, &params) {
        (Model::Sd(model), JobParams::Generate(params)) => {
            model.check(params, f64::from(app.config.api.max_cost))?;
        }
        (Model::Upscaler(model), JobParams::Upscale(params)) => model.check("params", params)?,
        _ => return Err(Problem::internal("The preset's kind and model disagree.")),
    }
    let new = NewJob {
        id: JobId::generate(),
        params,
        preset: preset.name,
        owner,
        priority: 0,
        max_attempts: DEFAULT_ATTEMPTS,
        not_before: None,
        timeout_s: None,
        idempotency: None,
        parent_image: Some(id),
        auto: false,
    };
    let record = match app.store.submit(&new).await? {
        Submitted::New(record) => record,
        Submitted::Retired(preset) => return Err(retired(&preset)),
        Submitted::InputGone => {
            let inputs = new.params.inputs().join(", ");
            let allowed = "a picture and a mask that are still kept";
            return Err(InvalidField::new("params.init", inputs, allowed).into());
        }
        Submitted::Same(_) | Submitted::Other => {
            return Err(Problem::internal("A fresh job's id is taken."));
        }
    };
    fault::point(fault::Point::Submitted);
    app.hints.submitted(record.id);
    tracing::info!(job = %record.id, image = %id, owner = record.owner, "verification accepted");
    let location = [(header::LOCATION, job_url(record.id))];
    Ok((StatusCode::ACCEPTED, location, Json(Job::new(record, None))).into_response())
}

#[cfg(test)]
mod tests {
    use mystic_domain::ImageId;
    use mystic_store::Outcome;
    use serde_json::json;

    use crate::testing::{TestApi, body, generate, id, problem};

    #[tokio::test]
    async fn a_verification_draws_the_same_again_and_shows_it_in_no_list() {
        let api = TestApi::start().await;
        let mut request = generate();
        request["auto_tag"] = json!(true);
        request["params"] = json!({ "prompt": "a {red|blue} circle", "batch": 3, "seed": 5 });
        let first = id(&body(api.submit(&request).await).await);
        let worker = api.worker().await;
        let fence = worker.take(first).await;
        let image = worker.picture(first, fence, 2, b"first").await;

        let asked = api.post(&format!("/api/v1/images/{image}/verify"));
        let answer = asked.send().await.expect("an answer");
        assert_eq!(answer.status(), 202);
        let location = answer.headers()["location"]
            .to_str()
            .expect("text")
            .to_owned();
        let job = body(answer).await;
        assert_eq!(job["url"], location.as_str());
        assert_eq!(job["parent_image"], json!(image));
        let shown = api.shown(&format!("/api/v1/images/{image}")).await;
        for (name, value) in [
            ("prompt", &shown["params"]["prompt"]),
            ("seed", &shown["seed"]),
            ("batch", &json!(1)),
            ("tag_preset", &json!(null)),
        ] {
            assert_eq!(&job["params"][name], value, "{name}");
        }

        worker
            .settle(
                first,
                fence,
                &Outcome::Failed(mystic_domain::Failure::new(
                    mystic_domain::FailureKind::InvalidInput,
                    "enough",
                )),
            )
            .await;
        let job = id(&job);
        let worker = api.worker().await;
        let fence = worker.take(job).await;
        let again = worker.picture(job, fence, 0, b"again").await;
        let listed = api.shown("/api/v1/images").await;
        let listed: Vec<_> = listed["images"]
            .as_array()
            .expect("a list")
            .iter()
            .collect();
        assert_eq!(listed.len(), 1, "{listed:?}");
        assert_eq!(listed[0]["id"], json!(image));
        let shown = api.shown(&format!("/api/v1/images/{again}")).await;
        assert!(shown["binned_at"].is_string(), "{shown}");
        assert_eq!(shown["tags_state"], "none");
        let detail = api.shown(&format!("/api/v1/jobs/{first}")).await;
        let tagging = detail["tag_jobs"].as_array().expect("a list");
        assert!(
            tagging.iter().all(|job| job["kind"] == "tag"),
            "{tagging:?}"
        );
    }

    #[tokio::test]
    async fn what_its_preset_does_not_allow_any_more_is_refused() {
        let api = TestApi::start().await;
        let image = api.picture("a red circle").await;
        let verify = async |image: ImageId| {
            let asked = api.post(&format!("/api/v1/images/{image}/verify"));
            asked.send().await.expect("an answer")
        };
        let less = json!({
            "title": "Demo", "engine": "sd", "files": { "model": "demo/demo-painter-q8_0.gguf" },
            "defaults": { "width": 128, "height": 128, "steps": 1, "cfg": 3.0 },
            "limits": {
                "multiple": 8, "min_side": 128, "max_side": 128, "max_steps": 1, "max_batch": 1,
            },
        });
        let url = format!("{}/api/v1/presets/demo", api.url);
        let put = api.client.put(url).json(&less).send().await;
        assert_eq!(put.expect("an answer").status(), 200);
        let refused = problem(verify(image).await, 422).await;
        assert_eq!(refused["field"], "params.steps");
        problem(verify(ImageId::generate()).await, 404).await;
    }
}
