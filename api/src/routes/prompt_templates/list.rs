use axum::Json;
use axum::extract::State;
use mystic_store::TemplateRecord;

use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;

/// List prompt templates
///
/// Words to put around a prompt, which people call styles: their names go into `params.styles` of a job.
#[utoipa::path(
    get,
    path = "/api/v1/prompt-templates",
    tag = "prompts",
    operation_id = "list_prompt_templates",
    responses((status = 200, description = "The templates, by category and label", body = Vec<TemplateRecord>), Problems)
)]
pub async fn list(State(app): State<App>) -> Result<Json<Vec<TemplateRecord>>, Problem> {
    Ok(Json(app.store.templates().await?))
}
