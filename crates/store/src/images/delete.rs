//! The end of a picture that is in the bin. Its files go later, when nobody has come to use them.

use mystic_domain::{ImageId, JobId};
use uuid::Uuid;

use crate::error::retrying;
use crate::jobs::end_queued;
use crate::{Result, Store};

impl Store {
    /// Deletes those of these pictures for good that are in the bin, and returns them. One whose job is still at work
    /// stays: an attempt that knows it would have it counted twice. So does one that an unfinished job works on, other
    /// than a tagging job, which has nothing to tag then.
    ///
    /// # Errors
    /// The database's; then nothing was deleted.
    #[tracing::instrument(name = "db.images.delete", skip_all, fields(images = ids.len()), err(level = "debug"))]
    pub async fn delete_images(&self, ids: &[ImageId]) -> Result<Vec<ImageId>> {
        retrying!(self.delete_images_once(ids))
    }

    async fn delete_images_once(&self, ids: &[ImageId]) -> Result<Vec<ImageId>> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let mut tx = self.pool.begin().await?;
        // Jobs come before pictures in the order of locks.
        sqlx::query(
            "SELECT FROM jobs
             WHERE id IN (SELECT job_id FROM images WHERE id = ANY ($1)) OR parent_image = ANY ($1)
             ORDER BY id FOR NO KEY UPDATE",
        )
        .bind(&ids)
        .execute(&mut *tx)
        .await?;
        let going: Vec<Uuid> = sqlx::query_scalar(
            "SELECT images.id FROM images LEFT JOIN jobs ON jobs.id = images.job_id
             WHERE images.id = ANY ($1) AND binned_at IS NOT NULL
               AND (jobs.finished_at IS NOT NULL OR images.job_id IS NULL)
               AND NOT EXISTS (SELECT FROM jobs AS others WHERE others.parent_image = images.id
                               AND others.finished_at IS NULL AND others.kind <> 'tag')
             ORDER BY images.id FOR UPDATE OF images",
        )
        .bind(&ids)
        .fetch_all(&mut *tx)
        .await?;
        let tagging: Vec<Uuid> = sqlx::query_scalar(
            "SELECT id FROM jobs WHERE parent_image = ANY ($1) AND kind = 'tag' AND state = 'queued'",
        )
        .bind(&going)
        .fetch_all(&mut *tx)
        .await?;
        let tagging: Vec<JobId> = tagging.into_iter().map(JobId).collect();
        end_queued(&mut tx, &tagging).await?;
        // Whoever tries a failed job again has what is gone made anew. One that succeeded has made what it made.
        sqlx::query(
            "UPDATE jobs SET images_done = images_done - gone.count
             FROM (SELECT job_id, count(*) AS count FROM images WHERE id = ANY ($1) GROUP BY job_id) AS gone
             WHERE jobs.id = gone.job_id AND state <> 'succeeded'",
        )
        .bind(&going)
        .execute(&mut *tx)
        .await?;
        let files: Vec<(String, String)> =
            sqlx::query_as("DELETE FROM images WHERE id = ANY ($1) RETURNING file, thumb")
                .bind(&going)
                .fetch_all(&mut *tx)
                .await?;
        // From here on they are files that no picture uses yet, like those of a worker that died: the sweep takes them.
        let files: Vec<String> = files.into_iter().flat_map(<[String; 2]>::from).collect();
        sqlx::query(
            "UPDATE image_files SET state = 'staged', staged_at = now()
             WHERE state = 'stored' AND sha256 IN (
                 SELECT sha256 FROM image_files
                 WHERE sha256 = ANY ($1) AND NOT EXISTS (SELECT FROM images WHERE file = sha256 OR thumb = sha256)
                 ORDER BY sha256 FOR NO KEY UPDATE)",
        )
        .bind(files)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(going.into_iter().map(ImageId).collect())
    }
}
