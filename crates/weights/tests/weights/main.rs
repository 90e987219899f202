//! Promises of the header readers.

mod breaks;
mod demo;
mod names;
mod properties;
mod refused;
mod sketch;
