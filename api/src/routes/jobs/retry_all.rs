use axum::Json;
use axum::extract::State;
use mystic_domain::JobState;
use mystic_store::Retried;
use serde::Serialize;
use utoipa::ToSchema;

use super::bulk::SomeJobs;
use crate::extract::Query;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;

/// What another try of many jobs did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct RetriedJobs {
    /// Jobs that are queued again.
    queued: u64,
    /// Jobs that stay failed, since their presets take no jobs any more.
    refused: u64,
}

/// Try all failed jobs of a filter again
///
/// As each would be tried again alone.
#[utoipa::path(
    post,
    path = "/api/v1/jobs/retry",
    tag = "jobs",
    operation_id = "retry_jobs",
    params(SomeJobs),
    responses((status = 200, description = "How many", body = RetriedJobs), Problems)
)]
pub async fn retry_all(
    State(app): State<App>,
    Query(asked): Query<SomeJobs>,
) -> Result<Json<RetriedJobs>, Problem> {
    let mut pages = asked.pages(&app.store, &[JobState::Failed])?;
    let mut done = RetriedJobs::default();
    loop {
        let jobs = pages.next().await?;
        if jobs.is_empty() {
            break;
        }
        // Oldest first, so that they come again in the order in which they were sent.
        for job in jobs.iter().rev() {
            match app.store.retry(job.id).await? {
                Retried::Queued(_) => {
                    app.hints.submitted(job.id);
                    done.queued += 1;
                }
                Retried::PresetRetired(_) => done.refused += 1,
                // Somebody else was faster.
                Retried::NotFound | Retried::NotFailed(_) => {}
            }
        }
    }
    tracing::info!(
        queued = done.queued,
        refused = done.refused,
        "another try of many jobs asked for"
    );
    Ok(Json(done))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{TestApi, body, problem};

    #[tokio::test]
    async fn failed_jobs_of_a_filter_are_queued_again_and_no_other() {
        let api = TestApi::start().await;
        let failed = [api.failed().await, api.failed().await];
        let drawn = api.drawn().await;
        let retry = async |query: &str| {
            let path = format!("/api/v1/jobs/retry?{query}");
            body(api.post(&path).send().await.expect("an answer")).await
        };
        let none = json!({"queued": 0, "refused": 0});
        assert_eq!(retry("state=failed&failure=timeout").await, none);
        assert_eq!(retry("state=failed&kind=tag").await, none);
        assert_eq!(
            retry("state=failed&failure=invalid_input").await,
            json!({"queued": 2, "refused": 0})
        );
        for job in failed {
            let job = api.shown(&format!("/api/v1/jobs/{job}")).await;
            assert_eq!(job["state"], "queued");
        }
        let drawn = api.shown(&format!("/api/v1/jobs/{drawn}")).await;
        assert_eq!(drawn["state"], "succeeded");
        assert_eq!(retry("state=failed").await, none);
    }

    #[tokio::test]
    async fn only_what_has_failed_is_tried_again() {
        let api = TestApi::start().await;
        for query in ["", "?state=cancelled", "?state=failed,queued"] {
            let path = format!("/api/v1/jobs/retry{query}");
            let refused = problem(api.post(&path).send().await.expect("an answer"), 422).await;
            assert_eq!(refused["field"], "state", "{query}");
        }
    }
}
