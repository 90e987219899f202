//! What asks this program to stop.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::{Result, Tried};

/// Ctrl-C, SIGTERM and a closed terminal.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    /// Takes the signals over; from now on they no longer end this program by themselves.
    ///
    /// # Errors
    /// The system refuses.
    pub fn take() -> Result<Self> {
        let take = |kind| signal(kind).tried(|| "signals cannot be caught");
        Ok(Self {
            interrupt: take(SignalKind::interrupt())?,
            terminate: take(SignalKind::terminate())?,
            hang_up: take(SignalKind::hangup())?,
        })
    }

    /// Waits for the next of them.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}
