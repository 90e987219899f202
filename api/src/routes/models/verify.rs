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

/// Verify a model
///
/// All of its files are read and compared with their checksums. `GET /api/v1/models` says how far it is; it has failed
/// where a file is missing or another.
#[utoipa::path(
    post,
    path = "/api/v1/models/{name}/verify",
    tag = "fleet",
    operation_id = "verify_model",
    params(("name" = String, Path, description = "The model's name in the catalogue")),
    responses(
        (status = 202, description = "It is read", body = ModelOperation),
        (status = 409, description = "Something else is done with its files", body = Problem, content_type = "application/problem+json"),
        Problems,
    )
)]
pub async fn verify(
    State(app): State<App>,
    Id(name): Id<String>,
) -> Result<(StatusCode, Json<ModelOperation>), Problem> {
    let model = known(&app, &name).await?;
    let begun = operations::start(&app, &model, OperationKind::Verify).await?;
    Ok((StatusCode::ACCEPTED, Json(begun)))
}
