//! A picture from elsewhere becomes one of ours.

use mystic_domain::{GenerateParams, ImageId, PhaseTimes};
use uuid::Uuid;

use super::files::keep_file;
use crate::error::retrying;
use crate::{Result, Store, row};

/// A picture from elsewhere whose files are in place.
#[derive(Clone, Debug)]
pub struct NewImport {
    /// Its id.
    pub id: ImageId,
    /// The API key's name, or `local`.
    pub owner: String,
    /// What its file names as its model.
    pub preset: String,
    /// What its file says of its making, as far as it does.
    pub params: GenerateParams,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// `png`, `jpeg` or `webp`.
    pub format: &'static str,
    /// SHA-256 of its file, staged.
    pub sha256: String,
    /// SHA-256 of the thumbnail's file, staged.
    pub thumb_sha256: String,
    /// SHA-256 of the RGB pixels.
    pub pixels_sha256: String,
}

/// What became of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Imported {
    /// The picture is there.
    New,
    /// A picture with this file was there already, in the bin or not.
    Already(ImageId),
    /// One of the files is being deleted: put both again, then import again.
    FilesGone,
}

impl Store {
    /// The picture with this file, the first where several have it, or else with this thumbnail.
    ///
    /// # Errors
    /// The database's.
    pub async fn image_of_file(&self, sha256: &str) -> Result<Option<ImageId>> {
        let id: Option<Uuid> = sqlx::query_scalar(
            "SELECT id FROM images WHERE file = $1 OR thumb = $1
             ORDER BY file = $1 DESC, created_at, id LIMIT 1",
        )
        .bind(sha256)
        .fetch_optional(&self.pool)
        .await?;
        Ok(id.map(ImageId))
    }

    /// Adds a picture from elsewhere, unless one has its file.
    ///
    /// # Errors
    /// The database's.
    #[tracing::instrument(name = "db.images.import", skip_all, fields(image = %new.id), err(level = "debug"))]
    pub async fn import_image(&self, new: &NewImport) -> Result<Imported> {
        retrying!(self.import_image_once(new))
    }

    async fn import_image_once(&self, new: &NewImport) -> Result<Imported> {
        let mut tx = self.pool.begin().await?;
        let mut files = [&new.sha256, &new.thumb_sha256];
        files.sort_unstable();
        for file in files {
            // Two imports of the same file wait for each other here.
            if !keep_file(&mut tx, file).await? {
                return Ok(Imported::FilesGone);
            }
        }
        let there: Option<Uuid> = sqlx::query_scalar(
            "SELECT id FROM images WHERE file = $1 ORDER BY created_at, id LIMIT 1",
        )
        .bind(&new.sha256)
        .fetch_optional(&mut *tx)
        .await?;
        if let Some(there) = there {
            return Ok(Imported::Already(ImageId(there)));
        }
        sqlx::query("UPDATE image_files SET state = 'stored' WHERE sha256 = ANY ($1)")
            .bind(&files[..])
            .execute(&mut *tx)
            .await?;
        sqlx::query(
            "INSERT INTO images (id, origin, index, attempt, owner, preset, width, height, seed, params, prompt, file,
                                 thumb, pixels_sha256, times, tags_state, format)
             VALUES ($1, 'import', 0, 0, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'none', $13)",
        )
        .bind(new.id.0)
        .bind(&new.owner)
        .bind(&new.preset)
        .bind(i32::try_from(new.width).unwrap_or(i32::MAX))
        .bind(i32::try_from(new.height).unwrap_or(i32::MAX))
        .bind(new.params.seed)
        .bind(row::to_json(&new.params)?)
        .bind(&new.params.prompt)
        .bind(&new.sha256)
        .bind(&new.thumb_sha256)
        .bind(&new.pixels_sha256)
        .bind(row::to_json(&PhaseTimes::default())?)
        .bind(new.format)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Imported::New)
    }
}
