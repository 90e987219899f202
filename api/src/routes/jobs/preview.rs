use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use mystic_domain::{JobId, JobState};

use super::show::no_job;
use crate::extract::Id;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;

/// See what a running job's picture is becoming
///
/// A small JPEG, made of the picture's latents about twice a second while it is sampled; `preview` of the job's progress
/// counts them. There is none of a model whose latents the library can't show, while Redis is away, and where
/// `worker.previews` is off.
#[utoipa::path(
    get,
    path = "/api/v1/jobs/{id}/preview",
    tag = "jobs",
    operation_id = "get_job_preview",
    params(("id" = JobId, Path, description = "The job")),
    responses(
        (status = 200, description = "The newest preview", body = [u8], content_type = "image/jpeg"),
        (status = 404, description = "There is none now", body = Problem, content_type = "application/problem+json"),
        Problems,
    )
)]
pub async fn preview(State(app): State<App>, Id(id): Id<JobId>) -> Result<Response, Problem> {
    let job = app.store.job(id).await?.ok_or_else(|| no_job(id))?;
    let newest = if job.state == JobState::Running {
        app.queue.preview(id).await.unwrap_or_else(|error| {
            tracing::debug!(%error, "previews are not known");
            None
        })
    } else {
        None
    };
    let Some(file) = newest else {
        let state = job.state.as_str();
        return Err(Problem::not_found(format!(
            "There is no preview of job {id} now; it is {state}."
        )));
    };
    let headers = [
        (header::CONTENT_TYPE, "image/jpeg"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, file).into_response())
}

#[cfg(test)]
mod tests {
    use mystic_domain::JobId;
    use mystic_store::Outcome;

    use crate::testing::{TestApi, problem};

    #[tokio::test]
    async fn only_a_running_job_has_a_preview() {
        let api = TestApi::start().await;
        let ask = async |job: JobId| {
            let path = format!("/api/v1/jobs/{job}/preview");
            api.get(&path).send().await.expect("an answer")
        };
        let job = api.accepted().await;
        api.queue.keep_preview(job, b"early").await.expect("kept");
        problem(ask(job).await, 404).await;
        let worker = api.worker().await;
        let fence = worker.take(job).await;
        api.queue.keep_preview(job, b"newest").await.expect("kept");
        let answer = ask(job).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "image/jpeg");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        assert_eq!(answer.bytes().await.expect("a body").as_ref(), b"newest");
        worker.settle(job, fence, &Outcome::HandedBack).await;
        problem(ask(job).await, 404).await;
        problem(ask(JobId::generate()).await, 404).await;
    }
}
