//! Every error of the API in one shape: RFC 9457 problem details.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use mystic_domain::InvalidField;
use mystic_store::StoreError;
use rand::rand_core::OsError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::keys::{KeyError, NAMES};

/// Why a request was not served (RFC 9457, `application/problem+json`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// Stable name of the kind of problem, as a URN: `urn:mystic:problem:invalid_field`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The kind in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// One sentence about this occurrence.
    pub detail: String,
    /// The field at fault, as `params.width`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub field: Option<Box<str>>,
    /// The value that was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub value: Option<Box<str>>,
    /// What would have been accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub allowed: Option<Box<str>>,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident($status:ident, $title:literal);)*) => {
        impl Problem {
            $(
                $(#[$doc])*
                pub fn $name(detail: impl Into<String>) -> Self {
                    Self {
                        kind: concat!("urn:mystic:problem:", stringify!($name)),
                        title: $title,
                        status: StatusCode::$status.as_u16(),
                        detail: detail.into(),
                        field: None,
                        value: None,
                        allowed: None,
                    }
                }
            )*
        }
    };
}

kinds! {
    /// The body is no JSON, or a header or query can't be read.
    malformed(BAD_REQUEST, "The request can't be read");
    /// A field or parameter that doesn't exist.
    unknown_field(UNPROCESSABLE_ENTITY, "A field is not known");
    /// A field that must be there is not.
    missing_field(UNPROCESSABLE_ENTITY, "A field is missing");
    /// A field whose value is not allowed.
    invalid_field(UNPROCESSABLE_ENTITY, "A field has a value that is not allowed");
    /// A key is needed, or the one that was sent is not known.
    unauthorized(UNAUTHORIZED, "An API key is needed");
    /// A join key or a worker's token that is not known, or not any more.
    unknown_worker(UNAUTHORIZED, "A join key or a worker's token is needed");
    /// A worker that was given up.
    worker_gone(FORBIDDEN, "The worker was given up");
    /// Another site's page sent this.
    cross_site(FORBIDDEN, "The request comes from another site");
    /// A host name that isn't ours.
    misdirected(MISDIRECTED_REQUEST, "The request names another host");
    /// Nothing is there.
    not_found(NOT_FOUND, "Not found");
    /// The path is there, the method is not.
    method_not_allowed(METHOD_NOT_ALLOWED, "The method is not allowed here");
    /// The same idempotency key with another body.
    idempotency_conflict(CONFLICT, "The idempotency key was used for another request");
    /// Another try of a job that has not failed.
    not_failed(CONFLICT, "The job has not failed");
    /// A deletion of a job that has not ended.
    not_ended(CONFLICT, "The job has not ended");
    /// A deletion of a job that pictures or an engine need.
    job_in_use(CONFLICT, "The job is needed");
    /// Another place in the queue for a job that has none.
    not_queued(CONFLICT, "The job does not wait");
    /// A preset that unfinished jobs name.
    preset_in_use(CONFLICT, "Unfinished jobs name the preset");
    /// A preset that takes no jobs any more.
    preset_retired(CONFLICT, "The preset takes no jobs any more");
    /// Something else is done with the model's files.
    model_busy(CONFLICT, "Something else is done with the model");
    /// A model that jobs or engines need.
    model_in_use(CONFLICT, "The model is in use");
    /// A deletion for good of a picture that was not put into the bin before.
    not_in_bin(CONFLICT, "The picture is not in the bin");
    /// A deletion for good of a picture that jobs are still about.
    image_in_use(CONFLICT, "Jobs are still at work with the picture");
    /// One tag more than a picture may have.
    too_many_tags(CONFLICT, "The picture has too many tags");
    /// A loaded model that a job has, or that still loads, can't be unloaded.
    resident_in_use(CONFLICT, "The loaded model is in use");
    /// What was imported can't be drawn again.
    not_drawn_here(CONFLICT, "The picture was not drawn here");
    /// A name that has a key.
    key_exists(CONFLICT, "The name has a key");
    /// The key that the request itself came with can't be revoked by it.
    key_in_use(CONFLICT, "The request came with this key");
    /// A worker that still beats can't be forgotten.
    worker_lives(CONFLICT, "The worker lives");
    /// A file that nobody announced.
    file_not_expected(CONFLICT, "The file is not expected");
    /// A file whose content is not what its name says.
    other_content(UNPROCESSABLE_ENTITY, "The file is not the one that was announced");
    /// A body that stopped coming.
    too_slow(REQUEST_TIMEOUT, "The request took too long");
    /// A body over the limit.
    too_large(PAYLOAD_TOO_LARGE, "The request is too large");
    /// A body that isn't declared as JSON.
    unsupported_media_type(UNSUPPORTED_MEDIA_TYPE, "The media type is not supported");
    /// A range outside of the file.
    range_not_satisfiable(RANGE_NOT_SATISFIABLE, "The range lies outside of the file");
    /// Too many event streams are open.
    too_many_streams(SERVICE_UNAVAILABLE, "Too many event streams are open");
    /// No room for another picture.
    store_full(INSUFFICIENT_STORAGE, "The store is full");
    /// The database is away.
    unavailable(SERVICE_UNAVAILABLE, "The service is not available at the moment");
    /// A defect of ours.
    internal(INTERNAL_SERVER_ERROR, "Something went wrong inside");
}

impl Problem {
    /// Names the field, its value and what is allowed there.
    #[must_use]
    pub fn about(mut self, field: &str, value: Option<String>, allowed: Option<String>) -> Self {
        self.field = Some(field.into());
        self.value = value.map(Into::into);
        self.allowed = allowed.map(Into::into);
        self
    }
}

impl From<InvalidField> for Problem {
    fn from(invalid: InvalidField) -> Self {
        Self::invalid_field(invalid.to_string()).about(
            &invalid.field,
            Some(invalid.value),
            Some(invalid.allowed),
        )
    }
}

impl From<KeyError> for Problem {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Name(name) => InvalidField::new("name", name, NAMES).into(),
            KeyError::Random(error) => error.into(),
            KeyError::Store(StoreError::Exists(what)) => {
                Self::key_exists(format!("There is {what} already; revoke it first."))
                    .about("name", None, None)
            }
            KeyError::Store(error) => error.into(),
        }
    }
}

impl From<OsError> for Problem {
    fn from(error: OsError) -> Self {
        tracing::error!(%error, "the system gives no random bits");
        Self::internal("The system gives no random bits; the log says why.")
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        if error.is_unavailable() {
            tracing::warn!(%error, "the database is not available");
            Self::unavailable("The database can't be reached; try again in a moment.")
        } else {
            tracing::error!(%error, "a store call failed");
            Self::internal("The database refused a statement; the log says why.")
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            // Basic lets a browser ask for the key by itself and send it with pictures and event streams too.
            headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            headers.append(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static(
                    "Basic realm=\"MystiCanvas: any name, the API key as password\"",
                ),
            );
        }
        response
    }
}
