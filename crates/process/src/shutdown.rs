//! Soft and hard shutdown: the first signal drains, the second or a deadline cuts.

use std::io;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Two tokens that every task of a process watches; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    drain: CancellationToken,
    cut: CancellationToken,
}

impl Shutdown {
    /// A shutdown that only [`Shutdown::drain`] and [`Shutdown::cut`] set off.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Drains on the first SIGTERM or SIGINT; cuts on the second, or `deadline` after the drain began.
    ///
    /// # Errors
    /// The handlers can't be installed.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    pub fn on_signals(deadline: Duration) -> io::Result<Self> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let shutdown = Self::new();
        let watched = shutdown.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => tracing::info!(signal = "SIGTERM", "draining"),
                _ = interrupt.recv() => tracing::info!(signal = "SIGINT", "draining"),
                () = watched.draining() => {}
            }
            watched.drain();
            tokio::select! {
                _ = terminate.recv() => tracing::warn!("second signal: stopping now"),
                _ = interrupt.recv() => tracing::warn!("second signal: stopping now"),
                () = tokio::time::sleep(deadline) => {
                    tracing::warn!(deadline_s = deadline.as_secs_f64(), "drain took too long: stopping now");
                }
            }
            watched.cut();
        });
        Ok(shutdown)
    }

    /// Asks everybody to finish what runs and start nothing new.
    pub fn drain(&self) {
        self.drain.cancel();
    }

    /// Asks everybody to stop at once; drains, too.
    pub fn cut(&self) {
        self.drain.cancel();
        self.cut.cancel();
    }

    /// Completes when the drain has begun.
    pub async fn draining(&self) {
        self.drain.cancelled().await;
    }

    /// Completes when the process must stop at once.
    pub async fn cutting(&self) {
        self.cut.cancelled().await;
    }

    /// Whether the drain has begun.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.drain.is_cancelled()
    }

    /// Whether the process must stop at once.
    #[must_use]
    pub fn is_cutting(&self) -> bool {
        self.cut.is_cancelled()
    }

    /// The drain token itself, for libraries that want one.
    #[must_use]
    pub fn drain_token(&self) -> CancellationToken {
        self.drain.clone()
    }

    /// The cut token itself, for libraries that want one.
    #[must_use]
    pub fn cut_token(&self) -> CancellationToken {
        self.cut.clone()
    }
}
