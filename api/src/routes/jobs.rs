//! `/api/v1/jobs`

mod bulk;
pub mod cancel;
pub mod cancel_all;
pub mod delete;
pub mod delete_all;
pub mod events;
pub mod list;
pub mod preview;
pub mod reprioritise;
pub mod retry;
pub mod retry_all;
pub mod show;
pub mod submit;
