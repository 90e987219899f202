//! What users send for jobs to start from.

use std::time::Duration;

use chrono::{DateTime, Utc};
use mystic_domain::{UploadId, UploadKind};
use uuid::Uuid;

use crate::error::retrying;
use crate::{Result, Store, row};

/// An upload whose file is in place.
#[derive(Clone, Debug)]
pub struct NewUpload {
    /// Its id.
    pub id: UploadId,
    /// The API key's name, or `local`.
    pub owner: String,
    /// What it is for.
    pub kind: UploadKind,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// SHA-256 of its file, staged.
    pub sha256: String,
}

/// An upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadRecord {
    /// Its id.
    pub id: UploadId,
    /// The API key's name, or `local`.
    pub owner: String,
    /// What it is for.
    pub kind: UploadKind,
    /// Pixels.
    pub width: i32,
    /// Pixels.
    pub height: i32,
    /// SHA-256 of its file.
    pub sha256: String,
    /// When it came.
    pub created_at: DateTime<Utc>,
}

#[derive(sqlx::FromRow)]
struct UploadRow {
    id: Uuid,
    owner: String,
    kind: String,
    width: i32,
    height: i32,
    file: String,
    created_at: DateTime<Utc>,
}

impl TryFrom<UploadRow> for UploadRecord {
    type Error = crate::StoreError;

    fn try_from(upload: UploadRow) -> Result<Self> {
        Ok(Self {
            id: UploadId(upload.id),
            owner: upload.owner,
            kind: UploadKind::parse(&upload.kind)
                .ok_or_else(|| row::unreadable("upload kind", &upload.kind))?,
            width: upload.width,
            height: upload.height,
            sha256: upload.file,
            created_at: upload.created_at,
        })
    }
}

impl Store {
    /// Adds an upload. Nothing where its file is being deleted: put it again, then call again.
    ///
    /// # Errors
    /// The database's.
    #[tracing::instrument(name = "db.uploads.add", skip_all, fields(upload = %new.id), err(level = "debug"))]
    pub async fn add_upload(&self, new: &NewUpload) -> Result<Option<UploadRecord>> {
        retrying!(self.add_upload_once(new))
    }

    async fn add_upload_once(&self, new: &NewUpload) -> Result<Option<UploadRecord>> {
        let mut tx = self.pool.begin().await?;
        if !crate::images::keep_file(&mut tx, &new.sha256).await? {
            return Ok(None);
        }
        let upload: UploadRow = sqlx::query_as(
            "INSERT INTO uploads (id, owner, kind, width, height, file) VALUES ($1, $2, $3, $4, $5, $6)
             RETURNING *",
        )
        .bind(new.id.0)
        .bind(&new.owner)
        .bind(new.kind.as_str())
        .bind(i32::try_from(new.width).unwrap_or(i32::MAX))
        .bind(i32::try_from(new.height).unwrap_or(i32::MAX))
        .bind(&new.sha256)
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        upload.try_into().map(Some)
    }

    /// The upload of this id.
    ///
    /// # Errors
    /// The database's.
    pub async fn upload(&self, id: UploadId) -> Result<Option<UploadRecord>> {
        let upload: Option<UploadRow> = sqlx::query_as("SELECT * FROM uploads WHERE id = $1")
            .bind(id.0)
            .fetch_optional(&self.pool)
            .await?;
        upload.map(TryInto::try_into).transpose()
    }

    /// Forgets uploads older than this that no job reads; how many. None where another scheduler leads. Their files go
    /// as any that nothing uses.
    ///
    /// # Errors
    /// The database's.
    pub async fn sweep_uploads(&self, age: Duration) -> Result<u64> {
        let swept = sqlx::query(
            "DELETE FROM uploads
             WHERE created_at < now() - $1 * interval '1 second'
               AND NOT EXISTS (SELECT FROM job_inputs WHERE job_inputs.file = uploads.file)
               AND ($2::bigint IS NULL OR EXISTS (SELECT FROM leader WHERE epoch = $2))",
        )
        .bind(i64::try_from(age.as_secs()).unwrap_or(i64::MAX))
        .bind(self.epoch)
        .execute(&self.pool)
        .await?;
        Ok(swept.rows_affected())
    }
}
