use axum::Json;
use axum::extract::State;
use mystic_domain::ImageId;
use mystic_store::Change;

use super::show::{no_image, record};
use crate::extract::IdAndName;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;
use crate::tags::stored;
use crate::wire::Image;

/// Take a tag off a picture
///
/// Whoever gave it; a model that tags the picture again may give it again. Taking it off twice is taking it off once.
#[utoipa::path(
    delete,
    path = "/api/v1/images/{id}/tags/{name}",
    tag = "images",
    operation_id = "untag_image",
    params(("id" = ImageId, Path, description = "The picture"), ("name" = String, Path, description = "The tag")),
    responses((status = 200, description = "The picture as it is now", body = Image), Problems)
)]
pub async fn untag(
    State(app): State<App>,
    IdAndName(id, name): IdAndName<ImageId>,
) -> Result<Json<Image>, Problem> {
    let change = Change::Untag(vec![stored("name", &name)?]);
    if app.store.change_images(&[id], &change).await?.is_empty() {
        return Err(no_image(id));
    }
    Ok(Json(record(&app, id).await?.into()))
}
