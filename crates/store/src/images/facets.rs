//! What the pictures of a filter have in common, counted.

use serde::Serialize;
use utoipa::ToSchema;

use super::ImageFilter;
use super::filter::{Values, matching};
use crate::{Result, Store};

/// Of a filter's pictures the newest so many are counted, so that counting costs the same whatever matches.
pub const COUNTED: i64 = 1000;

/// Most tags that are named.
const TAGS: i64 = 100;

/// What the newest pictures of a filter have in common, the most frequent first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Facets {
    /// Pictures that were counted.
    pub counted: i64,
    /// Whether only the newest were counted, since there may be more.
    pub capped: bool,
    /// Tags, at most 100.
    pub tags: Vec<ValueCount>,
    /// Presets.
    pub presets: Vec<ValueCount>,
    /// Ratings, from 0 for those that have none.
    pub ratings: Vec<ValueCount>,
    /// Favourites.
    pub favourites: i64,
    /// Sizes.
    pub sizes: Vec<SizeCount>,
}

/// How many pictures have a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ValueCount {
    /// The value.
    pub value: String,
    /// Pictures.
    pub count: i64,
}

/// How many pictures have a size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SizeCount {
    /// Pixels.
    pub width: i32,
    /// Pixels.
    pub height: i32,
    /// Pictures.
    pub count: i64,
}

pub(super) const COUNT: &str = concat!(
    "WITH matching AS MATERIALIZED (
         SELECT preset, rating, favourite, width, height, tag_ids FROM images WHERE ",
    matching!(),
    "    ORDER BY created_at DESC, id DESC LIMIT $22),
     frequent AS (SELECT tag_id, count(*) AS count FROM matching, unnest(tag_ids) AS tag_id
                  GROUP BY tag_id ORDER BY count DESC, tag_id LIMIT $23)
     SELECT 'tag' AS facet, name AS value, NULL::int AS width, NULL::int AS height, count
     FROM frequent JOIN tags ON tags.id = frequent.tag_id
     UNION ALL SELECT 'preset', preset, NULL, NULL, count(*) FROM matching GROUP BY preset
     UNION ALL SELECT 'rating', rating::text, NULL, NULL, count(*) FROM matching GROUP BY rating
     UNION ALL SELECT 'size', '', width, height, count(*) FROM matching GROUP BY width, height
     UNION ALL SELECT 'favourite', '', NULL, NULL, count(*) FROM matching WHERE favourite
     UNION ALL SELECT 'all', '', NULL, NULL, count(*) FROM matching
     ORDER BY facet, count DESC, value, width, height"
);

#[derive(sqlx::FromRow)]
struct FacetRow {
    facet: String,
    value: String,
    width: Option<i32>,
    height: Option<i32>,
    count: i64,
}

impl Store {
    /// Counts tags, presets, ratings, favourites and sizes of the newest [`COUNTED`] pictures of a filter.
    ///
    /// # Errors
    /// The database's.
    #[tracing::instrument(name = "db.images.facets", skip_all, err(level = "debug"))]
    pub async fn facets(&self, filter: &ImageFilter) -> Result<Facets> {
        let mut values = Values(self.matching(filter, None).await?);
        values.add(COUNTED)?;
        values.add(TAGS)?;
        let rows: Vec<FacetRow> = sqlx::query_as_with(COUNT, values.0)
            .persistent(false)
            .fetch_all(&self.pool)
            .await?;
        let mut facets = Facets::default();
        for row in rows {
            let count = row.count;
            let value = |value| ValueCount { value, count };
            match (row.facet.as_str(), row.width, row.height) {
                ("tag", ..) => facets.tags.push(value(row.value)),
                ("preset", ..) => facets.presets.push(value(row.value)),
                ("rating", ..) => facets.ratings.push(value(row.value)),
                ("favourite", ..) => facets.favourites = count,
                (_, Some(width), Some(height)) => facets.sizes.push(SizeCount {
                    width,
                    height,
                    count,
                }),
                _ => facets.counted = count,
            }
        }
        facets.capped = facets.counted == COUNTED;
        Ok(facets)
    }
}
