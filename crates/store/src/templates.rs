//! Words that people put around their prompts again and again.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;

use crate::{Result, Store};

/// A prompt template, which people call a style.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
pub struct TemplateRecord {
    /// Unique name.
    pub name: String,
    /// What people call it.
    pub label: String,
    /// Its words; `{prompt}` stands for what somebody writes.
    pub content: String,
    /// What is added to what is to be avoided.
    pub negative_prompt: String,
    /// What it is listed under.
    pub category: String,
    /// Jobs that were submitted with it.
    pub uses: i64,
    /// When the last of them was.
    pub used_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// What a template is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTemplate {
    /// Unique name.
    pub name: String,
    /// What people call it.
    pub label: String,
    /// Its words, with `{prompt}`.
    pub content: String,
    /// What is added to what is to be avoided.
    pub negative_prompt: String,
    /// What it is listed under.
    pub category: String,
}

impl Store {
    /// Every template, by category and label.
    ///
    /// # Errors
    /// The database's.
    pub async fn templates(&self) -> Result<Vec<TemplateRecord>> {
        Ok(
            sqlx::query_as("SELECT * FROM prompt_templates ORDER BY category, label, name")
                .fetch_all(&self.pool)
                .await?,
        )
    }

    /// Makes or replaces a template, whose uses stay counted; says whether it is new.
    ///
    /// # Errors
    /// The database's.
    pub async fn put_template(&self, new: &NewTemplate) -> Result<(bool, TemplateRecord)> {
        #[derive(sqlx::FromRow)]
        struct Put {
            new: bool,
            #[sqlx(flatten)]
            record: TemplateRecord,
        }
        let put: Put = sqlx::query_as(
            "INSERT INTO prompt_templates (name, label, content, negative_prompt, category)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (name) DO UPDATE SET label = EXCLUDED.label, content = EXCLUDED.content,
                 negative_prompt = EXCLUDED.negative_prompt, category = EXCLUDED.category, updated_at = now()
             RETURNING *, xmax = 0 AS new",
        )
        .bind(&new.name)
        .bind(&new.label)
        .bind(&new.content)
        .bind(&new.negative_prompt)
        .bind(&new.category)
        .fetch_one(&self.pool)
        .await?;
        Ok((put.new, put.record))
    }

    /// Forgets a template; jobs that used it keep their words. Says whether it was there.
    ///
    /// # Errors
    /// The database's.
    pub async fn delete_template(&self, name: &str) -> Result<bool> {
        let deleted = sqlx::query("DELETE FROM prompt_templates WHERE name = $1")
            .bind(name)
            .execute(&self.pool)
            .await?;
        Ok(deleted.rows_affected() > 0)
    }
}

/// Counts a job that is submitted with these templates. Rows are locked in order, so that two jobs wait and don't deadlock.
pub(crate) async fn count_uses(tx: &mut PgConnection, names: &[String]) -> Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "UPDATE prompt_templates SET uses = uses + 1, used_at = now()
         WHERE name IN (SELECT name FROM prompt_templates WHERE name = ANY ($1) ORDER BY name FOR NO KEY UPDATE)",
    )
    .bind(names)
    .execute(tx)
    .await?;
    Ok(())
}
