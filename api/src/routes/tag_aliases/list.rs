use axum::Json;
use axum::extract::State;
use mystic_store::AliasRecord;

use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;

/// List tag aliases
#[utoipa::path(
    get,
    path = "/api/v1/tag-aliases",
    tag = "tags",
    operation_id = "list_tag_aliases",
    responses((status = 200, description = "The aliases, by name", body = Vec<AliasRecord>), Problems)
)]
pub async fn list(State(app): State<App>) -> Result<Json<Vec<AliasRecord>>, Problem> {
    Ok(Json(app.store.aliases().await?))
}
