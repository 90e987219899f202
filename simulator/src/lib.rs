//! A fleet, its work and its policies in simulated time: the placement that the service uses, against others.

mod event;
pub mod fleet;
pub mod grid;
pub mod measure;
pub mod optimum;
pub mod policies;
pub mod presets;
pub mod report;
pub mod workload;
pub mod world;
