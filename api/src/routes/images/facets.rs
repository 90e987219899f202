use axum::Json;
use axum::extract::State;
use mystic_store::Facets;

use super::filter::FilterImages;
use crate::extract::Query;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;

/// Count pictures by what they have
///
/// Tags, presets, ratings, favourites and sizes of the pictures of a filter, the most frequent first. Of the newest 1,000
/// that match: where there are more, `capped` is true.
#[utoipa::path(
    get,
    path = "/api/v1/images/facets",
    tag = "images",
    operation_id = "count_images",
    params(FilterImages),
    responses((status = 200, description = "The counts", body = Facets), Problems)
)]
pub async fn facets(
    State(app): State<App>,
    Query(filter): Query<FilterImages>,
) -> Result<Json<Facets>, Problem> {
    Ok(Json(app.store.facets(&filter.checked()?).await?))
}
