//! Binding and serving HTTP so that a shutdown drains connections first and cuts them at its end.

use std::io;
use std::net::SocketAddr;

use axum::Router;
use tokio::net::TcpListener;

use crate::Shutdown;

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

/// Serves until the shutdown drains, then waits for open connections until it cuts.
///
/// # Errors
/// The server failed.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: &Shutdown,
) -> Result<(), HttpError> {
    let drain = shutdown.drain_token();
    let served = axum::serve(
        listener,
        router.into_make_service_with_connect_info::<SocketAddr>(),
    )
    .with_graceful_shutdown(async move { drain.cancelled().await });
    tokio::select! {
        result = served => result.map_err(HttpError::Serve),
        () = shutdown.cutting() => Ok(()),
    }
}
