//! What an owner wants unless a request says otherwise.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{Result, Store};

/// An owner's wishes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
pub struct OwnerSettings {
    /// Whether pictures are tagged; null: as the server is configured.
    pub auto_tag: Option<bool>,
}

impl Store {
    /// An owner's wishes; none where nothing was ever set.
    ///
    /// # Errors
    /// The database's.
    pub async fn owner_settings(&self, owner: &str) -> Result<OwnerSettings> {
        let settings = sqlx::query_as("SELECT auto_tag FROM owner_settings WHERE owner = $1")
            .bind(owner)
            .fetch_optional(&self.pool)
            .await?;
        Ok(settings.unwrap_or_default())
    }

    /// Sets an owner's wishes.
    ///
    /// # Errors
    /// The database's.
    pub async fn set_owner_settings(&self, owner: &str, settings: OwnerSettings) -> Result<()> {
        sqlx::query(
            "INSERT INTO owner_settings (owner, auto_tag) VALUES ($1, $2)
             ON CONFLICT (owner) DO UPDATE SET auto_tag = EXCLUDED.auto_tag, updated_at = now()",
        )
        .bind(owner)
        .bind(settings.auto_tag)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
