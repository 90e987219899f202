use axum::Json;
use axum::extract::State;
use mystic_domain::{InvalidField, JobId};
use mystic_store::Reprioritised;
use serde::Deserialize;
use utoipa::ToSchema;

use super::show::no_job;
use crate::extract::{Id, JsonBody, typed};
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;
use crate::wire::Job;

/// What to change of a job. Unknown fields are refused.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeJob {
    /// −100 to 100; higher runs first.
    #[schema(minimum = -100, maximum = 100)]
    priority: i16,
}

/// Change a waiting job's priority
///
/// Only while it waits: once it is granted, the order is no longer its concern.
#[utoipa::path(
    patch,
    path = "/api/v1/jobs/{id}",
    tag = "jobs",
    operation_id = "change_job",
    params(("id" = JobId, Path, description = "The job")),
    request_body = ChangeJob,
    responses((status = 200, description = "The job as it is now", body = Job), Problems)
)]
pub async fn reprioritise(
    State(app): State<App>,
    Id(id): Id<JobId>,
    JsonBody(body): JsonBody,
) -> Result<Json<Job>, Problem> {
    let ChangeJob { priority } = typed(body)?;
    if !(-100..=100).contains(&priority) {
        return Err(InvalidField::new("priority", priority, "-100 to 100").into());
    }
    match app.store.reprioritise(id, priority).await? {
        Reprioritised::NotFound => Err(no_job(id)),
        Reprioritised::NotQueued(state) => Err(Problem::not_queued(format!(
            "Job {id} is {}; only a waiting job has a place in the queue.",
            state.as_str()
        ))
        .about(
            "state",
            Some(state.as_str().to_owned()),
            Some("queued".to_owned()),
        )),
        Reprioritised::Queued(job) => {
            app.hints.submitted(id);
            tracing::info!(job = %id, priority, "priority changed");
            Ok(Json(Job::new(*job, None)))
        }
    }
}

#[cfg(test)]
mod tests {
    use mystic_domain::JobId;
    use serde_json::json;

    use crate::testing::{TestApi, body, problem};

    #[tokio::test]
    async fn a_waiting_job_moves_in_the_queue_and_a_granted_one_does_not() {
        let api = TestApi::start().await;
        let first = api.accepted().await;
        let second = api.accepted().await;
        let change = |job: JobId, priority: i32| {
            let url = format!("{}/api/v1/jobs/{job}", api.url);
            let request = api.client.patch(url).json(&json!({ "priority": priority }));
            request.send()
        };
        let changed = body(change(second, 7).await.expect("an answer")).await;
        assert_eq!(changed["priority"], 7);
        let queue = api.shown("/api/v1/queue").await;
        assert_eq!(queue["waiting"][0]["id"], json!(second));
        let refused = problem(change(second, 101).await.expect("an answer"), 422).await;
        assert_eq!(
            (&refused["field"], &refused["value"]),
            (&json!("priority"), &json!("101"))
        );

        let worker = api.worker().await;
        worker.take(first).await;
        let refused = problem(change(first, 1).await.expect("an answer"), 409).await;
        assert_eq!(refused["type"], "urn:mystic:problem:not_queued");
        problem(change(JobId::generate(), 1).await.expect("an answer"), 404).await;
    }
}
