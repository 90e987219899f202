use axum::extract::State;
use axum::http::StatusCode;
use mystic_domain::JobId;
use mystic_store::Deleted;

use super::show::no_job;
use crate::extract::Id;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;

/// Delete a job that has ended
///
/// Its attempts and events go with it, and its idempotency key can be used anew. A job with pictures stays for as long
/// as they do, in the bin too, since it tells how they were made.
#[utoipa::path(
    delete,
    path = "/api/v1/jobs/{id}",
    tag = "jobs",
    operation_id = "delete_job",
    params(("id" = JobId, Path, description = "The job")),
    responses((status = 204, description = "It is gone"), Problems)
)]
pub async fn delete(State(app): State<App>, Id(id): Id<JobId>) -> Result<StatusCode, Problem> {
    match app.store.delete_job(id).await? {
        Deleted::NotFound => Err(no_job(id)),
        Deleted::NotEnded(state) => {
            let state = state.as_str();
            Err(Problem::not_ended(format!(
                "Job {id} is {state}; cancel it first."
            )))
        }
        Deleted::HasPictures(pictures) => Err(Problem::job_in_use(format!(
            "Job {id} tells how {pictures} of the gallery's pictures were made; delete those for good first."
        ))),
        Deleted::HoldsMemory => Err(Problem::job_in_use(format!(
            "An engine that worked for job {id} is not known to have ended yet; try again later, or forget its worker."
        ))),
        Deleted::Gone => {
            tracing::info!(job = %id, "deleted");
            Ok(StatusCode::NO_CONTENT)
        }
    }
}

#[cfg(test)]
mod tests {
    use mystic_domain::JobId;

    use crate::testing::{TestApi, problem};

    #[tokio::test]
    async fn a_job_is_deleted_when_it_has_ended_and_has_no_pictures() {
        let api = TestApi::start().await;
        let (failed, running, drawn) =
            (api.failed().await, api.accepted().await, api.drawn().await);
        let delete = async |job: JobId| {
            let url = format!("{}/api/v1/jobs/{job}", api.url);
            api.client.delete(url).send().await.expect("an answer")
        };
        let show = async |job: JobId| {
            let answer = api.get(&format!("/api/v1/jobs/{job}")).send().await;
            answer.expect("an answer")
        };
        assert_eq!(delete(failed).await.status(), 204);
        problem(show(failed).await, 404).await;
        problem(delete(failed).await, 404).await;
        let waits = problem(delete(running).await, 409).await;
        assert_eq!(waits["type"], "urn:mystic:problem:not_ended");
        let kept = problem(delete(drawn).await, 409).await;
        assert_eq!(kept["type"], "urn:mystic:problem:job_in_use");
        api.shown(&format!("/api/v1/jobs/{drawn}")).await;
    }
}
