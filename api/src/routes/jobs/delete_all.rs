use axum::Json;
use axum::extract::State;
use mystic_domain::JobState;
use serde::Serialize;
use utoipa::ToSchema;

use super::bulk::SomeJobs;
use crate::extract::Query;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;

/// What a deletion of many jobs did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct DeletedJobs {
    /// Jobs that are gone.
    deleted: u64,
    /// Jobs that stay: they have pictures, or an engine of theirs is not known to have ended.
    kept: u64,
}

/// Delete all ended jobs of a filter
///
/// As each would be deleted alone. What ends meanwhile may be left alone.
#[utoipa::path(
    post,
    path = "/api/v1/jobs/delete",
    tag = "jobs",
    operation_id = "delete_jobs",
    params(SomeJobs),
    responses((status = 200, description = "How many", body = DeletedJobs), Problems)
)]
pub async fn delete_all(
    State(app): State<App>,
    Query(asked): Query<SomeJobs>,
) -> Result<Json<DeletedJobs>, Problem> {
    let ended = [JobState::Succeeded, JobState::Failed, JobState::Cancelled];
    let mut pages = asked.pages(&app.store, &ended)?;
    let mut done = DeletedJobs::default();
    loop {
        let jobs = pages.next().await?;
        if jobs.is_empty() {
            break;
        }
        let ids: Vec<_> = jobs.iter().map(|job| job.id).collect();
        let gone = app.store.delete_jobs(&ids).await?;
        done.deleted += gone.len() as u64;
        done.kept += (ids.len() - gone.len()) as u64;
    }
    tracing::info!(
        deleted = done.deleted,
        kept = done.kept,
        "many jobs deleted"
    );
    Ok(Json(done))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{TestApi, body, problem};

    #[tokio::test]
    async fn ended_jobs_of_a_filter_go_and_those_with_pictures_stay() {
        let api = TestApi::start().await;
        let failed = [api.failed().await, api.failed().await];
        let waiting = api.accepted().await;
        let drawn = api.drawn().await;
        let delete = async |query: &str| {
            let path = format!("/api/v1/jobs/delete?{query}");
            body(api.post(&path).send().await.expect("an answer")).await
        };
        let none = json!({"deleted": 0, "kept": 0});
        assert_eq!(delete("state=failed&failure=timeout").await, none);
        assert_eq!(delete("state=cancelled").await, none);
        assert_eq!(
            delete("state=failed,succeeded&kind=generate").await,
            json!({"deleted": 2, "kept": 1})
        );
        for job in failed {
            let shown = api.get(&format!("/api/v1/jobs/{job}")).send().await;
            problem(shown.expect("an answer"), 404).await;
        }
        for job in [waiting, drawn] {
            api.shown(&format!("/api/v1/jobs/{job}")).await;
        }
    }

    #[tokio::test]
    async fn what_has_not_ended_is_not_named() {
        let api = TestApi::start().await;
        for query in ["", "?state=", "?state=failed,running"] {
            let path = format!("/api/v1/jobs/delete{query}");
            let refused = problem(api.post(&path).send().await.expect("an answer"), 422).await;
            assert_eq!(refused["field"], "state", "{query}");
        }
    }
}
