//! `/api/v1/jobs`

pub mod cancel;
pub mod cancel_all;
pub mod events;
pub mod list;
pub mod preview;
pub mod reprioritise;
pub mod retry;
pub mod show;
pub mod submit;
