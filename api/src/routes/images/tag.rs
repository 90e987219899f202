use axum::Json;
use axum::extract::State;
use mystic_domain::ImageId;
use mystic_store::{Change, MAX_TAGS};

use super::show::record;
use crate::extract::IdAndName;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;
use crate::tags::stored;
use crate::wire::Image;

/// Give a picture a tag
///
/// By hand, beside the tags that models give. It is stored in lower case, with single spaces and without punctuation at
/// its ends. Giving it twice is giving it once.
#[utoipa::path(
    put,
    path = "/api/v1/images/{id}/tags/{name}",
    tag = "images",
    operation_id = "tag_image",
    params(("id" = ImageId, Path, description = "The picture"), ("name" = String, Path, description = "The tag")),
    responses((status = 200, description = "The picture as it is now", body = Image), Problems)
)]
pub async fn tag(
    State(app): State<App>,
    IdAndName(id, name): IdAndName<ImageId>,
) -> Result<Json<Image>, Problem> {
    let name = stored("name", &name)?;
    record(&app, id).await?;
    let tagged = app
        .store
        .change_images(&[id], &Change::Tag(vec![name]))
        .await?;
    let image = record(&app, id).await?;
    if tagged.is_empty() {
        return Err(Problem::too_many_tags(format!(
            "A picture has at most {MAX_TAGS} tags; take one away first."
        )));
    }
    Ok(Json(image.into()))
}

#[cfg(test)]
mod tests {
    use mystic_domain::ImageId;
    use reqwest::Method;
    use serde_json::{Value, json};

    use crate::testing::{TestApi, body, problem};

    #[tokio::test]
    async fn a_tag_is_given_and_taken_in_its_one_form() {
        let api = TestApi::start().await;
        let image = api.picture("a red circle").await;
        let ask = async |method: Method, image: ImageId, tag: &str| {
            let url = format!("{}/api/v1/images/{image}/tags/{tag}", api.url);
            let answer = api.client.request(method, url).send().await;
            answer.expect("an answer")
        };
        let tagged = body(ask(Method::PUT, image, "Blue_Sky!").await).await;
        let by_hand = json!([{"name": "blue sky", "source": "user", "confidence": 1.0}]);
        assert_eq!(tagged["tags"], by_hand);
        assert_eq!(
            body(ask(Method::PUT, image, "blue%20sky").await).await,
            tagged
        );
        let found = async |query: &str| -> usize {
            let page = api.shown(&format!("/api/v1/images?{query}")).await;
            page["images"].as_array().map_or(0, Vec::len)
        };
        assert_eq!(found("tags=Blue+Sky&q=sky").await, 1);
        assert_eq!(found("no_tags=blue_sky").await, 0);
        let facets: Value = api
            .shown("/api/v1/images/facets?any_tags=blue+sky,sea")
            .await;
        assert_eq!(facets["tags"], json!([{"value": "blue sky", "count": 1}]));
        assert_eq!(
            (&facets["counted"], &facets["capped"]),
            (&json!(1), &json!(false))
        );
        let bare = body(ask(Method::DELETE, image, "BLUE%20SKY").await).await;
        assert_eq!(bare["tags"], json!([]));
        assert_eq!(found("tags=blue+sky").await + found("q=sky").await, 0);
        for odd in ["%00", "...", &"a".repeat(65)] {
            let refused = problem(ask(Method::PUT, image, odd).await, 422).await;
            assert_eq!(refused["field"], "name");
        }
        for method in [Method::PUT, Method::DELETE] {
            problem(ask(method, ImageId::generate(), "sky").await, 404).await;
        }
    }
}
