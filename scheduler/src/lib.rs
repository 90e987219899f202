//! Decides which job runs where, and mends what stood still.
//!
//! [`placement`] decides and does no I/O; the [`reconcilers`] read, do what was decided, and may be run at any time,
//! any number of times, by any number of schedulers at once.

pub mod boot;
mod gauges;
mod hints;
pub mod placement;
pub mod reconcilers;

pub use hints::Hints;
