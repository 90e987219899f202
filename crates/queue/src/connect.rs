use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::io::tcp::TcpSettings;
use redis::{Client, IntoConnectionInfo};
use tokio::sync::broadcast;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::QueueError;
use crate::keys::Keys;
use crate::progress::ProgressMessage;

/// While Redis is known to be away a publish waits only this long: enough for a Redis that is back.
const PUBLISH_TIMEOUT_WHILE_AWAY: Duration = Duration::from_millis(50);

/// Names and times of a [`Queue`].
#[derive(Clone, Debug)]
pub struct QueueOptions {
    /// What every key and channel begins with; two prefixes never see each other.
    pub prefix: String,
    /// The longest that publishing a hint may take in all, connecting included.
    pub publish_timeout: Duration,
    /// How long a consumer waits for an answer before it takes its connection for stalled.
    pub response_timeout: Duration,
}

impl Default for QueueOptions {
    fn default() -> Self {
        Self {
            prefix: "mystic".to_owned(),
            publish_timeout: Duration::from_secs(1),
            response_timeout: Duration::from_secs(10),
        }
    }
}

/// A handle on the hints in Redis; clones share one connection.
#[derive(Clone)]
pub struct Queue {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) client: Client,
    pub(crate) connection: ConnectionManager,
    pub(crate) keys: Keys,
    pub(crate) progress: OnceLock<broadcast::Sender<ProgressMessage>>,
    publish_timeout: Duration,
    away: AtomicBool,
    /// Ends with the last handle; what listens on behalf of all handles ends with it.
    pub(crate) lifetime: CancellationToken,
    _end: DropGuard,
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("prefix", &self.inner.keys.prefix)
            .finish_non_exhaustive()
    }
}

impl Queue {
    /// A queue on the Redis at `url` (`redis://host:port/db` or `redis+unix:///path`) with the default options.
    ///
    /// Nothing is sent yet: a Redis that is down at boot is waited for in the background. Call it inside a Tokio
    /// runtime.
    ///
    /// # Errors
    /// [`QueueError::Url`] when the URL can't be parsed.
    pub fn connect(url: &str) -> Result<Self, QueueError> {
        Self::connect_with(url, QueueOptions::default())
    }

    /// As [`Queue::connect`], with options.
    ///
    /// # Errors
    /// [`QueueError::Url`] when the URL can't be parsed.
    pub fn connect_with(url: &str, options: QueueOptions) -> Result<Self, QueueError> {
        let info = url.into_connection_info().map_err(QueueError::Url)?;
        let tcp = tcp_settings(options.response_timeout);
        let client = Client::open(info.set_tcp_settings(tcp)).map_err(QueueError::Url)?;
        // Endless: a manager that gave up on an answer such as LOADING would stay broken for good.
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(usize::MAX)
            .set_min_delay(Duration::from_millis(50))
            .set_max_delay(Duration::from_secs(1))
            .set_connection_timeout(Some(Duration::from_secs(5)))
            .set_response_timeout(Some(options.response_timeout));
        let connection = ConnectionManager::new_lazy_with_config(client.clone(), config)
            .map_err(QueueError::Url)?;
        let lifetime = CancellationToken::new();
        Ok(Self {
            inner: Arc::new(Inner {
                client,
                connection,
                keys: Keys {
                    prefix: options.prefix,
                },
                progress: OnceLock::new(),
                publish_timeout: options.publish_timeout,
                away: AtomicBool::new(false),
                _end: lifetime.clone().drop_guard(),
                lifetime,
            }),
        })
    }

    /// Whether Redis answers now; for a health endpoint.
    ///
    /// # Errors
    /// [`QueueError`] when it doesn't within the publish timeout.
    pub async fn ping(&self) -> Result<(), QueueError> {
        self.hint(|mut connection| async move {
            redis::cmd("PING")
                .exec_async(&mut connection)
                .await
                .map_err(QueueError::from)
        })
        .await
    }

    /// Runs `attempt` within the publish timeout, once more if the connection broke under it.
    /// A second effect is harmless, since every hint may be doubled.
    pub(crate) async fn hint<T, F, Fut>(&self, attempt: F) -> Result<T, QueueError>
    where
        F: Fn(ConnectionManager) -> Fut,
        Fut: Future<Output = Result<T, QueueError>>,
    {
        let inner = &self.inner;
        let limit = if inner.away.load(Ordering::Relaxed) {
            inner.publish_timeout.min(PUBLISH_TIMEOUT_WHILE_AWAY)
        } else {
            inner.publish_timeout
        };
        let result = timeout(limit, async {
            match attempt(inner.connection.clone()).await {
                Err(error) if error.lost_connection() => attempt(inner.connection.clone()).await,
                result => result,
            }
        })
        .await
        .unwrap_or(Err(QueueError::Timeout(limit)));
        let away = match &result {
            Err(QueueError::Timeout(_)) => true,
            Err(error) => error.lost_connection(),
            Ok(_) => false,
        };
        inner.away.store(away, Ordering::Relaxed);
        result
    }
}

/// Small messages leave at once, and a peer that vanished without a word is noticed by the kernel.
fn tcp_settings(peer_timeout: Duration) -> TcpSettings {
    let settings = TcpSettings::default().set_nodelay(true);
    #[cfg(target_os = "linux")]
    let settings = settings.set_user_timeout(peer_timeout);
    #[cfg(not(target_os = "linux"))]
    let _ = peer_timeout;
    settings
}
