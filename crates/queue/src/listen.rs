//! A subscription that reconnects by itself.

use std::time::Duration;

use futures::StreamExt;
use redis::{Client, ErrorKind, Msg, RedisError};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::debug;

/// For connecting, subscribing and a ping's answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// A silent channel is pinged this often, or a connection that died without a word would stay deaf.
const PING_AFTER: Duration = Duration::from_secs(5);
const SHORTEST_DELAY: Duration = Duration::from_millis(50);
const LONGEST_DELAY: Duration = Duration::from_secs(1);

/// What a listener learns.
pub(crate) enum Heard {
    /// The subscription stands (again); what was said before it was missed.
    Subscribed,
    /// One message.
    Message(Vec<u8>),
}

/// Subscribes to `channel` and calls `on` until `stop`.
pub(crate) async fn listen(
    client: Client,
    channel: String,
    stop: CancellationToken,
    mut on: impl FnMut(Heard) + Send,
) {
    let mut delay = SHORTEST_DELAY;
    loop {
        let mut subscribed = false;
        let ended = stop
            .run_until_cancelled(subscription(&client, &channel, &mut |heard| {
                subscribed = true;
                on(heard);
            }))
            .await;
        let Some(ended) = ended else { return };
        if subscribed {
            delay = SHORTEST_DELAY;
        }
        debug!(channel, reason = ?ended.err(), "the subscription ended and is made again");
        if stop.run_until_cancelled(sleep(delay)).await.is_none() {
            return;
        }
        delay = (delay * 2).min(LONGEST_DELAY);
    }
}

async fn subscription(
    client: &Client,
    channel: &str,
    on: &mut (impl FnMut(Heard) + Send),
) -> Result<(), RedisError> {
    let mut pubsub = in_time(client.get_async_pubsub()).await?;
    in_time(pubsub.subscribe(channel)).await?;
    on(Heard::Subscribed);
    let (mut sink, mut messages) = pubsub.split();
    loop {
        match timeout(PING_AFTER, messages.next()).await {
            Ok(Some(message)) => on(Heard::Message(payload(&message))),
            Ok(None) => return Ok(()),
            Err(_) => in_time(sink.ping::<redis::Value>()).await.map(drop)?,
        }
    }
}

fn payload(message: &Msg) -> Vec<u8> {
    message.get_payload_bytes().to_vec()
}

async fn in_time<T>(answer: impl Future<Output = Result<T, RedisError>>) -> Result<T, RedisError> {
    timeout(ANSWER_TIMEOUT, answer).await.unwrap_or_else(|_| {
        Err(RedisError::from((
            ErrorKind::Io,
            "no answer on the subscription",
        )))
    })
}
