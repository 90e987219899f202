//! What every service process shares: configuration, logs and metrics, shutdown, the health endpoint.
//!
//! With it a binary's `main` reads as one sentence: load the [`Config`], start [`telemetry`], listen for
//! [`Shutdown`] signals, connect, run.

pub mod config;
pub mod disk;
pub mod fault;
pub mod health;
pub mod http;
mod lease_times;
pub mod shutdown;
pub mod telemetry;

pub use config::{Config, ConfigArgs, ConfigError};
pub use health::Health;
pub use lease_times::{LeaseTimes, LeaseTimesError};
pub use shutdown::Shutdown;
pub use telemetry::Telemetry;
