use std::time::Duration;

use axum::Json;
use axum::extract::State;
use mystic_domain::{ImageId, JobId, JobState};
use mystic_ledger::Forecast;
use mystic_store::{Bin, ImageFilter, JobRecord};
use serde::{Deserialize, Deserializer};
use tokio::time::{Instant, sleep_until};
use utoipa::IntoParams;

use crate::events::changed;
use crate::extract::{Id, Query};
use crate::loads;
use crate::openapi::Problems;
use crate::outlook::{Estimate, place, tell_place};
use crate::problem::Problem;
use crate::routes::latest_progress;
use crate::state::App;
use crate::wire::{Job, JobDetail, with_progress};

/// The longest that a request waits for a job's end.
const MAX_WAIT: Duration = Duration::from_mins(1);
/// How often a waiting request looks when it hears of no event.
const LOOK: Duration = Duration::from_secs(2);
/// Most pictures that a job can have made.
const IMAGES: i64 = 1000;

/// How to show a job.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ShowJob {
    /// Wait for the job's end for so long (`30s`, `500ms`), at most 60s; the answer comes earlier when it has ended.
    #[serde(default, deserialize_with = "wait")]
    #[param(value_type = Option<String>, example = "30s")]
    wait: Duration,
}

/// Show a job
///
/// With its attempts, pictures, live progress and, while it waits, its position and what is expected of it. With `wait` the answer is held back
/// until the job has ended or the time is over.
#[utoipa::path(
    get,
    path = "/api/v1/jobs/{id}",
    tag = "jobs",
    operation_id = "show_job",
    params(("id" = JobId, Path, description = "The job"), ShowJob),
    responses((status = 200, description = "The job", body = JobDetail), Problems)
)]
pub async fn show(
    State(app): State<App>,
    Id(id): Id<JobId>,
    Query(ShowJob { wait }): Query<ShowJob>,
) -> Result<Json<JobDetail>, Problem> {
    let record = ended(&app, id, wait).await?;
    Ok(Json(detail(&app, record).await?))
}

/// The job once it has ended, or as it is after `wait`.
async fn ended(app: &App, id: JobId, wait: Duration) -> Result<JobRecord, Problem> {
    let deadline = Instant::now() + wait;
    let mut live = app.hub.subscribe();
    loop {
        let record = app.store.job(id).await?.ok_or_else(|| no_job(id))?;
        let now = Instant::now();
        if record.state.is_terminal() || now >= deadline || app.shutdown.is_draining() {
            return Ok(record);
        }
        tokio::select! {
            () = changed(&mut live, id) => {}
            () = sleep_until(deadline.min(now + LOOK)) => {}
            () = app.shutdown.draining() => {}
        }
    }
}

async fn detail(app: &App, mut record: JobRecord) -> Result<JobDetail, Problem> {
    let id = record.id;
    // What its owner has thrown away it has made all the same.
    let made = ImageFilter {
        job: Some(id),
        bin: Bin::Anywhere,
        ..ImageFilter::default()
    };
    let mut images = app.store.images(&made, None, IMAGES).await?;
    images.sort_by_key(|image| image.index);
    let pictures: Vec<ImageId> = images.iter().map(|image| image.id).collect();
    let tag_jobs = app.store.jobs_of_images(&pictures).await?;
    let (mut position, mut estimate) = (None, None);
    if record.state == JobState::Queued {
        match app.outlooks.of(&app.store, id).await? {
            Some(Forecast {
                position: before,
                start,
            }) => {
                (position, estimate) = (Some(place(before)), start.map(Estimate::from));
                tell_place(&mut record.wait_reason, before);
            }
            // It may not be granted yet, or lies too far back.
            None => position = app.store.position(id).await?,
        }
    }
    loads::complete(app, [&mut record]).await?;
    let attempts = app.store.attempts(id).await?;
    let helpers = app.store.helpers(id).await?;
    let all = tag_jobs.iter().chain(&helpers).chain([&record]);
    let progress = latest_progress(app, all).await;
    let last = progress.get(&id).copied();
    Ok(JobDetail {
        job: Job::new(record, last),
        position,
        estimate,
        attempts,
        helpers: with_progress(helpers, &progress),
        images: images.into_iter().map(Into::into).collect(),
        tag_jobs: with_progress(tag_jobs, &progress),
    })
}

/// There is no such job.
pub fn no_job(id: JobId) -> Problem {
    Problem::not_found(format!("There is no job {id}."))
}

