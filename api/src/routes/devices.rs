//! `/api/v1/devices`

pub mod list;
