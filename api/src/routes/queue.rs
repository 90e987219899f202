//! `/api/v1/queue`

pub mod activity;
pub mod show;
