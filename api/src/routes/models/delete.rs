use axum::extract::State;
use axum::http::StatusCode;
use mystic_store::{Holder, NewOperation, OperationKind};

use super::known;
use crate::extract::Id;
use crate::openapi::Problems;
use crate::operations;
use crate::problem::Problem;
use crate::state::App;

/// Delete a model
///
/// Its files go, unfinished ones too, but for those that another model of the catalogue has as well. One that was imported
/// is in no catalogue from then on. It stays (409) while a preset that names one of its files has unfinished jobs, and while
/// an engine holds it.
#[utoipa::path(
    delete,
    path = "/api/v1/models/{name}",
    tag = "fleet",
    operation_id = "delete_model",
    params(("name" = String, Path, description = "The model's name in the catalogue")),
    responses(
        (status = 204, description = "Its files are gone"),
        (status = 409, description = "Jobs or engines need it, or something else is done with its files", body = Problem, content_type = "application/problem+json"),
        Problems,
    )
)]
pub async fn delete(State(app): State<App>, Id(name): Id<String>) -> Result<StatusCode, Problem> {
    let model = known(&app, &name).await?;
    let paths: Vec<String> = model.files.iter().map(|file| file.path.clone()).collect();
    let holders = app.store.holders(&paths).await?;
    if !holders.is_empty() {
        let held: Vec<String> = holders.iter().map(held_by).collect();
        return Err(Problem::model_in_use(format!(
            "{name} is needed by {}.",
            held.join(", ")
        )));
    }
    let new = NewOperation {
        model: name.clone(),
        kind: OperationKind::Remove,
        paths,
        request: None,
        total: 0,
    };
    let begun = operations::begin(&app, &new).await?;
    // Not broken off where the client hangs up.
    let carried = tokio::spawn(operations::carry_out(app, begun)).await;
    match carried {
        Ok(None) => Ok(StatusCode::NO_CONTENT),
        Ok(Some(error)) => Err(Problem::internal(format!(
            "{name} is not deleted: {error}."
        ))),
        Err(error) => {
            tracing::error!(%error, "the deletion of a model broke off");
            Err(Problem::internal(
                "The deletion broke off; the log says why.",
            ))
        }
    }
}

fn held_by(holder: &Holder) -> String {
    let name = &holder.preset.name;
    match holder.jobs {
        0 => format!("an engine that has preset {name} loaded"),
        jobs => format!("{jobs} unfinished jobs of preset {name}"),
    }
}
