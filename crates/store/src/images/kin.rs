//! What a picture has to do with others: what it was made from, what was made from it, and what is like it.

use mystic_domain::ImageId;
use uuid::Uuid;

use super::ImageRecord;
use super::read::{ImageRow, columns};
use crate::error::retrying;
use crate::{Result, Store};

/// Most ancestors, and most children, that are shown.
const KIN: i64 = 100;
/// Of the pictures that share a tag, and of those whose prompts have many words in common, the newest so many are compared.
const COMPARED: i64 = 200;

/// A picture's line, without what is in the bin.
#[derive(Clone, Debug, PartialEq)]
pub struct Lineage {
    /// What it was made from, from the nearest to the first of the line.
    pub ancestors: Vec<ImageRecord>,
    /// What was made from it, newest first.
    pub children: Vec<ImageRecord>,
}

/// A picture that is like another.
#[derive(Clone, Debug, PartialEq)]
pub struct Similar {
    /// The picture.
    pub image: ImageRecord,
    /// How alike the prompts are, from 0 to 1: the share of the trigrams that both have.
    pub prompt: f32,
    /// How alike the tags are, from 0 to 1: the share of the tags that both have.
    pub tags: f32,
}

const ANCESTORS: &str = concat!(
    "WITH RECURSIVE line AS (
         SELECT parent, 1 AS steps FROM images WHERE id = $1
         UNION ALL SELECT images.parent, steps + 1 FROM line JOIN images ON images.id = line.parent WHERE steps < $2)
     SELECT ",
    columns!(),
    " FROM line JOIN images ON images.id = line.parent WHERE binned_at IS NULL ORDER BY steps"
);

const CHILDREN: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM images WHERE parent = $1 AND binned_at IS NULL ORDER BY created_at DESC, id DESC LIMIT $2"
);

/// The picture's own prompt, tags and likeness are parameters, so that the planner sees what it looks for. How many
/// prompts are near it can't know; walking all pictures from the newest on, until there are enough, would take far longer.
pub(super) const ALIKE: &str = "
    WITH near AS MATERIALIZED (
        SELECT id, prompt, tag_ids, created_at FROM images
        WHERE likeness && $6 AND binned_at IS NULL AND id <> $1),
    candidates AS (
        (SELECT id, prompt, tag_ids FROM near ORDER BY created_at DESC, id DESC LIMIT $4)
        UNION
        (SELECT id, prompt, tag_ids FROM images WHERE tag_ids && $3 AND binned_at IS NULL AND id <> $1
         ORDER BY created_at DESC, id DESC LIMIT $4)),
    compared AS MATERIALIZED (
        SELECT id, similarity(prompt, $2) AS prompt,
               (SELECT count(*)::real FROM unnest(tag_ids) AS tag WHERE tag = ANY ($3))
               / greatest(1, (SELECT count(DISTINCT tag) FROM unnest(tag_ids || $3) AS tag)) AS tags
        FROM candidates)
    SELECT id, prompt, tags::real AS tags FROM compared ORDER BY prompt + tags DESC, id DESC LIMIT $5";

impl Store {
    /// A picture's line up to its first ancestor, and its children.
    ///
    /// # Errors
    /// The database's.
    pub async fn lineage(&self, id: ImageId) -> Result<Lineage> {
        let mut line = [Vec::new(), Vec::new()];
        for (statement, kin) in [ANCESTORS, CHILDREN].into_iter().zip(&mut line) {
            let rows: Vec<ImageRow> = sqlx::query_as(statement)
                .bind(id.0)
                .bind(KIN)
                .fetch_all(&self.pool)
                .await?;
            *kin = self.with_tags(rows).await?;
        }
        let [ancestors, children] = line;
        Ok(Lineage {
            ancestors,
            children,
        })
    }

    /// The pictures most like this one, by their prompts' trigrams and their tags, most alike first.
    ///
    /// # Errors
    /// The database's.
    #[tracing::instrument(name = "db.images.similar", skip_all, err(level = "debug"))]
    pub async fn similar_images(&self, id: ImageId, limit: i64) -> Result<Vec<Similar>> {
        retrying!(self.similar_images_once(id, limit))
    }

    async fn similar_images_once(&self, id: ImageId, limit: i64) -> Result<Vec<Similar>> {
        let own: Option<(String, Vec<i64>, Vec<i32>)> =
            sqlx::query_as("SELECT prompt, tag_ids, likeness FROM images WHERE id = $1")
                .bind(id.0)
                .fetch_optional(&self.pool)
                .await?;
        let Some((prompt, tags, likeness)) = own else {
            return Ok(Vec::new());
        };
        let alike: Vec<(Uuid, f32, f32)> = sqlx::query_as(ALIKE)
            .bind(id.0)
            .bind(prompt)
            .bind(tags)
            .bind(COMPARED)
            .bind(limit)
            .bind(likeness)
            .persistent(false)
            .fetch_all(&self.pool)
            .await?;
        let ids: Vec<Uuid> = alike.iter().map(|(id, ..)| *id).collect();
        let rows = sqlx::query_as(concat!(
            "SELECT ",
            columns!(),
            " FROM images WHERE id = ANY ($1) ORDER BY array_position($1, id)"
        ))
        .bind(ids)
        .fetch_all(&self.pool)
        .await?;
        let images = self.with_tags(rows).await?;
        // One that was deleted in between is not among them.
        let likeness = |image: &ImageRecord| {
            let found = alike.iter().find(|(id, ..)| *id == image.id.0);
            found.map_or((0.0, 0.0), |(_, prompt, tags)| (*prompt, *tags))
        };
        Ok(images
            .into_iter()
            .map(|image| {
                let (prompt, tags) = likeness(&image);
                Similar {
                    image,
                    prompt,
                    tags,
                }
            })
            .collect())
    }
}
