//! A database that keeps a record of its writes: who committed what, under which lease, and what was booked then.

use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};
use uuid::Uuid;

const TRIGGERS: &str = include_str!("audit.sql");

/// A picture's commit.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Effect {
    /// The job that drew it: its own, or a helper of that one.
    pub job_id: Uuid,
    /// The picture's place in its job.
    pub index: i32,
    /// The attempt that the picture names.
    pub attempt: i32,
    /// The role of the process that wrote.
    pub writer: String,
    /// That job's state at that moment.
    pub state: String,
    /// Its fence.
    pub fence: i64,
    /// Its attempt.
    pub of_job: i32,
    /// The role of the worker that held the job, `<engine>_<host>`.
    pub holder: Option<String>,
    /// Whether the job's lease was claimed.
    pub claimed: bool,
}

/// A job's change of state.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Move {
    /// The job.
    pub job_id: Uuid,
    /// From this state.
    pub before: String,
    /// To this one.
    pub after: String,
    /// Under this fence.
    pub fence: i64,
    /// The role of the process that wrote.
    pub writer: String,
    /// The role of the worker that held the job, `<engine>_<host>`.
    pub holder: Option<String>,
}

/// A commit after which a device's bookings did not fit, or were not what its counters said. In MiB.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Overbooking {
    /// The device.
    pub device_id: String,
    /// The sum of its rows.
    pub booked: i64,
    /// What its counters said.
    pub counted: i64,
    /// What it has.
    pub capacity: i64,
    /// Turns taken beyond what it has.
    pub turns: i64,
}

/// What was recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Every picture's commit.
    pub effects: Vec<Effect>,
    /// Every change of a job's state, in order.
    pub moves: Vec<Move>,
    /// Every commit after which the ledger was wrong; none, if all is well.
    pub overbookings: Vec<Overbooking>,
}

impl Audit {
    /// What makes a migrated database keep the record.
    #[must_use]
    pub fn triggers() -> String {
        TRIGGERS.to_owned()
    }

    /// Lets the migrated database at `url` keep the record.
    ///
    /// # Panics
    /// When it refuses.
    pub async fn keep(url: &str) {
        let connection = &mut connect(url).await;
        let kept = sqlx::raw_sql(TRIGGERS).execute(connection).await;
        kept.expect("triggers");
    }

    /// Reads the record of the database at `url`.
    ///
    /// # Panics
    /// When it can't be read.
    pub async fn read(url: &str) -> Self {
        let connection = &mut connect(url).await;
        Self {
            effects: sqlx::query_as("SELECT * FROM audit_images")
                .fetch_all(&mut *connection)
                .await
                .expect("effects"),
            moves: sqlx::query_as("SELECT * FROM audit_moves ORDER BY id")
                .fetch_all(&mut *connection)
                .await
                .expect("moves"),
            overbookings: sqlx::query_as("SELECT * FROM audit_bookings")
                .fetch_all(connection)
                .await
                .expect("overbookings"),
        }
    }
}

async fn connect(url: &str) -> PgConnection {
    let options = PgConnectOptions::from_str(url).expect("a URL");
    options.connect().await.expect("the server answers")
}
