//! What pictures were made with, and the hashes of model files that workers have read.

use mystic_domain::{JobId, Provenance, UsedFile};
use sqlx::PgConnection;

use crate::{Result, Store, row};

/// Notes what an attempt makes its pictures with. The first of them says it for all.
pub(crate) async fn note(
    tx: &mut PgConnection,
    job: JobId,
    attempt: i32,
    provenance: &Provenance,
) -> Result<()> {
    sqlx::query(
        "UPDATE job_attempts SET provenance = $3 WHERE job_id = $1 AND attempt = $2 AND provenance IS NULL",
    )
    .bind(job.0)
    .bind(attempt)
    .bind(row::to_json(provenance)?)
    .execute(tx)
    .await?;
    Ok(())
}

impl Store {
    /// What an attempt made its pictures with; none where it was not noted.
    ///
    /// # Errors
    /// The database's.
    pub async fn provenance(&self, job: JobId, attempt: i32) -> Result<Option<Provenance>> {
        let noted: Option<Option<serde_json::Value>> = sqlx::query_scalar(
            "SELECT provenance FROM job_attempts WHERE job_id = $1 AND attempt = $2",
        )
        .bind(job.0)
        .bind(attempt)
        .fetch_optional(&self.pool)
        .await?;
        noted.flatten().map(row::json).transpose()
    }

    /// The SHA-256 of a host's model file; none where nobody has read it since it was last changed.
    ///
    /// # Errors
    /// The database's.
    pub async fn file_sha256(&self, host: &str, file: &UsedFile) -> Result<Option<String>> {
        let (bytes, modified_ns) = columns(file);
        let sha256 = sqlx::query_scalar(
            "SELECT sha256 FROM file_hashes WHERE host = $1 AND path = $2 AND bytes = $3 AND modified_ns = $4",
        )
        .bind(host)
        .bind(&file.path)
        .bind(bytes)
        .bind(modified_ns)
        .fetch_optional(&self.pool)
        .await?;
        Ok(sha256)
    }

    /// Notes the SHA-256 of a host's model file.
    ///
    /// # Errors
    /// The database's.
    pub async fn note_file_sha256(&self, host: &str, file: &UsedFile, sha256: &str) -> Result<()> {
        let (bytes, modified_ns) = columns(file);
        sqlx::query(
            "INSERT INTO file_hashes (host, path, bytes, modified_ns, sha256) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT DO NOTHING",
        )
        .bind(host)
        .bind(&file.path)
        .bind(bytes)
        .bind(modified_ns)
        .bind(sha256)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

fn columns(file: &UsedFile) -> (i64, i64) {
    (
        i64::try_from(file.bytes).unwrap_or(i64::MAX),
        file.modified_ns,
    )
}
