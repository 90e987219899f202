//! `/api/v1/uploads`.

pub mod add;
mod decode;
