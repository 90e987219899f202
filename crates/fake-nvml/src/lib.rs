//! A test double of NVIDIA's management library: a shared library with the C symbols that `nvml-wrapper` loads.
//!
//! Its cards, their memory, processes, losses, error events and hanging calls are described by a JSON file beside
//! the library (`<library>.json`, see [`State`]), read again at every call: a test changes it while the code under
//! test runs. Two copies of the library in one process are two independent machines.
//!
//! Only tests load it; no shipped code links it.

mod call;
mod device;
mod event;
mod state;
mod system;

pub use state::{Card, Process, ProcessKind, State, XidEvent};
