//! `/api/v1/wildcards`

pub mod list;
