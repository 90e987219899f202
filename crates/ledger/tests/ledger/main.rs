//! What is decided and foretold on small ledgers.

mod bench;
mod decisions;
mod forecasts;
mod properties;
