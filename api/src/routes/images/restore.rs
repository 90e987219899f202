use axum::Json;
use axum::extract::State;
use mystic_domain::ImageId;
use mystic_store::Change;

use super::show::record;
use crate::extract::Id;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;
use crate::wire::Image;

/// Take a picture out of the bin
///
/// One that is not in the bin stays as it is.
#[utoipa::path(
    post,
    path = "/api/v1/images/{id}/restore",
    tag = "images",
    operation_id = "restore_image",
    params(("id" = ImageId, Path, description = "The picture")),
    responses((status = 200, description = "The picture as it is now", body = Image), Problems)
)]
pub async fn restore(State(app): State<App>, Id(id): Id<ImageId>) -> Result<Json<Image>, Problem> {
    app.store.change_images(&[id], &Change::Restore).await?;
    Ok(Json(record(&app, id).await?.into()))
}
