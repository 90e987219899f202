//! A picture becomes real: its row, its files' rows, its job's count and its tagging job in one transaction.

use mystic_domain::{
    Fence, GenerateParams, ImageId, JobId, JobParams, PhaseTimes, Provenance, Source, TagParams,
    UpscaleParams, WorkerId,
};
use sqlx::PgConnection;

use crate::error::retrying;
use crate::jobs::{JobRow, insert_job};
use crate::{JobRecord, NewJob, Result, Store, events, provenance, row};

/// How much lower than its generation a tagging job's priority is.
const TAGGING_YIELDS: i16 = 10;

/// A picture whose files are in place.
#[derive(Clone, Debug)]
pub struct NewImage {
    /// Its id.
    pub id: ImageId,
    /// The job that made it, or the helper that drew it for one.
    pub job: JobId,
    /// The lease under which it was made.
    pub fence: Fence,
    /// The worker.
    pub worker: WorkerId,
    /// Its place in the job, from 0.
    pub index: i32,
    /// Its own seed.
    pub seed: i64,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// SHA-256 of the PNG file, staged.
    pub sha256: String,
    /// SHA-256 of the thumbnail's file, staged.
    pub thumb_sha256: String,
    /// SHA-256 of the RGB pixels.
    pub pixels_sha256: String,
    /// Time by phase.
    pub times: PhaseTimes,
    /// What it was made with.
    pub provenance: Provenance,
}

/// What became of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// The picture is there.
    New,
    /// A picture with this index was there already.
    Already,
    /// One of the files is being deleted: put both again, then commit again.
    FilesGone,
    /// It was drawn for a job that has ended meanwhile; nothing was changed.
    Unwanted,
    /// The lease is not this worker's any more; nothing was changed.
    Stale,
}

impl Store {
    /// Commits a picture.
    ///
    /// # Errors
    /// The database's; the commit may or may not have been made, so call again.
    #[tracing::instrument(name = "db.images.commit", skip_all, fields(job = %new.job, index = new.index), err(level = "debug"))]
    pub async fn commit_image(&self, new: &NewImage) -> Result<Committed> {
        retrying!(self.commit_image_once(new))
    }

