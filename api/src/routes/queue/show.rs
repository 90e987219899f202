use axum::Json;
use axum::extract::State;
use mystic_domain::JobState;

use crate::openapi::Problems;
use crate::problem::Problem;
use crate::routes::latest_progress;
use crate::state::App;
use crate::wire::{JobCounts, QueueView, with_progress};

/// Held and waiting jobs that are shown.
const SHOWN: i64 = 100;

/// Show the queue
///
/// Jobs by state, those under way with their progress, and the first 100 of those that wait, in the order in which
/// they will run.
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
    let waiting = app.store.waiting(SHOWN).await?;
    let progress = latest_progress(&app, &held).await;
    Ok(Json(QueueView {
        counts: JobCounts {
            queued: count(JobState::Queued),
            leased: count(JobState::Leased),
            running: count(JobState::Running),
            succeeded: count(JobState::Succeeded),
            failed: count(JobState::Failed),
            cancelled: count(JobState::Cancelled),
        },
        running: with_progress(held, &progress),
        waiting: with_progress(waiting, &progress),
    }))
}
