use mystic_domain::JobId;

use crate::{Queue, QueueError};

/// How long a job's newest preview is kept, in seconds.
const NEWEST_SECONDS: u64 = 60;

impl Queue {
    /// Keeps a job's newest preview for 60 s, in the place of the one before.
    ///
    /// # Errors
    /// [`QueueError`] when Redis did not take it within the publish timeout: a lost hint, nothing more.
    pub async fn keep_preview(&self, job: JobId, file: &[u8]) -> Result<(), QueueError> {
        let mut set = redis::cmd("SET");
        set.arg(self.inner.keys.preview(job))
            .arg(file)
            .arg("EX")
            .arg(NEWEST_SECONDS);
        self.hint(|mut connection| {
            let set = &set;
            async move { Ok(set.exec_async(&mut connection).await?) }
        })
        .await
    }

    /// A job's newest preview of the last 60 s.
    ///
    /// # Errors
    /// [`QueueError`] when Redis did not answer within the publish timeout.
    pub async fn preview(&self, job: JobId) -> Result<Option<Vec<u8>>, QueueError> {
        let mut get = redis::cmd("GET");
        get.arg(self.inner.keys.preview(job));
        self.hint(|mut connection| {
            let get = &get;
            async move { Ok(get.query_async(&mut connection).await?) }
        })
        .await
    }
}
