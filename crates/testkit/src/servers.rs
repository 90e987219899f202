//! Servers of a test's own that it may stop, kill and start again, which keep their address and their data.

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mystic_services::{Durability, Exposure, Postgres, Redis};
use nix::sys::signal::Signal;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use crate::place::Place;

/// Starts of a server whose predecessor was killed: what is left of that one is just dying.
const STARTS: u32 = 200;
const BETWEEN_STARTS: Duration = Duration::from_millis(50);

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A Postgres that keeps what was committed, whatever becomes of its processes. Its calls block.
pub struct PostgresServer {
    /// Dropped in this order: first the server stops, then its directory goes.
    running: Mutex<Option<Postgres>>,
    environment: Mutex<Vec<(OsString, OsString)>>,
    exposure: Exposure,
    place: Place,
}

impl PostgresServer {
    /// Starts a server.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start() -> Self {
        Self::exposed(Exposure::Private)
    }

    /// Starts a server that these can reach.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn exposed(exposure: Exposure) -> Self {
        let server = Self {
            running: Mutex::default(),
            environment: Mutex::default(),
            exposure,
            place: Place::new(),
        };
        server.again();
        server
    }

    /// Sets what the server's environment is from its next start on; whether that is another than before.
    pub fn set_environment(&self, environment: &[(OsString, OsString)]) -> bool {
        let before = std::mem::replace(&mut *held(&self.environment), environment.to_vec());
        before != environment
    }

    /// Starts the server if it does not run.
    ///
    /// # Panics
    /// When it does not start.
    pub fn again(&self) {
        let mut running = held(&self.running);
        if running
            .as_ref()
            .is_some_and(|server| server.process().ended().is_none())
        {
            return;
        }
        *running = None;
        let environment = held(&self.environment).clone();
        for start in 1.. {
            let home = self.place.home();
            match Postgres::start_with(home, Durability::Kept, self.exposure, &environment) {
                Ok(server) => {
                    *running = Some(server);
                    return;
                }
                Err(error) => assert!(start < STARTS, "no Postgres: {error}"),
            }
            std::thread::sleep(BETWEEN_STARTS);
        }
    }

    /// Stops the server: its sessions end, and it writes what it has to.
    pub fn stop(&self) {
        *held(&self.running) = None;
    }

    /// Ends its first process as `kill -9` does; the others notice.
    pub fn kill(&self) {
        if let Some(server) = held(&self.running).take() {
            server.process().signal(Signal::SIGKILL);
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        Postgres::socket(self.place.home())
    }

    /// A directory that its processes can read.
    #[must_use]
    pub fn directory(&self) -> PathBuf {
        self.place.home().data().to_owned()
    }

    /// URL of one of its databases, past any proxy.
    ///
    /// # Panics
    /// When the server does not run.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        let running = held(&self.running);
        running.as_ref().expect("the server runs").url(database)
    }

    /// Runs statements in one of its databases, past any proxy.
    ///
    /// # Panics
    /// When they fail.
    pub async fn execute(&self, database: &str, statements: &[String]) {
        let options = PgConnectOptions::from_str(&self.url(database)).expect("a URL");
        let mut connection = options.connect().await.expect("the server answers");
        for statement in statements {
            sqlx::raw_sql(AssertSqlSafe(statement.clone()))
                .execute(&mut connection)
                .await
                .unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
        connection.close().await.expect("the connection closes");
    }
}

/// A Redis that forgets what was not saved when it stops. Its calls block.
pub struct RedisServer {
    /// Dropped in this order: first the server stops, then its directory goes.
    running: Mutex<Option<Redis>>,
    exposure: Exposure,
    place: Place,
}

impl RedisServer {
    /// Starts a server.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start() -> Self {
        Self::exposed(Exposure::Private)
    }

    /// Starts a server that these can reach.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn exposed(exposure: Exposure) -> Self {
        let server = Self {
            running: Mutex::default(),
            exposure,
            place: Place::new(),
        };
        server.again();
        server
    }

    /// Starts the server if it does not run.
    ///
    /// # Panics
    /// When it does not start.
    pub fn again(&self) {
        let mut running = held(&self.running);
        if running.is_none() {
            let started = Redis::start_with(self.place.home(), self.exposure);
            *running = Some(started.unwrap_or_else(|error| panic!("no Redis: {error}")));
        }
    }

    /// Stops the server.
    pub fn stop(&self) {
        *held(&self.running) = None;
    }

    /// Sends its process a signal, if it runs.
    pub fn signal(&self, signal: Signal) {
        if let Some(server) = held(&self.running).as_ref() {
            server.process().signal(signal);
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        Redis::socket(self.place.home())
    }

    /// URL of the server, whether it runs or not.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    /// Deletes everything that the server holds; false where it does not answer.
    ///
    /// # Panics
    /// When its URL can't be read.
    pub async fn flush(&self) -> bool {
        self.command("FLUSHALL").await
    }

    /// Lets the server find what it holds now when it starts again; false where it does not answer.
    ///
    /// # Panics
    /// When its URL can't be read.
    pub async fn save(&self) -> bool {
        self.command("SAVE").await
    }

    async fn command(&self, name: &str) -> bool {
        let client = redis::Client::open(self.url()).expect("a URL");
        let Ok(mut connection) = client.get_multiplexed_async_connection().await else {
            return false;
        };
        redis::cmd(name).exec_async(&mut connection).await.is_ok()
    }
}
