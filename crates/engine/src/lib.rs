//! The engine protocol, and the child's side of it. No native code: the engines bring their own.

pub mod child;
mod protocol;

pub use protocol::{
    Command, EnhanceExample, EnhanceInstructions, Event, LoadModel, LoraFile, Picture, Said,
    ScoredTag, Start, TagExample, TagInstructions,
};

/// Version of the protocol. Supervisor and child are the same program, so a difference is a mixed-up installation.
pub const PROTOCOL: u32 = 9;
