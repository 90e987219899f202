use axum::Json;
use axum::extract::State;
use mystic_domain::JobId;
use mystic_store::Cancelled;

use super::show::no_job;
use crate::extract::Id;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::routes::latest_progress;
use crate::state::App;
use crate::wire::Job;

/// Cancel a job
///
/// A waiting job ends at once, a running one within seconds; pictures that it has made are kept. Cancelling again, or
/// a job that has ended, changes nothing.
#[utoipa::path(
    post,
    path = "/api/v1/jobs/{id}/cancel",
    tag = "jobs",
    operation_id = "cancel_job",
    params(("id" = JobId, Path, description = "The job")),
    responses((status = 200, description = "The job as it is now", body = Job), Problems)
)]
pub async fn cancel(State(app): State<App>, Id(id): Id<JobId>) -> Result<Json<Job>, Problem> {
    match app.store.cancel(id).await? {
        Cancelled::NotFound => Err(no_job(id)),
        Cancelled::Noted { job, tell } => {
            if let Some(worker) = tell {
                app.hints.cancel(worker, id);
            }
            tracing::info!(job = %id, state = job.state.as_str(), "cancel requested");
            let progress = latest_progress(&app, [&*job]).await;
            Ok(Json(Job::new(*job, progress.get(&id).copied())))
        }
    }
}

#[cfg(test)]
mod tests {
    use mystic_domain::JobId;
    use mystic_queue::Signal;
    use mystic_testkit::wait_until;
    use tokio::sync::mpsc::error::TryRecvError;

    use crate::testing::{TestApi, body, problem};

    #[tokio::test]
    async fn a_waiting_job_ends_at_once_and_only_once() {
        let api = TestApi::start().await;
        let job = api.accepted().await;
        let cancel = async || {
            let answer = api
                .post(&format!("/api/v1/jobs/{job}/cancel"))
                .send()
                .await
                .expect("an answer");
            assert_eq!(answer.status(), 200);
            body(answer).await
        };
        let first = cancel().await;
        assert_eq!(first["state"], "cancelled");
        assert_eq!(cancel().await, first);
        let events = api.store.job_events(job, 0, 10).await.expect("read");
        assert_eq!(events.len(), 2, "queued, cancelled");
    }

    #[tokio::test]
    async fn the_worker_of_a_running_job_is_told() {
        let api = TestApi::start().await;
        let job = api.accepted().await;
        let worker = api.worker().await;
        worker.take(job).await;
        let mut told = api.queue.signals(worker.worker);
        // The subscription takes a moment to stand, and a cancel may be asked for again.
        let mut heard = None;
        wait_until("the worker to be told", || {
            match told.try_recv() {
                Ok(signal) => heard = Some(signal),
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => panic!("the subscription ended"),
            }
            let done = heard.is_some();
            let cancel = api.post(&format!("/api/v1/jobs/{job}/cancel")).send();
            async move { done || cancel.await.is_err() }
        })
        .await;
        assert_eq!(heard, Some(Signal::Cancel(job)));
        let shown = api.shown(&format!("/api/v1/jobs/{job}")).await;
        assert_eq!(shown["state"], "running");
        assert!(shown["cancel_requested_at"].is_string());
    }

    #[tokio::test]
    async fn a_job_that_is_not_there_is_a_problem() {
        let api = TestApi::start().await;
        let path = format!("/api/v1/jobs/{}/cancel", JobId::generate());
        problem(api.post(&path).send().await.expect("an answer"), 404).await;
    }
}
