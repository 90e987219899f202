//! The way to the database. Every call is bounded: a network that swallows packets and a server that stands still say
//! nothing, and nobody may wait for them for good.

use std::io;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use sqlx::postgres::{
    PgConnectOptions, PgPool, PgPoolOptions, PgQueryResult, PgRow, PgStatement, PgTypeInfo,
};
use sqlx::{Connection, Describe, Either, Error, Execute, Executor, Postgres, SqlStr, Transaction};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

/// How long a call waits for a connection.
const CONNECTED_WITHIN: Duration = Duration::from_secs(5);
/// How long a call may take in all, whatever it waits for.
const ANSWERED_WITHIN: Duration = Duration::from_secs(10);
/// How long a connection that comes back to the pool may take for a sign of life. A call that was given up leaves one
/// behind that may be dead, and keeps its place in the pool until the kernel says so: a quarter of an hour.
const ALIVE_WITHIN: Duration = Duration::from_secs(2);
/// A call that waits so long for a connection asks whether the server refuses them.
const ASKED_AFTER: Duration = Duration::from_millis(100);
const ASKED_EVERY: Duration = Duration::from_secs(1);

/// What the server holds each of our sessions to: one whose client is beyond a dead network must not keep its locks.
const SESSION: [(&str, &str); 6] = [
    ("statement_timeout", "10s"),
    ("idle_in_transaction_session_timeout", "10s"),
    ("tcp_keepalives_idle", "10"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
    ("tcp_user_timeout", "20s"),
];

/// A pool of connections; clones share it. As an executor it answers each statement in time or fails.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    lines: PgPool,
    /// Held by the call that asks whether the server refuses connections, so that few ask.
    asking: Arc<Mutex<()>>,
}

impl Pool {
    /// Connections are made when they are needed.
    pub(crate) fn open(url: &str, max_connections: u32) -> Result<Self, Error> {
        let options = PgConnectOptions::from_str(url)?
            .application_name("mysticanvas")
            .options(SESSION);
        let lines = PgPoolOptions::new()
            .max_connections(max_connections)
            .acquire_timeout(CONNECTED_WITHIN)
            .after_release(|line, _| {
                Box::pin(async move {
                    let alive = timeout(ALIVE_WITHIN, line.ping()).await;
                    alive.unwrap_or_else(|_| Err(silence(ALIVE_WITHIN)))?;
                    Ok(true)
                })
            })
            .connect_lazy_with(options);
        Ok(Self {
            lines,
            asking: Arc::default(),
        })
    }

    /// The connections without our bounds.
    pub(crate) fn lines(&self) -> &PgPool {
        &self.lines
    }

    /// Begins a transaction; what is done in it is bounded by `retrying!`.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Postgres>, Error> {
        self.unless_refused(self.lines.begin()).await
    }

    /// Waits for a connection, and not for a server that refuses them: the pool itself would go on asking it.
    async fn unless_refused<T>(
        &self,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        tokio::select! {
            biased;
            result = call => result,
            refusal = self.refused() => Err(Error::Io(refusal)),
        }
    }

    async fn refused(&self) -> io::Error {
        sleep(ASKED_AFTER).await;
        loop {
            let _alone = self.asking.lock().await;
            match knock(&self.lines.connect_options()).await {
                Err(refusal) if refusal.kind() == io::ErrorKind::ConnectionRefused => {
                    return refusal;
                }
                _ => sleep(ASKED_EVERY).await,
            }
        }
    }

    async fn line(&self) -> Result<sqlx::pool::PoolConnection<Postgres>, Error> {
        self.unless_refused(self.lines.acquire()).await
    }
}

/// Makes a connection and says nothing on it.
async fn knock(options: &PgConnectOptions) -> io::Result<()> {
    let (host, port) = (options.get_host(), options.get_port());
    let directory = options.get_socket().and_then(|path| path.to_str());
    match directory.or_else(|| host.starts_with('/').then_some(host)) {
        Some(directory) => {
            UnixStream::connect(format!("{directory}/.s.PGSQL.{port}")).await?;
        }
        None => {
            TcpStream::connect((host, port)).await?;
        }
    }
    Ok(())
}

/// Lets a call fail that is not answered in time. Boxed, since the futures of transactions are large.
pub(crate) fn bounded<T, E: From<Error>>(
    call: impl Future<Output = Result<T, E>>,
) -> impl Future<Output = Result<T, E>> {
    let call = Box::pin(call);
    async move {
        let answer = timeout(ANSWERED_WITHIN, call).await;
        answer.unwrap_or_else(|_| Err(silence(ANSWERED_WITHIN).into()))
    }
}

fn silence(limit: Duration) -> Error {
    let message = format!("no answer within {limit:?}");
    Error::Io(io::Error::new(io::ErrorKind::TimedOut, message))
}

impl<'p> Executor<'p> for &'p Pool {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, Result<Either<PgQueryResult, PgRow>, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        // No answer is so long that it had to be read piece by piece.
        let whole = bounded(async move {
            let mut line = self.line().await?;
            line.fetch_many(query).try_collect::<Vec<_>>().await
        });
        stream::once(whole)
            .map_ok(|steps| stream::iter(steps.into_iter().map(Ok)))
            .try_flatten()
            .boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<PgRow>, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        Box::pin(bounded(async move {
            self.line().await?.fetch_optional(query).await
        }))
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, Result<PgStatement, Error>>
    where
        'p: 'e,
    {
        Box::pin(bounded(async move {
            self.line().await?.prepare_with(sql, parameters).await
        }))
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<Postgres>, Error>>
    where
        'p: 'e,
    {
        Box::pin(bounded(
            async move { self.line().await?.describe(sql).await },
        ))
    }
}
