//! What a proxy does to the connection that it carries.

use std::path::PathBuf;
use std::time::Duration;

use mystic_testkit::{Direction, Flow, Proxy};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::time::{Instant, timeout};

const PATIENCE: Duration = Duration::from_secs(30);
/// Long enough that a byte would have come.
const SILENCE: Duration = Duration::from_millis(200);

struct Pair {
    proxy: Proxy,
    client: TcpStream,
    server: UnixStream,
    listener: UnixListener,
    _folder: TempDir,
}

impl Pair {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let socket: PathBuf = folder.path().join("socket");
        let listener = UnixListener::bind(&socket).expect("bound");
        let proxy = Proxy::to(&socket).await.expect("a proxy");
        let (client, server) = connect(&proxy, &listener).await;
        Self {
            proxy,
            client,
            server,
            listener,
            _folder: folder,
        }
    }

    /// Sends a byte to the server; whether it comes.
    async fn reaches_server(&mut self) -> bool {
        self.client.write_all(b"x").await.expect("sent");
        let mut byte = [0];
        timeout(SILENCE, self.server.read_exact(&mut byte))
            .await
            .is_ok()
    }

    /// Sends a byte to the client; whether it comes.
    async fn reaches_client(&mut self) -> bool {
        self.server.write_all(b"x").await.expect("sent");
        let mut byte = [0];
        timeout(SILENCE, self.client.read_exact(&mut byte))
            .await
            .is_ok()
    }
}

async fn connect(proxy: &Proxy, listener: &UnixListener) -> (TcpStream, UnixStream) {
    let client = TcpStream::connect(proxy.address())
        .await
        .expect("connected");
    let accepting = timeout(PATIENCE, listener.accept()).await;
    let (server, _) = accepting.expect("in time").expect("accepted");
    (client, server)
}

#[tokio::test]
async fn bytes_pass_both_ways_and_so_does_an_end() {
    let mut pair = Pair::new().await;
    assert!(pair.reaches_server().await && pair.reaches_client().await);
    pair.client.shutdown().await.expect("shut down");
    let mut rest = Vec::new();
    let ended = timeout(PATIENCE, pair.server.read_to_end(&mut rest)).await;
    assert_eq!(ended.expect("in time").expect("read"), 0);
    assert!(pair.reaches_client().await, "the other way is open");
}

#[tokio::test]
async fn a_black_hole_in_one_direction_keeps_the_bytes_until_it_is_healed() {
    let mut pair = Pair::new().await;
    pair.proxy.set(Direction::ToServer, Flow::Stopped);
    assert!(!pair.reaches_server().await);
    assert!(pair.reaches_client().await);
    pair.proxy.heal();
    let mut byte = [0];
    let arriving = timeout(PATIENCE, pair.server.read_exact(&mut byte)).await;
    arriving.expect("in time").expect("read");
}

#[tokio::test]
async fn a_connection_made_into_a_black_hole_says_nothing() {
    let pair = Pair::new().await;
    pair.proxy.set(Direction::ToClient, Flow::Stopped);
    let (mut client, mut server) = connect(&pair.proxy, &pair.listener).await;
    server.write_all(b"x").await.expect("sent");
    let mut byte = [0];
    assert!(
        timeout(SILENCE, client.read_exact(&mut byte))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn what_is_delayed_comes_later() {
    let mut pair = Pair::new().await;
    let delay = Duration::from_millis(150);
    pair.proxy.set(Direction::ToServer, Flow::Delayed(delay));
    let sent = Instant::now();
    pair.client.write_all(b"x").await.expect("sent");
    let mut byte = [0];
    let arriving = timeout(PATIENCE, pair.server.read_exact(&mut byte)).await;
    arriving.expect("in time").expect("read");
    assert!(sent.elapsed() >= delay);
}

#[tokio::test]
async fn a_cut_ends_old_connections_and_takes_new_ones() {
    let mut pair = Pair::new().await;
    pair.proxy.cut();
    let mut rest = Vec::new();
    let ended = timeout(PATIENCE, pair.server.read_to_end(&mut rest)).await;
    assert_eq!(ended.expect("in time").expect("read"), 0);
    (pair.client, pair.server) = connect(&pair.proxy, &pair.listener).await;
    assert!(pair.reaches_server().await && pair.reaches_client().await);
}

#[tokio::test]
async fn a_half_closed_direction_ends_and_the_other_goes_on() {
    let mut pair = Pair::new().await;
    pair.proxy.half_close(Direction::ToServer);
    let mut rest = Vec::new();
    let ended = timeout(PATIENCE, pair.server.read_to_end(&mut rest)).await;
    assert_eq!(ended.expect("in time").expect("read"), 0);
    assert!(pair.reaches_client().await);
}

#[tokio::test]
async fn a_server_that_is_away_is_a_connection_that_ends() {
    let mut pair = Pair::new().await;
    drop(pair.listener);
    let mut client = TcpStream::connect(pair.proxy.address())
        .await
        .expect("connected");
    let ended = timeout(PATIENCE, client.read(&mut [0]))
        .await
        .expect("in time");
    assert!(!matches!(ended, Ok(1..)), "{ended:?}");
    // What is connected goes on.
    pair.server.write_all(b"x").await.expect("sent");
    let mut byte = [0];
    pair.client.read_exact(&mut byte).await.expect("read");
}
