//! `/internal/v1/blobs`

pub mod put;
