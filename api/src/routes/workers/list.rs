use axum::Json;
use axum::extract::State;
use mystic_store::WorkerRecord;

use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;

/// Workers that are shown: the living, then those that went last.
const SHOWN: i64 = 200;

/// List workers
#[utoipa::path(
    get,
    path = "/api/v1/workers",
    tag = "fleet",
    operation_id = "list_workers",
    responses((status = 200, description = "The workers", body = Vec<WorkerRecord>), Problems)
)]
pub async fn list(State(app): State<App>) -> Result<Json<Vec<WorkerRecord>>, Problem> {
    Ok(Json(app.store.workers(SHOWN).await?))
}
