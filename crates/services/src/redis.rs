use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::error::{At, Error, Result};
use crate::home::Home;
use crate::kept::Kept;
use crate::postgres::{Exposure, tail};
use crate::programs::find_redis;

const READY_WITHIN: Duration = Duration::from_secs(20);
const STOPPED_WITHIN: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(5);

/// A private Redis without persistence (it holds hints only), stopped when this value is dropped.
#[derive(Debug)]
pub struct Redis {
    child: Kept,
    socket: PathBuf,
}

impl Redis {
    /// Starts the server in `home` and waits until it answers.
    ///
    /// # Errors
    /// [`Error::ProgramMissing`], [`Error::Ended`], [`Error::NotReady`] and [`Error::Io`].
    pub fn start(home: &Home) -> Result<Self> {
        Self::start_with(home, Exposure::Private)
    }

    /// As [`Redis::start`], reached by these.
    ///
    /// # Errors
    /// As [`Redis::start`].
    pub fn start_with(home: &Home, exposure: Exposure) -> Result<Self> {
        let program = find_redis()?;
        let socket = Self::socket(home);
        if socket.exists() {
            std::fs::remove_file(&socket).at("cannot remove", &socket)?;
        }
        let dir = home.private_dir("redis")?;
        let (log_path, mut log) = home.log("redis.log")?;
        let log_start = log.seek(SeekFrom::End(0)).at("cannot read", &log_path)?;
        let mut command = home.command(&program);
        match exposure {
            Exposure::Private => command.args(["--port", "0"]),
            // Without a password, which nobody in a test's own network needs.
            Exposure::Network => {
                command.args(["--port", "6379", "--bind", "*", "--protected-mode", "no"])
            }
        };
        command
            .args(["--unixsocketperm", "700", "--unixsocket"])
            .arg(&socket)
            .args(["--save", "", "--appendonly", "no", "--daemonize", "no"])
            .arg("--dir")
            .arg(dir)
            .stdin(Stdio::null())
            .stdout(log.try_clone().at("cannot open", &log_path)?)
            .stderr(log);
        let child = Kept::start(command, Signal::SIGTERM).at("cannot start", &program)?;
        let server = Self { child, socket };
        server.wait_ready(&log_path, log_start)?;
        Ok(server)
    }

    /// Where a server in `home` listens.
    #[must_use]
    pub fn socket(home: &Home) -> PathBuf {
        home.sockets().join("redis.sock")
    }

    /// URL of the server.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.socket.display())
    }

    /// The server's process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// The server's process, to be watched.
    #[must_use]
    pub fn process(&self) -> &Kept {
        &self.child
    }

    fn wait_ready(&self, log: &Path, log_start: u64) -> Result<()> {
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            if let Some(status) = self.child.ended() {
                return Err(Error::Ended {
                    program: "redis-server",
                    status,
                    log: tail(log, log_start),
                });
            }
            if answers(&self.socket).unwrap_or(false) {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(Error::NotReady {
                    program: "redis-server",
                    seconds: READY_WITHIN.as_secs(),
                    log: tail(log, log_start),
                });
            }
            std::thread::sleep(POLL);
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.child.stop(Signal::SIGTERM, STOPPED_WITHIN);
    }
}

fn answers(socket: &Path) -> std::io::Result<bool> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(b"PING\r\n")?;
    let mut reply = [0; 7];
    stream.read_exact(&mut reply)?;
    Ok(&reply == b"+PONG\r\n")
}
