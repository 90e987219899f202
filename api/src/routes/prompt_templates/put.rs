use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use mystic_domain::{InvalidField, check_name};
use mystic_store::{NewTemplate, TemplateRecord};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::extract::{Id, JsonBody, typed};
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::routes::jobs::submit::text;
use crate::state::App;

/// What stands for the prompt.
pub const PROMPT: &str = "{prompt}";

/// Longest label and category, in bytes.
const MAX_LABEL: usize = 200;

/// A template's words. Unknown fields are refused.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutTemplate {
    /// What people call it; its name where absent.
    #[serde(default)]
    label: Option<String>,
    /// Its words; `{prompt}` stands for what somebody writes. They may hold choices and wildcards.
    #[schema(example = "{prompt}, watercolour, {soft|bright} light")]
    content: String,
    /// What is added to what is to be avoided.
    #[serde(default)]
    negative_prompt: String,
    /// What it is listed under.
    #[serde(default)]
    category: String,
}

/// Make or change a prompt template
///
/// Its uses stay counted. Jobs that were submitted with it keep their words.
#[utoipa::path(
    put,
    path = "/api/v1/prompt-templates/{name}",
    tag = "prompts",
    operation_id = "put_prompt_template",
    params(("name" = String, Path, description = "1 to 64 of a–z, 0–9, `.`, `_` and `-`, a letter or digit first")),
    request_body = PutTemplate,
    responses(
        (status = 200, description = "Changed", body = TemplateRecord),
        (status = 201, description = "Made", body = TemplateRecord),
        Problems
    )
)]
pub async fn put(
    State(app): State<App>,
    Id(name): Id<String>,
    JsonBody(body): JsonBody,
) -> Result<(StatusCode, Json<TemplateRecord>), Problem> {
    let asked: PutTemplate = typed(body)?;
    check_name("name", &name)?;
    let label = asked.label.unwrap_or_else(|| name.clone());
    let longest = app.config.api.max_prompt_bytes;
    text("label", &label, MAX_LABEL, true)?;
    text("category", &asked.category, MAX_LABEL, false)?;
    text("content", &asked.content, longest, true)?;
    text("negative_prompt", &asked.negative_prompt, longest, false)?;
    if asked.content.matches(PROMPT).count() != 1 {
        let shown: String = asked.content.chars().take(60).collect();
        return Err(InvalidField::new("content", shown, format!("text with one {PROMPT}")).into());
    }
    let new = NewTemplate {
        name,
        label,
        content: asked.content,
        negative_prompt: asked.negative_prompt,
        category: asked.category,
    };
    let (made, record) = app.store.put_template(&new).await?;
    tracing::info!(name = record.name, made, "prompt template");
    let status = if made {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, Json(record)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{TestApi, body, generate, problem};

    async fn put(api: &TestApi, name: &str, template: &Value) -> reqwest::Response {
        let url = format!("{}/api/v1/prompt-templates/{name}", api.url);
        let put = api.client.put(url).json(template);
        put.send().await.expect("an answer")
    }

    #[tokio::test]
    async fn styles_stand_around_the_prompt_in_their_order_and_are_counted() {
        let api = TestApi::start().await;
        let ink = json!({"content": "ink drawing of {prompt}", "negative_prompt": "colour"});
        assert_eq!(put(&api, "ink", &ink).await.status(), 201);
        let soft = json!({"label": "Soft", "content": "{prompt}, soft light", "category": "Light"});
        assert_eq!(put(&api, "soft", &soft).await.status(), 201);
        assert_eq!(put(&api, "soft", &soft).await.status(), 200);
        let mut request = generate();
        request["params"]["styles"] = json!(["ink", "soft"]);
        request["params"]["negative_prompt"] = json!("text");
        let dry = api
            .post("/api/v1/jobs?dry_run=true")
            .json(&request)
            .send()
            .await;
        assert_eq!(dry.expect("an answer").status(), 200);
        let job = body(api.submit(&request).await).await;
        let params = &job["params"];
        assert_eq!(params["prompt"], "ink drawing of a red circle, soft light");
        assert_eq!(params["negative_prompt"], "text, colour");
        let asked =
            json!({"prompt": "a red circle", "negative_prompt": "text", "styles": ["ink", "soft"]});
        assert_eq!(params["asked"], asked);
        let shown = api.shown("/api/v1/prompt-templates").await;
        let rows: Vec<(&Value, &Value, &Value)> = shown
            .as_array()
            .expect("a list")
            .iter()
            .map(|row| (&row["name"], &row["label"], &row["uses"]))
            .collect();
        let (ink, soft, one) = (json!("ink"), json!("soft"), json!(1));
        assert_eq!(rows, [(&ink, &ink, &one), (&soft, &json!("Soft"), &one)]);

        request["params"]["styles"] = json!(["ink", "oil"]);
        let refused = problem(api.submit(&request).await, 422).await;
        assert_eq!(
            (&refused["field"], &refused["value"]),
            (&json!("params.styles[1]"), &json!("oil"))
        );
        assert_eq!(refused["allowed"], "one of ink, soft");
        request["params"]["styles"] = json!(vec!["ink"; 17]);
        let refused = problem(api.submit(&request).await, 422).await;
        assert_eq!(refused["field"], "params.styles");

        let gone = async || {
            let url = format!("{}/api/v1/prompt-templates/ink", api.url);
            api.client.delete(url).send().await.expect("an answer")
        };
        assert_eq!(gone().await.status(), 204);
        problem(gone().await, 404).await;
    }

    #[tokio::test]
    async fn what_is_no_template_is_refused_by_its_field() {
        let api = TestApi::start().await;
        let fine = json!({"content": "{prompt}, oil"});
        let wrong = [
            ("Oil", fine.clone(), "name"),
            ("-oil", fine.clone(), "name"),
            ("a%2Fb", fine.clone(), "name"),
            ("a%00", fine.clone(), "name"),
            ("oil", json!({"content": "oil"}), "content"),
            (
                "oil",
                json!({"content": "{prompt} and {prompt}"}),
                "content",
            ),
            ("oil", json!({"content": "{prompt}\0"}), "content"),
            (
                "oil",
                json!({"content": format!("{{prompt}}{}", "x".repeat(8192))}),
                "content",
            ),
            ("oil", json!({"content": "{prompt}", "label": ""}), "label"),
            (
                "oil",
                json!({"content": "{prompt}", "label": "x".repeat(201)}),
                "label",
            ),
            (
                "oil",
                json!({"content": "{prompt}", "category": 3}),
                "category",
            ),
            (
                "oil",
                json!({"content": "{prompt}", "negative_prompt": "\0"}),
                "negative_prompt",
            ),
            ("oil", json!({"content": "{prompt}", "uses": 3}), "uses"),
            ("oil", json!({"label": "Oil"}), "content"),
        ];
        for (name, template, field) in wrong {
            let refused = problem(put(&api, name, &template).await, 422).await;
            assert_eq!(refused["field"], field, "{refused}");
        }
        assert_eq!(api.shown("/api/v1/prompt-templates").await, json!([]));
    }
}
