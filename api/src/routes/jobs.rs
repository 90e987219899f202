//! `/api/v1/jobs`

pub mod cancel;
pub mod events;
pub mod list;
pub mod retry;
pub mod show;
pub mod submit;
