//! Promises of the header readers.

mod breaks;
mod demo;
mod names;
mod projectors;
mod properties;
mod refused;
mod sketch;
