//! Hints between the services: tickets through apalis on Redis, progress and signals to workers by pub/sub.
//!
//! Nothing here is true. Postgres holds every state; a message of this crate may be lost, doubled or late, and only
//! latency suffers: the scheduler's tick and the worker's heartbeat find what a lost hint would have said. So callers
//! log an error of this crate and go on, a full queue drops instead of blocking, and every consumer heals itself after
//! `FLUSHALL`, a restart of Redis or a stall.

mod cleanup;
mod connect;
mod consume;
mod error;
mod keys;
mod listen;
mod preview;
mod progress;
mod signal;
mod submit;
mod wake;

pub use cleanup::Cleaned;
pub use connect::{Queue, QueueOptions};
pub use error::QueueError;
pub use progress::ProgressMessage;
pub use signal::Signal;
pub use submit::{Depths, RUN_BOUND, RunTicket, SUBMITTED_BOUND};
