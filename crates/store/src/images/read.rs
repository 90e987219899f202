//! Pictures as they are shown.

use chrono::{DateTime, Utc};
use mystic_domain::{ImageId, JobId};
use uuid::Uuid;

use super::filter::{Place, Values, matching};
use super::{ImageFilter, ImageRecord, TagRecord};
use crate::{Result, Store, row};

/// Of a text search the newest so many pictures are ranked: a word that every other picture has costs no more than a
/// rare one.
pub const RANKED: i64 = 1000;

/// The columns of an [`ImageRow`]; what is kept for the search alone stays where it is.
macro_rules! columns {
    () => {
        "images.id, images.job_id, images.index, images.attempt, images.plan, images.owner, images.preset, images.width,
         images.height, images.seed, images.params, images.file, images.thumb, images.pixels_sha256, images.times,
         images.tags_state, images.created_at, images.parent, images.rating, images.favourite, images.binned_at,
         images.origin, images.format, images.drawn_by, images.upscale"
    };
}
pub(super) use columns;

const PLACES: &str = concat!(
    "SELECT created_at, id FROM images WHERE ",
    matching!(),
    " ORDER BY created_at DESC, id DESC LIMIT $22"
);

/// The page is found first, mostly in an index alone, and only its rows are read.
pub(super) const PAGE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM (SELECT id, created_at FROM images WHERE ",
    matching!(),
    " ORDER BY created_at DESC, id DESC LIMIT $22) AS page
     JOIN images ON images.id = page.id ORDER BY page.created_at DESC, page.id DESC"
);

pub(super) const BEST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM (SELECT id, created_at, ts_rank(search, websearch_to_tsquery('english', coalesce($5, ''))) AS rank
            FROM (SELECT id, created_at, search FROM images WHERE ",
    matching!(),
    "             ORDER BY created_at DESC, id DESC LIMIT $23) AS newest
            ORDER BY rank DESC, created_at DESC, id DESC LIMIT $22) AS page
     JOIN images ON images.id = page.id ORDER BY page.rank DESC, page.created_at DESC, page.id DESC"
);

#[derive(sqlx::FromRow)]
pub(super) struct ImageRow {
    id: Uuid,
    job_id: Option<Uuid>,
    drawn_by: Option<Uuid>,
    index: i32,
    attempt: i32,
    plan: Option<String>,
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
    parent: Option<Uuid>,
    rating: i16,
    favourite: bool,
    binned_at: Option<DateTime<Utc>>,
    origin: String,
    format: String,
    upscale: Option<serde_json::Value>,
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
            origin: self.origin,
            job: self.job_id.map(JobId),
            drawn_by: self.drawn_by.map(JobId),
            index: self.index,
            attempt: self.attempt,
            plan: self.plan.as_deref().map(row::plan).transpose()?,
            owner: self.owner,
            preset: self.preset,
            width: self.width,
            height: self.height,
            seed: self.seed,
            params: row::json(self.params)?,
            upscale: self.upscale.map(row::json).transpose()?,
            format: self.format,
            sha256: self.file,
            thumb_sha256: self.thumb,
            pixels_sha256: self.pixels_sha256,
            times: row::json(self.times)?,
            tags_state: self.tags_state,
            parent: self.parent.map(ImageId),
            rating: self.rating,
            favourite: self.favourite,
            binned_at: self.binned_at,
            created_at: self.created_at,
        })
    }
}

impl Store {
    /// The picture of this id, in the bin or not.
    ///
    /// # Errors
    /// The database's.
    pub async fn image(&self, id: ImageId) -> Result<Option<ImageRecord>> {
        let rows = sqlx::query_as(concat!("SELECT ", columns!(), " FROM images WHERE id = $1"))
            .bind(id.0)
            .fetch_all(&self.pool)
            .await?;
        Ok(self.with_tags(rows).await?.pop())
    }

    /// SHA-256 of a picture's file; none where there is no such picture any more.
    ///
    /// # Errors
    /// The database's.
    pub async fn image_file(&self, id: ImageId) -> Result<Option<String>> {
        let file = sqlx::query_scalar("SELECT file FROM images WHERE id = $1")
            .bind(id.0)
            .fetch_optional(&self.pool)
            .await?;
        Ok(file)
    }

    /// A page of pictures, newest first: at most `limit` that are older than `after`.
    ///
    /// # Errors
    /// The database's.
    #[tracing::instrument(name = "db.images.list", skip_all, err(level = "debug"))]
    pub async fn images(
        &self,
        filter: &ImageFilter,
        after: Option<Place>,
        limit: i64,
    ) -> Result<Vec<ImageRecord>> {
        let mut values = Values(self.matching(filter, after).await?);
        values.add(limit)?;
        let rows = sqlx::query_as_with(PAGE, values.0)
            .persistent(false)
            .fetch_all(&self.pool)
            .await?;
        self.with_tags(rows).await
    }

    /// The places of a filter's pictures, newest first: at most `limit` that are older than `after`.
    ///
    /// # Errors
    /// The database's.
    pub async fn image_places(
        &self,
        filter: &ImageFilter,
        after: Option<Place>,
        limit: i64,
    ) -> Result<Vec<Place>> {
        let mut values = Values(self.matching(filter, after).await?);
        values.add(limit)?;
        let places = sqlx::query_as_with(PLACES, values.0)
            .persistent(false)
            .fetch_all(&self.pool)
            .await?;
        Ok(places)
    }

    /// The pictures that fit the filter's text best, best first: of the newest [`RANKED`] that it finds at most `limit`.
    /// The prompt weighs more than the tags, these more than the negative prompt.
    ///
    /// # Errors
    /// The database's.
    #[tracing::instrument(name = "db.images.rank", skip_all, err(level = "debug"))]
    pub async fn best_images(&self, filter: &ImageFilter, limit: i64) -> Result<Vec<ImageRecord>> {
        let mut values = Values(self.matching(filter, None).await?);
        values.add(limit)?;
        values.add(RANKED)?;
        let rows = sqlx::query_as_with(BEST, values.0)
            .persistent(false)
            .fetch_all(&self.pool)
            .await?;
        self.with_tags(rows).await
    }

    pub(super) async fn with_tags(&self, rows: Vec<ImageRow>) -> Result<Vec<ImageRecord>> {
        let ids: Vec<Uuid> = rows.iter().map(|image| image.id).collect();
        let tags: Vec<TagRow> = sqlx::query_as(
            "SELECT image_id, tags.name, source, confidence FROM image_tags JOIN tags ON tags.id = tag_id
             WHERE image_id = ANY ($1) ORDER BY image_id, source <> 'user', source DESC, position",
        )
        .bind(ids)
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(|image| image.record(&tags)).collect()
    }
}
