//! Real Postgres and Redis for tests, each test with its own.
//!
//! Everything here panics on failure: it is called from tests only.

mod audit;
mod engine;
mod esrgan;
mod file_server;
mod freeze;
mod gallery;
mod mmproj;
mod place;
mod port;
mod postgres;
mod provenance;
mod proxy;
mod redis;
mod servers;
mod wait;

pub use audit::{Audit, Effect, Move, Overbooking};
pub use engine::{FakeEngine, Fault, Script, Then, When, library, program};
pub use esrgan::esrgan;
pub use file_server::{FileServer, Manners};
pub use freeze::Freeze;
pub use gallery::seed_gallery;
pub use mmproj::mmproj;
pub use port::address;
pub use postgres::Postgres;
pub use provenance::provenance;
pub use proxy::{Direction, Flow, Proxy};
pub use redis::Redis;
pub use servers::{PostgresServer, RedisServer};
pub use wait::{wait_until, wait_until_within};

pub mod nvml;

pub use nvml::FakeNvml;
