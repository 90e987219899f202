use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use mystic_domain::ImageId;
use mystic_store::Change;
use serde::Deserialize;
use utoipa::IntoParams;

use super::show::record;
use crate::extract::{Id, Query};
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::routes::query;
use crate::state::App;
use crate::wire::Image;

/// How to delete.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeleteImage {
    /// Delete what is in the bin, with its files.
    #[serde(default, deserialize_with = "query::flag")]
    #[param(required = false)]
    for_good: bool,
}

/// Put a picture into the bin, or delete it for good
///
/// In the bin it is in no list, search or count but the bin's own, and can be restored. `for_good` deletes what is in
/// the bin: the row at once, its files when the store is next cleaned up, unless another picture has the same content.
#[utoipa::path(
    delete,
    path = "/api/v1/images/{id}",
    tag = "images",
    operation_id = "delete_image",
    params(("id" = ImageId, Path, description = "The picture"), DeleteImage),
    responses(
        (status = 200, description = "The picture, in the bin", body = Image),
        (status = 204, description = "It is deleted for good"),
        (status = 409, description = "It is not in the bin, or jobs are still at work with it", body = Problem,
         content_type = "application/problem+json"),
        Problems,
    )
)]
pub async fn delete(
    State(app): State<App>,
    Id(id): Id<ImageId>,
    Query(DeleteImage { for_good }): Query<DeleteImage>,
) -> Result<Response, Problem> {
    if !for_good {
        app.store.change_images(&[id], &Change::Bin).await?;
        let image: Image = record(&app, id).await?.into();
        return Ok(Json(image).into_response());
    }
    if !app.store.delete_images(&[id]).await?.is_empty() {
        tracing::info!(image = %id, "picture deleted for good");
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Err(if record(&app, id).await?.binned_at.is_none() {
        Problem::not_in_bin(
            "Only what is in the bin is deleted for good; delete it without for_good first.",
        )
    } else {
        Problem::image_in_use(
            "A job that is not finished has made it or works on it; cancel that, or wait.",
        )
    })
}

#[cfg(test)]
mod tests {
    use mystic_domain::ImageId;

    use crate::testing::{TestApi, body, generate, id, problem};

    #[tokio::test]
    async fn a_picture_goes_to_the_bin_comes_back_and_is_gone_for_good() {
        let api = TestApi::start().await;
        let image = api.picture("a red circle").await;
        let path = format!("/api/v1/images/{image}");
        let delete = async |query: &str| {
            let url = format!("{}{path}{query}", api.url);
            api.client.delete(url).send().await.expect("an answer")
        };
        let count = async |query: &str| -> usize {
            let page = api.shown(&format!("/api/v1/images{query}")).await;
            page["images"].as_array().map_or(0, Vec::len)
        };
        let refused = problem(delete("?for_good=true").await, 409).await;
        assert_eq!(refused["type"], "urn:mystic:problem:not_in_bin");
        let binned = body(delete("").await).await;
        assert!(binned["binned_at"].is_string(), "{binned}");
        assert_eq!((count("").await, count("?bin=true").await), (0, 1));
        let job = binned["job"].as_str().expect("an id");
        let job = api.shown(&format!("/api/v1/jobs/{job}")).await;
        assert_eq!(
            job["images"].as_array().map(Vec::len),
            Some(1),
            "a job shows what it made"
        );
        let restored = api.post(&format!("{path}/restore")).send().await;
        let restored = body(restored.expect("an answer")).await;
        assert!(restored["binned_at"].is_null());
        assert_eq!((count("").await, count("?bin=true").await), (1, 0));
        delete("").await;
        assert_eq!(delete("?for_good=true").await.status(), 204);
        problem(delete("?for_good=true").await, 404).await;
        problem(api.get(&path).send().await.expect("an answer"), 404).await;
        let restored = api.post(&format!("{path}/restore")).send().await;
        problem(restored.expect("an answer"), 404).await;
    }

    #[tokio::test]
    async fn a_picture_of_a_job_at_work_is_not_deleted_for_good() {
        let api = TestApi::start().await;
        let job = id(&body(api.submit(&generate()).await).await);
        let worker = api.worker().await;
        let fence = worker.take(job).await;
        let image: ImageId = worker.picture(job, fence, 0, b"bytes").await;
        let url = format!("{}/api/v1/images/{image}", api.url);
        let delete = async |url: &str| api.client.delete(url).send().await.expect("an answer");
        assert_eq!(delete(&url).await.status(), 200);
        let refused = problem(delete(&format!("{url}?for_good=true")).await, 409).await;
        assert_eq!(refused["type"], "urn:mystic:problem:image_in_use");
    }
}
