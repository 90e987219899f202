//! `/api/v1/residents`: models that are loaded on devices; `/api/v1/devices` lists them.

pub mod unload;
