use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use mystic_store::{ModelOperation, OperationKind};

use super::known;
use crate::extract::Id;
use crate::openapi::Problems;
use crate::operations;
use crate::problem::Problem;
use crate::state::App;

/// Bring a model
///
/// Its files come into the models directory of the API's host from where the catalogue says, each verified by its checksum.
/// `GET /api/v1/models` says how far it is. What breaks off is gone on with: by the next pull, or when the API is back.
#[utoipa::path(
    post,
    path = "/api/v1/models/{name}/pull",
    tag = "fleet",
    operation_id = "pull_model",
    params(("name" = String, Path, description = "The model's name in the catalogue")),
    responses(
        (status = 202, description = "It is coming", body = ModelOperation),
        (status = 409, description = "Something else is done with its files", body = Problem, content_type = "application/problem+json"),
        Problems,
    )
)]
pub async fn pull(
    State(app): State<App>,
    Id(name): Id<String>,
) -> Result<(StatusCode, Json<ModelOperation>), Problem> {
    let model = known(&app, &name).await?;
    let begun = operations::start(&app, &model, OperationKind::Pull).await?;
    Ok((StatusCode::ACCEPTED, Json(begun)))
}

#[cfg(test)]
mod tests;
