//! `/api/v1/workers`

pub mod drain;
pub mod forget;
pub mod list;

use mystic_domain::WorkerId;
use mystic_store::WorkerRecord;

use crate::problem::Problem;
use crate::state::App;

/// The worker of this id.
async fn known(app: &App, id: WorkerId) -> Result<WorkerRecord, Problem> {
    let worker = app.store.worker(id).await?;
    worker.ok_or_else(|| Problem::not_found(format!("There is no worker {id}.")))
}
