//! `/api/v1/images`

pub mod file;
pub mod list;
pub mod show;
pub mod thumb;
