//! Query parameters, which all arrive as text.

use std::fmt::Display;
use std::ops::RangeInclusive;
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
    within(value, 1..=MAX_LIMIT)
}

/// A whole number in this range.
pub fn within<'de, D: Deserializer<'de>>(
    value: D,
    range: RangeInclusive<i64>,
) -> Result<i64, D::Error> {
    let number = number(value)?;
    if range.contains(&number) {
        Ok(number)
    } else {
        let (low, high) = range.into_inner();
        Err(D::Error::custom(format!(
            "{number} is out of range, expected {low} to {high}"
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
