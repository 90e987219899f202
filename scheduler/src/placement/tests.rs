//! Promises of the placement.

mod bench;
mod decisions;
mod properties;
