//! What a model's file says of itself: the headers of GGUF and safetensors files, read without their tensors.
//!
//! A header comes from a stranger. Everything in it is bounded (`limits`), added up with checks, and held against the
//! file's length, so that a file that was cut off is told before an engine maps it.
//!
//! The readers are our own. The `safetensors` crate (0.8) takes a header only together with all of the file's bytes, is
//! bounded by nothing but the header's length, and its errors name neither tensor nor size. Of the GGUF crates
//! `gguf-rs-lib` (0.3) reads version 3 alone, `gguf` (0.1) knows old types alone, and `gguf-rs` (0.1) and `ggus` (0.5)
//! reserve what a number in the file asks for. All of them keep what is passed over here: whole vocabularies.

mod architecture;
mod content;
mod dtype;
mod error;
mod gguf;
mod head;
mod header;
mod kind;
mod language;
mod layout;
pub mod limits;
mod modules;
mod preset;
mod projector;
mod safetensors;
mod scan;

pub use architecture::Architecture;
pub use content::sha256;
pub use dtype::Dtype;
pub use error::{Problem, WeightsError};
pub use header::{Format, Header, Tensor, read};
pub use kind::Kind;
pub use language::LanguageModel;
pub use modules::Modules;
pub use preset::{Misfit, below, of_preset};
pub use projector::Projector;
pub use scan::{Found, scan};
