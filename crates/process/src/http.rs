//! Binding and serving HTTP so that a shutdown drains connections first and cuts them at its end.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::serve::{Listener, ListenerExt};
use socket2::{SockFilter, SockRef};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::Shutdown;

/// Seconds after which a client may try again what was answered with 503.
const RETRY_AFTER_S: u32 = 2;
/// A listener that takes no new connections has taken the last old one when none came for so long: more than a
/// handshake that is under way takes.
const LAST_CONNECTION: Duration = Duration::from_millis(250);

/// A listener could not be opened or served.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The address is taken, or not this machine's.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The server failed after it had begun.
    #[error("the HTTP server stopped: {0}")]
    Serve(#[source] io::Error),
}

/// Opens a listener and logs its real address (port 0 takes a free one).
///
/// # Errors
/// The address is taken, or not this machine's.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, HttpError> {
    let listener = TcpListener::bind(address)
        .await
        .map_err(|source| HttpError::Bind { address, source })?;
    let address = listener
        .local_addr()
        .map_err(|source| HttpError::Bind { address, source })?;
    tracing::info!(%address, "listening on http://{address}");
    Ok(listener)
}

/// Serves until the shutdown drains and for `linger` after, then waits for open connections until it cuts.
///
/// From the drain on each answer closes its connection, so that clients go elsewhere. After `linger` new connections
/// are not taken, those that the kernel has already accepted are served, and only then the address is given up: no
/// connection that stood is reset.
///
/// # Errors
/// The server failed.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: &Shutdown,
    linger: Duration,
) -> Result<(), HttpError> {
    let emptied = CancellationToken::new();
    let closing = Closing {
        listener,
        shutdown: shutdown.clone(),
        linger,
        until: None,
        deaf: false,
        emptied: emptied.clone(),
    };
    let router = router.layer(from_fn_with_state(shutdown.clone(), answer_headers));
    let served = axum::serve(
        // The tap is what makes the client's address known.
        closing.tap_io(|_| {}),
        router.into_make_service_with_connect_info::<SocketAddr>(),
    )
    .with_graceful_shutdown(emptied.cancelled_owned());
    tokio::select! {
        result = served => result.map_err(HttpError::Serve),
        () = shutdown.cutting() => Ok(()),
    }
}

/// Says when to come back where we can't serve, and to leave where this process ends.
async fn answer_headers(
    State(shutdown): State<Shutdown>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        let seconds = HeaderValue::from(RETRY_AFTER_S);
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    if shutdown.is_draining() {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    response
}

/// A listener that closes without resetting a connection.
#[derive(Debug)]
struct Closing {
    listener: TcpListener,
    shutdown: Shutdown,
    linger: Duration,
    /// When the linger is over, once it has begun.
    until: Option<Instant>,
    /// Whether the kernel drops requests for new connections.
    deaf: bool,
    /// Set when nothing is left to be accepted.
    emptied: CancellationToken,
}

impl Listener for Closing {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        let Self {
            listener,
            shutdown,
            linger,
            until,
            deaf,
            emptied,
        } = self;
        if !*deaf {
            let lingered = async {
                shutdown.draining().await;
                // Counted once, however many connections come meanwhile.
                sleep_until(*until.get_or_insert_with(|| Instant::now() + *linger)).await;
            };
            tokio::select! {
                biased;
                () = lingered => {}
                accepted = Listener::accept(listener) => return accepted,
            }
            if let Err(error) = turn_deaf(listener) {
                tracing::warn!(%error, "new connections still come; one that comes at the very end is reset");
            }
            *deaf = true;
        }
        tokio::select! {
            biased;
            accepted = Listener::accept(listener) => return accepted,
            () = sleep(LAST_CONNECTION) => emptied.cancel(),
        }
        std::future::pending().await
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Lets the kernel drop every request for a new connection, as if it were lost on the way: the client repeats it after
/// a second and is then refused. Handshakes that are under way end well.
#[cfg(target_os = "linux")]
fn turn_deaf(listener: &TcpListener) -> io::Result<()> {
    // Classic BPF over the TCP header: its flags; of them SYN and ACK; SYN alone is dropped, all else passes.
    SockRef::from(listener).attach_filter(&[
        SockFilter::new(0x30, 0, 0, 13),
        SockFilter::new(0x54, 0, 0, 0x12),
        SockFilter::new(0x15, 0, 1, 0x02),
        SockFilter::new(0x06, 0, 0, 0),
        SockFilter::new(0x06, 0, 0, u32::MAX),
    ])
}

#[cfg(not(target_os = "linux"))]
fn turn_deaf(_: &TcpListener) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
