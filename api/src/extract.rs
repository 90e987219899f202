//! Extractors that answer with a [`Problem`] naming the field.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::problem::Problem;

/// A JSON body, still untyped; [`typed`] makes it a type and names the field that doesn't fit.
pub struct JsonBody(pub Value);

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::unsupported_media_type(
                "Send the body as application/json.",
            ));
        }
        let body =
            Bytes::from_request(request, state)
                .await
                .map_err(|rejection| match rejection {
                    BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => {
                        Problem::too_large(
                            "The body is larger than this server takes (api.max_body_bytes).",
                        )
                    }
                    other => Problem::malformed(other.body_text()),
                })?;
        serde_json::from_slice(&body).map(Self).map_err(|error| {
            Problem::malformed(format!("The body is not JSON: {error}.")).about(
                "body",
                None,
                Some("JSON".into()),
            )
        })
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

/// Reads a value as `T`.
///
/// # Errors
/// A problem that names the field which is unknown, missing or not allowed.
pub fn typed<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    let shown = value.clone();
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        field_problem(&path, &error.into_inner().to_string(), |path| {
            value_at(&shown, path)
        })
    })
}

/// The query of a URL; unknown parameters are refused.
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = || url::form_urlencoded::parse(query.as_bytes());
        if let Some((name, _)) =
            pairs().find(|(name, value)| name.contains('\0') || value.contains('\0'))
        {
            let name = name.replace('\0', "");
            return Err(
                Problem::invalid_field(format!("{name} holds a NUL character.")).about(
                    &name,
                    None,
                    Some("text without NUL".into()),
                ),
            );
        }
        let plain = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map_err(|rejection| Problem::malformed(rejection.body_text()))?;
        let mut object = serde_json::Map::new();
        for (name, value) in plain.0 {
            if object.insert(name.clone(), Value::String(value)).is_some() {
                return Err(
                    Problem::invalid_field(format!("{name} is given twice.")).about(
                        &name,
                        None,
                        Some("one value; lists are separated by commas".into()),
                    ),
                );
            }
        }
        typed(Value::Object(object)).map(Self)
    }
}

/// The one id in a path.
pub struct Id<T>(pub T);

impl<S: Send + Sync, T: std::str::FromStr + Send> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text =
            <axum::extract::Path<String> as FromRequestParts<S>>::from_request_parts(parts, state)
                .await
                .map_err(|rejection| Problem::malformed(rejection.body_text()))?;
        parse_id(&text).map(Self)
    }
}

/// An id and a name in a path.
pub struct IdAndName<T>(pub T, pub String);

impl<S: Send + Sync, T: std::str::FromStr + Send> FromRequestParts<S> for IdAndName<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        type Both = axum::extract::Path<(String, String)>;
        let both = <Both as FromRequestParts<S>>::from_request_parts(parts, state).await;
        let (id, name) = both
            .map_err(|rejection| Problem::malformed(rejection.body_text()))?
            .0;
        Ok(Self(parse_id(&id)?, name))
    }
}

fn parse_id<T: std::str::FromStr>(text: &str) -> Result<T, Problem> {
    text.parse()
        .map_err(|_| Problem::not_found("An id is a UUID; this one is not."))
}

/// The text of a header that may be absent.
pub fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn value_at(value: &Value, path: &str) -> Option<String> {
    let mut at = value;
    for part in path.split('.') {
        at = at.get(part)?;
    }
    Some(match at {
        Value::String(text) => text.chars().take(200).collect(),
        other => other.to_string().chars().take(200).collect(),
    })
}

/// Turns serde's sentence about a field into a problem.
fn field_problem(path: &str, message: &str, value: impl Fn(&str) -> Option<String>) -> Problem {
    let quoted = |after: &str| {
        message
            .strip_prefix(after)?
            .split('`')
            .nth(1)
            .map(str::to_owned)
    };
    let path = if path == "." { "" } else { path };
    if let Some(name) = quoted("unknown field ") {
        let allowed = message
            .split_once(", expected ")
            .map(|(_, names)| names.replace('`', ""));
        let detail = format!("There is no field {path}.");
        let field = if path.is_empty() { name.as_str() } else { path };
        return Problem::unknown_field(detail).about(field, value(field), allowed);
    }
    if let Some(name) = quoted("missing field ") {
        let field = if path.is_empty() {
            name
        } else {
            format!("{path}.{name}")
        };
        return Problem::missing_field(format!("{field} is missing.")).about(&field, None, None);
    }
    let field = if path.is_empty() { "body" } else { path };
    let allowed = message
        .split_once(", expected ")
        .map(|(_, expected)| in_words(&expected.replace('`', "")));
    Problem::invalid_field(format!("{field}: {message}.")).about(field, value(field), allowed)
}

/// What a type of ours is to somebody who writes JSON.
fn in_words(expected: &str) -> String {
    let words = match expected {
        "u32" => "a whole number from 0 to 4294967295",
        "i16" | "i32" | "i64" => "a whole number",
        "f32" => "a number",
        "a string" => "text",
        other => other,
    };
    words.to_owned()
}
