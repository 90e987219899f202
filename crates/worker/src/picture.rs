//! A picture on its way from the engine's pixels to the store.

pub(crate) mod input;
mod metadata;
mod png;
mod save;
mod uplink;

pub(crate) use metadata::{Drawing, Enlarging, Recipe};
pub(crate) use save::{SaveError, Shelf};
pub(crate) use uplink::{Uplink, UplinkError};
