//! Events as they come: one pump reads them from the database for all clients.

mod feed;
mod hub;

pub use feed::{Feed, Source};
pub use hub::{Hub, changed};
