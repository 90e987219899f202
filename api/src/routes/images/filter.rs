//! Which pictures are meant: the same parameters for lists, counts and changes of many.

use chrono::{DateTime, Utc};
use mystic_domain::{ImageId, InvalidField, JobId};
use mystic_store::{Bin, ImageFilter};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::routes::query;
use crate::tags::all_stored;

/// Longest text to search for, in bytes.
const MAX_TEXT: usize = 1000;
/// Most ids in one list.
const MAX_IDS: usize = 500;

/// Which pictures are meant: those that each parameter allows.
#[derive(Debug, Default, PartialEq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct FilterImages {
    /// These, separated by commas, at most 500.
    #[serde(deserialize_with = "query::list")]
    #[param(style = Form, explode = false, required = false)]
    ids: Vec<ImageId>,
    /// Made by this job.
    #[serde(deserialize_with = "query::some_id")]
    #[param(value_type = Option<String>, format = Uuid)]
    job: Option<JobId>,
    /// Made by this preset.
    preset: Option<String>,
    /// Made for this owner.
    owner: Option<String>,
    /// Words of the prompt, the tags or the negative prompt, as in a web search: `"red circle" or square -blurry`.
    #[param(example = "\"red circle\" or square -blurry")]
    q: Option<String>,
    /// With all of these tags, separated by commas, at most 20.
    #[serde(deserialize_with = "query::list")]
    #[param(style = Form, explode = false, required = false)]
    tags: Vec<String>,
    /// With one of these tags at least, separated by commas, at most 20.
    #[serde(deserialize_with = "query::list")]
    #[param(style = Form, explode = false, required = false)]
    any_tags: Vec<String>,
    /// With none of these tags, separated by commas, at most 20.
    #[serde(deserialize_with = "query::list")]
    #[param(style = Form, explode = false, required = false)]
    no_tags: Vec<String>,
    /// Rated so high or higher.
    #[serde(deserialize_with = "query::some_number")]
    #[param(minimum = 1, maximum = 5)]
    rating_min: Option<i16>,
    /// Whether it is a favourite.
    #[serde(deserialize_with = "query::some_flag")]
    favourite: Option<bool>,
    /// Pixels, at least.
    #[serde(deserialize_with = "query::some_number")]
    min_width: Option<i32>,
    /// Pixels, at most.
    #[serde(deserialize_with = "query::some_number")]
    max_width: Option<i32>,
    /// Pixels, at least.
    #[serde(deserialize_with = "query::some_number")]
    min_height: Option<i32>,
    /// Pixels, at most.
    #[serde(deserialize_with = "query::some_number")]
    max_height: Option<i32>,
    /// Made then or later.
    from: Option<DateTime<Utc>>,
    /// Made before.
    to: Option<DateTime<Utc>>,
    /// The picture's own seed.
    #[serde(deserialize_with = "query::some_number")]
    seed: Option<i64>,
    /// Made from this picture.
    #[serde(deserialize_with = "query::some_id")]
    #[param(value_type = Option<String>, format = Uuid)]
    parent: Option<ImageId>,
    /// Whether pictures in the bin are meant, which nothing else shows.
    #[serde(deserialize_with = "query::flag")]
    #[param(required = false)]
    pub bin: bool,
}

impl FilterImages {
    /// Whether nothing is asked for, so that all pictures are meant.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// As the store wants it.
    ///
    /// # Errors
    /// A parameter that is out of its range.
    pub fn checked(self) -> Result<ImageFilter, InvalidField> {
        if let Some(rating) = self.rating_min.filter(|rating| !(1..=5).contains(rating)) {
            return Err(InvalidField::new("rating_min", rating, "1 to 5"));
        }
        if self.ids.len() > MAX_IDS {
            let given = format!("{} ids", self.ids.len());
            let allowed = format!("at most {MAX_IDS} ids");
            return Err(InvalidField::new("ids", given, allowed));
        }
        let text = self.q.filter(|text| !text.trim().is_empty());
        if let Some(text) = text.as_ref().filter(|text| text.len() > MAX_TEXT) {
            let given = format!("{} bytes long", text.len());
            let allowed = format!("up to {MAX_TEXT} bytes of UTF-8");
            return Err(InvalidField::new("q", given, allowed));
        }
        Ok(ImageFilter {
            ids: (!self.ids.is_empty()).then_some(self.ids),
            job: self.job,
            preset: self.preset,
            owner: self.owner,
            text,
            tags: all_stored("tags", &self.tags)?,
            any_tags: all_stored("any_tags", &self.any_tags)?,
            no_tags: all_stored("no_tags", &self.no_tags)?,
            rating_min: self.rating_min,
            favourite: self.favourite,
            min_width: self.min_width,
            max_width: self.max_width,
            min_height: self.min_height,
            max_height: self.max_height,
            from: self.from,
            to: self.to,
            seed: self.seed,
            parent: self.parent,
            bin: if self.bin { Bin::Inside } else { Bin::Outside },
        })
    }
}
