use axum::Json;
use axum::extract::State;
use mystic_domain::JobState;

use crate::loads;
use crate::openapi::Problems;
use crate::outlook::tell_place;
use crate::problem::Problem;
use crate::routes::latest_progress;
use crate::state::App;
use crate::wire::{Job, JobCounts, QueueView, WaitingJob, with_progress};

/// Held and waiting jobs that are shown.
const SHOWN: i64 = 100;

/// Show the queue
///
/// Jobs by state, those under way with their progress, and the first 100 of those that wait, in the order in which
/// they will run, with what is expected of them; that may be a second old.
#[utoipa::path(
    get,
    path = "/api/v1/queue",
    tag = "queue",
    operation_id = "show_queue",
    responses((status = 200, description = "The queue", body = QueueView), Problems)
)]
pub async fn show(State(app): State<App>) -> Result<Json<QueueView>, Problem> {
    let counts = app.store.counts().await?;
    let count = |state| counts.get(&state).copied().unwrap_or_default();
    let held = app.store.held(SHOWN).await?;
    let line = app.outlooks.head(&app.store).await?;
    let mut waiting = app.store.waiting(&line.order, SHOWN).await?;
    for (position, job) in waiting.iter_mut().enumerate() {
        tell_place(&mut job.wait_reason, position);
    }
    loads::complete(&app, &mut waiting).await?;
    let progress = latest_progress(&app, &held).await;
    // Counted a moment before: a list that is whole says it as of now.
    let whole = i64::try_from(waiting.len())
        .ok()
        .filter(|waiting| *waiting < SHOWN);
    Ok(Json(QueueView {
        counts: JobCounts {
            queued: whole.unwrap_or_else(|| count(JobState::Queued)),
            leased: count(JobState::Leased),
            running: count(JobState::Running),
            succeeded: count(JobState::Succeeded),
            failed: count(JobState::Failed),
            cancelled: count(JobState::Cancelled),
        },
        running: with_progress(held, &progress),
        waiting: waiting
            .into_iter()
            .map(|record| WaitingJob {
                estimate: line.starts.get(&record.id).cloned(),
                job: Job::new(record, None),
            })
            .collect(),
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{TestApi, generate, id};

    #[tokio::test]
    async fn the_queue_shows_who_runs_and_who_is_next() {
        let api = TestApi::start().await;
        let running = api.accepted().await;
        let usual = api.accepted().await;
        let mut request = generate();
        request["priority"] = json!(5);
        let urgent = id(&crate::testing::body(api.submit(&request).await).await);
        let worker = api.worker().await;
        worker.take(running).await;
        let queue = api.shown("/api/v1/queue").await;
        let ids = |list: &Value| -> Vec<String> {
            let jobs = list.as_array().expect("a list").iter();
            jobs.map(|job| job["id"].as_str().expect("an id").to_owned())
                .collect()
        };
        assert_eq!(ids(&queue["running"]), [running.to_string()]);
        assert_eq!(
            ids(&queue["waiting"]),
            [urgent.to_string(), usual.to_string()]
        );
        let start = |place: usize| queue["waiting"][place]["estimate"]["start_in_s"].as_f64();
        assert!(start(0) < start(1) && start(0).is_some(), "{queue}");
        let counts = json!({"queued": 2, "leased": 0, "running": 1, "succeeded": 0, "failed": 0, "cancelled": 0});
        assert_eq!(queue["counts"], counts);
    }

    #[tokio::test]
    async fn the_fleet_shows_its_devices_workers_and_presets() {
        let api = TestApi::start().await;
        let job = api.accepted().await;
        let worker = api.worker().await;
        worker.take(job).await;
        let devices = api.shown("/api/v1/devices").await;
        assert_eq!(
            (&devices[0]["resident"], &devices[0]["working"]),
            (&json!(100), &json!(100))
        );
        assert_eq!(devices[0]["leases"][0]["job"], json!(job));
        let workers = api.shown("/api/v1/workers").await;
        assert_eq!(
            (&workers[0]["id"], &workers[0]["state"]),
            (&json!(worker.worker), &json!("ready"))
        );
        let presets = api.shown("/api/v1/presets").await;
        assert_eq!(
            (&presets[0]["name"], &presets[0]["workers"][0]["worker"]),
            (&json!("demo"), &json!(worker.worker))
        );
    }
}
