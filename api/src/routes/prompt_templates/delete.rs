use axum::extract::State;
use axum::http::StatusCode;

use crate::extract::Id;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;

/// Forget a prompt template
///
/// Jobs that were submitted with it keep their words.
#[utoipa::path(
    delete,
    path = "/api/v1/prompt-templates/{name}",
    tag = "prompts",
    operation_id = "delete_prompt_template",
    params(("name" = String, Path, description = "The template's name")),
    responses((status = 204, description = "It is gone"), Problems)
)]
pub async fn delete(State(app): State<App>, Id(name): Id<String>) -> Result<StatusCode, Problem> {
    if name.contains('\0') || !app.store.delete_template(&name).await? {
        let message =
            format!("No prompt template is named {name:?}; /api/v1/prompt-templates has them.");
        return Err(Problem::not_found(message));
    }
    tracing::info!(name, "prompt template deleted");
    Ok(StatusCode::NO_CONTENT)
}
