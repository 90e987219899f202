//! Real Postgres and Redis for tests, each test with its own.
//!
//! Everything here panics on failure: it is called from tests only.

mod engine;
mod place;
mod postgres;
mod redis;
mod wait;

pub use engine::{FakeEngine, Fault, Script, Then, When, program};
pub use postgres::Postgres;
pub use redis::Redis;
pub use wait::{wait_until, wait_until_within};

pub mod nvml;

pub use nvml::FakeNvml;
