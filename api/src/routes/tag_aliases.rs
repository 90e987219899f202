//! `/api/v1/tag-aliases`

pub mod delete;
pub mod list;
pub mod put;
