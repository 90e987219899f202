//! Pictures as they are shown.

use chrono::{DateTime, Utc};
use mystic_domain::{ImageId, JobId};
use uuid::Uuid;

use super::{ImageRecord, TagRecord};
use crate::{Result, Store, row};

/// Which pictures to list. An empty filter lists all.
#[derive(Clone, Debug, Default)]
pub struct ImageFilter {
    /// Made by this job.
    pub job: Option<JobId>,
    /// Made by this preset.
    pub preset: Option<String>,
    /// With this tag.
    pub tag: Option<String>,
    /// Of this owner.
    pub owner: Option<String>,
    /// Older than this picture's time and id.
    pub after: Option<(DateTime<Utc>, Uuid)>,
    /// At most so many.
    pub limit: i64,
}

#[derive(sqlx::FromRow)]
struct ImageRow {
    id: Uuid,
    job_id: Uuid,
    index: i32,
    attempt: i32,
    plan: String,
    owner: String,
    preset: String,
    width: i32,
    height: i32,
    seed: i64,
    params: serde_json::Value,
    file: String,
    thumb: String,
    pixels_sha256: String,
    times: serde_json::Value,
    tags_state: String,
    created_at: DateTime<Utc>,
}

#[derive(sqlx::FromRow)]
struct TagRow {
    image_id: Uuid,
    name: String,
    source: String,
    confidence: f32,
}

impl ImageRow {
    fn record(self, tags: &[TagRow]) -> Result<ImageRecord> {
        let own = tags.iter().filter(|tag| tag.image_id == self.id);
        Ok(ImageRecord {
            tags: own
                .map(|tag| TagRecord {
                    name: tag.name.clone(),
                    source: tag.source.clone(),
                    confidence: tag.confidence,
                })
                .collect(),
            id: ImageId(self.id),
            job: JobId(self.job_id),
            index: self.index,
            attempt: self.attempt,
            plan: row::plan(&self.plan)?,
            owner: self.owner,
            preset: self.preset,
            width: self.width,
            height: self.height,
            seed: self.seed,
            params: row::json(self.params)?,
            sha256: self.file,
            thumb_sha256: self.thumb,
            pixels_sha256: self.pixels_sha256,
            times: row::json(self.times)?,
            tags_state: self.tags_state,
            created_at: self.created_at,
        })
    }
}

impl Store {
    /// The picture of this id.
    ///
    /// # Errors
    /// The database's.
    pub async fn image(&self, id: ImageId) -> Result<Option<ImageRecord>> {
        let rows: Vec<ImageRow> = sqlx::query_as("SELECT * FROM images WHERE id = $1")
            .bind(id.0)
            .fetch_all(&self.pool)
            .await?;
        Ok(self.with_tags(rows).await?.pop())
    }

    /// A page of pictures, newest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn images(&self, filter: &ImageFilter) -> Result<Vec<ImageRecord>> {
        let rows: Vec<ImageRow> = sqlx::query_as(
            "SELECT * FROM images
             WHERE ($1::uuid IS NULL OR job_id = $1)
               AND ($2::text IS NULL OR preset = $2)
               AND ($3::text IS NULL OR EXISTS (SELECT FROM image_tags JOIN tags ON tags.id = tag_id
                                                WHERE image_id = images.id AND tags.name = $3))
               AND ($4::text IS NULL OR owner = $4)
               AND ($5::timestamptz IS NULL OR (created_at, id) < ($5, $6))
             ORDER BY created_at DESC, id DESC LIMIT $7",
        )
        .bind(filter.job.map(|job| job.0))
        .bind(&filter.preset)
        .bind(&filter.tag)
        .bind(&filter.owner)
        .bind(filter.after.map(|(at, _)| at))
        .bind(filter.after.map(|(_, id)| id))
        .bind(filter.limit)
        .fetch_all(&self.pool)
        .await?;
        self.with_tags(rows).await
    }

    async fn with_tags(&self, rows: Vec<ImageRow>) -> Result<Vec<ImageRecord>> {
        let ids: Vec<Uuid> = rows.iter().map(|image| image.id).collect();
        let tags: Vec<TagRow> = sqlx::query_as(
            "SELECT image_id, tags.name, source, confidence FROM image_tags JOIN tags ON tags.id = tag_id
             WHERE image_id = ANY ($1) ORDER BY image_id, source DESC, position",
        )
        .bind(ids)
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(|image| image.record(&tags)).collect()
    }
}
