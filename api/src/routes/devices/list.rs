use axum::Json;
use axum::extract::State;
use mystic_store::DeviceRecord;

use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;

/// List devices
///
/// Every device with its ledger in MiB: what is booked by loaded models and by running jobs, and what others use.
#[utoipa::path(
    get,
    path = "/api/v1/devices",
    tag = "fleet",
    operation_id = "list_devices",
    responses((status = 200, description = "The devices", body = Vec<DeviceRecord>), Problems)
)]
pub async fn list(State(app): State<App>) -> Result<Json<Vec<DeviceRecord>>, Problem> {
    Ok(Json(app.store.devices().await?))
}
