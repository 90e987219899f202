use axum::extract::State;
use axum::http::StatusCode;
use mystic_store::PresetRetired;

use super::no_preset;
use crate::extract::Id;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;

/// The problem of a preset that has been retired.
pub(crate) fn retired(name: &str) -> Problem {
    Problem::preset_retired(format!(
        "Preset {name} was deleted; it takes jobs again once it is put anew."
    ))
    .about(
        "preset",
        Some(name.to_owned()),
        Some("a name from /api/v1/presets".to_owned()),
    )
}

/// Delete a preset
///
/// It is retired: hidden, refused to new jobs and unloaded. Jobs and pictures that were made with it keep naming it, and
/// a preset of the same name may be put again. While unfinished jobs name it, it stays (409).
#[utoipa::path(
    delete,
    path = "/api/v1/presets/{name}",
    tag = "fleet",
    operation_id = "delete_preset",
    params(("name" = String, Path, description = "The preset's name")),
    responses(
        (status = 204, description = "It takes no jobs any more"),
        (status = 409, description = "Unfinished jobs name it", body = Problem, content_type = "application/problem+json"),
        Problems,
    )
)]
pub async fn delete(State(app): State<App>, Id(name): Id<String>) -> Result<StatusCode, Problem> {
    let retired = match name.as_str() {
        // No text of Postgres' holds a NUL, so no preset's name does.
        name if name.contains('\0') => PresetRetired::NotFound,
        name => app.store.retire_preset(name).await?,
    };
    match retired {
        PresetRetired::Yes => {
            tracing::info!(preset = name, "preset deleted");
            Ok(StatusCode::NO_CONTENT)
        }
        PresetRetired::NotFound => Err(no_preset(&name)),
        PresetRetired::InUse(unfinished) => Err(Problem::preset_in_use(format!(
            "{unfinished} unfinished jobs name preset {name}, as their model or to tag their pictures; cancel them, or \
             wait for their end."
        ))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{TestApi, generate, problem};

    #[tokio::test]
    async fn a_preset_goes_when_no_unfinished_job_names_it_and_its_history_stays() {
        let api = TestApi::start().await;
        let delete = async |name: &str| {
            let url = format!("{}/api/v1/presets/{name}", api.url);
            api.client.delete(url).send().await.expect("an answer")
        };
        let mut tagged = generate();
        tagged["auto_tag"] = json!(true);
        assert_eq!(api.submit(&tagged).await.status(), 202);
        for named in ["demo", "demo-tagger"] {
            let refused = problem(delete(named).await, 409).await;
            assert_eq!(refused["type"], "urn:mystic:problem:preset_in_use");
        }
        let cancelled = api.post("/api/v1/jobs/cancel?state=queued").send().await;
        assert_eq!(cancelled.expect("an answer").status(), 200);
        assert_eq!(delete("demo").await.status(), 204);
        for gone in ["demo", "nothing", "%00"] {
            problem(delete(gone).await, 404).await;
        }

        let listed = api.shown("/api/v1/presets").await;
        let names: Vec<_> = listed.as_array().expect("a list").iter().collect();
        assert!(names.iter().all(|preset| preset["name"] != "demo"));
        let refused = problem(api.submit(&generate()).await, 422).await;
        assert_eq!(refused["field"], "preset");
        let jobs = api.shown("/api/v1/jobs").await;
        assert_eq!(jobs["jobs"][0]["preset"], "demo");
    }

    #[tokio::test]
    async fn what_failed_is_not_tried_again_once_its_preset_is_gone() {
        use mystic_domain::{Failure, FailureKind};
        use mystic_store::Outcome;

        let api = TestApi::start().await;
        let worker = api.worker().await;
        let job = api.accepted().await;
        let fence = worker.take(job).await;
        let failure = Failure::new(FailureKind::InvalidInput, "it can't be");
        worker.settle(job, fence, &Outcome::Failed(failure)).await;
        let url = format!("{}/api/v1/presets/demo", api.url);
        let deleted = api.client.delete(url).send().await.expect("an answer");
        assert_eq!(deleted.status(), 204);
        let again = api.post(&format!("/api/v1/jobs/{job}/retry")).send().await;
        let refused = problem(again.expect("an answer"), 409).await;
        assert_eq!(refused["type"], "urn:mystic:problem:preset_retired");
    }
}
