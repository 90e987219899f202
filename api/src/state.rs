//! What every handler has at hand.

use std::sync::Arc;

use mystic_process::{Config, Shutdown};
use mystic_queue::Queue;
use mystic_store::Store;
use object_store::local::LocalFileSystem;
use tokio::sync::Semaphore;

use crate::events::Hub;
use crate::guard::Guard;
use crate::hints::Hints;
use crate::outlook::Outlooks;

/// The parts of a running API; clones share them.
#[derive(Clone)]
pub struct App {
    /// The truth.
    pub store: Store,
    /// Progress, for those who read.
    pub queue: Queue,
    /// Hints, for those who write.
    pub hints: Hints,
    /// New events as they come.
    pub hub: Hub,
    /// What is expected of jobs that wait.
    pub outlooks: Outlooks,
    /// The pictures' files.
    pub files: Arc<LocalFileSystem>,
    /// Who may come in.
    pub guard: Arc<Guard>,
    /// What was configured.
    pub config: Arc<Config>,
    /// When to stop.
    pub shutdown: Shutdown,
    /// Uploads that may still be decoded beside those under way.
    pub decoders: Arc<Semaphore>,
    /// Event streams that may still be opened.
    pub streams: Arc<Semaphore>,
}
