//! `/api/v1/pauses`

pub mod list;
pub mod pause;
pub mod resume;
