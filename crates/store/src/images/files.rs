//! Files in the store. A row comes before its file, so that whatever is on disk can be found from here.

use std::time::Duration;

use crate::{Result, Store};

impl Store {
    /// Announces a file before it is written. False where the garbage collector is deleting one with the same
    /// content: try again shortly.
    ///
    /// # Errors
    /// The database's.
    pub async fn stage_file(&self, sha256: &str, bytes: u64) -> Result<bool> {
        let staged = sqlx::query(
            "INSERT INTO image_files (sha256, bytes, state) VALUES ($1, $2, 'staged')
             ON CONFLICT (sha256) DO UPDATE SET staged_at = now() WHERE image_files.state <> 'deleting'",
        )
        .bind(sha256)
        .bind(i64::try_from(bytes).unwrap_or(i64::MAX))
        .execute(&self.pool)
        .await?;
        Ok(staged.rows_affected() == 1)
    }

    /// Marks staged files for deletion that no picture came to use within `age`, and names them, with those that
    /// an earlier sweep marked and did not finish.
    ///
    /// # Errors
    /// The database's.
    pub async fn sweep_files(&self, age: Duration) -> Result<Vec<String>> {
        Ok(sqlx::query_scalar(
            "UPDATE image_files SET state = 'deleting'
             WHERE (state = 'deleting' OR (state = 'staged' AND staged_at < now() - $1 * interval '1 second'))
               AND NOT EXISTS (SELECT FROM images WHERE file = sha256 OR thumb = sha256)
             RETURNING sha256",
        )
        .bind(i64::try_from(age.as_secs()).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await?)
    }

    /// Forgets a file that was marked for deletion and is deleted.
    ///
    /// # Errors
    /// The database's.
    pub async fn file_deleted(&self, sha256: &str) -> Result<()> {
        sqlx::query("DELETE FROM image_files WHERE sha256 = $1 AND state = 'deleting'")
            .bind(sha256)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
