//! `/api/v1/models`

pub mod list;
