use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use mystic_domain::InvalidField;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::filter::FilterImages;
use crate::cursor::Cursor;
use crate::extract::{Query, typed};
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::routes::query;
use crate::state::App;
use crate::wire::ImagePage;

/// Which part of the list to show.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageOfImages {
    /// `relevance` is for a search with `q` and has one page: the best of the newest 1,000 pictures that it finds.
    #[serde(default)]
    #[param(inline, required = false)]
    sort: Sort,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
    /// Pictures in the page.
    #[serde(default = "query::default_limit", deserialize_with = "query::limit")]
    #[param(minimum = 1, maximum = 200, default = 50, required = false)]
    limit: i64,
}

/// The order of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// Newest first.
    #[default]
    Newest,
    /// What fits `q` best first: the prompt weighs more than tags, these more than the negative prompt.
    Relevance,
}

/// The parameters of a page, between those of the filter.
const OF_THE_PAGE: [&str; 3] = ["sort", "cursor", "limit"];

/// A filter and a page of it, from one query.
pub struct ListImages(FilterImages, PageOfImages);

impl<S: Send + Sync> FromRequestParts<S> for ListImages {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(asked) = Query::<Map<String, Value>>::from_request_parts(parts, state).await?;
        let (page, filter): (Map<_, _>, Map<_, _>) = asked
            .into_iter()
            .partition(|(name, _)| OF_THE_PAGE.contains(&name.as_str()));
        Ok(Self(
            typed(Value::Object(filter))?,
            typed(Value::Object(page))?,
        ))
    }
}

/// List pictures
///
/// Newest first, or as `sort` says. Pictures that are added meanwhile don't shift the pages. Those in the bin are only
/// there with `bin=true`.
#[utoipa::path(
    get,
    path = "/api/v1/images",
    tag = "images",
    operation_id = "list_images",
    params(FilterImages, PageOfImages),
    responses((status = 200, description = "A page of pictures", body = ImagePage), Problems)
)]
pub async fn list(
    State(app): State<App>,
    ListImages(filter, page): ListImages,
) -> Result<Json<ImagePage>, Problem> {
    let filter = filter.checked()?;
    if page.sort == Sort::Relevance {
        if filter.text.is_none() {
            let allowed = "newest, or relevance with some words in q";
            return Err(InvalidField::new("sort", "relevance", allowed).into());
        }
        if page.cursor.is_some() {
            let refused = Problem::invalid_field("A list by relevance has one page.");
            return Err(refused.about("cursor", None, Some("none with sort=relevance".into())));
        }
        let best = app.store.best_images(&filter, page.limit).await?;
        return Ok(Json(ImagePage {
            images: best.into_iter().map(Into::into).collect(),
            next: None,
        }));
    }
    let after = page.cursor.map(Cursor::place);
    let mut records = app.store.images(&filter, after, page.limit + 1).await?;
    let more = i64::try_from(records.len()).is_ok_and(|len| len > page.limit);
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
        assert!(indexes(&api.shown("/api/v1/images?tags=circle").await).is_empty());
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

    #[tokio::test]
    async fn a_search_is_ranked_and_what_is_asked_wrongly_is_named() {
        let api = TestApi::start().await;
        let image = api.picture("a red circle").await;
        let other = api.picture("a blue square, no circle").await;
        let listed = async |query: &str| -> Vec<serde_json::Value> {
            let page = api.shown(&format!("/api/v1/images?{query}")).await;
            let images = page["images"].as_array().expect("a list").iter();
            images.map(|image| image["id"].clone()).collect()
        };
        let [one, two] = [json!(image), json!(other)];
        assert_eq!(listed("q=red+circle").await, std::slice::from_ref(&one));
        assert_eq!(listed("q=circle&sort=relevance").await.len(), 2);
        assert_eq!(listed("q=%20").await, [two.clone(), one.clone()]);
        let twice = format!("ids={image},{image}");
        assert_eq!(listed(&twice).await, std::slice::from_ref(&one));
        assert_eq!(
            listed("min_width=128&max_height=128&seed=7&favourite=false")
                .await
                .len(),
            2
        );
        for (query, field) in [
            ("sort=relevance", "sort"),
            ("sort=best&q=a", "sort"),
            ("rating_min=6", "rating_min"),
            ("rating_min=x", "rating_min"),
            ("tags=!", "tags"),
            ("favourite=perhaps", "favourite"),
            ("from=yesterday", "from"),
            ("tag=circle", "tag"),
            ("limit=201", "limit"),
            ("min_width=-x", "min_width"),
        ] {
            let answer = api.get(&format!("/api/v1/images?{query}")).send().await;
            let refused = problem(answer.expect("an answer"), 422).await;
            assert_eq!(refused["field"], field, "{query}");
        }
        let next = api.shown("/api/v1/images?limit=1").await["next"].clone();
        let next = next.as_str().expect("a cursor");
        let path = format!("/api/v1/images?q=circle&sort=relevance&cursor={next}");
        let refused = problem(api.get(&path).send().await.expect("an answer"), 422).await;
        assert_eq!(refused["field"], "cursor");
    }
}
