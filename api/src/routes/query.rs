//! Query parameters, which all arrive as text.

use std::fmt::Display;
use std::str::FromStr;

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Rows in a page when the request doesn't say.
pub const DEFAULT_LIMIT: i64 = 50;
/// Most rows in a page.
pub const MAX_LIMIT: i64 = 200;

/// The size of a page, from 1 to [`MAX_LIMIT`].
pub fn limit<'de, D: Deserializer<'de>>(value: D) -> Result<i64, D::Error> {
    let limit = number(value)?;
    if (1..=MAX_LIMIT).contains(&limit) {
        Ok(limit)
    } else {
        Err(D::Error::custom(format!(
            "{limit} is out of range, expected 1 to {MAX_LIMIT}"
        )))
    }
}

/// [`DEFAULT_LIMIT`], for serde.
pub fn default_limit() -> i64 {
    DEFAULT_LIMIT
}

fn number<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(value: D) -> Result<T, D::Error> {
    let text = String::deserialize(value)?;
    text.parse()
        .map_err(|error| D::Error::custom(format!("{error}, expected a whole number")))
}

/// `true` or `false`.
pub fn flag<'de, D: Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
    let text = String::deserialize(value)?;
    text.parse()
        .map_err(|_| D::Error::custom(format!("{text} is neither, expected true or false")))
}

/// `true` or `false`, or nothing.
pub fn some_flag<'de, D: Deserializer<'de>>(value: D) -> Result<Option<bool>, D::Error> {
    flag(value).map(Some)
}

/// A whole number that may be left out.
pub fn some_number<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(
    value: D,
) -> Result<Option<T>, D::Error> {
    number(value).map(Some)
}

/// Names separated by commas.
pub fn list<'de, D: Deserializer<'de>, T: DeserializeOwned>(value: D) -> Result<Vec<T>, D::Error> {
    let text = String::deserialize(value)?;
    let names = text
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty());
    names
        .map(|name| {
            serde_json::from_value(Value::String(name.to_owned())).map_err(D::Error::custom)
        })
        .collect()
}

/// An id that may be left out.
pub fn some_id<'de, D: Deserializer<'de>, T: FromStr>(value: D) -> Result<Option<T>, D::Error> {
    let text = String::deserialize(value)?;
    text.parse()
        .map(Some)
        .map_err(|_| D::Error::custom("not an id, expected a UUID"))
}
