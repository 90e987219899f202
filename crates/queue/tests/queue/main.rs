//! What this crate promises, against a real Redis.

mod outages;
mod support;
mod tickets;
