use axum::Json;
use axum::extract::State;
use mystic_store::KeyRecord;

use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;

/// List API keys
///
/// Those that were revoked too. What is secret about a key is shown once, when it is made.
#[utoipa::path(
    get,
    path = "/api/v1/keys",
    tag = "keys",
    operation_id = "list_keys",
    responses((status = 200, description = "The keys, by name", body = Vec<KeyRecord>), Problems)
)]
pub async fn list(State(app): State<App>) -> Result<Json<Vec<KeyRecord>>, Problem> {
    Ok(Json(app.store.keys().await?))
}
