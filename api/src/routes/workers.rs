//! `/api/v1/workers`

pub mod list;
