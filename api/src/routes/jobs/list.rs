use axum::Json;
use axum::extract::State;
use mystic_domain::{JobKind, JobState};
use mystic_store::JobFilter;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::cursor::Cursor;
use crate::extract::Query;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::routes::{latest_progress, query};
use crate::state::App;
use crate::wire::{JobPage, with_progress};

/// Which jobs to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListJobs {
    /// Any of these states, separated by commas.
    #[serde(default, deserialize_with = "query::list")]
    #[param(style = Form, explode = false, required = false)]
    state: Vec<JobState>,
    /// This kind.
    kind: Option<JobKind>,
    /// This preset.
    preset: Option<String>,
    /// This owner.
    owner: Option<String>,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
    /// Jobs in the page.
    #[serde(default = "query::default_limit", deserialize_with = "query::limit")]
    #[param(minimum = 1, maximum = 200, default = 50, required = false)]
    limit: i64,
}

/// List jobs
///
/// Newest first. Jobs that are added meanwhile don't shift the pages.
#[utoipa::path(
    get,
    path = "/api/v1/jobs",
    tag = "jobs",
    operation_id = "list_jobs",
    params(ListJobs),
    responses((status = 200, description = "A page of jobs", body = JobPage), Problems)
)]
pub async fn list(
    State(app): State<App>,
    Query(asked): Query<ListJobs>,
) -> Result<Json<JobPage>, Problem> {
    let filter = JobFilter {
        states: asked.state,
        kind: asked.kind,
        preset: asked.preset,
        owner: asked.owner,
        after: asked.cursor.map(Cursor::place),
        limit: asked.limit + 1,
    };
    let mut records = app.store.jobs(&filter).await?;
    let more = i64::try_from(records.len()).is_ok_and(|len| len > asked.limit);
    if more {
        records.pop();
    }
    let next = records.last().filter(|_| more).map(|last| Cursor {
        at: last.created_at,
        id: last.id.0,
    });
    let progress = latest_progress(&app, &records).await;
    Ok(Json(JobPage {
        jobs: with_progress(records, &progress),
        next,
    }))
}
