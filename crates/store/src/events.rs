//! What happened, in an order that a reader can resume without missing anything.

use std::time::Duration;

use chrono::{DateTime, Utc};
use mystic_domain::JobId;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::postgres::PgListener;
use tokio::time::timeout;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::pool::{Pool, bounded};
use crate::{Result, Store};

const CHANNEL: &str = "mystic_events";
/// Where tables that were changed by hand are named; see migration 0025.
const CHANGES: &str = "mystic_changes";
/// A line that was silent for so long is asked whether it lives: it may be dead, and nothing would say so.
const SILENCE: Duration = Duration::from_secs(30);

/// One event of a job.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct EventRecord {
    /// Where to resume the global stream after this event.
    #[serde(skip)]
    pub cursor: EventCursor,
    /// The job.
    pub job: JobId,
    /// Number inside the job, from 1, without gaps.
    pub number: i32,
    /// What happened: `queued`, `leased`, `running`, `expired`, `retried`, `cancel_requested`, `image`, `tagged`,
    /// `succeeded`, `failed`, `cancelled`.
    pub kind: String,
    /// More about it.
    pub data: serde_json::Value,
    /// When its transaction began.
    pub at: DateTime<Utc>,
}

/// A place in the global stream. Ordered by transaction first: a reader sees only transactions older than every
/// open one, so nothing can still appear before a place that it has passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventCursor {
    /// The transaction's number.
    pub xid: i64,
    /// The event's number.
    pub id: i64,
}

impl std::fmt::Display for EventCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.xid, self.id)
    }
}

impl std::str::FromStr for EventCursor {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        let (xid, id) = text.split_once('.').unwrap_or((text, ""));
        Ok(Self {
            xid: xid.parse()?,
            id: id.parse()?,
        })
    }
}

#[derive(sqlx::FromRow)]
struct EventRow {
    xid: i64,
    id: i64,
    job_id: Uuid,
    number: i32,
    kind: String,
    data: serde_json::Value,
    at: DateTime<Utc>,
}

impl From<EventRow> for EventRecord {
    fn from(row: EventRow) -> Self {
        Self {
            cursor: EventCursor {
                xid: row.xid,
                id: row.id,
            },
            job: JobId(row.job_id),
            number: row.number,
            kind: row.kind,
            data: row.data,
            at: row.at,
        }
    }
}

/// Writes an event of a job whose row lock the transaction may hold already, and wakes the readers at commit.
pub(crate) async fn record(
    tx: &mut PgConnection,
    job: JobId,
    kind: &str,
    data: serde_json::Value,
) -> Result<()> {
    record_each(tx, &[job], kind, data).await
}

/// Writes the same event of each of these jobs, whose rows are locked.
pub(crate) async fn record_each(
    tx: &mut PgConnection,
    jobs: &[JobId],
    kind: &str,
    data: serde_json::Value,
) -> Result<()> {
    sqlx::query(
        "WITH numbered AS (UPDATE jobs SET last_event = last_event + 1 WHERE id = ANY ($1) RETURNING id, last_event),
              written AS (INSERT INTO job_events (job_id, number, kind, data)
                          SELECT id, last_event, $2, $3 FROM numbered ORDER BY id)
         SELECT pg_notify($4, '')",
    )
    .bind(jobs.iter().map(|job| job.0).collect::<Vec<_>>())
    .bind(kind)
    .bind(data)
    .bind(CHANNEL)
    .execute(tx)
    .await?;
    Ok(())
}

/// Wakes the readers at commit, where something changed that is no job's event.
pub(crate) async fn wake(tx: &mut PgConnection) -> Result<()> {
    sqlx::query("SELECT pg_notify($1, '')")
        .bind(CHANNEL)
        .execute(tx)
        .await?;
    Ok(())
}

impl Store {
    /// Events of one job after a number, oldest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn job_events(&self, job: JobId, after: i32, limit: i64) -> Result<Vec<EventRecord>> {
        let rows: Vec<EventRow> = sqlx::query_as(
            "SELECT xid::text::bigint AS xid, id, job_id, number, kind, data, at FROM job_events
             WHERE job_id = $1 AND number > $2 ORDER BY number LIMIT $3",
        )
        .bind(job.0)
        .bind(after)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(EventRecord::from).collect())
    }

    /// Events of all jobs after a place, in order.
    ///
    /// # Errors
    /// The database's.
    pub async fn events(&self, after: EventCursor, limit: i64) -> Result<Vec<EventRecord>> {
        let rows: Vec<EventRow> = sqlx::query_as(
            "SELECT xid::text::bigint AS xid, id, job_id, number, kind, data, at FROM job_events
             WHERE (xid, id) > ($1::text::xid8, $2) AND xid < pg_snapshot_xmin(pg_current_snapshot())
             ORDER BY job_events.xid, id LIMIT $3",
        )
        .bind(after.xid.to_string())
        .bind(after.id)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(EventRecord::from).collect())
    }

    /// The place after the newest event that [`Store::events`] would show.
    ///
    /// # Errors
    /// The database's.
    pub async fn newest_event(&self) -> Result<EventCursor> {
        let newest: Option<(i64, i64)> = sqlx::query_as(
            "SELECT xid::text::bigint, id FROM job_events
             WHERE xid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY job_events.xid DESC, id DESC LIMIT 1",
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(newest.map_or_else(EventCursor::default, |(xid, id)| EventCursor { xid, id }))
    }

    /// Wake-ups for whoever waits for events.
    #[must_use]
    pub fn wakeups(&self) -> Wakeups {
        self.listen(CHANNEL)
    }

    /// Wake-ups for whoever shows what people change: pictures, their tags, pauses, presets, templates.
    #[must_use]
    pub fn changes(&self) -> Wakeups {
        self.listen(CHANGES)
    }

    fn listen(&self, channel: &'static str) -> Wakeups {
        Wakeups {
            pool: self.pool.clone(),
            channel,
            listener: None,
        }
    }
}

/// A wake-up when something may have been written. It may come too often, and after an outage it comes late: whoever
/// waits looks again on a timer too.
#[derive(Debug)]
pub struct Wakeups {
    pool: Pool,
    channel: &'static str,
    listener: Option<PgListener>,
}

impl Wakeups {
    /// Waits for the next wake-up and returns what it says; of [`Store::changes`] the table. Reconnects by itself; the first
    /// call after a reconnection returns at once, with nothing, since anything may have happened.
    pub async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(listener) = &mut self.listener {
                match timeout(SILENCE, listener.try_recv()).await {
                    Ok(Ok(Some(said))) => return Some(said.payload().to_owned()),
                    Err(_) if answers(listener).await => continue,
                    Ok(Ok(None) | Err(_)) | Err(_) => self.listener = None,
                }
            }
            match self.connect().await {
                Ok(listener) => {
                    self.listener = Some(listener);
                    return None;
                }
                Err(error) => {
                    tracing::debug!(%error, "can't listen for events");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }

    async fn connect(&self) -> Result<PgListener> {
        bounded(async {
            let mut listener = PgListener::connect_with(self.pool.lines()).await?;
            listener.listen(self.channel).await?;
            Ok(listener)
        })
        .await
    }
}

/// Whether a line's other end is there still.
async fn answers(listener: &mut PgListener) -> bool {
    bounded::<_, sqlx::Error>(sqlx::query("SELECT 1").execute(listener))
        .await
        .is_ok()
}
