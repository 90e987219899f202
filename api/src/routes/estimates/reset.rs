use axum::extract::State;
use axum::http::StatusCode;

use crate::extract::Id;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;

/// Forget what a preset's jobs were seen to take
///
/// Their formulae count again until new attempts are learned from.
#[utoipa::path(
    delete,
    path = "/api/v1/estimates/{preset}",
    tag = "fleet",
    operation_id = "reset_estimates",
    params(("preset" = String, Path, description = "The preset's name")),
    responses((status = 204, description = "Nothing is learned of it"), Problems)
)]
pub async fn reset(State(app): State<App>, Id(preset): Id<String>) -> Result<StatusCode, Problem> {
    let forgotten = match preset.as_str() {
        // No text of Postgres' holds a NUL, so no preset's name does.
        name if name.contains('\0') => None,
        name => app.store.forget_estimates(name).await?,
    };
    let Some(forgotten) = forgotten else {
        let message = format!("No preset is named {preset:?}; /api/v1/presets has the names.");
        return Err(Problem::not_found(message));
    };
    tracing::info!(preset, forgotten, "estimates reset");
    Ok(StatusCode::NO_CONTENT)
}
