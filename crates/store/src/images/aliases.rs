//! Tags that are written as another.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;

use crate::{Result, Store};

/// A tag that is written as another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
pub struct AliasRecord {
    /// As models and people say.
    pub alias: String,
    /// As it is written.
    pub tag: String,
    /// Since when.
    pub created_at: DateTime<Utc>,
}

/// What became of an alias.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PutAlias {
    /// It is in force for tags that come from now on.
    Done(AliasRecord),
    /// The tag is an alias itself, of this one.
    TagIsAlias(String),
    /// Something is written as the alias: this one.
    AliasIsTag(String),
}

impl Store {
    /// Every alias, by name.
    ///
    /// # Errors
    /// The database's.
    pub async fn aliases(&self) -> Result<Vec<AliasRecord>> {
        Ok(sqlx::query_as("SELECT * FROM tag_aliases ORDER BY alias")
            .fetch_all(&self.pool)
            .await?)
    }

    /// Has a tag written as another; both in the form of [`mystic_domain::tags::normalise`].
    ///
    /// # Errors
    /// The database's.
    pub async fn put_alias(&self, alias: &str, tag: &str) -> Result<PutAlias> {
        let mut tx = self.pool.begin().await?;
        // Two at once could make a chain of two steps, which nobody would follow to its end.
        sqlx::query("LOCK TABLE tag_aliases IN SHARE ROW EXCLUSIVE MODE")
            .execute(&mut *tx)
            .await?;
        let of: Option<String> = sqlx::query_scalar("SELECT tag FROM tag_aliases WHERE alias = $1")
            .bind(tag)
            .fetch_optional(&mut *tx)
            .await?;
        if let Some(of) = of {
            return Ok(PutAlias::TagIsAlias(of));
        }
        let from: Option<String> = sqlx::query_scalar(
            "SELECT alias FROM tag_aliases WHERE tag = $1 ORDER BY alias LIMIT 1",
        )
        .bind(alias)
        .fetch_optional(&mut *tx)
        .await?;
        if let Some(from) = from {
            return Ok(PutAlias::AliasIsTag(from));
        }
        let record = sqlx::query_as(
            "INSERT INTO tag_aliases (alias, tag) VALUES ($1, $2)
             ON CONFLICT (alias) DO UPDATE SET tag = EXCLUDED.tag RETURNING *",
        )
        .bind(alias)
        .bind(tag)
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(PutAlias::Done(record))
    }

    /// Forgets an alias; says whether it was there.
    ///
    /// # Errors
    /// The database's.
    pub async fn delete_alias(&self, alias: &str) -> Result<bool> {
        let deleted = sqlx::query("DELETE FROM tag_aliases WHERE alias = $1")
            .bind(alias)
            .execute(&self.pool)
            .await?;
        Ok(deleted.rows_affected() > 0)
    }
}

/// Tags as they are written, each once and with the best of its confidences, in the order in which they came.
pub(super) async fn resolve(
    tx: &mut PgConnection,
    found: Vec<(String, f32)>,
) -> Result<Vec<(String, f32)>> {
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    let aliases: Vec<(String, String)> =
        sqlx::query_as("SELECT alias, tag FROM tag_aliases WHERE alias = ANY ($1)")
            .bind(names)
            .fetch_all(tx)
            .await?;
    let aliases: HashMap<String, String> = aliases.into_iter().collect();
    let mut written: Vec<(String, f32)> = Vec::with_capacity(found.len());
    for (name, confidence) in found {
        let name = aliases.get(&name).cloned().unwrap_or(name);
        match written.iter_mut().find(|(there, _)| *there == name) {
            Some((_, best)) => *best = best.max(confidence),
            None => written.push((name, confidence)),
        }
    }
    Ok(written)
}
