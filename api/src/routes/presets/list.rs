use axum::Json;
use axum::extract::State;
use mystic_store::PresetRecord;

use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;

/// List presets
///
/// The models that a job can name, with their defaults and limits, and what each live worker says of them.
#[utoipa::path(
    get,
    path = "/api/v1/presets",
    tag = "fleet",
    operation_id = "list_presets",
    responses((status = 200, description = "The presets", body = Vec<PresetRecord>), Problems)
)]
pub async fn list(State(app): State<App>) -> Result<Json<Vec<PresetRecord>>, Problem> {
    Ok(Json(app.store.presets().await?))
}
