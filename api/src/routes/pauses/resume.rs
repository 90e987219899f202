use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::pause::PauseScope;
use crate::extract::Query;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;

/// Which pause to end.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ResumeQuery {
    /// How much is stopped.
    #[param(inline)]
    scope: PauseScope,
    /// Which owner, preset or device; absent for the queue.
    name: Option<String>,
}

/// Let what was stopped go on
///
/// Another pause that covers the same jobs stays in force.
#[utoipa::path(
    delete,
    path = "/api/v1/pauses",
    tag = "queue",
    operation_id = "resume",
    params(ResumeQuery),
    responses((status = 204, description = "It goes on"), Problems)
)]
pub async fn resume(
    State(app): State<App>,
    Query(asked): Query<ResumeQuery>,
) -> Result<StatusCode, Problem> {
    let pause = asked.scope.of(asked.name)?;
    if !app.store.resume(&pause).await? {
        return Err(Problem::not_found(
            "Nothing of that scope and name is stopped.",
        ));
    }
    tracing::info!(scope = pause.scope(), name = pause.name(), "resumed");
    Ok(StatusCode::NO_CONTENT)
}
