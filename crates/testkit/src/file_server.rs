//! A server of one file over HTTP, with the manners of real ones.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// How a server behaves.
#[derive(Clone, Copy, Debug)]
pub struct Manners {
    /// Bytes of a body after which it hangs up.
    pub breaks_off_after: usize,
    /// Bytes of a body after which it sends nothing more until [`FileServer::go_on`].
    pub stalls_after: usize,
    /// Whether it knows ranges.
    pub ranges: bool,
}

impl Manners {
    /// Sends what is asked for.
    pub const KIND: Self = Self {
        breaks_off_after: usize::MAX,
        stalls_after: usize::MAX,
        ranges: true,
    };
}

/// A server of one file on the loopback address.
pub struct FileServer {
    /// Where the file is.
    pub url: String,
    shared: Arc<Shared>,
}

struct Shared {
    content: Vec<u8>,
    manners: Manners,
    asked: Mutex<Vec<Option<usize>>>,
    stalls: Mutex<bool>,
    goes_on: Condvar,
}

impl FileServer {
    /// Serves this content.
    ///
    /// # Panics
    /// Where no port is free.
    #[must_use]
    pub fn start(content: Vec<u8>, manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/model", listener.local_addr().expect("bound"));
        let shared = Arc::new(Shared {
            content,
            manners,
            asked: Mutex::default(),
            stalls: Mutex::new(true),
            goes_on: Condvar::new(),
        });
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let serving = Arc::clone(&serving);
                // A client that hangs up is its own business.
                std::thread::spawn(move || serving.answer(stream));
            }
        });
        Self { url, shared }
    }

    /// Where each request wanted the file from; nothing where it wanted all of it.
    #[must_use]
    pub fn asked(&self) -> Vec<Option<usize>> {
        let asked = self.shared.asked.lock();
        asked.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends all stalling, for good.
    pub fn go_on(&self) {
        let stalls = self.shared.stalls.lock();
        *stalls.unwrap_or_else(PoisonError::into_inner) = false;
        self.shared.goes_on.notify_all();
    }
}

impl Shared {
    fn answer(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut from = None;
        for line in BufReader::new(stream.try_clone()?).lines() {
            let line = line?.to_ascii_lowercase();
            if let Some(range) = line.strip_prefix("range: bytes=") {
                from = range.trim_end_matches('-').parse().ok();
            }
            if line.is_empty() {
                break;
            }
        }
        self.asked.lock().expect("no panic").push(from);
        let whole = self.content.len();
        let at = from.filter(|_| self.manners.ranges).unwrap_or(0);
        let rest = &self.content[at.min(whole)..];
        let (status, range) = match at {
            0 => ("200 OK", String::new()),
            _ => (
                "206 Partial Content",
                format!("content-range: bytes {at}-{}/{whole}\r\n", whole - 1),
            ),
        };
        let length = rest.len();
        write!(
            stream,
            "HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{range}connection: close\r\n\r\n"
        )?;
        let sent = &rest[..length.min(self.manners.breaks_off_after)];
        let (now, later) = sent.split_at(sent.len().min(self.manners.stalls_after));
        stream.write_all(now)?;
        if !later.is_empty() {
            let stalls = self.stalls.lock().expect("no panic");
            drop(self.goes_on.wait_while(stalls, |stalls| *stalls));
        }
        stream.write_all(later)
    }
}
