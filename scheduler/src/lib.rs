//! Decides which job runs where, and mends what stood still.
//!
//! `mystic_ledger` decides and does no I/O; the [`reconcilers`] read, do what was decided, and may be run at any time,
//! any number of times, by any number of schedulers at once. [`leadership`] lets one work while the others wait.

pub mod boot;
mod gauges;
mod hints;
pub mod leadership;
pub mod outputs;
pub mod reconcilers;

pub use hints::Hints;
