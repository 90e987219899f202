use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use mystic_domain::JobId;

use super::show::no_job;
use crate::events::{Feed, Source};
use crate::extract::Id;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::routes::events::stream::last_event_id;
use crate::state::App;

/// Follow a job
///
/// Server-sent events from the job's first one, or from after `Last-Event-ID`, which is the event's `number` here.
/// Frames named `job` hold an `EventRecord`; frames named `progress` hold a list of `JobProgress` and no id. The stream
/// goes on after the job's end (its pictures may still be tagged) until the client closes it.
#[utoipa::path(
    get,
    path = "/api/v1/jobs/{id}/events",
    tag = "events",
    operation_id = "follow_job",
    params(
        ("id" = JobId, Path, description = "The job"),
        ("Last-Event-ID" = Option<String>, Header, description = "Go on after this event"),
    ),
    responses((status = 200, description = "Events", body = String, content_type = "text/event-stream"), Problems)
)]
pub async fn events(
    State(app): State<App>,
    Id(id): Id<JobId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let after = last_event_id(&headers, "the number of an event of this job")?.unwrap_or(0);
    let store = app.store.clone();
    Feed::open(app, async move {
        store.job(id).await?.ok_or_else(|| no_job(id))?;
        Ok(Source::Job(id, after))
    })
    .await
}
