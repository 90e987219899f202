//! API keys: only their hashes are kept.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::FromRow;
use utoipa::ToSchema;

use crate::{Result, Store, StoreError};

/// An API key, without what is secret about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, FromRow, ToSchema)]
pub struct KeyRecord {
    /// Whose it is; jobs made with it belong to this name.
    #[schema(example = "anna")]
    pub name: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Since when it lets nobody in; null while it does.
    pub revoked_at: Option<DateTime<Utc>>,
}

impl Store {
    /// Adds a key under a name, which becomes the owner of its jobs; one that was revoked is followed by the new one.
    ///
    /// # Errors
    /// [`StoreError::Exists`] where the name has a key.
    pub async fn create_key(&self, name: &str, hash: [u8; 32]) -> Result<()> {
        let made = sqlx::query(
            "INSERT INTO api_keys (name, hash) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET hash = excluded.hash, created_at = now(), revoked_at = NULL
             WHERE api_keys.revoked_at IS NOT NULL",
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

    /// All keys, those that were revoked too, by name.
    ///
    /// # Errors
    /// The database's.
    pub async fn keys(&self) -> Result<Vec<KeyRecord>> {
        let keys = "SELECT name, created_at, revoked_at FROM api_keys ORDER BY name";
        Ok(sqlx::query_as(keys).fetch_all(&self.pool).await?)
    }

    /// Lets nobody in with this key any more; false where there is none that does.
    ///
    /// # Errors
    /// The database's.
    pub async fn revoke_key(&self, name: &str) -> Result<bool> {
        let revoked = sqlx::query(
            "UPDATE api_keys SET revoked_at = now() WHERE name = $1 AND revoked_at IS NULL",
        )
        .bind(name)
        .execute(&self.pool)
        .await?;
        Ok(revoked.rows_affected() > 0)
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
