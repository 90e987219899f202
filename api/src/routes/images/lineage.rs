use axum::Json;
use axum::extract::State;
use mystic_domain::ImageId;
use serde::Serialize;
use utoipa::ToSchema;

use super::show::record;
use crate::extract::Id;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;
use crate::wire::Image;

/// A picture's line, at most 100 pictures each way, without those in the bin.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImageLineage {
    /// What it was made from, from the nearest to the first of the line.
    ancestors: Vec<Image>,
    /// What was made from it, newest first.
    children: Vec<Image>,
}

/// Show what a picture was made from, and what from it
#[utoipa::path(
    get,
    path = "/api/v1/images/{id}/lineage",
    tag = "images",
    operation_id = "show_lineage",
    params(("id" = ImageId, Path, description = "The picture")),
    responses((status = 200, description = "Its line", body = ImageLineage), Problems)
)]
pub async fn lineage(
    State(app): State<App>,
    Id(id): Id<ImageId>,
) -> Result<Json<ImageLineage>, Problem> {
    record(&app, id).await?;
    let line = app.store.lineage(id).await?;
    let shown = |images: Vec<_>| images.into_iter().map(Image::from).collect();
    Ok(Json(ImageLineage {
        ancestors: shown(line.ancestors),
        children: shown(line.children),
    }))
}
