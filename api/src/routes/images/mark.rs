use axum::Json;
use axum::extract::State;
use mystic_domain::{ImageId, InvalidField};
use mystic_store::Change;
use serde::Deserialize;
use utoipa::ToSchema;

use super::show::{no_image, record};
use crate::extract::{Id, JsonBody, typed};
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;
use crate::wire::Image;

/// What to change of a picture; what is absent stays. Unknown fields are refused.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkImage {
    /// 1 to 5; 0 takes the rating back.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 5)]
    rating: Option<i16>,
    /// Whether it is a favourite.
    #[serde(default)]
    favourite: Option<bool>,
}

/// Rate a picture, or make it a favourite
#[utoipa::path(
    patch,
    path = "/api/v1/images/{id}",
    tag = "images",
    operation_id = "mark_image",
    params(("id" = ImageId, Path, description = "The picture")),
    request_body = MarkImage,
    responses((status = 200, description = "The picture as it is now", body = Image), Problems)
)]
pub async fn mark(
    State(app): State<App>,
    Id(id): Id<ImageId>,
    JsonBody(body): JsonBody,
) -> Result<Json<Image>, Problem> {
    let MarkImage { rating, favourite } = typed(body)?;
    let change = change(rating, favourite)?;
    if app.store.change_images(&[id], &change).await?.is_empty() {
        return Err(no_image(id));
    }
    Ok(Json(record(&app, id).await?.into()))
}

/// A rating and a favourite that are allowed.
pub fn change(rating: Option<i16>, favourite: Option<bool>) -> Result<Change, Problem> {
    if let Some(rating) = rating.filter(|rating| !(0..=5).contains(rating)) {
        return Err(InvalidField::new("rating", rating, "0 to 5").into());
    }
    if rating.is_none() && favourite.is_none() {
        let allowed = Some("rating, favourite, or both".to_owned());
        return Err(
            Problem::missing_field("Nothing is to be changed.").about("rating", None, allowed)
        );
    }
    Ok(Change::Mark { rating, favourite })
}

#[cfg(test)]
mod tests {
    use mystic_domain::ImageId;
    use serde_json::{Value, json};

    use crate::testing::{TestApi, body, problem};

    #[tokio::test]
    async fn a_rating_and_a_favourite_stay_until_they_are_changed() {
        let api = TestApi::start().await;
        let image = api.picture("a red circle").await;
        let path = format!("/api/v1/images/{image}");
        let rate = async |path: &str, change: &Value| {
            let url = format!("{}{path}", api.url);
            let answer = api.client.patch(url).json(change).send().await;
            answer.expect("an answer")
        };
        let marks = |image: &Value| (image["rating"].clone(), image["favourite"].clone());
        let rated = body(rate(&path, &json!({"rating": 4})).await).await;
        assert_eq!(marks(&rated), (json!(4), json!(false)));
        let kept = body(rate(&path, &json!({"favourite": true})).await).await;
        assert_eq!(marks(&kept), (json!(4), json!(true)));
        assert_eq!(api.shown(&path).await, kept);
        for change in [json!({"rating": 6}), json!({"rating": -1}), json!({})] {
            let refused = problem(rate(&path, &change).await, 422).await;
            assert_eq!(refused["field"], "rating", "{change}");
        }
        let nobody = format!("/api/v1/images/{}", ImageId::generate());
        problem(rate(&nobody, &json!({"rating": 1})).await, 404).await;
    }
}
