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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{TestApi, generate, id, problem};

    #[tokio::test]
    async fn pictures_are_paged_filtered_and_shown_with_their_urls() {
        let api = TestApi::start().await;
        let mut request = generate();
        request["params"]["batch"] = json!(3);
        let job = id(&crate::testing::body(api.submit(&request).await).await);
        let worker = api.worker().await;
        let fence = worker.take(job).await;
        for index in 0..3 {
            worker
                .picture(job, fence, index, format!("picture {index}").as_bytes())
                .await;
        }
        let page = api
            .shown(&format!("/api/v1/images?job={job}&limit=2"))
            .await;
        let next = page["next"].as_str().expect("a cursor");
        let rest = api
            .shown(&format!("/api/v1/images?job={job}&limit=2&cursor={next}"))
            .await;
        let indexes = |page: &serde_json::Value| -> Vec<i64> {
            let images = page["images"].as_array().expect("a list").iter();
            images
                .map(|image| image["index"].as_i64().expect("a number"))
                .collect()
        };
        assert_eq!((indexes(&page), indexes(&rest)), (vec![2, 1], vec![0]));
        assert!(rest["next"].is_null());
        let url = page["images"][0]["url"].as_str().expect("a URL");
        assert_eq!(api.shown(url).await, page["images"][0]);
        assert!(indexes(&api.shown("/api/v1/images?tag=circle").await).is_empty());
        assert_eq!(
            indexes(&api.shown("/api/v1/images?preset=demo&owner=local").await).len(),
            3
        );
        let wrong = api
            .get("/api/v1/images?job=1")
            .send()
            .await
            .expect("an answer");
        assert_eq!(problem(wrong, 422).await["field"], "job");
    }
}
