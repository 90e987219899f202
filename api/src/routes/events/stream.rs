use std::str::FromStr;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use mystic_domain::InvalidField;

use crate::events::{Feed, Source};
use crate::extract::header_text;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;

const LAST_EVENT_ID: &str = "last-event-id";

/// Follow everything
///
/// Server-sent events of all jobs from now on, or from after `Last-Event-ID`, without a gap and without a repetition.
/// Frames named `job` hold an `EventRecord`; frames named `progress` hold a list of `JobProgress`, have no id and come
/// at most 20 times a second. A silent stream sends a comment every 10 s.
#[utoipa::path(
    get,
    path = "/api/v1/events",
    tag = "events",
    operation_id = "follow_all",
    params(("Last-Event-ID" = Option<String>, Header, description = "Go on after this event")),
    responses((status = 200, description = "Events", body = String, content_type = "text/event-stream"), Problems)
)]
pub async fn stream(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    let after = last_event_id(&headers, "the id of an event of this stream")?;
    let store = app.store.clone();
    Feed::open(app, async move {
        Ok(Source::All(match after {
            Some(after) => after,
            None => store.newest_event().await?,
        }))
    })
    .await
}

/// The place after which a client wants to go on.
pub fn last_event_id<T: FromStr>(headers: &HeaderMap, allowed: &str) -> Result<Option<T>, Problem> {
    let Some(text) = header_text(headers, LAST_EVENT_ID).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    text.parse()
        .map(Some)
        .map_err(|_| InvalidField::new(LAST_EVENT_ID, text, allowed).into())
}
