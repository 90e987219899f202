//! Files in the store. A row comes before its file, so that whatever is on disk can be found from here.

use std::time::Duration;

use sqlx::{PgConnection, Postgres, Transaction};

use crate::pool::bounded;
use crate::{Result, Store};

/// A file that is being deleted, while its row is locked: whoever stages or commits the same content waits until this
/// is [`Deleting::done`] or dropped.
#[derive(Debug)]
pub struct Deleting {
    tx: Transaction<'static, Postgres>,
    sha256: String,
}

impl Deleting {
    /// Forgets the file, which is deleted. Dropped instead, the row says still that it has to be.
    ///
    /// # Errors
    /// The database's; then the row says so still.
    pub async fn done(self) -> Result<()> {
        bounded(self.forget()).await
    }

    async fn forget(mut self) -> Result<()> {
        sqlx::query("DELETE FROM image_files WHERE sha256 = $1")
            .bind(&self.sha256)
            .execute(&mut *self.tx)
            .await?;
        Ok(self.tx.commit().await?)
    }
}

/// Holds a file's row until what refers to it is committed: whoever sweeps waits for that, and then sees it. False
/// where the file is gone, or going.
pub(crate) async fn keep_file(tx: &mut PgConnection, sha256: &str) -> Result<bool> {
    let kept = sqlx::query(
        "UPDATE image_files SET staged_at = now() WHERE sha256 = $1 AND state <> 'deleting'",
    )
    .bind(sha256)
    .execute(tx)
    .await?;
    Ok(kept.rows_affected() == 1)
}

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

    /// The size of a file that was announced, in bytes, and that it is still on its way; nothing where it was not
    /// announced or is being deleted.
    ///
    /// # Errors
    /// The database's.
    pub async fn expected_file(&self, sha256: &str) -> Result<Option<u64>> {
        let bytes: Option<i64> = sqlx::query_scalar(
            "UPDATE image_files SET staged_at = now() WHERE sha256 = $1 AND state <> 'deleting' RETURNING bytes",
        )
        .bind(sha256)
        .fetch_optional(&self.pool)
        .await?;
        Ok(bytes.and_then(|bytes| u64::try_from(bytes).ok()))
    }

    /// Marks staged files for deletion that no picture, upload or job came to use within `age`, and names them, with those that
    /// an earlier sweep marked and did not finish. None where another scheduler leads.
    ///
    /// # Errors
    /// The database's.
    pub async fn sweep_files(&self, age: Duration) -> Result<Vec<String>> {
        Ok(sqlx::query_scalar(
            "UPDATE image_files SET state = 'deleting'
             WHERE sha256 IN (
                 SELECT sha256 FROM image_files
                 WHERE (state = 'deleting' OR (state = 'staged' AND staged_at < now() - $1 * interval '1 second'))
                   AND NOT EXISTS (SELECT FROM images WHERE file = sha256 OR thumb = sha256)
                   AND NOT EXISTS (SELECT FROM uploads WHERE file = sha256)
                   AND NOT EXISTS (SELECT FROM job_inputs WHERE file = sha256)
                   AND ($2::bigint IS NULL OR EXISTS (SELECT FROM leader WHERE epoch = $2))
                 FOR NO KEY UPDATE OF image_files SKIP LOCKED)
             RETURNING sha256",
        )
        .bind(i64::try_from(age.as_secs()).unwrap_or(i64::MAX))
        .bind(self.epoch)
        .fetch_all(&self.pool)
        .await?)
    }

    /// Which of these files have no row. Since a row comes before its file, a file that was seen before this call and
    /// has none was not put by anybody who still means to commit it.
    ///
    /// # Errors
    /// The database's.
    pub async fn unknown_files(&self, sha256s: &[String]) -> Result<Vec<String>> {
        Ok(sqlx::query_scalar(
            "SELECT sha256 FROM unnest($1::text[]) AS seen (sha256)
             WHERE NOT EXISTS (SELECT FROM image_files WHERE image_files.sha256 = seen.sha256)",
        )
        .bind(sha256s)
        .fetch_all(&self.pool)
        .await?)
    }

    /// Gives files that have no row one that says that they are being deleted, and names those: who came first with a
    /// row keeps the file, who comes after puts it again. None where another scheduler leads.
    ///
    /// # Errors
    /// The database's.
    pub async fn mark_strays(&self, sha256s: &[String]) -> Result<Vec<String>> {
        // Nobody asks for the size of a file that goes, and one that was never synced may be empty.
        Ok(sqlx::query_scalar(
            "INSERT INTO image_files (sha256, bytes, state)
             SELECT sha256, 1, 'deleting' FROM unnest($1::text[]) AS strays (sha256)
             WHERE $2::bigint IS NULL OR EXISTS (SELECT FROM leader WHERE epoch = $2)
             ORDER BY sha256
             ON CONFLICT (sha256) DO NOTHING
             RETURNING sha256",
        )
        .bind(sha256s)
        .bind(self.epoch)
        .fetch_all(&self.pool)
        .await?)
    }

    /// Locks the row of a file that was marked for deletion, for as long as the file is being deleted. Nothing where
    /// somebody else did or does it, or another scheduler leads.
    ///
    /// Without the lock one sweeper that is frozen between its mark and its deletion would delete what a worker put
    /// again after another sweeper was done.
    ///
    /// # Errors
    /// The database's.
    pub async fn delete_file(&self, sha256: &str) -> Result<Option<Deleting>> {
        bounded(self.delete_file_once(sha256)).await
    }

    async fn delete_file_once(&self, sha256: &str) -> Result<Option<Deleting>> {
        let mut tx = self.pool.begin().await?;
        // Whoever asks whether the file may be put holds the row for a moment, a sweeper that is frozen for good. What
        // ends other idle transactions must not end this one: the file goes under its lock or not at all.
        sqlx::raw_sql(
            "SET LOCAL lock_timeout = '1s'; SET LOCAL idle_in_transaction_session_timeout = 0",
        )
        .execute(&mut *tx)
        .await?;
        let marked = sqlx::query_scalar(
            "SELECT sha256 FROM image_files
             WHERE sha256 = $1 AND state = 'deleting'
               AND ($2::bigint IS NULL OR EXISTS (SELECT FROM leader WHERE epoch = $2))
             FOR NO KEY UPDATE",
        )
        .bind(sha256)
        .bind(self.epoch)
        .fetch_optional(&mut *tx)
        .await;
        let marked: Option<String> = match marked {
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("55P03") => None,
            answered => answered?,
        };
        Ok(marked.map(|sha256| Deleting { tx, sha256 }))
    }

    /// Files that pictures are made of, with their sizes in bytes: the first `limit` after this one.
    ///
    /// # Errors
    /// The database's.
    pub async fn referenced_files(&self, after: &str, limit: i64) -> Result<Vec<(String, u64)>> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT sha256, bytes FROM image_files
             WHERE sha256 > $1 AND EXISTS (SELECT FROM images WHERE file = sha256 OR thumb = sha256)
             ORDER BY sha256 LIMIT $2",
        )
        .bind(after)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        let size = |bytes| u64::try_from(bytes).unwrap_or_default();
        Ok(rows
            .into_iter()
            .map(|(sha256, bytes)| (sha256, size(bytes)))
            .collect())
    }
}
