//! `/api/v1/estimates`

pub mod list;
pub mod reset;
