//! An engine child: a process of its own, because native libraries abort and only an exit frees memory for sure.

mod diagnose;
mod oom_kills;
mod process;

pub(crate) use process::{ChildLost, EngineChild};
