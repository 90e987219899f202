use axum::Json;
use axum::extract::State;
use mystic_store::ModelOperation;

use crate::extract::Id;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;

/// Cancel what brings a model
///
/// A pull or an import. What a pull has brought is kept beside its place, and the next one goes on from there.
#[utoipa::path(
    delete,
    path = "/api/v1/models/{name}/pull",
    tag = "fleet",
    operation_id = "cancel_model_pull",
    params(("name" = String, Path, description = "The model's name in the catalogue")),
    responses((status = 200, description = "It is cancelled", body = ModelOperation), Problems)
)]
pub async fn cancel(
    State(app): State<App>,
    Id(name): Id<String>,
) -> Result<Json<ModelOperation>, Problem> {
    let cancelled = match name.as_str() {
        // No text of Postgres' holds a NUL, so no model's name does.
        name if name.contains('\0') => None,
        name => app.store.cancel_pull(name).await?,
    };
    let Some(cancelled) = cancelled else {
        let message = format!("Nothing is just bringing a model named {name:?}.");
        return Err(Problem::not_found(message));
    };
    tracing::info!(model = name, "model operation cancelled");
    Ok(Json(cancelled))
}
