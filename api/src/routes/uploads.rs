//! `/api/v1/uploads`.

pub mod add;
