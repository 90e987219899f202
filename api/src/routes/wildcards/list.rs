use axum::Json;
use axum::extract::State;

use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;
use crate::wildcards::{Folder, Wildcard};

/// List wildcards
///
/// `__name__` in a prompt stands for a line of the wildcard's file, chosen by the job's seed when it is submitted.
#[utoipa::path(
    get,
    path = "/api/v1/wildcards",
    tag = "prompts",
    operation_id = "list_wildcards",
    responses((status = 200, description = "The wildcards, by name", body = Vec<Wildcard>), Problems)
)]
pub async fn list(State(app): State<App>) -> Result<Json<Vec<Wildcard>>, Problem> {
    let mut folder = Folder::new(&app.config.prompts.wildcards);
    let listed = tokio::task::spawn_blocking(move || folder.list())
        .await
        .map_err(|_| Problem::internal("The wildcards were not read to the end."))?;
    let listed = listed.map_err(|error| {
        tracing::warn!(%error, "wildcards can't be read");
        Problem::internal("The directory of wildcards (prompts.wildcards) can't be read.")
    })?;
    Ok(Json(listed))
}
