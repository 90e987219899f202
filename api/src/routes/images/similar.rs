use axum::Json;
use axum::extract::State;
use mystic_domain::ImageId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::show::record;
use crate::extract::{Id, Query};
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::routes::query;
use crate::state::App;
use crate::wire::Image;

/// How many to show.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListSimilar {
    /// Pictures at most.
    #[serde(default = "query::default_limit", deserialize_with = "query::limit")]
    #[param(minimum = 1, maximum = 200, default = 50, required = false)]
    limit: i64,
}

/// A picture that is like another.
#[derive(Debug, Serialize, ToSchema)]
pub struct SimilarImage {
    /// The picture.
    image: Image,
    /// How alike the prompts are, from 0 to 1: the share of the trigrams that both have.
    prompt: f32,
    /// How alike the tags are, from 0 to 1: the share of the tags that both have.
    tags: f32,
}

/// Pictures that are like another, most alike first.
#[derive(Debug, Serialize, ToSchema)]
pub struct SimilarImages {
    /// The pictures.
    images: Vec<SimilarImage>,
}

/// Show pictures that are like this one
///
/// By the prompts' trigrams and by shared tags, most alike first. Of the pictures whose prompts have many words in common,
/// and of those that share a tag, the newest 200 each are compared.
#[utoipa::path(
    get,
    path = "/api/v1/images/{id}/similar",
    tag = "images",
    operation_id = "list_similar_images",
    params(("id" = ImageId, Path, description = "The picture"), ListSimilar),
    responses((status = 200, description = "The pictures", body = SimilarImages), Problems)
)]
pub async fn similar(
    State(app): State<App>,
    Id(id): Id<ImageId>,
    Query(ListSimilar { limit }): Query<ListSimilar>,
) -> Result<Json<SimilarImages>, Problem> {
    record(&app, id).await?;
    let similar = app.store.similar_images(id, limit).await?;
    let images = similar.into_iter().map(|found| SimilarImage {
        image: found.image.into(),
        prompt: found.prompt,
        tags: found.tags,
    });
    Ok(Json(SimilarImages {
        images: images.collect(),
    }))
}

#[cfg(test)]
mod tests {
    use crate::testing::{TestApi, problem};

    #[tokio::test]
    async fn the_most_alike_comes_first_and_kin_is_shown() {
        let api = TestApi::start().await;
        let image = api.picture("a red circle on a blue background").await;
        let alike = api.picture("a red circle on a blue ground").await;
        let less = api
            .picture("a red circle, a green one, a blue ground")
            .await;
        api.picture("nothing of that kind").await;
        let path = format!("/api/v1/images/{image}/similar");
        let found = api.shown(&path).await;
        let found: Vec<&str> = found["images"]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(|found| found["image"]["id"].as_str())
            .collect();
        assert_eq!(found, [alike.to_string(), less.to_string()]);
        let shown = api.shown(&format!("{path}?limit=1")).await;
        assert_eq!(shown["images"].as_array().map(Vec::len), Some(1));
        let line = api.shown(&format!("/api/v1/images/{image}/lineage")).await;
        assert_eq!(line, serde_json::json!({"ancestors": [], "children": []}));
        let nobody = mystic_domain::ImageId::generate();
        for what in ["similar", "lineage"] {
            let path = format!("/api/v1/images/{nobody}/{what}");
            problem(api.get(&path).send().await.expect("an answer"), 404).await;
        }
    }
}
