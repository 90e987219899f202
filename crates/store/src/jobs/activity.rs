//! What ended lately, counted.

use chrono::{DateTime, TimeDelta, Utc};
use mystic_domain::JobKind;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Result, Store};

/// What ended jobs are counted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActivityBy {
    /// Their preset.
    #[default]
    Preset,
    /// Where they ran last.
    Device,
    /// What ran them last.
    Worker,
    /// Whose they are.
    Owner,
}

/// Which ended jobs are counted, and how finely.
#[derive(Clone, Debug)]
pub struct ActivityFilter {
    /// What they are counted by.
    pub by: ActivityBy,
    /// This kind.
    pub kind: Option<JobKind>,
    /// This preset.
    pub preset: Option<String>,
    /// This owner.
    pub owner: Option<String>,
    /// Columns, the last of which is not over.
    pub columns: i32,
    /// What one column stands for; more than nothing.
    pub column: TimeDelta,
}

/// Jobs that ended lately, counted; those that were cancelled are left out.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Activity {
    /// Where the first column begins.
    pub from: DateTime<Utc>,
    /// Seconds that a column stands for.
    pub column_s: i64,
    /// Columns, the last of which is not over.
    pub columns: i32,
    /// By name, the busiest first.
    pub groups: Vec<ActivityGroup>,
}

/// What ended lately of one name.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ActivityGroup {
    /// A preset, an owner, a device, or a worker's id; null for jobs that never ran.
    pub name: Option<String>,
    /// All columns together.
    pub total: ActivityCount,
    /// Columns in which something ended.
    pub columns: Vec<ActivityColumn>,
}

/// What ended in one column.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ActivityColumn {
    /// Its place, from 0.
    pub column: i32,
    /// What ended in it.
    #[serde(flatten)]
    pub count: ActivityCount,
}

/// How many jobs ended, and how long they had waited.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ActivityCount {
    /// Jobs that succeeded.
    pub succeeded: i64,
    /// Jobs that failed.
    pub failed: i64,
    /// Median of the waits from the submit to the first start, milliseconds; null where none ever started.
    pub wait_p50_ms: Option<f64>,
    /// 95th percentile of the same.
    pub wait_p95_ms: Option<f64>,
}

#[derive(sqlx::FromRow)]
struct ActivityRow {
    from_at: DateTime<Utc>,
    name: Option<String>,
    /// Nothing in the row of a name's total.
    at: Option<i32>,
    succeeded: i64,
    failed: i64,
    waits: Option<Vec<f64>>,
}

impl Store {
    /// What ended lately.
    ///
    /// # Errors
    /// The database's.
    pub async fn activity(&self, filter: &ActivityFilter) -> Result<Activity> {
        let column_s = filter.column.num_seconds().max(1);
        let by = match filter.by {
            ActivityBy::Preset => "preset",
            ActivityBy::Device => "device",
            ActivityBy::Worker => "worker",
            ActivityBy::Owner => "owner",
        };
        // A total's row comes before its columns'. Without any job the left join leaves one row, of no columns.
        let rows: Vec<ActivityRow> = sqlx::query_as(
            "WITH span AS (
                 SELECT date_bin(make_interval(secs => $1), now(), 'epoch') - make_interval(secs => $1) * ($2 - 1) AS from_at
             ), ended AS (
                 SELECT CASE $3 WHEN 'preset' THEN jobs.preset WHEN 'owner' THEN owner
                        WHEN 'device' THEN last.device_id ELSE last.worker_id::text END AS name,
                        least(floor(extract(epoch FROM finished_at - from_at) / $1)::int, $2 - 1) AS at, state,
                        extract(epoch FROM first.started_at - created_at)::float8 * 1000 AS waited
                 FROM span, jobs
                 LEFT JOIN LATERAL (SELECT started_at FROM job_attempts WHERE job_id = id ORDER BY attempt LIMIT 1)
                     AS first ON true
                 LEFT JOIN LATERAL (SELECT device_id, worker_id FROM job_attempts WHERE job_id = id
                                    ORDER BY attempt DESC LIMIT 1) AS last ON true
                 WHERE finished_at >= from_at AND state <> 'cancelled' AND helps IS NULL
                   AND ($4::text IS NULL OR kind = $4) AND ($5::text IS NULL OR jobs.preset = $5)
                   AND ($6::text IS NULL OR owner = $6)
             ), counted AS (
                 SELECT name, at, count(*) FILTER (WHERE state = 'succeeded') AS succeeded,
                        count(*) FILTER (WHERE state = 'failed') AS failed,
                        percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY waited) AS waits,
                        GROUPING(at) = 1 AS total
                 FROM ended GROUP BY GROUPING SETS ((name), (name, at))
             )
             SELECT from_at, name, at, coalesce(succeeded, 0) AS succeeded, coalesce(failed, 0) AS failed, waits
             FROM span LEFT JOIN counted ON true
             ORDER BY sum(succeeded + failed) FILTER (WHERE total) OVER (PARTITION BY name) DESC, name, total DESC, at",
        )
        .bind(column_s)
        .bind(filter.columns)
        .bind(by)
        .bind(filter.kind.map(JobKind::as_str))
        .bind(&filter.preset)
        .bind(&filter.owner)
        .fetch_all(&self.pool)
        .await?;
        let from = rows.first().ok_or(sqlx::Error::RowNotFound)?.from_at;
        let mut groups: Vec<ActivityGroup> = Vec::new();
        for row in rows {
            let waits = row.waits.unwrap_or_default();
            let count = ActivityCount {
                succeeded: row.succeeded,
                failed: row.failed,
                wait_p50_ms: waits.first().copied(),
                wait_p95_ms: waits.get(1).copied(),
            };
            match (row.at, groups.last_mut()) {
                (Some(column), Some(group)) => group.columns.push(ActivityColumn { column, count }),
                _ if count.succeeded + count.failed > 0 => groups.push(ActivityGroup {
                    name: row.name,
                    total: count,
                    columns: Vec::new(),
                }),
                _ => {}
            }
        }
        Ok(Activity {
            from,
            column_s,
            columns: filter.columns,
            groups,
        })
    }
}
