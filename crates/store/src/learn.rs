//! What attempts took becomes what the next ones are expected to take: times, averaged over those that succeeded, and
//! memory.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use mystic_domain::correction::{self, Bucket};
use mystic_domain::{DeviceId, JobKind, JobParams, Mib, Need, PhaseTimes, Preset, need, work};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::retrying;
use crate::estimates::{self, Observed};
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

/// What an attempt that has ended tells.
#[derive(sqlx::FromRow)]
struct Attempt {
    job_id: Uuid,
    number: i32,
    device_id: String,
    plan: String,
    outcome: String,
    finished_at: DateTime<Utc>,
    times: serde_json::Value,
    resident_mib: Option<i64>,
    working_mib: Option<i64>,
    peak_mib: Option<i64>,
    kind: String,
    preset: String,
    params: serde_json::Value,
    pictures: i64,
    capacity_mib: i64,
    weights_mib: Option<i64>,
    text_encoders_mib: Option<i64>,
    decoder_mib: Option<i64>,
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
    /// Takes attempts that have ended since into the averages of their times and the estimates of their needs, each
    /// once; how many. Call again until there are none.
    ///
    /// # Errors
    /// The database's; then none was taken in.
    #[tracing::instrument(name = "db.learn", skip_all, err(level = "debug"))]
    pub async fn learn(&self) -> Result<usize> {
        retrying!(self.learn_once(false))
    }

    /// The same for those alone that ran out of memory.
    ///
    /// # Errors
    /// The database's; then none was taken in.
    #[tracing::instrument(name = "db.learn_starved", skip_all, err(level = "debug"))]
    pub async fn learn_starved(&self) -> Result<usize> {
        retrying!(self.learn_once(true))
    }

    async fn learn_once(&self, starved: bool) -> Result<usize> {
        let mut tx = self.pool.begin().await?;
        // An attempt whose end was asked for says nothing of memory, whatever it met on the way.
        let attempts: Vec<Attempt> = sqlx::query_as(
            "SELECT a.job_id, a.attempt AS number, a.device_id, a.plan, a.outcome, a.finished_at, a.times,
                    a.resident_mib, a.working_mib, a.peak_mib, jobs.kind, jobs.preset, jobs.params,
                    (SELECT count(*) FROM images WHERE images.attempt = a.attempt
                     AND (images.drawn_by = a.job_id OR (images.job_id = a.job_id AND drawn_by IS NULL))) AS pictures,
                    devices.capacity_mib, served.weights_mib, served.text_encoders_mib, served.decoder_mib
             FROM job_attempts a JOIN jobs ON jobs.id = a.job_id JOIN devices ON devices.id = a.device_id
             LEFT JOIN worker_presets served ON served.worker_id = a.worker_id AND served.preset = jobs.preset
             WHERE NOT learned AND (outcome = 'succeeded' OR a.error ->> 'kind' = 'out_of_memory')
               AND outcome <> 'cancelled' AND (NOT $2 OR outcome <> 'succeeded')
             ORDER BY a.finished_at, a.job_id LIMIT $1 FOR NO KEY UPDATE OF a SKIP LOCKED",
        )
        .bind(AT_ONCE)
        .bind(starved)
        .fetch_all(&mut *tx)
        .await?;
        if attempts.is_empty() {
            return Ok(0);
        }
        let presets: Vec<&str> = attempts.iter().map(|seen| seen.preset.as_str()).collect();
        let specs: Vec<(String, serde_json::Value)> = sqlx::query_as(
            "SELECT name, spec FROM presets WHERE name = ANY ($1) ORDER BY name FOR NO KEY UPDATE",
        )
        .bind(presets)
        .fetch_all(&mut *tx)
        .await?;
        let mut observed = Vec::new();
        for (name, spec) in specs {
            let preset: Preset = row::json(spec)?;
            for seen in attempts.iter().filter(|seen| seen.preset == name) {
                observed.extend(seen.observed(&preset)?);
            }
        }
        estimates::take_in(&mut tx, observed).await?;
        let known: Vec<TimeRow> = sqlx::query_as("SELECT * FROM learned_times")
            .fetch_all(&mut *tx)
            .await?;
        let mut rows: BTreeMap<(String, String), TimeRow> = known
            .into_iter()
            .map(|row| ((row.preset.clone(), row.device_id.clone()), row))
            .collect();
        let mut changed = BTreeMap::new();
        for seen in attempts.iter().filter(|seen| seen.succeeded()) {
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

impl Attempt {
    fn succeeded(&self) -> bool {
        self.outcome == "succeeded"
    }

    fn params(&self) -> Result<JobParams> {
        let kind =
            JobKind::parse(&self.kind).ok_or_else(|| row::unreadable("job kind", &self.kind))?;
        jobs::params(kind, self.params.clone())
    }

    /// What it tells of its need; nothing where nobody saw what it took.
    fn observed(&self, preset: &Preset) -> Result<Option<Observed>> {
        let (Some(resident), Some(working)) = (self.resident_mib, self.working_mib) else {
            return Ok(None);
        };
        let booked = Need {
            resident: Mib(resident),
            working: Mib(working),
        };
        let (peak, capacity) = (self.peak_mib.map(Mib), Mib(self.capacity_mib));
        let working = if self.succeeded() {
            peak.map(|peak| correction::seen(booked, peak, capacity))
        } else {
            Some(correction::raised(booked, peak, capacity))
        };
        let Some(working) = working else {
            return Ok(None);
        };
        let weights = row::weights(
            self.weights_mib.unwrap_or_default(),
            self.text_encoders_mib.unwrap_or_default(),
            self.decoder_mib.unwrap_or_default(),
        );
        let (params, plan) = (self.params()?, row::plan(&self.plan)?);
        Ok(Some(Observed {
            preset: self.preset.clone(),
            bucket: Bucket::of(&params),
            plan,
            working,
            formula: need::estimate(preset, &weights, &params, plan).working,
            raised_at: (!self.succeeded()).then_some(self.finished_at),
        }))
    }
}

impl TimeRow {
    fn take_in(&mut self, seen: &Attempt) -> Result<()> {
        let params = seen.params()?;
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
