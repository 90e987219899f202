//! The shapes of answers, where they are more than a row of the store.

use std::collections::HashMap;

use mystic_domain::{JobId, JobState, Progress};
use mystic_store::{AttemptRecord, ImageRecord, JobRecord};
use serde::Serialize;
use utoipa::ToSchema;

use crate::cursor::Cursor;
use crate::outlook::Estimate;

/// A job.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Job {
    /// The job's row.
    #[serde(flatten)]
    pub record: JobRecord,
    /// Where it is shown.
    #[schema(example = "/api/v1/jobs/0198c5b0-6f1e-7c40-b5a5-0d6a3f5f2a11")]
    pub url: String,
    /// How far it is; only while it runs and its worker has said so.
    pub progress: Option<Progress>,
}

impl Job {
    /// The job with what was last said of its progress.
    pub fn new(record: JobRecord, progress: Option<Progress>) -> Self {
        Self {
            url: job_url(record.id),
            progress: progress.filter(|_| record.state == JobState::Running),
            record,
        }
    }
}

/// A job with all that belongs to it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct JobDetail {
    /// The job.
    #[serde(flatten)]
    pub job: Job,
    /// Queued jobs that start before it; only while it is queued.
    pub position: Option<i64>,
    /// Where, how and when it is expected to run; only while it is queued and that can be told.
    pub estimate: Option<Estimate>,
    /// Its attempts, first to last.
    pub attempts: Vec<AttemptRecord>,
    /// What draws or drew one of its pictures each on other devices, oldest first.
    pub helpers: Vec<Job>,
    /// The pictures that it has made so far, by index.
    pub images: Vec<Image>,
    /// The jobs that tag its pictures.
    pub tag_jobs: Vec<Job>,
}

/// A page of jobs, newest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct JobPage {
    /// The jobs.
    pub jobs: Vec<Job>,
    /// `cursor` of the next page; null on the last.
    #[schema(value_type = Option<String>)]
    pub next: Option<Cursor>,
}

/// A picture.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Image {
    /// The picture's row.
    #[serde(flatten)]
    pub record: ImageRecord,
    /// Where it is shown.
    #[schema(example = "/api/v1/images/0198c5b0-6f1e-7c40-b5a5-0d6a3f5f2a11")]
    pub url: String,
    /// Its file.
    pub file_url: String,
    /// Its thumbnail, a PNG too.
    pub thumb_url: String,
}

impl From<ImageRecord> for Image {
    fn from(record: ImageRecord) -> Self {
        let url = format!("/api/v1/images/{}", record.id);
        Self {
            file_url: format!("{url}/file"),
            thumb_url: format!("{url}/thumb"),
            url,
            record,
        }
    }
}

/// A page of pictures, newest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ImagePage {
    /// The pictures.
    pub images: Vec<Image>,
    /// `cursor` of the next page; null on the last.
    #[schema(value_type = Option<String>)]
    pub next: Option<Cursor>,
}

/// How many jobs are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct JobCounts {
    /// Waiting.
    pub queued: i64,
    /// Granted, not yet claimed.
    pub leased: i64,
    /// Under way.
    pub running: i64,
    /// Done.
    pub succeeded: i64,
    /// Ended with an error.
    pub failed: i64,
    /// Ended by request.
    pub cancelled: i64,
}

/// The queue at a glance.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct QueueView {
    /// Jobs by state.
    pub counts: JobCounts,
    /// Leased and running jobs, oldest lease first.
    pub running: Vec<Job>,
    /// The first of the waiting jobs, in the order in which they will run.
    pub waiting: Vec<WaitingJob>,
}

/// A job that waits.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WaitingJob {
    /// The job.
    #[serde(flatten)]
    pub job: Job,
    /// Where, how and when it is expected to run; null where that can't be told.
    pub estimate: Option<Estimate>,
}

/// How far a job is: an element of a `progress` frame of an event stream.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct JobProgress {
    /// The job.
    pub job: JobId,
    /// How far it is.
    #[serde(flatten)]
    pub progress: Progress,
}

/// Where a job is shown.
pub fn job_url(id: JobId) -> String {
    format!("/api/v1/jobs/{id}")
}

/// Puts progress beside each job.
pub fn with_progress(records: Vec<JobRecord>, progress: &HashMap<JobId, Progress>) -> Vec<Job> {
    records
        .into_iter()
        .map(|record| {
            let last = progress.get(&record.id).copied();
            Job::new(record, last)
        })
        .collect()
}
