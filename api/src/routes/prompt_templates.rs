//! `/api/v1/prompt-templates`

pub mod delete;
pub mod list;
pub mod put;
