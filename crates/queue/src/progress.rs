use std::collections::HashMap;

use mystic_domain::JobId;
use redis::pipe;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::broadcast;
use tracing::debug;

use crate::listen::{Heard, listen};
use crate::{Queue, QueueError};

/// Messages that a slow subscriber may lag behind before it misses some.
const CAPACITY: usize = 1_024;

/// How long a job's latest progress is kept, in seconds; a running job renews it with every step.
const LATEST_SECONDS: u64 = 60;

/// What a running job said about itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProgressMessage {
    /// The job.
    pub job: JobId,
    /// What its worker published, as it was.
    pub payload: Value,
}

impl Queue {
    /// Shows how far `job` is: to those who listen, and for 60 s to those who come later.
    ///
    /// # Errors
    /// [`QueueError`] when Redis did not take it within the publish timeout: a lost hint, nothing more.
    pub async fn publish_progress(
        &self,
        job: JobId,
        progress: &(impl Serialize + Sync),
    ) -> Result<(), QueueError> {
        let payload = serde_json::to_value(progress)?;
        let latest = payload.to_string();
        let message = serde_json::to_string(&ProgressMessage { job, payload })?;
        let mut say = pipe();
        say.set_ex(self.inner.keys.latest_progress(job), latest, LATEST_SECONDS)
            .publish(self.inner.keys.progress_channel(), message);
        self.hint(|mut connection| {
            let say = &say;
            async move { Ok(say.exec_async(&mut connection).await?) }
        })
        .await
    }

    /// The progress of all jobs from now on. One subscription serves all receivers of this handle and its clones; it
    /// reconnects by itself and ends with the last handle. A receiver that lags misses the oldest messages.
    #[must_use]
    pub fn subscribe_progress(&self) -> broadcast::Receiver<ProgressMessage> {
        let inner = &self.inner;
        let sender = inner.progress.get_or_init(|| {
            let (sender, _) = broadcast::channel(CAPACITY);
            let heirs = sender.clone();
            let (client, channel) = (inner.client.clone(), inner.keys.progress_channel());
            tokio::spawn(listen(
                client,
                channel,
                inner.lifetime.clone(),
                move |heard| {
                    let Heard::Message(payload) = heard else {
                        return;
                    };
                    match serde_json::from_slice(&payload) {
                        // An error means that nobody listens at the moment.
                        Ok(message) => drop(heirs.send(message)),
                        Err(error) => debug!(%error, "progress that nobody understands is dropped"),
                    }
                },
            ));
            sender
        });
        sender.subscribe()
    }

    /// The last thing that each of `jobs` said within 60 s; silent jobs are absent.
    ///
    /// # Errors
    /// [`QueueError`] when Redis did not answer within the publish timeout.
    pub async fn latest_progress(
        &self,
        jobs: &[JobId],
    ) -> Result<HashMap<JobId, Value>, QueueError> {
        if jobs.is_empty() {
            return Ok(HashMap::new());
        }
        let mut ask = redis::cmd("MGET");
        for job in jobs {
            ask.arg(self.inner.keys.latest_progress(*job));
        }
        let found: Vec<Option<String>> = self
            .hint(|mut connection| {
                let ask = &ask;
                async move { Ok(ask.query_async(&mut connection).await?) }
            })
            .await?;
        let known = jobs.iter().zip(found);
        Ok(known
            .filter_map(|(job, text)| Some((*job, serde_json::from_str(&text?).ok()?)))
            .collect())
    }
}
