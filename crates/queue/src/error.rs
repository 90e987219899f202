use std::time::Duration;

use redis::RedisError;

/// Why a hint was not published or a question to Redis was not answered. Never a reason to fail a job.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The URL given to [`crate::Queue::connect`] can't be parsed.
    #[error("the Redis URL is not valid")]
    Url(#[source] RedisError),
    /// Redis refused the command or the connection broke.
    #[error("Redis failed")]
    Redis(#[from] RedisError),
    /// apalis could not push the ticket.
    #[error("the ticket was not pushed")]
    Push(#[from] apalis_redis::Error),
    /// Redis did not answer in time.
    #[error("Redis did not answer within {0:?}")]
    Timeout(Duration),
    /// The payload is not expressible as JSON.
    #[error("the payload is not JSON")]
    Json(#[from] serde_json::Error),
}

impl QueueError {
    /// The connection broke under the command: the next attempt gets a new one.
    pub(crate) fn lost_connection(&self) -> bool {
        match self {
            Self::Redis(error) | Self::Push(apalis_redis::Error::Database(error)) => {
                error.is_unrecoverable_error()
            }
            _ => false,
        }
    }
}
