use axum::Json;
use axum::extract::State;
use mystic_domain::{FailureKind, JobKind, JobState};
use mystic_store::JobFilter;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::cursor::Cursor;
use crate::extract::Query;
use crate::loads;
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
    /// Failed for this reason.
    #[param(inline)]
    failure: Option<FailureKind>,
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
        failure: asked.failure,
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
    loads::complete(&app, &mut records).await?;
    let progress = latest_progress(&app, &records).await;
    Ok(Json(JobPage {
        jobs: with_progress(records, &progress),
        next,
    }))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use crate::testing::{TestApi, problem};

    #[tokio::test]
    async fn pages_hold_every_job_once_while_others_are_added() {
        let api = TestApi::start().await;
        let mut expected = BTreeSet::new();
        for _ in 0..7 {
            expected.insert(api.accepted().await.to_string());
        }
        let mut seen = Vec::new();
        let mut path = "/api/v1/jobs?limit=3".to_owned();
        loop {
            let page = api.shown(&path).await;
            let ids = page["jobs"].as_array().expect("a list").iter();
            seen.extend(ids.map(|job| job["id"].as_str().expect("an id").to_owned()));
            let Some(next) = page["next"].as_str() else {
                break;
            };
            path = format!("/api/v1/jobs?limit=3&cursor={next}");
            api.accepted().await;
        }
        assert_eq!(seen.len(), expected.len());
        assert_eq!(seen.iter().cloned().collect::<BTreeSet<_>>(), expected);
        assert!(
            seen.is_sorted_by(|one, next| one > next),
            "newest first: {seen:?}"
        );
    }

    #[tokio::test]
    async fn filters_narrow_the_list() {
        let api = TestApi::start().await;
        let kept = api.accepted().await;
        let cancelled = api.accepted().await;
        api.store.cancel(cancelled).await.expect("cancelled");
        let count = async |query: &str| {
            api.shown(&format!("/api/v1/jobs?{query}")).await["jobs"]
                .as_array()
                .expect("a list")
                .len()
        };
        assert_eq!(count("state=queued,cancelled").await, 2);
        assert_eq!(count("kind=generate&preset=demo&owner=local").await, 2);
        assert_eq!(count("kind=tag").await, 0);
        assert_eq!(count("owner=nobody").await, 0);
        let queued = api.shown("/api/v1/jobs?state=queued").await;
        assert_eq!(queued["jobs"][0]["id"], json!(kept));
    }

    #[tokio::test]
    async fn what_no_filter_means_is_refused_by_name() {
        let api = TestApi::start().await;
        for (query, field) in [
            ("limit=201", "limit"),
            ("limit=many", "limit"),
            ("state=asleep", "state"),
            ("cursor=tomorrow", "cursor"),
            ("colour=red", "colour"),
            ("kind=tag&kind=generate", "kind"),
            ("preset=a%00b", "preset"),
        ] {
            let answer = api
                .get(&format!("/api/v1/jobs?{query}"))
                .send()
                .await
                .expect("an answer");
            assert_eq!(problem(answer, 422).await["field"], field, "{query}");
        }
    }
}
