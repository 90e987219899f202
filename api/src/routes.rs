//! One endpoint a file: the handler, its documentation and its errors.

pub mod devices;
pub mod estimates;
pub mod events;
pub mod images;
pub mod internal;
pub mod jobs;
pub mod keys;
pub mod models;
pub mod pauses;
pub mod presets;
pub mod prompt_templates;
pub mod query;
pub mod queue;
pub mod residents;
pub mod settings;
pub mod tag_aliases;
pub mod uploads;
pub mod wildcards;
pub mod workers;

use mystic_domain::{JobId, JobState, Progress};
use mystic_store::JobRecord;
use std::collections::HashMap;

use crate::state::App;

/// What was last said of the running ones of these jobs; nothing while Redis is away.
pub(crate) async fn latest_progress(
    app: &App,
    jobs: impl IntoIterator<Item = &JobRecord>,
) -> HashMap<JobId, Progress> {
    let running: Vec<JobId> = jobs
        .into_iter()
        .filter(|job| job.state == JobState::Running)
        .map(|job| job.id)
        .collect();
    progress_of(app, &running).await
}

/// What was last said of these jobs; nothing while Redis is away.
pub(crate) async fn progress_of(app: &App, jobs: &[JobId]) -> HashMap<JobId, Progress> {
    let latest = match app.queue.latest_progress(jobs).await {
        Ok(latest) => latest,
        Err(error) => {
            tracing::debug!(%error, "progress is not known");
            return HashMap::new();
        }
    };
    latest
        .into_iter()
        .filter_map(|(job, payload)| Some((job, serde_json::from_value(payload).ok()?)))
        .collect()
}
