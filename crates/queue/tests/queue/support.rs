//! A Redis server of a test's own that the test may stop, restart and stall, which no shared server allows.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use mystic_queue::{Queue, QueueOptions};
use redis::aio::MultiplexedConnection;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

const LIMIT: Duration = Duration::from_secs(30);

pub struct Server {
    directory: TempDir,
    process: Option<Child>,
}

impl Server {
    /// A place for a server that is not started yet.
    pub fn stopped() -> Self {
        let directory = tempfile::Builder::new()
            .prefix("rq")
            .tempdir()
            .expect("a directory");
        Self {
            directory,
            process: None,
        }
    }

    pub async fn start() -> Self {
        let mut server = Self::stopped();
        server.boot().await;
        server
    }

    /// Starts the server, empty, at the same address as before.
    pub async fn boot(&mut self) {
        let mut command = Command::new("redis-server");
        command.args([
            "--port",
            "0",
            "--save",
            "",
            "--appendonly",
            "no",
            "--unixsocket",
        ]);
        command
            .arg(self.socket())
            .arg("--dir")
            .arg(self.directory.path());
        let process = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server starts");
        self.process = Some(process);
        let client = redis::Client::open(self.url()).expect("the URL is valid");
        eventually("redis-server answers", async || {
            client.get_multiplexed_async_connection().await.ok()
        })
        .await;
    }

    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("redis-server is ours");
            process.wait().expect("redis-server is ours");
        }
    }

    /// Sends `STOP` or `CONT`.
    pub fn signal(&self, name: &str) {
        let pid = self.process.as_ref().expect("redis-server runs").id();
        let status = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(pid.to_string())
            .status();
        assert!(status.expect("kill runs").success());
    }

    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    pub fn queue(&self) -> Queue {
        Queue::connect(&self.url()).expect("the URL is valid")
    }

    pub fn queue_with(&self, change: impl FnOnce(&mut QueueOptions)) -> Queue {
        let mut options = QueueOptions::default();
        change(&mut options);
        Queue::connect_with(&self.url(), options).expect("the URL is valid")
    }

    /// A connection of the test's own, to look at the keys and to break things.
    pub async fn connection(&self) -> MultiplexedConnection {
        let client = redis::Client::open(self.url()).expect("the URL is valid");
        client
            .get_multiplexed_async_connection()
            .await
            .expect("redis-server answers")
    }

    /// The names of all keys, sorted.
    pub async fn keys(&self) -> Vec<String> {
        let mut connection = self.connection().await;
        let mut keys: Vec<String> = redis::cmd("KEYS")
            .arg("*")
            .query_async(&mut connection)
            .await
            .expect("redis-server answers");
        keys.sort();
        keys
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("s")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Asks until there is an answer.
pub async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + LIMIT;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited {LIMIT:?}: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

/// What a consumer gets within the limit.
pub async fn within<T>(what: &str, answer: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, answer)
        .await
        .unwrap_or_else(|_| panic!("waited {LIMIT:?}: {what}"))
}
