//! Presets, and which workers can serve them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use mystic_domain::{DeviceId, EngineKind, Mib, Need, Parameter, Plan, Preset, WorkerId, need};
use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::retrying;
use crate::{EstimateRecord, Result, ServedPreset, Store, events, row};

/// A preset and where it can run.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct PresetRecord {
    /// The preset.
    #[serde(flatten)]
    pub preset: Preset,
    /// `file` where the models directory's catalogue has it so, `api` where it was written over REST since.
    pub origin: String,
    /// Hash over its files and flags: a change of it takes a load.
    pub signature: String,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// What a request may say, by the parameter's name.
    pub parameters: BTreeMap<&'static str, Parameter>,
    /// What each live worker says of it.
    pub workers: Vec<PresetOnWorker>,
    /// What its jobs were seen to take.
    pub measured: Vec<EstimateRecord>,
}

/// A preset on one worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PresetOnWorker {
    /// The worker.
    pub worker: WorkerId,
    /// Its device.
    pub device: DeviceId,
    /// Size of the preset's files in MiB.
    pub weights: Mib,
    /// MiB that the model and a job of the preset's own size take by the formulae, on the first of the plans.
    pub need: Option<Need>,
    /// The plans that the worker offers for it, fastest first.
    pub plans: Vec<Plan>,
    /// Whether the worker has yet to look at the preset as it is now; the rest is of an earlier one.
    pub outdated: bool,
    /// Why the worker can't serve it; absent where it can.
    pub problem: Option<String>,
}

/// What became of a preset that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PresetWritten {
    /// There was none of this name, or a retired one.
    Created,
    /// It takes another's place.
    Replaced,
    /// It was so already.
    Same,
    /// Jobs that name it were made for what its `engine` says, this; nothing was changed.
    OtherEngine(String),
    /// Somebody has written it over REST since, which the catalogue does not undo.
    Kept,
}

/// What became of a preset that was to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PresetRetired {
    /// It is hidden, and takes no further jobs.
    Yes,
    /// There is none of this name.
    NotFound,
    /// So many unfinished jobs name it, as their model or to tag their pictures.
    InUse(i64),
}

#[derive(sqlx::FromRow)]
struct PresetRow {
    name: String,
    spec: serde_json::Value,
    origin: String,
    signature: String,
    updated_at: DateTime<Utc>,
}

#[derive(sqlx::FromRow)]
struct Served {
    preset: String,
    worker_id: Uuid,
    device_id: String,
    signature: String,
    weights_mib: i64,
    text_encoders_mib: i64,
    decoder_mib: i64,
    plans: Vec<String>,
    problem: Option<String>,
}

impl Served {
    fn record(&self, preset: &Preset, signature: &str) -> Result<PresetOnWorker> {
        let weights = row::weights(self.weights_mib, self.text_encoders_mib, self.decoder_mib);
        let plans = row::plans(&self.plans)?;
        let first = plans.first().filter(|_| self.problem.is_none());
        Ok(PresetOnWorker {
            worker: WorkerId(self.worker_id),
            device: DeviceId(self.device_id.clone()),
            weights: weights.total(),
            need: first.map(|plan| need::usual(preset, &weights, *plan)),
            plans,
            outdated: self.signature != signature,
            problem: self.problem.clone(),
        })
    }
}

/// Who writes a preset.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    File,
    Api,
}

impl Origin {
    fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Api => "api",
        }
    }
}

impl Store {
    /// Adds the catalogue's presets, or brings those that exist up to date. What was written or retired over REST stays;
    /// what became of each.
    ///
    /// # Errors
    /// The database's.
    pub async fn upsert_presets(&self, presets: &[Preset]) -> Result<Vec<PresetWritten>> {
        retrying!(self.upsert_presets_once(presets))
    }

    async fn upsert_presets_once(&self, presets: &[Preset]) -> Result<Vec<PresetWritten>> {
        let mut tx = self.pool.begin().await?;
        let mut written = Vec::with_capacity(presets.len());
        for preset in presets {
            written.push(write(&mut tx, preset, Origin::File).await?);
        }
        sign(&mut tx).await?;
        tx.commit().await?;
        Ok(written)
    }

    /// Writes a preset, whoever wrote it before.
    ///
    /// # Errors
    /// The database's.
    #[tracing::instrument(name = "db.presets.put", skip_all, fields(preset = preset.name), err(level = "debug"))]
    pub async fn put_preset(&self, preset: &Preset) -> Result<PresetWritten> {
        retrying!(self.put_preset_once(preset))
    }

    async fn put_preset_once(&self, preset: &Preset) -> Result<PresetWritten> {
        let mut tx = self.pool.begin().await?;
        let written = write(&mut tx, preset, Origin::Api).await?;
        events::wake(&mut tx).await?;
        tx.commit().await?;
        Ok(written)
    }

    /// Hides a preset and lets it take no further jobs. Its row stays: jobs and pictures name it.
    ///
    /// # Errors
    /// The database's.
    #[tracing::instrument(name = "db.presets.retire", skip(self), err(level = "debug"))]
    pub async fn retire_preset(&self, name: &str) -> Result<PresetRetired> {
        retrying!(self.retire_preset_once(name))
    }

