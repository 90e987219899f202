//! What `http::serve`, `Health` and `Telemetry` do over a real socket.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use mystic_process::config::Log;
use mystic_process::{Health, Shutdown, health, http, telemetry};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;

async fn request(address: std::net::SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// A server whose only page is answered when `release` is notified; `entered` tells that it was asked for.
struct SlowServer {
    address: std::net::SocketAddr,
    shutdown: Shutdown,
    entered: Arc<Notify>,
    release: Arc<Notify>,
    served: tokio::task::JoinHandle<Result<(), http::HttpError>>,
}

async fn slow_server() -> SlowServer {
    let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, wait) = (entered.clone(), release.clone());
    let router = Router::new().route(
        "/",
        get(move || async move {
            tell.notify_one();
            wait.notified().await;
            "finished"
        }),
    );
    let shutdown = Shutdown::new();
    let listener = http::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let watched = shutdown.clone();
    let served =
        tokio::spawn(async move { http::serve(listener, router, &watched, Duration::ZERO).await });
    SlowServer {
        address,
        shutdown,
        entered,
        release,
        served,
    }
}

#[tokio::test]
async fn a_drain_refuses_new_connections_and_finishes_open_requests() {
    let server = slow_server().await;
    let open = tokio::spawn(async move { request(server.address, "/").await });
    server.entered.notified().await;

    server.shutdown.drain();
    while TcpStream::connect(server.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!server.served.is_finished());

    server.release.notify_one();
    assert!(open.await.unwrap().ends_with("finished"));
    server.served.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_cut_ends_the_server_under_an_open_request() {
    let server = slow_server().await;
    let open = tokio::spawn(async move { request(server.address, "/").await });
    server.entered.notified().await;
    server.shutdown.cut();
    server.served.await.unwrap().unwrap();
    open.abort();
}

#[tokio::test]
async fn a_taken_address_is_named() {
    let taken = http::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = taken.local_addr().unwrap();
    let error = http::bind(address).await.unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("cannot listen on {address}: ")),
        "{error}"
    );
}

#[tokio::test]
async fn health_and_metrics_tell_the_state() {
    let telemetry = telemetry::init("scheduler", &Log::default()).unwrap();
    metrics::histogram!("mystic_tick_seconds").record(0.2);
    let health = Health::new("scheduler");
    let shutdown = Shutdown::new();
    let listener = http::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = health::router(health.clone(), telemetry);
    let watched = shutdown.clone();
    let served =
        tokio::spawn(async move { http::serve(listener, router, &watched, Duration::ZERO).await });

    let well = request(address, "/health").await;
    assert!(well.starts_with("HTTP/1.1 200"), "{well}");
    let body = well.split("\r\n\r\n").nth(1).unwrap();
    let report: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(report["ok"], true);
    assert_eq!(report["service"], "scheduler");
    assert_eq!(report["version"], env!("CARGO_PKG_VERSION"));

    health.fail("database", "connection refused");
    let ill = request(address, "/health").await;
    assert!(ill.starts_with("HTTP/1.1 503"), "{ill}");
    assert!(ill.contains("\r\nretry-after: 2\r\n"), "{ill}");
    assert!(
        ill.contains(r#""failures":{"database":"connection refused"}"#),
        "{ill}"
    );
    health.pass("database");
    assert!(
        request(address, "/health")
            .await
            .starts_with("HTTP/1.1 200")
    );

    let metrics = request(address, "/metrics").await;
    for line in [
        r#"mystic_build_info{service="scheduler",version="#,
        r#"mystic_process_start_time_seconds{service="scheduler"} 1"#,
        r#"mystic_tick_seconds_bucket{service="scheduler",le="0.1"} 0"#,
        r#"mystic_tick_seconds_bucket{service="scheduler",le="0.25"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
    shutdown.drain();
    served.await.unwrap().unwrap();
}

#[tokio::test]
async fn the_first_signal_drains_and_the_second_cuts() {
    use nix::sys::signal::{Signal, raise};

    let shutdown = Shutdown::on_signals(Duration::from_hours(1)).unwrap();
    raise(Signal::SIGTERM).unwrap();
    shutdown.draining().await;
    assert!(!shutdown.is_cutting());
    raise(Signal::SIGINT).unwrap();
    shutdown.cutting().await;
}

#[tokio::test]
async fn a_drain_is_cut_at_its_deadline() {
    let shutdown = Shutdown::on_signals(Duration::from_millis(10)).unwrap();
    shutdown.drain();
    shutdown.cutting().await;
    assert!(shutdown.is_draining());
}
