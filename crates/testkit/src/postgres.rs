use std::path::Path;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use mystic_services::Durability;
use sha2::{Digest, Sha256};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};
use uuid::Uuid;

use crate::place::Place;

/// Names a server that tests use instead of starting one; `mystic test` sets it.
const SERVER: &str = "MYSTIC_TEST_DATABASE_URL";
/// Advisory lock under which a template is made: "mystic" in ASCII.
const TEMPLATE_LOCK: i64 = 0x6d79_7374_6963;

/// A migrated database of a test's own, dropped with this value.
///
/// It lies on the server named by `MYSTIC_TEST_DATABASE_URL` or, without that, on a private one
/// that this process's tests share.
pub struct Postgres {
    name: String,
    options: PgConnectOptions,
    server: Arc<Server>,
}

impl Postgres {
    /// Makes a database with all migrations applied.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn start() -> Self {
        Self::with(&migrator().await).await
    }

    /// Makes a database without any table.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn empty() -> Self {
        Self::with(&Migrator::DEFAULT).await
    }

    async fn with(migrator: &Migrator) -> Self {
        let server = tokio::task::spawn_blocking(Server::shared)
            .await
            .expect("the server starts");
        let template = template(&server.options, migrator).await;
        let name = format!("test_{}", Uuid::now_v7().simple());
        let mut admin = connect(&server.options).await;
        execute(
            &mut admin,
            format!("CREATE DATABASE {name} TEMPLATE {template}"),
        )
        .await;
        admin.close().await.expect("the connection closes");
        Self {
            options: server.options.clone().database(&name),
            name,
            server,
        }
    }

    /// URL of the database.
    #[must_use]
    pub fn url(&self) -> String {
        self.options.to_url_lossy().to_string()
    }

    /// The same as another role.
    #[must_use]
    pub fn url_as(&self, role: &str) -> String {
        let options = self.options.clone().username(role);
        options.to_url_lossy().to_string()
    }

    /// A new pool of up to 10 connections to the database.
    #[must_use]
    pub fn pool(&self) -> PgPool {
        PgPoolOptions::new()
            .max_connections(10)
            .connect_lazy_with(self.options.clone())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if self.server.stops_with_the_last_test() && Arc::strong_count(&self.server) == 1 {
            return;
        }
        let options = self.server.options.clone();
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let dropping = std::thread::spawn(move || {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime starts")
                .block_on(async move {
                    let mut admin = connect(&options).await;
                    execute(&mut admin, statement).await;
                });
        });
        let done = dropping.join();
        assert!(
            done.is_ok() || std::thread::panicking(),
            "the test's database is dropped"
        );
    }
}

/// The server on which this process's tests have their databases.
struct Server {
    options: PgConnectOptions,
    /// Dropped in this order: first the server stops, then its directory goes.
    private: Option<(mystic_services::Postgres, Place)>,
}

impl Server {
    /// The server in use, or a new one when no test holds any.
    fn shared() -> Arc<Self> {
        static CURRENT: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = current.upgrade() {
            return server;
        }
        let server = Arc::new(Self::new());
        *current = Arc::downgrade(&server);
        server
    }

    fn new() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "a test has no configuration but its environment"
        )]
        let configured = std::env::var(SERVER);
        if let Ok(url) = configured {
            return Self {
                options: parse(&url),
                private: None,
            };
        }
        let place = Place::new();
        let server = mystic_services::Postgres::start(place.home(), Durability::Disposable)
            .unwrap_or_else(|error| panic!("no private Postgres: {error}"));
        Self {
            options: parse(&server.url(mystic_services::Postgres::DATABASE)),
            private: Some((server, place)),
        }
    }

    fn stops_with_the_last_test(&self) -> bool {
        self.private.is_some()
    }
}

fn parse(url: &str) -> PgConnectOptions {
    PgConnectOptions::from_str(url).unwrap_or_else(|error| panic!("{url}: {error}"))
}

async fn migrator() -> Migrator {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    Migrator::new(dir)
        .await
        .unwrap_or_else(|error| panic!("the migrations cannot be read: {error}"))
}

/// The name of a database with these migrations applied, made once per server.
async fn template(server: &PgConnectOptions, migrator: &Migrator) -> String {
    let mut hash = Sha256::new();
    for migration in migrator.iter() {
        hash.update(migration.version.to_le_bytes());
        hash.update(&migration.checksum);
    }
    let name = format!("template_{}", hex::encode(&hash.finalize()[..8]));

    let mut admin = connect(server).await;
    sqlx::query("SELECT pg_advisory_lock($1)")
        .bind(TEMPLATE_LOCK)
        .execute(&mut admin)
        .await
        .expect("the lock is taken");
    let exists: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)")
            .bind(&name)
            .fetch_one(&mut admin)
            .await
            .expect("the databases are listed");
    if !exists {
        let unfinished = format!("{name}_unfinished");
        execute(
            &mut admin,
            format!("DROP DATABASE IF EXISTS {unfinished} WITH (FORCE)"),
        )
        .await;
        execute(&mut admin, format!("CREATE DATABASE {unfinished}")).await;
        let mut fresh = connect(&server.clone().database(&unfinished)).await;
        migrator
            .run(&mut fresh)
            .await
            .unwrap_or_else(|error| panic!("the migrations fail: {error}"));
        fresh.close().await.expect("the connection closes");
        execute(
            &mut admin,
            format!("ALTER DATABASE {unfinished} RENAME TO {name}"),
        )
        .await;
    }
    admin.close().await.expect("the connection closes");
    name
}

async fn connect(options: &PgConnectOptions) -> PgConnection {
    options
        .connect()
        .await
        .unwrap_or_else(|error| panic!("no connection to Postgres: {error}"))
}

async fn execute(connection: &mut PgConnection, statement: String) {
    sqlx::raw_sql(AssertSqlSafe(statement.clone()))
        .execute(connection)
        .await
        .unwrap_or_else(|error| panic!("{statement}: {error}"));
}
