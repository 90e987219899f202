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
            let progress = latest_progress(&app, std::slice::from_ref(&job)).await;
            Ok(Json(Job::new(*job, progress.get(&id).copied())))
        }
    }
}
