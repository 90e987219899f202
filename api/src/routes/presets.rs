//! `/api/v1/presets`

pub mod list;
