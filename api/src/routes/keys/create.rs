use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::extract::{JsonBody, typed};
use crate::keys;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;

/// Whose key it is to be. Unknown fields are refused.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateKey {
    /// 1 to 64 letters, digits, `.`, `_`, `@` or `-`, beginning with a letter or digit, and not `local`. Jobs made with the key
    /// belong to this name.
    #[schema(example = "anna")]
    name: String,
}

/// A new key.
#[derive(Serialize, ToSchema)]
pub struct NewKey {
    /// Whose it is.
    name: String,
    /// What to send as `Authorization: Bearer`. Nothing shows it again.
    key: String,
}

/// Make an API key
///
/// Every key may do all that can be done here. A name whose key was revoked gets another, and its jobs are its own again.
#[utoipa::path(
    post,
    path = "/api/v1/keys",
    tag = "keys",
    operation_id = "create_key",
    request_body = CreateKey,
    responses((status = 201, description = "The key, shown once", body = NewKey), Problems)
)]
pub async fn create(
    State(app): State<App>,
    JsonBody(body): JsonBody,
) -> Result<(StatusCode, Json<NewKey>), Problem> {
    let CreateKey { name } = typed(body)?;
    let key = keys::create(&app.store, &name).await?;
    tracing::info!(name, "API key made");
    Ok((StatusCode::CREATED, Json(NewKey { name, key })))
}

#[cfg(test)]
mod tests {
    use reqwest::Response;
    use serde_json::json;

    use crate::testing::{TestApi, body, problem};

    #[tokio::test]
    async fn a_key_lets_its_name_in_until_it_is_revoked() {
        let api = TestApi::start().await;
        let create = async |name: &str| {
            let made = api.post("/api/v1/keys").json(&json!({ "name": name }));
            made.send().await.expect("an answer")
        };
        let key = async |made: Response| {
            assert_eq!(made.status(), 201);
            let made = body(made).await;
            made["key"].as_str().expect("a key").to_owned()
        };
        let with = async |method: reqwest::Method, path: &str, key: &str| {
            let url = format!("{}{path}", api.url);
            let asked = api.client.request(method, url).bearer_auth(key);
            asked.send().await.expect("an answer")
        };
        let revoke = async |name: &str, key: &str| {
            with(
                reqwest::Method::DELETE,
                &format!("/api/v1/keys/{name}"),
                key,
            )
            .await
        };
        let (anna, bert) = (
            key(create("anna").await).await,
            key(create("bert").await).await,
        );
        assert!(anna.starts_with("mystic_") && anna != bert);
        assert_eq!(
            problem(create("anna").await, 409).await["type"],
            "urn:mystic:problem:key_exists"
        );

        let own = problem(revoke("anna", &anna).await, 409).await;
        assert_eq!(own["type"], "urn:mystic:problem:key_in_use");
        assert_eq!(revoke("anna", &bert).await.status(), 204);
        problem(with(reqwest::Method::GET, "/api/v1/keys", &anna).await, 401).await;
        problem(revoke("anna", &bert).await, 404).await;
        let listed = body(with(reqwest::Method::GET, "/api/v1/keys", &bert).await).await;
        let told: Vec<_> = listed
            .as_array()
            .expect("a list")
            .iter()
            .map(|key| (&key["name"], key["revoked_at"].is_null()))
            .collect();
        assert_eq!(told, [(&json!("anna"), false), (&json!("bert"), true)]);
        assert!(!listed.to_string().contains(&bert));

        let again = key(create("anna").await).await;
        assert_ne!(again, anna);
        assert_eq!(
            with(reqwest::Method::GET, "/api/v1/keys", &again)
                .await
                .status(),
            200
        );
        problem(with(reqwest::Method::GET, "/api/v1/keys", &anna).await, 401).await;
        for name in ["", "local", "an na", "../anna", "anna\0", &"a".repeat(65)] {
            assert_eq!(problem(create(name).await, 422).await["field"], "name");
        }
    }
}
