//! A private `PostgreSQL` cluster and a private Redis in a directory of their own.
//!
//! Whatever version is installed is used; what the system runs itself is never touched.
//! Both listen on a unix socket in a directory that only their user may enter, so that no
//! password and no port is needed; a test may expose them to a network of its own. Everything here
//! blocks: call it from a thread that may wait.

#![expect(
    clippy::disallowed_methods,
    reason = "waiting for real processes in blocking threads takes the real clock, finding them takes PATH"
)]

mod error;
mod home;
mod kept;
mod postgres;
mod programs;
mod redis;

pub use error::{Error, Result};
pub use home::Home;
pub use kept::Kept;
pub use postgres::{Durability, Exposure, Postgres};
pub use programs::{PostgresPrograms, find_on_path, find_postgres, find_redis};
pub use redis::Redis;
