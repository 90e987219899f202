use axum::extract::State;
use axum::{Extension, Json};
use mystic_store::OwnerSettings;

use crate::guard::Owner;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;

/// Show what you want unless a request says otherwise
///
/// Of the owner whose key comes with the request, or of `local`.
#[utoipa::path(
    get,
    path = "/api/v1/settings",
    tag = "prompts",
    operation_id = "show_settings",
    responses((status = 200, description = "Your settings", body = OwnerSettings), Problems)
)]
pub async fn show(
    State(app): State<App>,
    Extension(Owner(owner)): Extension<Owner>,
) -> Result<Json<OwnerSettings>, Problem> {
    Ok(Json(app.store.owner_settings(&owner).await?))
}
