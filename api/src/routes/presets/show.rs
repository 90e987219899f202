use axum::Json;
use axum::extract::State;
use mystic_store::PresetRecord;

use super::no_preset;
use crate::extract::Id;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;

/// Show a preset
///
/// Its files, flags, defaults and limits, what each live worker says of it, and what its jobs were seen to take.
#[utoipa::path(
    get,
    path = "/api/v1/presets/{name}",
    tag = "fleet",
    operation_id = "show_preset",
    params(("name" = String, Path, description = "The preset's name")),
    responses((status = 200, description = "The preset", body = PresetRecord), Problems)
)]
pub async fn show(
    State(app): State<App>,
    Id(name): Id<String>,
) -> Result<Json<PresetRecord>, Problem> {
    let record = match name.as_str() {
        // No text of Postgres' holds a NUL, so no preset's name does.
        name if name.contains('\0') => None,
        name => app.store.preset_record(name).await?,
    };
    record.map(Json).ok_or_else(|| no_preset(&name))
}
