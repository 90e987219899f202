use axum::Json;
use axum::extract::State;
use mystic_store::PauseRecord;

use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;

/// List what is stopped
///
/// Oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/pauses",
    tag = "queue",
    operation_id = "list_pauses",
    responses((status = 200, description = "Every pause that is in force", body = Vec<PauseRecord>), Problems)
)]
pub async fn list(State(app): State<App>) -> Result<Json<Vec<PauseRecord>>, Problem> {
    Ok(Json(app.store.pauses().await?))
}
