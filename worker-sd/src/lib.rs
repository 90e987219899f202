//! The diffusion engine of `worker-sd`. It runs in the worker's children only; the supervisor never calls it.

#![deny(unsafe_code)]

pub mod engine;
