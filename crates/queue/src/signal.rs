use mystic_domain::{JobId, WorkerId};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::listen::{Heard, listen};
use crate::{Queue, QueueError};

/// Signals that may wait for the worker; what comes on top is told by its heartbeat.
const CAPACITY: usize = 64;
/// [`Signal::Beat`] on the wire, where [`Signal::Cancel`] is the job's id.
const BEAT: &str = "beat";

/// Something that a worker's heartbeat would tell it later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// This job should be cancelled.
    Cancel(JobId),
    /// The ledger has something for the worker, such as a model to unload: it beats at once and is told.
    Beat,
}

impl Signal {
    fn read(payload: &[u8]) -> Option<Self> {
        match std::str::from_utf8(payload).ok()? {
            BEAT => Some(Self::Beat),
            job => job.parse().ok().map(Self::Cancel),
        }
    }

    fn written(self) -> String {
        match self {
            Self::Cancel(job) => job.to_string(),
            Self::Beat => BEAT.to_owned(),
        }
    }
}

impl Queue {
    /// Tells `worker` at once what its heartbeat tells it anyway.
    ///
    /// # Errors
    /// [`QueueError`] when Redis did not take it within the publish timeout: a lost hint, nothing more.
    pub async fn signal(&self, worker: WorkerId, signal: Signal) -> Result<(), QueueError> {
        let channel = self.inner.keys.signal_channel(worker);
        self.hint(|mut connection| {
            let channel = &channel;
            async move {
                let mut publish = redis::cmd("PUBLISH");
                Ok(publish
                    .arg(channel)
                    .arg(signal.written())
                    .exec_async(&mut connection)
                    .await?)
            }
        })
        .await
    }

    /// What `worker` is told, until the receiver is dropped. Reconnects by itself; what is said meanwhile is missed
    /// here and told by the heartbeat.
    #[must_use]
    pub fn signals(&self, worker: WorkerId) -> mpsc::Receiver<Signal> {
        let (sender, receiver) = mpsc::channel(CAPACITY);
        let client = self.inner.client.clone();
        let channel = self.inner.keys.signal_channel(worker);
        tokio::spawn(async move {
            let hear = listen(client, channel, CancellationToken::new(), |heard| {
                let Heard::Message(payload) = heard else {
                    return;
                };
                let signal = Signal::read(&payload);
                if signal.is_none_or(|signal| sender.try_send(signal).is_err()) {
                    debug!(%worker, "a signal is dropped");
                }
            });
            tokio::select! {
                () = hear => {}
                () = sender.closed() => {}
            }
        });
        receiver
    }
}
