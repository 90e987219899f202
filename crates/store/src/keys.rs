//! API keys: only their hashes are kept.

use crate::{Result, Store, StoreError};

impl Store {
    /// Adds a key under a name, which becomes the owner of its jobs.
    ///
    /// # Errors
    /// [`StoreError::Exists`] where the name is taken.
    pub async fn create_key(&self, name: &str, hash: [u8; 32]) -> Result<()> {
        let made = sqlx::query(
            "INSERT INTO api_keys (name, hash) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
        )
        .bind(name)
        .bind(hash.as_slice())
        .execute(&self.pool)
        .await?;
        if made.rows_affected() == 0 {
            return Err(StoreError::Exists(format!("a key named {name}")));
        }
        Ok(())
    }

    /// The owner that this key belongs to.
    ///
    /// # Errors
    /// The database's.
    pub async fn key_owner(&self, hash: [u8; 32]) -> Result<Option<String>> {
        Ok(
            sqlx::query_scalar("SELECT name FROM api_keys WHERE hash = $1 AND revoked_at IS NULL")
                .bind(hash.as_slice())
                .fetch_optional(&self.pool)
                .await?,
        )
    }

    /// Whether any key exists.
    ///
    /// # Errors
    /// The database's.
    pub async fn any_key(&self) -> Result<bool> {
        Ok(
            sqlx::query_scalar("SELECT EXISTS (SELECT FROM api_keys WHERE revoked_at IS NULL)")
                .fetch_one(&self.pool)
                .await?,
        )
    }
}