fn wait<'de, D: Deserializer<'de>>(value: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(value)?;
    parse_wait(&text).ok_or_else(|| {
        serde::de::Error::custom(
            "not a time that this server waits, expected 0s to 60s, as `30s` or `500ms`",
        )
    })
}

fn parse_wait(text: &str) -> Option<Duration> {
    let wait = if let Some(millis) = text.strip_suffix("ms") {
        Duration::from_millis(millis.parse().ok()?)
    } else {
        Duration::from_secs(text.strip_suffix('s').unwrap_or(text).parse().ok()?)
    };
    (wait <= MAX_WAIT).then_some(wait)
}

#[cfg(test)]
mod tests {
    use mystic_domain::{Phase, Progress};
    use mystic_store::Outcome;
    use mystic_testkit::wait_until;
    use serde_json::json;

    use super::*;
    use crate::testing::{TestApi, problem};

    #[test]
    fn a_wait_has_a_unit_and_a_bound() {
        assert_eq!(parse_wait("30s"), Some(Duration::from_secs(30)));
        assert_eq!(parse_wait("5"), Some(Duration::from_secs(5)));
        assert_eq!(parse_wait("250ms"), Some(Duration::from_millis(250)));
        for refused in ["61s", "-1s", "1h", "", "s", "60001ms"] {
            assert_eq!(parse_wait(refused), None, "{refused}");
        }
    }

    #[tokio::test]
    async fn a_waiting_request_is_answered_when_the_job_ends_and_no_later() {
        let api = TestApi::start().await;
        let job = api.accepted().await;
        let path = format!("/api/v1/jobs/{job}");
        let waiting = api.get(&format!("{path}?wait=60s")).send();
        let worker = api.worker().await;
        let work = async {
            let fence = worker.take(job).await;
            worker.picture(job, fence, 0, b"picture").await;
            worker.settle(job, fence, &Outcome::Succeeded).await;
        };
        let start = Instant::now();
        let (answer, ()) = tokio::join!(waiting, work);
        let job = crate::testing::body(answer.expect("an answer")).await;
        assert_eq!(job["state"], "succeeded");
        assert!(
            start.elapsed() < MAX_WAIT,
            "the request was held to its end"
        );
        assert_eq!(
            job["images"][0]["url"],
            format!(
                "/api/v1/images/{}",
                job["images"][0]["id"].as_str().expect("an id")
            )
        );
        assert_eq!(job["attempts"][0]["outcome"], "succeeded");
    }

    #[tokio::test]
    async fn a_waiting_request_returns_the_job_as_it_is_when_its_time_is_over() {
        let api = TestApi::start().await;
        let first = api.accepted().await;
        let second = api.accepted().await;
        let path = |job: JobId, wait| format!("/api/v1/jobs/{job}?wait={wait}");
        assert_eq!(api.shown(&path(first, "50ms")).await["position"], 0);
        assert_eq!(api.shown(&path(second, "0s")).await["position"], 1);
    }

    #[tokio::test]
    async fn a_running_job_shows_what_its_worker_last_said() {
        let api = TestApi::start().await;
        let job = api.accepted().await;
        let worker = api.worker().await;
        worker.take(job).await;
        let progress = Progress {
            phase: Phase::Sampling,
            step: 3,
            of: 8,
            index: 0,
            attempt: 1,
            preview: 0,
        };
        let path = format!("/api/v1/jobs/{job}");
        let shown = || async {
            api.queue.publish_progress(job, &progress).await.is_ok()
                && api.shown(&path).await["progress"]["step"] == json!(3)
        };
        wait_until("the progress to be shown", shown).await;
        assert_eq!(
            api.shown("/api/v1/queue").await["running"][0]["progress"]["phase"],
            "sampling"
        );
    }

    #[tokio::test]
    async fn a_job_that_is_not_there_is_a_problem() {
        let api = TestApi::start().await;
        let ask = async |path: &str| api.get(path).send().await.expect("an answer");
        problem(
            ask(&format!("/api/v1/jobs/{}", JobId::generate())).await,
            404,
        )
        .await;
        problem(ask("/api/v1/jobs/none").await, 404).await;
        let job = api.accepted().await;
        let refused = problem(ask(&format!("/api/v1/jobs/{job}?wait=2h")).await, 422).await;
        assert_eq!(
            (&refused["field"], &refused["value"]),
            (&json!("wait"), &json!("2h"))
        );
        problem(ask(&format!("/api/v1/jobs/{job}?colour=red")).await, 422).await;
    }
}
