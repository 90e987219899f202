//! `/api/v1/settings`

pub mod change;
pub mod show;
