//! Bad input, said so that a person can mend it.

use std::fmt::Display;

/// A field whose value is not allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} is {value}; allowed: {allowed}")]
pub struct InvalidField {
    /// Path of the field, as `params.width`.
    pub field: String,
    /// The value that was given.
    pub value: String,
    /// What would have been accepted.
    pub allowed: String,
}

impl InvalidField {
    /// Names the field, its value and what is allowed.
    pub fn new(field: &str, value: impl Display, allowed: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            value: value.to_string(),
            allowed: allowed.into(),
        }
    }
}

/// So much of a text as a person needs to know it by, without what a terminal or a database takes amiss.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_debug).collect()
}
