//! The reconcilers on a real Postgres and a real Redis.

mod audit;
mod cleanup;
mod dispatch;
mod leadership;
mod leases;
mod outages;
mod pauses;
mod pictures;
mod strays;
mod support;
