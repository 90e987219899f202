use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;

use crate::extract::Id;
use crate::guard::Owner;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;

/// Revoke an API key
///
/// It lets nobody in any more, at once; the jobs and pictures of its name stay. A key can't revoke itself, so that nobody
/// locks everybody out.
#[utoipa::path(
    delete,
    path = "/api/v1/keys/{name}",
    tag = "keys",
    operation_id = "revoke_key",
    params(("name" = String, Path, description = "Whose key it is")),
    responses((status = 204, description = "It lets nobody in any more"), Problems)
)]
pub async fn revoke(
    State(app): State<App>,
    Extension(Owner(owner)): Extension<Owner>,
    Id(name): Id<String>,
) -> Result<StatusCode, Problem> {
    if name == owner {
        return Err(Problem::key_in_use(
            "This request came with the key that it is to revoke; revoke it with another.",
        ));
    }
    if name.contains('\0') || !app.store.revoke_key(&name).await? {
        let message = format!("{name:?} has no key that could be revoked; /api/v1/keys has them.");
        return Err(Problem::not_found(message));
    }
    tracing::info!(name, "API key revoked");
    Ok(StatusCode::NO_CONTENT)
}
