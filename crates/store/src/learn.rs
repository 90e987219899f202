//! What presets take on devices, averaged over the attempts that succeeded.

use std::collections::BTreeMap;

use mystic_domain::{DeviceId, JobKind, PhaseTimes, work};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::retrying;
use crate::{Result, Store, jobs, row};

/// Attempts that one transaction takes in.
const AT_ONCE: i64 = 200;

/// Moving averages of a preset on a device.
#[derive(Clone, Debug, PartialEq)]
pub struct LearnedTime {
    /// The preset.
    pub preset: String,
    /// The device.
    pub device: DeviceId,
    /// Milliseconds of a unit of work ([`work::units`]); absent where no job ended there yet.
    pub unit_ms: Option<f64>,
    /// Milliseconds from the start of an engine child to its loaded model; absent where none was loaded yet.
    pub load_ms: Option<f64>,
}

#[derive(Clone, Default, sqlx::FromRow)]
struct TimeRow {
    preset: String,
    device_id: String,
    unit_ms: Option<f64>,
    units_of: i32,
    load_ms: Option<f64>,
    loads: i32,
}

#[derive(sqlx::FromRow)]
struct Attempt {
    job_id: Uuid,
    number: i32,
    device_id: String,
    times: serde_json::Value,
    kind: String,
    preset: String,
    params: serde_json::Value,
    pictures: i64,
}

pub(crate) async fn times(tx: &mut PgConnection) -> Result<Vec<LearnedTime>> {
    let rows: Vec<TimeRow> = sqlx::query_as("SELECT * FROM learned_times")
        .fetch_all(tx)
        .await?;
    let learned = rows.into_iter().map(|row| LearnedTime {
        preset: row.preset,
        device: DeviceId(row.device_id),
        unit_ms: row.unit_ms,
        load_ms: row.load_ms,
    });
    Ok(learned.collect())
}

impl Store {
    /// Takes attempts that have ended since into the averages, each once; how many. Call again until there are none.
    ///
    /// # Errors
    /// The database's; then none was taken in.
    #[tracing::instrument(name = "db.learn", skip_all, err(level = "debug"))]
    pub async fn learn(&self) -> Result<usize> {
        retrying!(self.learn_once())
    }

    async fn learn_once(&self) -> Result<usize> {
        let mut tx = self.pool.begin().await?;
        let attempts: Vec<Attempt> = sqlx::query_as(
            "SELECT a.job_id, a.attempt AS number, a.device_id, a.times, jobs.kind, jobs.preset, jobs.params,
                    (SELECT count(*) FROM images WHERE images.job_id = a.job_id AND images.attempt = a.attempt) AS pictures
             FROM job_attempts a JOIN jobs ON jobs.id = a.job_id
             WHERE NOT learned AND outcome = 'succeeded'
             ORDER BY a.finished_at, a.job_id LIMIT $1 FOR NO KEY UPDATE OF a SKIP LOCKED",
        )
        .bind(AT_ONCE)
        .fetch_all(&mut *tx)
        .await?;
        let known: Vec<TimeRow> = sqlx::query_as("SELECT * FROM learned_times")
            .fetch_all(&mut *tx)
            .await?;
        let mut rows: BTreeMap<(String, String), TimeRow> = known
            .into_iter()
            .map(|row| ((row.preset.clone(), row.device_id.clone()), row))
            .collect();
        let mut changed = BTreeMap::new();
        for seen in &attempts {
            let key = (seen.preset.clone(), seen.device_id.clone());
            let row = rows.entry(key.clone()).or_insert_with(|| TimeRow {
                preset: seen.preset.clone(),
                device_id: seen.device_id.clone(),
                ..TimeRow::default()
            });
            row.take_in(seen)?;
            changed.insert(key, row.clone());
        }
        for row in changed.values() {
            sqlx::query(
                "INSERT INTO learned_times (preset, device_id, unit_ms, units_of, load_ms, loads)
                 VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (preset, device_id) DO UPDATE SET unit_ms = EXCLUDED.unit_ms,
                     units_of = EXCLUDED.units_of, load_ms = EXCLUDED.load_ms, loads = EXCLUDED.loads",
            )
            .bind(&row.preset)
            .bind(&row.device_id)
            .bind(row.unit_ms)
            .bind(row.units_of)
            .bind(row.load_ms)
            .bind(row.loads)
            .execute(&mut *tx)
            .await?;
        }
        let (jobs, numbers): (Vec<Uuid>, Vec<i32>) = attempts
            .iter()
            .map(|seen| (seen.job_id, seen.number))
            .unzip();
        sqlx::query(
            "UPDATE job_attempts SET learned = true
             FROM unnest($1::uuid[], $2::int[]) AS seen (job, attempt)
             WHERE job_attempts.job_id = seen.job AND job_attempts.attempt = seen.attempt",
        )
        .bind(jobs)
        .bind(numbers)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(attempts.len())
    }
}

impl TimeRow {
    fn take_in(&mut self, seen: &Attempt) -> Result<()> {
        let kind =
            JobKind::parse(&seen.kind).ok_or_else(|| row::unreadable("job kind", &seen.kind))?;
        let params = jobs::params(kind, seen.params.clone())?;
        let times: PhaseTimes = row::json(seen.times.clone())?;
        let pictures = u32::try_from(seen.pictures).unwrap_or(0);
        if let Some(unit_ms) = work::unit_ms(&params, pictures, &times) {
            self.unit_ms = Some(work::average(self.unit_ms, self.units_of, unit_ms));
            self.units_of = self.units_of.saturating_add(1);
        }
        if times.loading_ms > 0 {
            #[expect(clippy::cast_precision_loss, reason = "times stay far below 2^52 ms")]
            let load_ms = times.loading_ms as f64;
            self.load_ms = Some(work::average(self.load_ms, self.loads, load_ms));
            self.loads = self.loads.saturating_add(1);
        }
        Ok(())
    }
}
