use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use mystic_domain::ImageId;

use super::show::record;
use crate::extract::Id;
use crate::files;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;

/// Get a picture's thumbnail
///
/// A PNG. Never changes: the `ETag` is the file's SHA-256. Ranges are served.
#[utoipa::path(
    get,
    path = "/api/v1/images/{id}/thumb",
    tag = "images",
    operation_id = "get_image_thumb",
    params(("id" = ImageId, Path, description = "The picture")),
    responses(
        (status = 200, description = "The file", body = [u8], content_type = "image/png"),
        (status = 206, description = "A part of it", body = [u8], content_type = "image/png"),
        (status = 304, description = "The client has it"),
        Problems,
    )
)]
pub async fn thumb(
    State(app): State<App>,
    Id(id): Id<ImageId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let image = record(&app, id).await?;
    files::serve(&app.files, &image.thumb_sha256, "png", &headers).await
}
