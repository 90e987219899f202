//! Promises of the placement.

mod decisions;
mod fleet;
mod properties;
