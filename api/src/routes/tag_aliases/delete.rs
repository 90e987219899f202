use axum::extract::State;
use axum::http::StatusCode;

use crate::extract::Id;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;

/// Forget a tag alias
///
/// Tags that were written so stay.
#[utoipa::path(
    delete,
    path = "/api/v1/tag-aliases/{alias}",
    tag = "tags",
    operation_id = "delete_tag_alias",
    params(("alias" = String, Path, description = "As the list has it")),
    responses((status = 204, description = "It is no alias any more"), Problems)
)]
pub async fn delete(State(app): State<App>, Id(alias): Id<String>) -> Result<StatusCode, Problem> {
    if alias.contains('\0') || !app.store.delete_alias(&alias).await? {
        let message = format!("No tag alias is named {alias:?}; /api/v1/tag-aliases has them.");
        return Err(Problem::not_found(message));
    }
    tracing::info!(alias, "tag alias forgotten");
    Ok(StatusCode::NO_CONTENT)
}
