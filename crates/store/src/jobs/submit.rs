//! A job is accepted: its row is the outbox, there is no second write that could be lost.

use chrono::{DateTime, Utc};
use mystic_domain::{ImageId, JobId, JobParams};
use sqlx::PgConnection;

use super::{JobRecord, JobRow};
use crate::error::retrying;
use crate::images::keep_file;
use crate::{Result, Store, events, presets, row, templates};

/// A job to accept.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// Its id.
    pub id: JobId,
    /// Complete parameters.
    pub params: JobParams,
    /// The model.
    pub preset: String,
    /// The API key's name, or `local`.
    pub owner: String,
    /// −100 to 100; higher runs first.
    pub priority: i16,
    /// Attempts allowed.
    pub max_attempts: i32,
    /// Not granted before.
    pub not_before: Option<DateTime<Utc>>,
    /// Seconds that one attempt may take; no limit where absent.
    pub timeout_s: Option<i32>,
    /// The client's key and a hash of what it sent.
    pub idempotency: Option<(String, [u8; 32])>,
    /// The picture that it works on.
    pub parent_image: Option<ImageId>,
    /// Whether another job made it.
    pub auto: bool,
}

/// What became of a submit.
#[derive(Clone, Debug, PartialEq)]
pub enum Submitted {
    /// Accepted.
    New(JobRecord),
    /// The same key and the same request were accepted before.
    Same(JobRecord),
    /// The key was used for another request.
    Other,
    /// This preset takes no jobs any more.
    Retired(String),
    /// A file that it would read is gone.
    InputGone,
}

/// Inserts a job and its first event; `None` where its idempotency key or its place as an automatic child is taken.
pub(crate) async fn insert(tx: &mut PgConnection, new: &NewJob) -> Result<Option<JobRow>> {
    let params = match &new.params {
        JobParams::Generate(params) => row::to_json(params)?,
        JobParams::Tag(params) => row::to_json(params)?,
        JobParams::Enhance(params) => row::to_json(params)?,
        JobParams::Upscale(params) => row::to_json(params)?,
    };
    let kind = new.params.kind();
    let (key, hash) = new
        .idempotency
        .as_ref()
        .map(|(key, hash)| (key, hash.as_slice()))
        .unzip();
    let job: Option<JobRow> = sqlx::query_as(
        "INSERT INTO jobs (id, kind, engine, preset, owner, priority, params, max_attempts, not_before,
                           idempotency_key, idempotency_hash, parent_image, origin, images_total, timeout_s)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
         ON CONFLICT DO NOTHING RETURNING *",
    )
    .bind(new.id.0)
    .bind(kind.as_str())
    .bind(kind.engine().as_str())
    .bind(&new.preset)
    .bind(&new.owner)
    .bind(new.priority)
    .bind(params)
    .bind(new.max_attempts)
    .bind(new.not_before)
    .bind(key)
    .bind(hash)
    .bind(new.parent_image.map(|image| image.0))
    .bind(if new.auto { "auto" } else { "user" })
    .bind(i32::try_from(new.params.images()).unwrap_or(i32::MAX))
    .bind(new.timeout_s)
    .fetch_optional(&mut *tx)
    .await?;
    if job.is_some() {
        if let JobParams::Generate(params) = &new.params
            && let Some(asked) = &params.asked
        {
            templates::count_uses(tx, &asked.styles).await?;
        }
        events::record(tx, new.id, "queued", serde_json::json!({})).await?;
    }
    Ok(job)
}

impl Store {
    /// Accepts a job.
    ///
    /// # Errors
    /// The database's; then nothing was accepted, unless the connection broke while it was.
    #[tracing::instrument(name = "db.jobs.submit", skip_all, fields(job = %new.id), err(level = "debug"))]
    pub async fn submit(&self, new: &NewJob) -> Result<Submitted> {
        retrying!(self.submit_once(new))
    }

    async fn submit_once(&self, new: &NewJob) -> Result<Submitted> {
        let mut tx = self.pool.begin().await?;
        if let Some(job) = insert(&mut tx, new).await? {
            for file in new.params.inputs() {
                if !keep_file(&mut tx, file).await? {
                    return Ok(Submitted::InputGone);
                }
                sqlx::query("INSERT INTO job_inputs (job_id, file) VALUES ($1, $2)")
                    .bind(new.id.0)
                    .bind(file)
                    .execute(&mut *tx)
                    .await?;
            }
            if matches!(new.params, JobParams::Tag(_)) {
                sqlx::query("UPDATE images SET tags_state = 'pending' WHERE id = $1")
                    .bind(new.parent_image.map(|image| image.0))
                    .execute(&mut *tx)
                    .await?;
            }
            let mut presets = vec![new.preset.as_str()];
            if let JobParams::Generate(params) = &new.params {
                presets.extend(params.tag_preset.as_deref());
            }
            if let Some(retired) = presets::check_open(&mut tx, &presets).await? {
                return Ok(Submitted::Retired(retired));
            }
            tx.commit().await?;
            return Ok(Submitted::New(job.try_into()?));
        }
        drop(tx);
        let Some((key, hash)) = &new.idempotency else {
            return Ok(Submitted::Other);
        };
        let there: Option<(Vec<u8>, uuid::Uuid)> = sqlx::query_as(
            "SELECT idempotency_hash, id FROM jobs WHERE owner = $1 AND idempotency_key = $2",
        )
        .bind(&new.owner)
        .bind(key)
        .fetch_optional(&self.pool)
        .await?;
        match there {
            Some((there, id)) if there == hash => Ok(self
                .job(JobId(id))
                .await?
                .map_or(Submitted::Other, Submitted::Same)),
            _ => Ok(Submitted::Other),
        }
    }
}
