//! What jobs take of a device's memory, learned from attempts.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use mystic_domain::correction::{self, Bucket, Correction};
use mystic_domain::{Mib, Pixels, Plan};
use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;

use crate::error::retrying;
use crate::{Result, Store, events, row};

/// How the formula of one preset's jobs is corrected.
#[derive(Clone, Debug, PartialEq)]
pub struct LearnedNeed {
    /// The preset.
    pub preset: String,
    /// The jobs' sizes.
    pub bucket: Bucket,
    /// The plan.
    pub plan: Plan,
    /// What its formula is multiplied by.
    pub correction: Correction,
}

/// What jobs of one preset, size and plan were seen to take beside their model.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct EstimateRecord {
    /// The preset.
    pub preset: String,
    /// The plan.
    pub plan: Plan,
    /// Pixels of the smallest picture that is meant; null for text.
    pub pixels_from: Option<u64>,
    /// Pixels of the smallest picture that is too large; null for text.
    pub pixels_below: Option<u64>,
    /// MiB by the formula, for the newest of the attempts.
    pub formula_mib: Mib,
    /// MiB that are booked for such a job instead.
    pub learned_mib: Mib,
    /// Attempts that were learned from.
    pub samples: i32,
    /// When such a job last ran out of memory.
    pub raised_at: Option<DateTime<Utc>>,
    /// When it was last learned from.
    pub updated_at: DateTime<Utc>,
}

#[derive(Default, sqlx::FromRow)]
struct EstimateRow {
    preset: String,
    bucket: i32,
    plan: String,
    seen: Vec<f64>,
    ratio: f64,
    samples: i32,
    formula_mib: i64,
    raised_at: Option<DateTime<Utc>>,
    updated_at: DateTime<Utc>,
}

impl EstimateRow {
    fn correction(&self) -> Correction {
        Correction {
            ratio: self.ratio,
            samples: self.samples,
        }
    }

    fn record(self) -> Result<EstimateRecord> {
        let pixels = Bucket(self.bucket).pixels();
        let formula = Mib(self.formula_mib);
        Ok(EstimateRecord {
            plan: row::plan(&self.plan)?,
            pixels_from: pixels.map(|(Pixels(from), _)| from),
            pixels_below: pixels.map(|(_, Pixels(below))| below),
            formula_mib: formula,
            learned_mib: self.correction().correct(formula),
            samples: self.samples,
            raised_at: self.raised_at,
            updated_at: self.updated_at,
            preset: self.preset,
        })
    }
}

pub(crate) async fn needs(tx: &mut PgConnection) -> Result<Vec<LearnedNeed>> {
    let rows: Vec<(String, i32, String, f64, i32)> =
        sqlx::query_as("SELECT preset, bucket, plan, ratio, samples FROM estimates")
            .fetch_all(tx)
            .await?;
    rows.into_iter()
        .map(|(preset, bucket, plan, ratio, samples)| {
            Ok(LearnedNeed {
                preset,
                bucket: Bucket(bucket),
                plan: row::plan(&plan)?,
                correction: Correction { ratio, samples },
            })
        })
        .collect()
}

/// What one attempt tells.
pub(crate) struct Observed {
    pub(crate) preset: String,
    pub(crate) bucket: Bucket,
    pub(crate) plan: Plan,
    /// What it took beside its model, or is now taken to.
    pub(crate) working: Mib,
    /// What the formula said.
    pub(crate) formula: Mib,
    /// When it ran out of memory, if it did.
    pub(crate) raised_at: Option<DateTime<Utc>>,
}

/// Takes observations in, oldest first. Their presets are locked, so that no other transaction does so meanwhile.
pub(crate) async fn take_in(tx: &mut PgConnection, observed: Vec<Observed>) -> Result<()> {
    let presets: Vec<&str> = observed.iter().map(|seen| seen.preset.as_str()).collect();
    let rows: Vec<EstimateRow> = sqlx::query_as("SELECT * FROM estimates WHERE preset = ANY ($1)")
        .bind(presets)
        .fetch_all(&mut *tx)
        .await?;
    let mut known = BTreeMap::new();
    for row in rows {
        let key = (
            row.preset.clone(),
            Bucket(row.bucket),
            row::plan(&row.plan)?,
        );
        known.insert(key, row);
    }
    let mut changed = BTreeMap::new();
    for new in observed {
        let key = (new.preset, new.bucket, new.plan);
        let before = changed.remove(&key).or_else(|| known.remove(&key));
        let mut row: EstimateRow = before.unwrap_or_default();
        correction::take_in(&mut row.seen, new.working, new.formula);
        row.samples = row.samples.saturating_add(1);
        row.formula_mib = new.formula.0;
        row.raised_at = row.raised_at.max(new.raised_at);
        changed.insert(key, row);
    }
    for ((preset, bucket, plan), row) in changed {
        sqlx::query(
            "INSERT INTO estimates (preset, bucket, plan, seen, ratio, samples, formula_mib, raised_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now())
             ON CONFLICT (preset, bucket, plan) DO UPDATE SET seen = EXCLUDED.seen, ratio = EXCLUDED.ratio,
                 samples = EXCLUDED.samples, formula_mib = EXCLUDED.formula_mib, raised_at = EXCLUDED.raised_at,
                 updated_at = EXCLUDED.updated_at",
        )
        .bind(preset)
        .bind(bucket.0)
        .bind(plan.as_str())
        .bind(&row.seen)
        .bind(correction::quantile(&row.seen))
        .bind(row.samples)
        .bind(row.formula_mib)
        .bind(row.raised_at)
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

impl Store {
    /// What jobs were seen to take, by preset, size and plan.
    ///
    /// # Errors
    /// The database's.
    pub async fn estimates(&self) -> Result<Vec<EstimateRecord>> {
        let rows: Vec<EstimateRow> =
            sqlx::query_as("SELECT * FROM estimates ORDER BY preset, bucket, plan")
                .fetch_all(&self.pool)
                .await?;
        rows.into_iter().map(EstimateRow::record).collect()
    }

    /// Forgets what a preset's jobs were seen to take, so that the formulae count again; `None` where there is no such
    /// preset, otherwise how many estimates there were.
    ///
    /// # Errors
    /// The database's.
    pub async fn forget_estimates(&self, preset: &str) -> Result<Option<u64>> {
        retrying!(self.forget_estimates_once(preset))
    }

    async fn forget_estimates_once(&self, preset: &str) -> Result<Option<u64>> {
        let mut tx = self.pool.begin().await?;
        // What is just being learned would come back otherwise.
        let there = sqlx::query("SELECT FROM presets WHERE name = $1 FOR NO KEY UPDATE")
            .bind(preset)
            .fetch_optional(&mut *tx)
            .await?;
        if there.is_none() {
            return Ok(None);
        }
        let forgotten = sqlx::query("DELETE FROM estimates WHERE preset = $1")
            .bind(preset)
            .execute(&mut *tx)
            .await?;
        events::wake(&mut tx).await?;
        tx.commit().await?;
        Ok(Some(forgotten.rows_affected()))
    }
}
