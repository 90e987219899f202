//! Why a worker can't start.

use std::path::PathBuf;

/// Why a worker can't start or go on.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The database refuses.
    #[error(transparent)]
    Store(#[from] mystic_store::StoreError),
    /// The Redis URL can't be read.
    #[error(transparent)]
    Queue(#[from] mystic_queue::QueueError),
    /// The host has no id.
    #[error(transparent)]
    Host(#[from] mystic_gpu::HostIdError),
    /// No device was found.
    #[error(transparent)]
    Detect(#[from] mystic_gpu::DetectError),
    /// The configured device is not here.
    #[error("worker.device is {device}; this host has: {there}")]
    NoSuchDevice {
        /// What was configured.
        device: String,
        /// What there is.
        there: String,
    },
    /// Headroom leaves nothing to book.
    #[error("gpu.headroom_mib is {headroom}; device {device} has {total} in all")]
    NoCapacity {
        /// The device.
        device: String,
        /// The headroom.
        headroom: mystic_domain::Mib,
        /// Its memory.
        total: mystic_domain::Mib,
    },
    /// Another worker or one of its children lives.
    #[error(
        "another worker serves this host, device and engine: {0} is locked; stop it first, or set worker.device"
    )]
    SeatTaken(PathBuf),
    /// A file or a directory refuses.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The outputs directory can't be used as a store.
    #[error("the store refuses: {0}")]
    Outputs(#[from] object_store::Error),
    /// The API takes no pictures from this machine.
    #[error("worker.api_url: {0}")]
    NotLetIn(String),
    /// The health endpoint can't be served.
    #[error(transparent)]
    Http(#[from] mystic_process::http::HttpError),
}

impl WorkerError {
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        |source| Self::File { path, source }
    }
}
