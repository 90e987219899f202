use axum::Json;
use axum::extract::State;
use mystic_domain::InvalidField;
use mystic_store::{AliasRecord, PutAlias};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::extract::{Id, JsonBody, typed};
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;
use crate::tags::stored;

/// What an alias is written as. Unknown fields are refused.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutTagAlias {
    /// The tag.
    #[schema(example = "portrait")]
    tag: String,
}

/// Have a tag written as another
///
/// Tags that models find from now on are written so; those that pictures have stay. A tag that something is written as
/// is no alias itself.
#[utoipa::path(
    put,
    path = "/api/v1/tag-aliases/{alias}",
    tag = "tags",
    operation_id = "put_tag_alias",
    params(("alias" = String, Path, description = "The tag that is not to be written any more")),
    request_body = PutTagAlias,
    responses((status = 200, description = "The alias", body = AliasRecord), Problems)
)]
pub async fn put(
    State(app): State<App>,
    Id(alias): Id<String>,
    JsonBody(body): JsonBody,
) -> Result<Json<AliasRecord>, Problem> {
    let PutTagAlias { tag } = typed(body)?;
    let written_alias = stored("alias", &alias)?;
    let written_tag = stored("tag", &tag)?;
    if written_alias == written_tag {
        return Err(InvalidField::new("tag", tag, "another tag than the alias").into());
    }
    match app.store.put_alias(&written_alias, &written_tag).await? {
        PutAlias::Done(record) => {
            tracing::info!(alias = record.alias, tag = record.tag, "tag alias");
            Ok(Json(record))
        }
        PutAlias::TagIsAlias(of) => {
            let allowed = format!("a tag that is no alias; {tag} is written as {of}");
            Err(InvalidField::new("tag", &tag, allowed).into())
        }
        PutAlias::AliasIsTag(from) => {
            let allowed = format!("a tag that nothing is written as; {from} is written as {alias}");
            Err(InvalidField::new("alias", &alias, allowed).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use mystic_store::Outcome;
    use serde_json::{Value, json};

    use crate::testing::{TestApi, body, id, problem};

    #[tokio::test]
    async fn what_models_find_is_written_as_its_alias_says_and_once() {
        let api = TestApi::start().await;
        let put = async |alias: &str, alias_of: Value| {
            let url = format!("{}/api/v1/tag-aliases/{alias}", api.url);
            api.client
                .put(url)
                .json(&alias_of)
                .send()
                .await
                .expect("an answer")
        };
        assert_eq!(
            put("Crimson_Disc", json!({"tag": "Red Circle"}))
                .await
                .status(),
            200
        );
        assert_eq!(
            put("ring", json!({"tag": "red circle"})).await.status(),
            200
        );
        let shown = api.shown("/api/v1/tag-aliases").await;
        let pairs: Vec<(&str, &str)> = shown
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(|row| Some((row["alias"].as_str()?, row["tag"].as_str()?)))
            .collect();
        assert_eq!(
            pairs,
            [("crimson disc", "red circle"), ("ring", "red circle")]
        );

        let painter = api.worker().await;
        let job = api.accepted().await;
        let fence = painter.take(job).await;
        let image = painter.picture(job, fence, 0, b"picture").await;
        let request = json!({"kind": "tag", "params": {"image": image}});
        let tagging = id(&body(api.submit(&request).await).await);
        let writer = api.writer().await;
        let fence = writer.take(tagging).await;
        let found = [("Crimson disc", 0.4), ("red circle", 0.7), ("blue", 0.5)];
        let found = found.map(|(tag, confidence)| (tag.to_owned(), confidence));
        writer
            .settle(tagging, fence, &Outcome::Tagged(found.to_vec()))
            .await;
        let shown = api.shown(&format!("/api/v1/images/{image}")).await;
        let tags: Vec<(&str, f64)> = shown["tags"]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(|tag| Some((tag["name"].as_str()?, tag["confidence"].as_f64()?)))
            .map(|(name, confidence)| (name, (confidence * 10.0).round() / 10.0))
            .collect();
        assert_eq!(tags, [("red circle", 0.7), ("blue", 0.5)]);

        let wrong = [
            ("red%20circle", json!({"tag": "shape"}), "alias"),
            ("blue", json!({"tag": "ring"}), "tag"),
            ("blue", json!({"tag": "Blue"}), "tag"),
            ("blue", json!({"tag": "..."}), "tag"),
            ("..%00", json!({"tag": "blue"}), "alias"),
            ("blue", json!({}), "tag"),
            ("blue", json!({"tag": "x".repeat(65)}), "tag"),
        ];
        for (alias, alias_of, field) in wrong {
            let refused = problem(put(alias, alias_of).await, 422).await;
            assert_eq!(refused["field"], field, "{refused}");
        }
        let delete = async |alias: &str| {
            let url = format!("{}/api/v1/tag-aliases/{alias}", api.url);
            api.client.delete(url).send().await.expect("an answer")
        };
        assert_eq!(delete("ring").await.status(), 204);
        problem(delete("ring").await, 404).await;
    }
}
