use axum::Json;
use axum::extract::State;
use mystic_domain::JobId;
use mystic_store::ImageFilter;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::cursor::Cursor;
use crate::extract::Query;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::routes::query;
use crate::state::App;
use crate::wire::ImagePage;

/// Which pictures to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListImages {
    /// Made by this job.
    #[serde(default, deserialize_with = "query::some_id")]
    #[param(value_type = Option<String>, format = Uuid)]
    job: Option<JobId>,
    /// Made by this preset.
    preset: Option<String>,
    /// Made for this owner.
    owner: Option<String>,
    /// With this tag.
    tag: Option<String>,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
    /// Pictures in the page.
    #[serde(default = "query::default_limit", deserialize_with = "query::limit")]
    #[param(minimum = 1, maximum = 200, default = 50, required = false)]
    limit: i64,
}

/// List pictures
///
/// Newest first. Pictures that are added meanwhile don't shift the pages.
#[utoipa::path(
    get,
    path = "/api/v1/images",
    tag = "images",
    operation_id = "list_images",
    params(ListImages),
    responses((status = 200, description = "A page of pictures", body = ImagePage), Problems)
)]
pub async fn list(
    State(app): State<App>,
    Query(asked): Query<ListImages>,
) -> Result<Json<ImagePage>, Problem> {
    let filter = ImageFilter {
        job: asked.job,
        preset: asked.preset,
        owner: asked.owner,
        tag: asked.tag,
        after: asked.cursor.map(Cursor::place),
        limit: asked.limit + 1,
    };
    let mut records = app.store.images(&filter).await?;
    let more = i64::try_from(records.len()).is_ok_and(|len| len > asked.limit);
    if more {
        records.pop();
    }
    let next = records.last().filter(|_| more).map(|last| Cursor {
        at: last.created_at,
        id: last.id.0,
    });
    Ok(Json(ImagePage {
        images: records.into_iter().map(Into::into).collect(),
        next,
    }))
}
