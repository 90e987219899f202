use axum::Json;
use axum::extract::State;
use mystic_domain::JobId;
use mystic_store::Retried;

use super::show::no_job;
use crate::extract::Id;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::routes::presets::delete::retired;
use crate::state::App;
use crate::wire::Job;

/// Try a failed job again
///
/// It is queued with as many attempts as it was allowed at first. Its pictures and the record of its attempts are
/// kept; only what is missing is made.
#[utoipa::path(
    post,
    path = "/api/v1/jobs/{id}/retry",
    tag = "jobs",
    operation_id = "retry_job",
    params(("id" = JobId, Path, description = "The job")),
    responses((status = 200, description = "The job, queued", body = Job), Problems)
)]
pub async fn retry(State(app): State<App>, Id(id): Id<JobId>) -> Result<Json<Job>, Problem> {
    match app.store.retry(id).await? {
        Retried::NotFound => Err(no_job(id)),
        Retried::NotFailed(state) => Err(Problem::not_failed(format!(
            "Job {id} is {}; only a failed job can be tried again.",
            state.as_str()
        ))
        .about(
            "state",
            Some(state.as_str().to_owned()),
            Some("failed".to_owned()),
        )),
        Retried::PresetRetired(preset) => Err(retired(&preset)),
        Retried::Queued(job) => {
            app.hints.submitted(id);
            tracing::info!(job = %id, "another try asked for");
            Ok(Json(Job::new(*job, None)))
        }
    }
}

#[cfg(test)]
mod tests {
    use mystic_domain::JobId;

    use crate::testing::{TestApi, body, problem};

    #[tokio::test]
    async fn a_failed_job_is_queued_again_and_any_other_is_refused() {
        let api = TestApi::start().await;
        let job = api.accepted().await;
        let retry = || api.post(&format!("/api/v1/jobs/{job}/retry")).send();
        let refused = problem(retry().await.expect("an answer"), 409).await;
        assert_eq!(refused["type"], "urn:mystic:problem:not_failed");
        assert_eq!(refused["value"], "queued");

        api.fail(job).await;
        let answer = retry().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        let again = body(answer).await;
        assert_eq!(
            (&again["state"], &again["attempt"]),
            (&"queued".into(), &1.into())
        );
        assert!(again["error"].is_null() && again["finished_at"].is_null());
    }

    #[tokio::test]
    async fn a_job_that_is_not_there_is_a_problem() {
        let api = TestApi::start().await;
        let path = format!("/api/v1/jobs/{}/retry", JobId::generate());
        problem(api.post(&path).send().await.expect("an answer"), 404).await;
    }
}
