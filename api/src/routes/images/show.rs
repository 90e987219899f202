use axum::Json;
use axum::extract::State;
use mystic_domain::{ImageId, JobId, Plan};
use mystic_store::ImageRecord;

use crate::extract::Id;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;
use crate::wire::Image;

/// Show a picture
///
/// With its tags and everything that made it: the same parameters make the same pixels.
#[utoipa::path(
    get,
    path = "/api/v1/images/{id}",
    tag = "images",
    operation_id = "show_image",
    params(("id" = ImageId, Path, description = "The picture")),
    responses((status = 200, description = "The picture", body = Image), Problems)
)]
pub async fn show(State(app): State<App>, Id(id): Id<ImageId>) -> Result<Json<Image>, Problem> {
    Ok(Json(record(&app, id).await?.into()))
}

/// The picture's row.
pub async fn record(app: &App, id: ImageId) -> Result<ImageRecord, Problem> {
    app.store.image(id).await?.ok_or_else(|| no_image(id))
}

/// The job that drew the picture, and how it was fitted into memory; of what was imported its file alone can tell.
pub fn drawn(image: &ImageRecord) -> Result<(JobId, Plan), Problem> {
    image.job.zip(image.plan).ok_or_else(|| {
        Problem::not_drawn_here(format!(
            "Picture {} was imported: no job of ours drew it.",
            image.id
        ))
    })
}

/// There is no such picture.
pub fn no_image(id: ImageId) -> Problem {
    Problem::not_found(format!("There is no picture {id}."))
}