    async fn retire_preset_once(&self, name: &str) -> Result<PresetRetired> {
        let mut tx = self.pool.begin().await?;
        // Waits for jobs that are just being accepted, and those that come look at the row again (`check_open`).
        let there =
            sqlx::query("SELECT FROM presets WHERE name = $1 AND retired_at IS NULL FOR UPDATE")
                .bind(name)
                .fetch_optional(&mut *tx)
                .await?;
        if there.is_none() {
            return Ok(PresetRetired::NotFound);
        }
        let unfinished: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM jobs
             WHERE state IN ('queued', 'leased', 'running') AND helps IS NULL AND (preset = $1 OR params ->> 'tag_preset' = $1)",
        )
        .bind(name)
        .fetch_one(&mut *tx)
        .await?;
        if unfinished > 0 {
            return Ok(PresetRetired::InUse(unfinished));
        }
        sqlx::query("UPDATE presets SET retired_at = now(), origin = 'api', updated_at = now() WHERE name = $1")
            .bind(name)
            .execute(&mut *tx)
            .await?;
        events::wake(&mut tx).await?;
        tx.commit().await?;
        Ok(PresetRetired::Yes)
    }

    /// Every preset that takes jobs, by name, with the live workers that know it.
    ///
    /// # Errors
    /// The database's.
    pub async fn presets(&self) -> Result<Vec<PresetRecord>> {
        self.preset_records(None).await
    }

    /// The preset of this name with the live workers that know it, where it takes jobs.
    ///
    /// # Errors
    /// The database's.
    pub async fn preset_record(&self, name: &str) -> Result<Option<PresetRecord>> {
        Ok(self.preset_records(Some(name)).await?.pop())
    }

    async fn preset_records(&self, name: Option<&str>) -> Result<Vec<PresetRecord>> {
        let rows: Vec<PresetRow> = sqlx::query_as(
            "SELECT name, spec, origin, signature, updated_at FROM presets
             WHERE retired_at IS NULL AND ($1::text IS NULL OR name = $1) ORDER BY name",
        )
        .bind(name)
        .fetch_all(&self.pool)
        .await?;
        let served: Vec<Served> = sqlx::query_as(
            "SELECT p.preset, p.worker_id, w.device_id, p.signature, p.weights_mib, p.text_encoders_mib,
                    p.decoder_mib, p.plans, p.problem
             FROM worker_presets p JOIN workers w ON w.id = p.worker_id
             WHERE w.state <> 'gone' AND ($1::text IS NULL OR p.preset = $1) ORDER BY p.preset, w.registered_at",
        )
        .bind(name)
        .fetch_all(&self.pool)
        .await?;
        let mut measured = self.estimates().await?;
        rows.into_iter()
            .map(|row| {
                let preset: Preset = row::json(row.spec)?;
                let on = served.iter().filter(|served| served.preset == row.name);
                let workers = on.map(|served| served.record(&preset, &row.signature));
                let its = |seen: &mut EstimateRecord| seen.preset == row.name;
                Ok(PresetRecord {
                    workers: workers.collect::<Result<_>>()?,
                    measured: measured.extract_if(.., its).collect(),
                    parameters: preset.parameters(),
                    origin: row.origin,
                    signature: row.signature,
                    updated_at: row.updated_at,
                    preset,
                })
            })
            .collect()
    }

    /// The preset of this name, where it takes jobs.
    ///
    /// # Errors
    /// The database's.
    pub async fn preset(&self, name: &str) -> Result<Option<Preset>> {
        sqlx::query_scalar("SELECT spec FROM presets WHERE name = $1 AND retired_at IS NULL")
            .bind(name)
            .fetch_optional(&self.pool)
            .await?
            .map(row::json)
            .transpose()
    }

    /// The presets that a worker of this engine looks at.
    ///
    /// # Errors
    /// The database's.
    pub async fn presets_of(&self, engine: EngineKind) -> Result<Vec<Preset>> {
        let specs: Vec<serde_json::Value> = sqlx::query_scalar(
            "SELECT spec FROM presets WHERE engine = $1 AND retired_at IS NULL ORDER BY name",
        )
        .bind(engine.as_str())
        .fetch_all(&self.pool)
        .await?;
        specs.into_iter().map(row::json).collect()
    }

    /// Notes what a worker says of presets by now; those of which it says something new.
    ///
    /// # Errors
    /// The database's.
    #[tracing::instrument(name = "db.presets.serve", skip_all, fields(%worker), err(level = "debug"))]
    pub async fn serve(&self, worker: WorkerId, served: &[ServedPreset]) -> Result<Vec<String>> {
        retrying!(self.serve_once(worker, served))
    }

    async fn serve_once(&self, worker: WorkerId, served: &[ServedPreset]) -> Result<Vec<String>> {
        let mut tx = self.pool.begin().await?;
        let mut news = Vec::new();
        for served in served {
            if note_served(&mut tx, worker, served).await? {
                news.push(served.preset.clone());
            }
        }
        if !news.is_empty() {
            events::wake(&mut tx).await?;
        }
        tx.commit().await?;
        Ok(news)
    }
}

