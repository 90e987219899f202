//! What is decided and foretold on small ledgers.

mod bench;
mod decisions;
mod forecasts;
mod needs;
mod properties;
