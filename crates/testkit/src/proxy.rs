//! A proxy between one client and one server: it cuts, delays, half-closes, and swallows in either direction.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Bytes that one direction carries at a time.
const CHUNK: usize = 16 << 10;

/// What happens to the bytes of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flow {
    /// They pass.
    #[default]
    Open,
    /// They pass, each read so much later.
    Delayed(Duration),
    /// They stay where they are, and connections stay open: a black hole until the flow opens again.
    Stopped,
}

/// One of the two ways through a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the server.
    ToServer,
    /// From the server to the client.
    ToClient,
}

#[derive(Clone, Copy, Debug, Default)]
struct Lane {
    flow: Flow,
    /// How often this direction was closed; a connection closes its own when the number has grown.
    closed: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Link {
    to_server: Lane,
    to_client: Lane,
    cuts: u64,
    /// How often connections were stranded; one carries nothing more when the number has grown.
    strandings: u64,
}

impl Link {
    fn lane(&self, direction: Direction) -> Lane {
        match direction {
            Direction::ToServer => self.to_server,
            Direction::ToClient => self.to_client,
        }
    }

    fn lane_mut(&mut self, direction: Direction) -> &mut Lane {
        match direction {
            Direction::ToServer => &mut self.to_server,
            Direction::ToClient => &mut self.to_client,
        }
    }
}

/// A TCP port of the loopback address that stands for a server's unix socket. Ends with this value.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    link: watch::Sender<Link>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Starts a proxy to the server that listens at `socket`, now or later.
    ///
    /// # Errors
    /// No port is free.
    pub async fn to(socket: &Path) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let link = watch::Sender::new(Link::default());
        let accepting = tokio::spawn(accept(listener, socket.to_owned(), link.subscribe()));
        Ok(Self {
            address,
            link,
            accepting,
        })
    }

    /// Where clients connect.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets the bytes of one direction pass, be late or vanish, on connections old and new.
    pub fn set(&self, direction: Direction, flow: Flow) {
        self.link
            .send_modify(|link| link.lane_mut(direction).flow = flow);
    }

    /// Closes every connection; new ones are accepted.
    pub fn cut(&self) {
        self.link.send_modify(|link| link.cuts += 1);
    }

    /// Lets nothing more pass on the connections that there are, for good, and leaves them open: what becomes of them
    /// when a router between forgets them. New ones are carried.
    pub fn strand(&self) {
        self.link.send_modify(|link| link.strandings += 1);
    }

    /// Ends one direction of every connection, as a peer does that has nothing more to say.
    pub fn half_close(&self, direction: Direction) {
        self.link
            .send_modify(|link| link.lane_mut(direction).closed += 1);
    }

    /// Opens both directions.
    pub fn heal(&self) {
        self.link.send_modify(|link| {
            link.to_server.flow = Flow::Open;
            link.to_client.flow = Flow::Open;
        });
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, socket: PathBuf, link: watch::Receiver<Link>) {
    while let Ok((client, _)) = listener.accept().await {
        let (socket, link) = (socket.clone(), link.clone());
        // What was cut before a connection came is not meant for it; what comes from now on is.
        let since = *link.borrow();
        tokio::spawn(async move {
            // A server that is away is a connection that ends at once.
            if let Ok(server) = UnixStream::connect(&socket).await {
                carry(client, server, since, link).await;
            }
        });
    }
}

/// Carries one connection until both directions have ended, it is cut, or the proxy is gone.
async fn carry(client: TcpStream, server: UnixStream, since: Link, link: watch::Receiver<Link>) {
    let _ = client.set_nodelay(true);
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let both = async {
        tokio::join!(
            pump(
                from_client,
                to_server,
                Direction::ToServer,
                since,
                link.clone()
            ),
            pump(
                from_server,
                to_client,
                Direction::ToClient,
                since,
                link.clone()
            ),
        )
    };
    tokio::select! {
        _ = both => {}
        // An error is the proxy's end.
        _ = async { link.clone().wait_for(|link| link.cuts != since.cuts).await.map(drop) } => {}
    }
}

/// Carries one direction until its source ends or it is half-closed; then its target sees an end.
async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    direction: Direction,
    since: Link,
    mut link: watch::Receiver<Link>,
) {
    let closed = since.lane(direction).closed;
    let mut closing = link.clone();
    let passes = |link: &Link| {
        link.strandings == since.strandings && link.lane(direction).flow != Flow::Stopped
    };
    let carrying = async {
        let mut bytes = vec![0; CHUNK];
        while let Ok(count @ 1..) = from.read(&mut bytes).await {
            let Ok(flow) = link
                .wait_for(passes)
                .await
                .map(|link| link.lane(direction).flow)
            else {
                return;
            };
            if let Flow::Delayed(delay) = flow {
                tokio::time::sleep(delay).await;
            }
            if to.write_all(&bytes[..count]).await.is_err() {
                return;
            }
        }
        // Nor does the news of an end pass through a black hole.
        let _ = link.wait_for(passes).await;
    };
    tokio::select! {
        () = carrying => {}
        _ = async { closing.wait_for(|link| link.lane(direction).closed != closed).await.map(drop) } => {}
    }
    let _ = to.shutdown().await;
}
