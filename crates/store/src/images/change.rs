//! What people do with pictures, one or many at once.

use mystic_domain::ImageId;
use sqlx::PgConnection;
use uuid::Uuid;

use super::aliases;
use crate::error::retrying;
use crate::{Result, Store};

/// Most tags that a picture has when people add some. What is found by is in an index, whose entries are bounded.
pub const MAX_TAGS: usize = 128;

/// What is done with a picture. Doing it twice is doing it once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Rate it from 1 to 5 (0 takes the rating back), and say whether it is a favourite; what is absent stays.
    Mark {
        /// The rating.
        rating: Option<i16>,
        /// Whether it is a favourite.
        favourite: Option<bool>,
    },
    /// Give it these tags by hand. Not done where it would have more than [`MAX_TAGS`].
    Tag(Vec<String>),
    /// Take these tags away, whoever gave them.
    Untag(Vec<String>),
    /// Put it into the bin.
    Bin,
    /// Take it out of the bin.
    Restore,
}

impl Store {
    /// Does this with these pictures, and returns those that it was done with: those that are there, and for a bin's
    /// changes those to which it was news.
    ///
    /// # Errors
    /// The database's; then nothing was changed.
    #[tracing::instrument(name = "db.images.change", skip_all, fields(images = ids.len()), err(level = "debug"))]
    pub async fn change_images(&self, ids: &[ImageId], change: &Change) -> Result<Vec<ImageId>> {
        retrying!(self.change_images_once(ids, change))
    }

    async fn change_images_once(&self, ids: &[ImageId], change: &Change) -> Result<Vec<ImageId>> {
        let mut tx = self.pool.begin().await?;
        let mut written = Vec::new();
        if let Change::Tag(names) | Change::Untag(names) = change {
            let sure = names.iter().map(|name| (name.clone(), 1.0)).collect();
            let resolved = aliases::resolve(&mut tx, sure).await?;
            written.extend(resolved.into_iter().map(|(name, _)| name));
        }
        if matches!(change, Change::Tag(_)) {
            name_tags(&mut tx, written.iter().map(String::as_str)).await?;
        }
        // In one order, so that two changes wait for each other instead of deadlocking.
        let there: Vec<Uuid> = sqlx::query_scalar(
            "SELECT id FROM images WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE",
        )
        .bind(ids.iter().map(|id| id.0).collect::<Vec<_>>())
        .fetch_all(&mut *tx)
        .await?;
        let done: Vec<Uuid> = match change {
            Change::Mark { rating, favourite } => {
                sqlx::query_scalar(
                    "UPDATE images SET rating = coalesce($2, rating), favourite = coalesce($3, favourite)
                     WHERE id = ANY ($1) RETURNING id",
                )
                .bind(there)
                .bind(rating)
                .bind(favourite)
                .fetch_all(&mut *tx)
                .await?
            }
            Change::Tag(_) => tag(&mut tx, there, &written).await?,
            Change::Untag(names) => {
                // A picture may have the alias from before it was one.
                written.extend_from_slice(names);
                sqlx::query(
                    "DELETE FROM image_tags USING tags
                     WHERE image_id = ANY ($1) AND tags.id = tag_id AND tags.name = ANY ($2)",
                )
                .bind(&there)
                .bind(written)
                .execute(&mut *tx)
                .await?;
                there
            }
            Change::Bin => {
                sqlx::query_scalar(
                    "UPDATE images SET binned_at = now() WHERE id = ANY ($1) AND binned_at IS NULL RETURNING id",
                )
                .bind(there)
                .fetch_all(&mut *tx)
                .await?
            }
            Change::Restore => {
                sqlx::query_scalar(
                    "UPDATE images SET binned_at = NULL WHERE id = ANY ($1) AND binned_at IS NOT NULL RETURNING id",
                )
                .bind(there)
                .fetch_all(&mut *tx)
                .await?
            }
        };
        tx.commit().await?;
        Ok(done.into_iter().map(ImageId).collect())
    }
}

/// Lets these tags exist.
pub(super) async fn name_tags<'a>(
    tx: &mut PgConnection,
    names: impl Iterator<Item = &'a str>,
) -> Result<()> {
    // In order, so that two transactions that add the same ones wait instead of deadlocking.
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    sqlx::query("INSERT INTO tags (name) SELECT unnest($1::text[]) ON CONFLICT (name) DO NOTHING")
        .bind(names)
        .execute(tx)
        .await?;
    Ok(())
}

/// Tags locked pictures by hand, and returns those that have the tags now.
async fn tag(tx: &mut PgConnection, images: Vec<Uuid>, names: &[String]) -> Result<Vec<Uuid>> {
    let room: Vec<Uuid> = sqlx::query_scalar(
        "SELECT images.id FROM images
         CROSS JOIN (SELECT array_agg(id) AS ids FROM tags WHERE name = ANY ($2)) AS new
         WHERE images.id = ANY ($1)
           AND (SELECT count(DISTINCT id) FROM unnest(tag_ids || new.ids) AS id) <= $3",
    )
    .bind(images)
    .bind(names)
    .bind(i64::try_from(MAX_TAGS).unwrap_or(i64::MAX))
    .fetch_all(&mut *tx)
    .await?;
    sqlx::query(
        "INSERT INTO image_tags (image_id, tag_id, source, confidence, position)
         SELECT image.id, tags.id, 'user', 1, new.position
                + coalesce((SELECT max(position) FROM image_tags WHERE image_id = image.id AND source = 'user'), 0)
         FROM unnest($1::uuid[]) AS image (id)
         CROSS JOIN unnest($2::text[]) WITH ORDINALITY AS new (name, position)
         JOIN tags ON tags.name = new.name
         ON CONFLICT DO NOTHING",
    )
    .bind(&room)
    .bind(names)
    .execute(tx)
    .await?;
    Ok(room)
}
