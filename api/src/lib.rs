//! Submit and show: the REST API of MystiCanvas, its event streams, and the page that it serves.

mod access;
#[cfg(test)]
mod bad_input;
pub mod boot;
mod cursor;
mod events;
mod extract;
mod files;
mod frontend;
mod gauges;
mod guard;
mod hints;
pub mod keys;
mod loads;
mod measure;
mod openapi;
mod operations;
mod outlook;
mod pictures;
mod presets;
mod problem;
mod recipe;
mod routes;
mod server;
mod state;
mod tags;
#[cfg(test)]
mod testing;
mod wildcards;
mod wire;

pub use openapi::{document, document_json};
pub use presets::{PresetsError, load_presets};
pub use problem::Problem;
pub use server::{Server, StartError};
