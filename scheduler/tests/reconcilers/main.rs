//! The reconcilers on a real Postgres and a real Redis.

mod cleanup;
mod dispatch;
mod leases;
mod support;
