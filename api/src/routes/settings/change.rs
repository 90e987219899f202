use axum::extract::State;
use axum::{Extension, Json};
use mystic_store::OwnerSettings;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::extract::{JsonBody, typed};
use crate::guard::Owner;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;

/// What you want unless a request says otherwise. Unknown fields are refused.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeSettings {
    /// Whether pictures are tagged; null: as the server is configured.
    auto_tag: Option<bool>,
}

/// Say what you want unless a request says otherwise
///
/// For the owner whose key comes with the request, or for `local`. Jobs that are there already stay as they are.
#[utoipa::path(
    put,
    path = "/api/v1/settings",
    tag = "prompts",
    operation_id = "change_settings",
    request_body = ChangeSettings,
    responses((status = 200, description = "Your settings", body = OwnerSettings), Problems)
)]
pub async fn change(
    State(app): State<App>,
    Extension(Owner(owner)): Extension<Owner>,
    JsonBody(body): JsonBody,
) -> Result<Json<OwnerSettings>, Problem> {
    let ChangeSettings { auto_tag } = typed(body)?;
    let settings = OwnerSettings { auto_tag };
    app.store.set_owner_settings(&owner, settings).await?;
    tracing::info!(owner, ?auto_tag, "settings changed");
    Ok(Json(settings))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{TestApi, body, generate, problem};

    #[tokio::test]
    async fn an_owner_decides_whether_pictures_are_tagged_where_the_request_leaves_it_open() {
        let api = TestApi::start().await;
        let put = async |settings: Value| {
            let url = format!("{}/api/v1/settings", api.url);
            let put = api.client.put(url).json(&settings);
            put.send().await.expect("an answer")
        };
        let tagged = async |auto_tag: Option<bool>| {
            let mut request = generate();
            request["auto_tag"] = json!(auto_tag);
            let job = body(api.submit(&request).await).await;
            job["params"]["tag_preset"].is_string()
        };
        assert_eq!(
            api.shown("/api/v1/settings").await,
            json!({"auto_tag": null})
        );
        assert!(tagged(None).await, "as configured");
        assert_eq!(put(json!({"auto_tag": false})).await.status(), 200);
        assert_eq!(
            api.shown("/api/v1/settings").await,
            json!({"auto_tag": false})
        );
        assert!(!tagged(None).await);
        assert!(tagged(Some(true)).await, "the request decides");
        assert_eq!(put(json!({"auto_tag": null})).await.status(), 200);
        assert!(tagged(None).await);
        let wrong = [
            (json!({"auto_tag": "no"}), "auto_tag"),
            (json!({"tags": true}), "tags"),
        ];
        for (settings, field) in wrong {
            assert_eq!(problem(put(settings).await, 422).await["field"], field);
        }
    }
}
