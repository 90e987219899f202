//! `/api/v1/keys`

pub mod create;
pub mod list;
pub mod revoke;
