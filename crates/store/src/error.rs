//! What can go wrong between us and Postgres.

/// A store call that failed. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No connection: the database is away or all connections are busy. The same call may work later.
    #[error("the database is not available: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// The name is taken.
    #[error("{0} exists already")]
    Exists(String),
    /// The schema is not the one that this program was built for.
    #[error("{0}")]
    Schema(String),
    /// The connecting user may not make or drop roles.
    #[error("the database's user can't manage the roles of workers: {0}")]
    Roles(String),
    /// A row that this program can't read.
    #[error("the database holds {0}")]
    Unreadable(String),
    /// Any other refusal of the database.
    #[error("the database refused: {0}")]
    Database(#[source] sqlx::Error),
}

impl StoreError {
    /// Whether the same call may work later.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// Whether two transactions got into each other's way and this one may simply be tried again.
    pub(crate) fn is_conflict(&self) -> bool {
        match self {
            Self::Database(sqlx::Error::Database(error)) => {
                matches!(error.code().as_deref(), Some("40P01" | "40001"))
            }
            _ => false,
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        let away = match &error {
            E::Io(_) | E::PoolTimedOut | E::PoolClosed | E::Tls(_) | E::WorkerCrashed => true,
            // 08: connection, 25P03 and 57014: it took too long, 53: out of resources, 57P: shutting down or starting up.
            E::Database(error) => error.code().is_some_and(|code| {
                let away = ["08", "25P03", "53", "57014", "57P"];
                away.iter().any(|c| code.starts_with(c))
            }),
            _ => false,
        };
        if away {
            Self::Unavailable(error)
        } else {
            Self::Database(error)
        }
    }
}

/// How often a transaction is tried that lost a deadlock or a serialisation.
pub(crate) const TRIES: u32 = 8;

/// Runs a transaction, each time for a bounded time, and again while it loses against others (40P01, 40001).
///
/// A macro, since an async closure's future can't be promised to be `Send` yet.
macro_rules! retrying {
    ($transaction:expr) => {{
        let mut tries = 1;
        loop {
            match $crate::pool::bounded($transaction).await {
                Err(error) if error.is_conflict() && tries < $crate::error::TRIES => {
                    tracing::debug!(%error, tries, "transaction tried again");
                    tries += 1;
                }
                result => break result,
            }
        }
    }};
}
pub(crate) use retrying;
