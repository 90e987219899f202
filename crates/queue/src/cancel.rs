use mystic_domain::{JobId, WorkerId};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::listen::{Heard, listen};
use crate::{Queue, QueueError};

/// Cancel signals that may wait for the worker; what comes on top is told by its heartbeat.
const CAPACITY: usize = 64;

impl Queue {
    /// Tells `worker` at once that `job` should be cancelled; its heartbeat tells it anyway.
    ///
    /// # Errors
    /// [`QueueError`] when Redis did not take it within the publish timeout: a lost hint, nothing more.
    pub async fn publish_cancel(&self, worker: WorkerId, job: JobId) -> Result<(), QueueError> {
        let channel = self.inner.keys.cancel_channel(worker);
        self.hint(|mut connection| {
            let channel = &channel;
            async move {
                let mut publish = redis::cmd("PUBLISH");
                Ok(publish
                    .arg(channel)
                    .arg(job.to_string())
                    .exec_async(&mut connection)
                    .await?)
            }
        })
        .await
    }

    /// The jobs that `worker` should cancel, until the receiver is dropped. Reconnects by itself; what is said
    /// meanwhile is missed here and told by the heartbeat.
    #[must_use]
    pub fn subscribe_cancel(&self, worker: WorkerId) -> mpsc::Receiver<JobId> {
        let (sender, receiver) = mpsc::channel(CAPACITY);
        let client = self.inner.client.clone();
        let channel = self.inner.keys.cancel_channel(worker);
        tokio::spawn(async move {
            let hear = listen(client, channel, CancellationToken::new(), |heard| {
                let Heard::Message(payload) = heard else {
                    return;
                };
                let job = std::str::from_utf8(&payload)
                    .ok()
                    .and_then(|text| text.parse().ok());
                if job.is_none_or(|job| sender.try_send(job).is_err()) {
                    debug!(%worker, "a cancel signal is dropped");
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
