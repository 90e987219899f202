//! Many pictures are tagged anew by a language model.

use mystic_domain::{EngineKind, ImageId, JobId, JobKind};
use uuid::Uuid;

use crate::error::retrying;
use crate::{Result, Store, events, presets};

/// What became of asking for tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retagging {
    /// These pictures wait for tags now, each with a job of its own. The others did before.
    Queued(Vec<ImageId>),
    /// This preset takes no jobs any more.
    Retired(String),
}

impl Store {
    /// Queues a tagging job for each of these pictures that has none to come.
    ///
    /// # Errors
    /// The database's; then nothing was queued.
    #[tracing::instrument(name = "db.images.retag", skip_all, fields(images = ids.len()), err(level = "debug"))]
    pub async fn retag(
        &self,
        ids: &[ImageId],
        preset: &str,
        owner: &str,
        priority: i16,
    ) -> Result<Retagging> {
        retrying!(self.retag_once(ids, preset, owner, priority))
    }

    async fn retag_once(
        &self,
        ids: &[ImageId],
        preset: &str,
        owner: &str,
        priority: i16,
    ) -> Result<Retagging> {
        let mut tx = self.pool.begin().await?;
        let images: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let jobs: Vec<Uuid> = ids.iter().map(|_| JobId::generate().0).collect();
        // Jobs come before pictures in the order of locks, and new ones wait for nobody.
        let queued: Vec<(Uuid, Uuid)> = sqlx::query_as(
            "INSERT INTO jobs (id, kind, engine, preset, owner, priority, params, parent_image)
             SELECT asked.job, $3, $4, $5, $6, $7,
                    jsonb_build_object('image', images.id, 'prompt', images.prompt), images.id
             FROM unnest($1::uuid[], $2::uuid[]) AS asked (image, job) JOIN images ON images.id = asked.image
             WHERE NOT EXISTS (SELECT FROM jobs AS there WHERE there.parent_image = images.id AND there.kind = $3
                               AND there.state IN ('queued', 'leased', 'running'))
             RETURNING id, parent_image",
        )
        .bind(images)
        .bind(jobs)
        .bind(JobKind::Tag.as_str())
        .bind(EngineKind::Llm.as_str())
        .bind(preset)
        .bind(owner)
        .bind(priority)
        .fetch_all(&mut *tx)
        .await?;
        let (jobs, images): (Vec<Uuid>, Vec<Uuid>) = queued.into_iter().unzip();
        let jobs: Vec<JobId> = jobs.into_iter().map(JobId).collect();
        events::record_each(&mut tx, &jobs, "queued", serde_json::json!({})).await?;
        sqlx::query(
            "UPDATE images SET tags_state = 'pending'
             WHERE id IN (SELECT id FROM images WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE)",
        )
        .bind(&images)
        .execute(&mut *tx)
        .await?;
        if let Some(retired) = presets::check_open(&mut tx, &[preset]).await? {
            return Ok(Retagging::Retired(retired));
        }
        tx.commit().await?;
        Ok(Retagging::Queued(images.into_iter().map(ImageId).collect()))
    }
}