    async fn commit_image_once(&self, new: &NewImage) -> Result<Committed> {
        let mut tx = self.pool.begin().await?;
        // A helper's row never changes whom it helps, and its job's lock comes before its own.
        let of: Option<JobRow> = sqlx::query_as(
            "SELECT * FROM jobs WHERE id = (SELECT helps FROM jobs WHERE id = $1) FOR NO KEY UPDATE",
        )
        .bind(new.job.0)
        .fetch_optional(&mut *tx)
        .await?;
        let drawer: Option<JobRow> = sqlx::query_as(
            "SELECT * FROM jobs WHERE id = $1 AND worker_id = $2 AND fence = $3 AND state = 'running' FOR NO KEY UPDATE",
        )
        .bind(new.job.0)
        .bind(new.worker.0)
        .bind(new.fence.0)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(drawer) = drawer else {
            return Ok(Committed::Stale);
        };
        let drawer = JobRecord::try_from(drawer)?;
        let job = of.map_or_else(|| Ok(drawer.clone()), JobRecord::try_from)?;
        if job.state.is_terminal() {
            return Ok(Committed::Unwanted);
        }
        let made = Made::of(&mut tx, &job, new.seed).await?;
        let params = &made.params;
        let there: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM images WHERE job_id = $1 AND index = $2)",
        )
        .bind(job.id.0)
        .bind(new.index)
        .fetch_one(&mut *tx)
        .await?;
        if there {
            return Ok(Committed::Already);
        }
        let mut files = vec![&new.sha256, &new.thumb_sha256];
        files.sort_unstable();
        files.dedup();
        for file in &files {
            let stored = sqlx::query(
                "UPDATE image_files SET state = 'stored' WHERE sha256 = $1 AND state <> 'deleting'",
            )
            .bind(file.as_str())
            .execute(&mut *tx)
            .await?;
            if stored.rows_affected() == 0 {
                return Ok(Committed::FilesGone);
            }
        }
        sqlx::query(
            "INSERT INTO images (id, job_id, index, attempt, plan, owner, preset, width, height, seed, params, prompt,
                                 file, thumb, pixels_sha256, times, tags_state, parent, binned_at, drawn_by,
                                 upscale)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
                     (SELECT id FROM images WHERE id = $18 FOR KEY SHARE), CASE WHEN $19 THEN now() END, $20, $21)",
        )
        .bind(new.id.0)
        .bind(job.id.0)
        .bind(new.index)
        .bind(drawer.attempt)
        .bind(drawer.plan.as_str())
        .bind(&job.owner)
        .bind(&job.preset)
        .bind(i32::try_from(new.width).unwrap_or(i32::MAX))
        .bind(i32::try_from(new.height).unwrap_or(i32::MAX))
        .bind(made.seed)
        .bind(row::to_json(params)?)
        .bind(&params.prompt)
        .bind(&new.sha256)
        .bind(&new.thumb_sha256)
        .bind(&new.pixels_sha256)
        .bind(row::to_json(&new.times)?)
        .bind(if params.tag_preset.is_some() { "pending" } else { "none" })
        .bind(made.source.and_then(|source| source.image).map(|image| image.0))
        // Drawn to be compared with the picture that the job works on, and not to be looked at.
        .bind(job.parent_image.is_some())
        .bind(drawer.helps.map(|_| drawer.id.0))
        .bind(made.upscale.map(row::to_json).transpose()?)
        .execute(&mut *tx)
        .await?;
        provenance::note(&mut tx, drawer.id, drawer.attempt, &new.provenance).await?;
        sqlx::query("UPDATE jobs SET images_done = images_done + 1 WHERE id = $1 OR id = $2")
            .bind(job.id.0)
            .bind(drawer.id.0)
            .execute(&mut *tx)
            .await?;
        let data = serde_json::json!({ "image": new.id, "index": new.index });
        events::record(&mut tx, job.id, "image", data).await?;
        if let Some(preset) = &params.tag_preset {
            let tagging = NewJob {
                id: JobId::generate(),
                params: JobParams::Tag(TagParams {
                    image: new.id,
                    prompt: params.prompt.clone(),
                }),
                preset: preset.clone(),
                owner: job.owner.clone(),
                priority: (job.priority - TAGGING_YIELDS).max(-100),
                max_attempts: job.max_attempts,
                not_before: None,
                timeout_s: None,
                idempotency: None,
                parent_image: Some(new.id),
                auto: true,
            };
            insert_job(&mut tx, &tagging).await?;
        }
        tx.commit().await?;
        Ok(Committed::New)
    }
}

/// What a job's pictures say of themselves.
struct Made<'a> {
    params: GenerateParams,
    seed: i64,
    source: Option<&'a Source>,
    upscale: Option<&'a UpscaleParams>,
}

impl<'a> Made<'a> {
    async fn of(tx: &mut PgConnection, job: &'a JobRecord, seed: i64) -> Result<Self> {
        match &job.params {
            JobParams::Generate(params) => Ok(Self {
                params: params.clone(),
                seed,
                source: params.init.as_ref(),
                upscale: None,
            }),
            JobParams::Upscale(upscale) => {
                let (params, seed) = drawn(tx, upscale).await?;
                Ok(Self {
                    params: GenerateParams {
                        tag_preset: None,
                        ..params
                    },
                    seed,
                    source: Some(&upscale.source),
                    upscale: Some(upscale),
                })
            }
            JobParams::Tag(_) | JobParams::Enhance(_) => Err(row::unreadable(
                "picture of a job of kind",
                job.kind.as_str(),
            )),
        }
    }
}

/// With what an enlarged picture was drawn, and its seed; what came from elsewhere has its size alone.
async fn drawn(tx: &mut PgConnection, upscale: &UpscaleParams) -> Result<(GenerateParams, i64)> {
    let source: Option<(serde_json::Value, i64)> =
        sqlx::query_as("SELECT params, seed FROM images WHERE id = $1")
            .bind(upscale.source.image.map(|image| image.0))
            .fetch_optional(tx)
            .await?;
    match source {
        Some((params, seed)) => Ok((row::json(params)?, seed)),
        None => Ok((
            GenerateParams {
                width: upscale.width,
                height: upscale.height,
                ..GenerateParams::default()
            },
            0,
        )),
    }
}
