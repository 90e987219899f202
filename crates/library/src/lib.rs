//! The models directory: which files belong there, where each comes from, and whether it is what it should be.
//!
//! A file has its name only once it is whole: its checksum is right and its header can be read, which no pickle's can.

mod catalog;
mod error;
mod fetch;
mod import;
mod remove;
mod state;
mod wheel;

pub use catalog::{Catalog, IMPORTED, Model, ModelFile, Source, Wheel};
pub use error::{LibraryError, Result};
pub use fetch::{Places, Progress, fetch};
pub use import::Import;
pub use remove::remove;
pub use state::{State, look, verify, verify_telling};
