use axum::extract::State;
use axum::http::StatusCode;
use mystic_domain::ResidentId;
use mystic_store::ResidentRecord;

use crate::extract::Id;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;

/// Unload a model
///
/// Its memory is free when its engine has ended, which `/api/v1/devices` shows; a job that wants it loads it again. A model
/// that a job has, or that still loads, stays.
#[utoipa::path(
    post,
    path = "/api/v1/residents/{id}/unload",
    tag = "fleet",
    operation_id = "unload_model",
    params(("id" = ResidentId, Path, description = "The loaded model")),
    responses(
        (status = 202, description = "It is being unloaded"),
        (status = 409, description = "A job has it, or it still loads", body = Problem, content_type = "application/problem+json"),
        Problems
    )
)]
pub async fn unload(State(app): State<App>, Id(id): Id<ResidentId>) -> Result<StatusCode, Problem> {
    if let Some(worker) = app.store.evict(id).await? {
        app.hints.beat(worker);
        tracing::info!(resident = %id, %worker, "unload asked for");
        return Ok(StatusCode::ACCEPTED);
    }
    match loaded(&app, id).await?.state.as_str() {
        "evicting" => Ok(StatusCode::ACCEPTED),
        "loading" => Err(Problem::resident_in_use(format!(
            "Model {id} is still loading."
        ))),
        _ => Err(Problem::resident_in_use(format!("A job has model {id}."))),
    }
}

async fn loaded(app: &App, id: ResidentId) -> Result<ResidentRecord, Problem> {
    let devices = app.store.devices().await?;
    let mut models = devices.into_iter().flat_map(|device| device.residents);
    let model = models.find(|model| model.id == id);
    model.ok_or_else(|| Problem::not_found(format!("There is no loaded model {id}.")))
}

#[cfg(test)]
mod tests {
    use mystic_domain::ResidentId;
    use mystic_store::Outcome;

    use crate::testing::{TestApi, problem};

    #[tokio::test]
    async fn an_idle_model_is_unloaded_and_one_at_work_stays() {
        let api = TestApi::start().await;
        let unload = async |id: ResidentId| {
            let answer = api.post(&format!("/api/v1/residents/{id}/unload")).send();
            answer.await.expect("an answer")
        };
        problem(unload(ResidentId::generate()).await, 404).await;
        let worker = api.worker().await;
        let job = api.accepted().await;
        let fence = worker.take(job).await;
        let model = async || {
            let device = api.store.devices().await.expect("devices").remove(0);
            device.residents[0].clone()
        };
        let id = model().await.id;
        problem(unload(id).await, 409).await;
        let ready = api.store.resident_ready(worker.worker, id).await;
        assert!(ready.expect("answered"));
        problem(unload(id).await, 409).await;
        worker.picture(job, fence, 0, b"picture").await;
        worker.settle(job, fence, &Outcome::Succeeded).await;
        for _ in 0..2 {
            assert_eq!(unload(id).await.status(), 202);
            assert_eq!(model().await.state, "evicting");
        }
    }
}
