use axum::Json;
use axum::extract::State;
use mystic_store::EstimateRecord;

use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;

/// List what jobs were seen to take
///
/// Memory beside the model, by preset, size and plan: what the formula says, and what is booked instead since attempts
/// were seen to take it. What is not here is booked by its formula.
#[utoipa::path(
    get,
    path = "/api/v1/estimates",
    tag = "fleet",
    operation_id = "list_estimates",
    responses((status = 200, description = "The estimates", body = Vec<EstimateRecord>), Problems)
)]
pub async fn list(State(app): State<App>) -> Result<Json<Vec<EstimateRecord>>, Problem> {
    Ok(Json(app.store.estimates().await?))
}

#[cfg(test)]
mod tests {
    use mystic_domain::{Failure, FailureKind};
    use mystic_store::Outcome;
    use serde_json::json;

    use crate::testing::{TestApi, problem};

    #[tokio::test]
    async fn what_ran_out_of_memory_is_raised_shown_foretold_and_forgotten_when_asked() {
        let api = TestApi::start().await;
        let worker = api.worker().await;
        let dry = async || {
            let request = api.post("/api/v1/jobs?dry_run=true");
            let request = request.json(&crate::testing::generate()).send().await;
            let foretold = crate::testing::body(request.expect("an answer")).await;
            foretold["outlook"]["estimate"]["need"]
                .as_i64()
                .expect("MiB")
        };
        let job = api.accepted().await;
        let fence = worker.take(job).await;
        let device = api.store.devices().await.expect("devices").remove(0);
        let model = device.residents[0].id;
        let ready = api.store.resident_ready(worker.worker, model).await;
        assert!(ready.expect("answered"));
        let failure = Failure::new(FailureKind::OutOfMemory, "it is full");
        worker.settle(job, fence, &Outcome::Failed(failure)).await;
        let before = dry().await;
        assert_eq!(api.store.learn().await.expect("learned"), 1);

        let shown = api.shown("/api/v1/estimates").await;
        let [estimate] = &shown.as_array().expect("a list")[..] else {
            panic!("{shown}")
        };
        assert_eq!(
            (&estimate["preset"], &estimate["plan"], &estimate["samples"]),
            (&json!("demo"), &json!("full"), &json!(1))
        );
        // 128 × 128 pixels of 2,048 B.
        assert_eq!(estimate["formula_mib"], 32);
        assert_eq!(
            (&estimate["pixels_from"], &estimate["pixels_below"]),
            (&json!(16_384), &json!(23_171))
        );
        let learned = estimate["learned_mib"].as_i64().expect("MiB");
        assert!(learned > 32 && estimate["raised_at"].is_string(), "{shown}");
        mystic_testkit::wait_until("the forecast to know", async || {
            dry().await == before + learned - 32
        })
        .await;

        let reset = async |preset: &str| {
            let url = format!("{}/api/v1/estimates/{preset}", api.url);
            api.client.delete(url).send().await.expect("an answer")
        };
        assert_eq!(reset("demo-tagger").await.status(), 204);
        assert_eq!(api.shown("/api/v1/estimates").await, shown);
        for _ in 0..2 {
            assert_eq!(reset("demo").await.status(), 204);
            assert_eq!(api.shown("/api/v1/estimates").await, json!([]));
        }
        for unknown in ["nothing", "%00"] {
            problem(reset(unknown).await, 404).await;
        }
        mystic_testkit::wait_until("the formula to count again", async || dry().await == before)
            .await;
    }
}
