use axum::Json;
use axum::extract::State;
use mystic_domain::WorkerId;
use mystic_store::WorkerRecord;

use super::known;
use crate::extract::Id;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;

/// Forget a worker that never returns
///
/// Frees the memory that a silent worker had booked. Only for a host that is gone for good: memory is otherwise freed
/// when the worker's successor on that host has proven it dead.
#[utoipa::path(
    post,
    path = "/api/v1/workers/{id}/forget",
    tag = "fleet",
    operation_id = "forget_worker",
    params(("id" = WorkerId, Path, description = "The worker")),
    responses((status = 200, description = "The worker, with nothing booked", body = WorkerRecord), Problems)
)]
pub async fn forget(
    State(app): State<App>,
    Id(id): Id<WorkerId>,
) -> Result<Json<WorkerRecord>, Problem> {
    let worker = known(&app, id).await?;
    if !app.store.forget(id).await? {
        return Err(Problem::worker_lives(format!(
            "Worker {id} still beats; stop its process first."
        ))
        .about("state", Some(worker.state), Some("gone".to_owned())));
    }
    tracing::warn!(worker = %id, host = worker.host, "forgotten on an operator's word");
    Ok(Json(worker))
}

#[cfg(test)]
mod tests {
    use mystic_domain::Mib;

    use crate::testing::{TestApi, problem};

    #[tokio::test]
    async fn a_silent_worker_is_forgotten_with_what_it_had_booked_and_a_living_one_is_not() {
        let api = TestApi::start().await;
        let job = api.accepted().await;
        let worker = api.worker().await;
        worker.take(job).await;
        let path = format!("/api/v1/workers/{}/forget", worker.worker);
        let forget = || api.post(&path).send();
        let refused = problem(forget().await.expect("an answer"), 409).await;
        assert_eq!(refused["type"], "urn:mystic:problem:worker_lives");
        let booked = async || {
            let devices = api.store.devices().await.expect("devices");
            devices
                .iter()
                .map(|device| device.resident + device.working)
                .sum::<Mib>()
        };
        assert!(booked().await > Mib(0));

        api.store
            .reap(worker.worker, 0)
            .await
            .expect("reaped")
            .expect("it was silent");
        assert!(booked().await > Mib(0), "silence proves nothing");
        for _ in 0..2 {
            assert_eq!(forget().await.expect("an answer").status(), 200);
            assert_eq!(booked().await, Mib(0));
        }
    }
}
