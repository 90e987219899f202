//! Acquire → run → settle: everything that both workers do. No native code: that is in the engine children.

mod attempt;
mod catalogue;
mod children;
mod condition;
mod engine;
mod error;
mod hashes;
mod heartbeat;
mod held;
pub mod instructions;
mod inventory;
mod measure;
mod models;
mod pace;
mod picture;
mod plans;
mod preload;
mod seat;
mod supervisor;

pub use error::WorkerError;
pub use supervisor::run;
