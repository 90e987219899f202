use axum::Json;
use axum::extract::State;
use mystic_domain::WorkerId;
use mystic_store::WorkerRecord;

use super::known;
use crate::extract::Id;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;

/// Drain a worker
///
/// It gets no more work, finishes what it runs and ends. Draining again, or a worker that has ended, changes nothing.
#[utoipa::path(
    post,
    path = "/api/v1/workers/{id}/drain",
    tag = "fleet",
    operation_id = "drain_worker",
    params(("id" = WorkerId, Path, description = "The worker")),
    responses((status = 200, description = "The worker as it is now", body = WorkerRecord), Problems)
)]
pub async fn drain(
    State(app): State<App>,
    Id(id): Id<WorkerId>,
) -> Result<Json<WorkerRecord>, Problem> {
    known(&app, id).await?;
    app.store.drain(id).await?;
    app.hints.beat(id);
    tracing::info!(worker = %id, "drain asked for");
    Ok(Json(known(&app, id).await?))
}

#[cfg(test)]
mod tests {
    use mystic_domain::WorkerId;

    use crate::testing::{TestApi, body, problem};

    #[tokio::test]
    async fn a_drained_worker_says_so_and_an_unknown_one_is_a_problem() {
        let api = TestApi::start().await;
        let worker = api.worker().await.worker;
        for _ in 0..2 {
            let path = format!("/api/v1/workers/{worker}/drain");
            let answer = api.post(&path).send().await.expect("an answer");
            assert_eq!(body(answer).await["state"], "draining");
        }
        let path = format!("/api/v1/workers/{}/drain", WorkerId::generate());
        problem(api.post(&path).send().await.expect("an answer"), 404).await;
    }
}
