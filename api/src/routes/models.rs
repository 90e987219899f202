//! `/api/v1/models`

use std::path::Path;

use mystic_library::{Catalog, Model};

use crate::problem::Problem;
use crate::state::App;

pub mod cancel;
pub mod delete;
pub mod import;
pub mod list;
pub mod pull;
pub mod verify;

/// The model of this name in the catalogue of the models directory.
async fn known(app: &App, name: &str) -> Result<Model, Problem> {
    let catalog = read(app, Catalog::read).await?;
    catalog.model(name).cloned().ok_or_else(|| {
        Problem::not_found(format!(
            "No model is named {name:?}; /api/v1/models has the names."
        ))
    })
}

/// Looks at the models directory.
async fn read<T: Send + 'static, E: std::error::Error + Send + 'static>(
    app: &App,
    look: impl FnOnce(&Path) -> Result<T, E> + Send + 'static,
) -> Result<T, Problem> {
    let dir = app.config.models.dir.clone();
    let looked = tokio::task::spawn_blocking(move || look(&dir)).await;
    let problem = match looked {
        Ok(Ok(looked)) => return Ok(looked),
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    };
    tracing::error!(error = problem, "the models directory can't be looked at");
    Err(Problem::internal(
        "The models directory can't be looked at; the log says why.",
    ))
}
