//! Which pictures are meant: one condition for lists, counts and changes of many.
//!
//! Each statement with it has one text, whatever is asked for: what is not asked for is null, and the planner drops it,
//! since it plans such a statement anew each time with the values in view (they are never prepared for later: after five
//! uses Postgres would plan without the values, and walk whole tables). So it also sees which words and tags are rare, and
//! goes by their index, and which are common, and walks the newest pictures until a page is full.

use chrono::{DateTime, Utc};
use mystic_domain::{ImageId, JobId};
use sqlx::Arguments;
use sqlx::postgres::PgArguments;
use uuid::Uuid;

use crate::{Result, Store};

/// Which pictures to look at. An empty filter has all that are not in the bin.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImageFilter {
    /// One of these.
    pub ids: Option<Vec<ImageId>>,
    /// Made by this job.
    pub job: Option<JobId>,
    /// Made by this preset.
    pub preset: Option<String>,
    /// Of this owner.
    pub owner: Option<String>,
    /// Found in prompt, tags or negative prompt, in the syntax of web searches: `"red circle" or square -blurry`.
    pub text: Option<String>,
    /// With all of these tags.
    pub tags: Vec<String>,
    /// With one of these tags at least.
    pub any_tags: Vec<String>,
    /// With none of these tags.
    pub no_tags: Vec<String>,
    /// Rated so high, or higher.
    pub rating_min: Option<i16>,
    /// Whether it is a favourite.
    pub favourite: Option<bool>,
    /// Pixels, at least.
    pub min_width: Option<i32>,
    /// Pixels, at most.
    pub max_width: Option<i32>,
    /// Pixels, at least.
    pub min_height: Option<i32>,
    /// Pixels, at most.
    pub max_height: Option<i32>,
    /// Made then or later.
    pub from: Option<DateTime<Utc>>,
    /// Made before.
    pub to: Option<DateTime<Utc>>,
    /// Its own seed.
    pub seed: Option<i64>,
    /// Made from this picture.
    pub parent: Option<ImageId>,
    /// Whether it is in the bin.
    pub bin: Bin,
}

/// Whether pictures in the bin are meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bin {
    /// All but those.
    #[default]
    Outside,
    /// Those alone.
    Inside,
    /// Both.
    Anywhere,
}

/// What an [`ImageFilter`] asks of `images`, and after which picture, as parameters 1 to 21.
macro_rules! matching {
    () => {
        "($1::uuid[] IS NULL OR id = ANY ($1))
         AND ($2::uuid IS NULL OR job_id = $2)
         AND ($3::text IS NULL OR preset = $3)
         AND ($4::text IS NULL OR owner = $4)
         AND ($5::text IS NULL OR search @@ websearch_to_tsquery('english', $5))
         AND ($6::bigint[] IS NULL OR tag_ids @> $6)
         AND ($7::bigint[] IS NULL OR tag_ids && $7)
         AND ($8::bigint[] IS NULL OR NOT tag_ids && $8)
         AND ($9::smallint IS NULL OR rating >= $9)
         AND ($10::boolean IS NULL OR favourite = $10)
         AND ($11::int IS NULL OR width >= $11)
         AND ($12::int IS NULL OR width <= $12)
         AND ($13::int IS NULL OR height >= $13)
         AND ($14::int IS NULL OR height <= $14)
         AND ($15::timestamptz IS NULL OR created_at >= $15)
         AND ($16::timestamptz IS NULL OR created_at < $16)
         AND ($17::bigint IS NULL OR seed = $17)
         AND ($18::uuid IS NULL OR parent = $18)
         AND ($19::boolean IS NULL OR (binned_at IS NOT NULL) = $19)
         AND ($20::timestamptz IS NULL OR (created_at, id) < ($20, $21::uuid))"
    };
}
pub(super) use matching;

/// No tag has this id.
const UNKNOWN: i64 = -1;

/// A place in the order of time: of a picture's row, its time and its id.
pub type Place = (DateTime<Utc>, Uuid);

impl Store {
    /// The first 21 parameters of a statement with [`matching`]: the filter, and after which picture.
    pub(super) async fn matching(
        &self,
        filter: &ImageFilter,
        after: Option<Place>,
    ) -> Result<PgArguments> {
        let [all, any, none] = self.tag_ids(filter).await?;
        let mut values = Values::default();
        let ids = filter.ids.as_ref();
        values.add(ids.map(|ids| ids.iter().map(|id| id.0).collect::<Vec<Uuid>>()))?;
        values.add(filter.job.map(|job| job.0))?;
        values.add(filter.preset.as_deref())?;
        values.add(filter.owner.as_deref())?;
        values.add(filter.text.as_deref())?;
        values.add(all)?;
        values.add(any)?;
        values.add(none)?;
        values.add(filter.rating_min)?;
        values.add(filter.favourite)?;
        values.add(filter.min_width)?;
        values.add(filter.max_width)?;
        values.add(filter.min_height)?;
        values.add(filter.max_height)?;
        values.add(filter.from)?;
        values.add(filter.to)?;
        values.add(filter.seed)?;
        values.add(filter.parent.map(|parent| parent.0))?;
        values.add(match filter.bin {
            Bin::Outside => Some(false),
            Bin::Inside => Some(true),
            Bin::Anywhere => None,
        })?;
        values.add(after.map(|(at, _)| at))?;
        values.add(after.map(|(_, id)| id))?;
        Ok(values.0)
    }

    /// The ids of the tags that must all be there, of those of which one must, and of those that must not. A tag that
    /// nobody has is on no picture.
    async fn tag_ids(&self, filter: &ImageFilter) -> Result<[Option<Vec<i64>>; 3]> {
        let lists = [&filter.tags, &filter.any_tags, &filter.no_tags];
        if lists.iter().all(|list| list.is_empty()) {
            return Ok([None, None, None]);
        }
        let names: Vec<&str> = lists.into_iter().flatten().map(String::as_str).collect();
        let known: Vec<(String, i64)> =
            sqlx::query_as("SELECT name, id FROM tags WHERE name = ANY ($1)")
                .bind(names)
                .fetch_all(&self.pool)
                .await?;
        let id = |name: &String| {
            let known = known.iter().find(|(known, _)| known == name);
            known.map_or(UNKNOWN, |(_, id)| *id)
        };
        Ok(lists.map(|list| {
            let ids: Vec<i64> = list.iter().map(id).collect();
            (!ids.is_empty()).then_some(ids)
        }))
    }
}

/// Parameters as they are put together.
#[derive(Default)]
pub(super) struct Values(pub(super) PgArguments);

impl Values {
    pub(super) fn add<'v, T>(&mut self, value: T) -> Result<()>
    where
        T: sqlx::Encode<'v, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        Ok(self.0.add(value).map_err(sqlx::Error::Encode)?)
    }
}
