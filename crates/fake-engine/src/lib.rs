//! An engine child without a model, for tests of what stands above it: it speaks the real protocol through the real
//! loop, as fast, as large and as broken as a folder beside it says.

mod engine;
mod journal;
mod script;

pub use engine::FakeEngine;
pub use journal::start_journal;
pub use script::{Fault, Script, Then, When};