/// Writes a preset where its writer may. What was learned of other files says nothing of these.
async fn write(tx: &mut PgConnection, preset: &Preset, by: Origin) -> Result<PresetWritten> {
    let before: Option<(String, serde_json::Value, String, String, bool)> = sqlx::query_as(
        "SELECT spec ->> 'engine', spec, signature, origin, retired_at IS NOT NULL FROM presets WHERE name = $1
         FOR NO KEY UPDATE",
    )
    .bind(&preset.name)
    .fetch_optional(&mut *tx)
    .await?;
    let spec = row::to_json(preset)?;
    let signature = preset.signature();
    let mut written = PresetWritten::Created;
    if let Some((engine, old, signed, origin, retired)) = before {
        if by == Origin::File && origin != by.as_str() {
            return Ok(PresetWritten::Kept);
        }
        if engine != preset.model.name() {
            return Ok(PresetWritten::OtherEngine(engine));
        }
        if !retired {
            written = PresetWritten::Replaced;
            if old == spec && signed == signature && origin == by.as_str() {
                return Ok(PresetWritten::Same);
            }
        }
        if signed != signature && !signed.is_empty() {
            for forget in [
                "DELETE FROM estimates WHERE preset = $1",
                "DELETE FROM learned_times WHERE preset = $1",
            ] {
                sqlx::query(forget)
                    .bind(&preset.name)
                    .execute(&mut *tx)
                    .await?;
            }
        }
    }
    sqlx::query(
        "INSERT INTO presets (name, engine, spec, signature, origin) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (name) DO UPDATE SET spec = EXCLUDED.spec, signature = EXCLUDED.signature,
             origin = EXCLUDED.origin, retired_at = NULL, updated_at = now()",
    )
    .bind(&preset.name)
    .bind(preset.engine().as_str())
    .bind(spec)
    .bind(signature)
    .bind(by.as_str())
    .execute(tx)
    .await?;
    Ok(written)
}

/// Signs presets from before there were signatures that no catalogue has any more.
async fn sign(tx: &mut PgConnection) -> Result<()> {
    let unsigned: Vec<serde_json::Value> =
        sqlx::query_scalar("SELECT spec FROM presets WHERE signature = '' FOR NO KEY UPDATE")
            .fetch_all(&mut *tx)
            .await?;
    for spec in unsigned {
        let preset: Preset = row::json(spec)?;
        sqlx::query("UPDATE presets SET signature = $2 WHERE name = $1")
            .bind(&preset.name)
            .bind(preset.signature())
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

/// Notes what a worker says of a preset; whether that is new.
pub(crate) async fn note_served(
    tx: &mut PgConnection,
    worker: WorkerId,
    served: &ServedPreset,
) -> Result<bool> {
    let noted = sqlx::query(
        "INSERT INTO worker_presets AS there
             (worker_id, preset, signature, weights_mib, text_encoders_mib, decoder_mib, plans, problem)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (worker_id, preset) DO UPDATE SET signature = EXCLUDED.signature,
             weights_mib = EXCLUDED.weights_mib, text_encoders_mib = EXCLUDED.text_encoders_mib,
             decoder_mib = EXCLUDED.decoder_mib, plans = EXCLUDED.plans, problem = EXCLUDED.problem,
             preload_failed = false
         WHERE (there.signature, there.weights_mib, there.text_encoders_mib, there.decoder_mib, there.plans, there.problem)
               IS DISTINCT FROM (EXCLUDED.signature, EXCLUDED.weights_mib, EXCLUDED.text_encoders_mib,
                                 EXCLUDED.decoder_mib, EXCLUDED.plans, EXCLUDED.problem)",
    )
    .bind(worker.0)
    .bind(&served.preset)
    .bind(&served.signature)
    .bind(served.weights.total().0)
    .bind(served.weights.text_encoders.0)
    .bind(served.weights.decoder.0)
    .bind(served.plans.iter().map(|plan| plan.as_str()).collect::<Vec<_>>())
    .bind(&served.problem)
    .execute(tx)
    .await?;
    Ok(noted.rows_affected() == 1)
}

/// The first of these presets that takes no jobs any more. None of them is retired before the transaction ends: whoever
/// wants to counts its jobs after that.
pub(crate) async fn check_open(tx: &mut PgConnection, names: &[&str]) -> Result<Option<String>> {
    let rows: Vec<(String, bool)> = sqlx::query_as(
        "SELECT name, retired_at IS NOT NULL FROM presets WHERE name = ANY ($1) ORDER BY name FOR KEY SHARE",
    )
    .bind(names)
    .fetch_all(tx)
    .await?;
    let mut retired = rows.into_iter().filter(|(_, retired)| *retired);
    Ok(retired.next().map(|(name, _)| name))
}
