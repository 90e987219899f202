//! Events as they come: one pump reads them from the database for all clients, one merges what running jobs say.

mod changes;
mod feed;
mod hub;
mod merged;

pub use feed::{Feed, Source};
pub use hub::{Hub, changed};
