//! The store on a real Postgres: what its transactions promise.

mod access;
mod conflicts;
mod estimates;
mod events;
mod gallery;
mod help;
mod histories;
mod images;
mod jobs;
mod learn;
mod leases;
mod ledger;
mod machine;
mod outages;
mod plans;
mod preload;
mod presets;
mod support;
