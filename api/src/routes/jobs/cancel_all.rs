use std::collections::HashSet;

use axum::Json;
use axum::extract::State;
use mystic_domain::{JobId, JobState};
use mystic_store::Cancelled;
use serde::Serialize;
use utoipa::ToSchema;

use super::bulk::SomeJobs;
use crate::extract::Query;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;

/// What a cancel of many jobs did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct CancelledJobs {
    /// Jobs that ended at once.
    cancelled: u64,
    /// Running jobs that end as soon as their workers have stopped them.
    requested: u64,
}

/// Cancel all jobs of a filter
///
/// The jobs that waited when the request came end at once, running ones within seconds; pictures that exist are kept.
/// A job that is submitted meanwhile is left alone.
#[utoipa::path(
    post,
    path = "/api/v1/jobs/cancel",
    tag = "jobs",
    operation_id = "cancel_jobs",
    params(SomeJobs),
    responses((status = 200, description = "How many", body = CancelledJobs), Problems)
)]
pub async fn cancel_all(
    State(app): State<App>,
    Query(asked): Query<SomeJobs>,
) -> Result<Json<CancelledJobs>, Problem> {
    let open = [JobState::Queued, JobState::Leased, JobState::Running];
    let mut pages = asked.pages(&app.store, &open)?;
    let mut done = CancelledJobs::default();
    loop {
        let jobs = pages.next().await?;
        if jobs.is_empty() {
            break;
        }
        let ids: Vec<_> = jobs.iter().map(|job| job.id).collect();
        let ended: HashSet<JobId> = app.store.cancel_queued(&ids).await?.into_iter().collect();
        done.cancelled += ended.len() as u64;
        // Those that workers hold, some perhaps since a moment ago.
        for id in ids.into_iter().filter(|id| !ended.contains(id)) {
            if let Cancelled::Noted { job, tell } = app.store.cancel(id).await? {
                done.cancelled += u64::from(job.state == JobState::Cancelled);
                if let Some(worker) = tell {
                    app.hints.cancel(worker, id);
                    done.requested += 1;
                }
            }
        }
    }
    tracing::info!(
        cancelled = done.cancelled,
        requested = done.requested,
        "many jobs cancelled"
    );
    Ok(Json(done))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{TestApi, body, problem};

    #[tokio::test]
    async fn all_of_a_filter_end_and_no_other() {
        let api = TestApi::start().await;
        let worker = api.worker().await;
        let running = api.accepted().await;
        worker.take(running).await;
        for _ in 0..5 {
            api.accepted().await;
        }
        let cancel = async |query: &str| {
            let answer = api
                .post(&format!("/api/v1/jobs/cancel?{query}"))
                .send()
                .await;
            body(answer.expect("an answer")).await
        };
        let none = json!({"cancelled": 0, "requested": 0});
        assert_eq!(cancel("state=queued&owner=anna").await, none);
        assert_eq!(cancel("state=queued&kind=tag").await, none);
        assert_eq!(
            cancel("state=queued").await,
            json!({"cancelled": 5, "requested": 0})
        );
        assert_eq!(
            cancel("state=queued,running").await,
            json!({"cancelled": 0, "requested": 1})
        );
        let counts = api.shown("/api/v1/queue").await["counts"].clone();
        assert_eq!(
            (&counts["queued"], &counts["cancelled"]),
            (&json!(0), &json!(5))
        );
        let running = api.shown(&format!("/api/v1/jobs/{running}")).await;
        assert!(running["cancel_requested_at"].is_string());
    }

    #[tokio::test]
    async fn nobody_cancels_everything_by_leaving_something_out() {
        let api = TestApi::start().await;
        let job = api.accepted().await;
        for (query, field) in [
            ("", "state"),
            ("?state=", "state"),
            ("?state=succeeded", "state"),
            ("?state=queued&limit=5", "limit"),
        ] {
            let answer = api
                .post(&format!("/api/v1/jobs/cancel{query}"))
                .send()
                .await;
            let refused = problem(answer.expect("an answer"), 422).await;
            assert_eq!(refused["field"], field, "{query}");
        }
        let shown = api.shown(&format!("/api/v1/jobs/{job}")).await;
        assert_eq!(shown["state"], "queued");
    }
}
