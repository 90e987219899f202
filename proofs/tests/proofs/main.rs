//! The programs themselves, as processes, on real Postgres and Redis: what becomes of jobs whatever dies.

mod cards;
mod devices;
mod downloads;
mod engines;
mod fifty;
mod help;
mod hosts;
mod imports;
mod library;
mod models;
mod needs;
mod pixels;
mod postgres;
mod preload;
mod previews;
mod redis;
mod rolling;
mod schedulers;
mod sight;
mod stack;
mod upscale;
mod verify;
mod workers;
mod workflows;
