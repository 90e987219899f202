//! Presets, and which workers can serve them.

use mystic_domain::{DeviceId, Mib, Plan, Preset, WorkerId};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::retrying;
use crate::{Result, Store, row};

/// A preset and where it can run.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct PresetRecord {
    /// The preset.
    #[serde(flatten)]
    pub preset: Preset,
    /// What each live worker says of it.
    pub workers: Vec<PresetOnWorker>,
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
    /// The plans that the worker offers for it, fastest first.
    pub plans: Vec<Plan>,
    /// Why the worker can't serve it; absent where it can.
    pub problem: Option<String>,
}

#[derive(sqlx::FromRow)]
struct Served {
    preset: String,
    worker_id: Uuid,
    device_id: String,
    weights_mib: i64,
    plans: Vec<String>,
    problem: Option<String>,
}

impl Store {
    /// Adds presets, or brings those that exist up to date.
    ///
    /// # Errors
    /// The database's.
    pub async fn upsert_presets(&self, presets: &[Preset]) -> Result<()> {
        retrying!(self.upsert_presets_once(presets))
    }

    async fn upsert_presets_once(&self, presets: &[Preset]) -> Result<()> {
        let mut tx = self.pool.begin().await?;
        for preset in presets {
            sqlx::query(
                "INSERT INTO presets (name, engine, spec) VALUES ($1, $2, $3)
                 ON CONFLICT (name) DO UPDATE SET engine = EXCLUDED.engine, spec = EXCLUDED.spec, updated_at = now()
                 WHERE presets.spec <> EXCLUDED.spec",
            )
            .bind(&preset.name)
            .bind(preset.engine().as_str())
            .bind(row::to_json(preset)?)
            .execute(&mut *tx)
            .await?;
        }
        Ok(tx.commit().await?)
    }

    /// Every preset by name, with the live workers that know it.
    ///
    /// # Errors
    /// The database's.
    pub async fn presets(&self) -> Result<Vec<PresetRecord>> {
        let served: Vec<Served> = sqlx::query_as(
            "SELECT p.preset, p.worker_id, w.device_id, p.weights_mib, p.plans, p.problem
             FROM worker_presets p JOIN workers w ON w.id = p.worker_id
             WHERE w.state <> 'gone' ORDER BY p.preset, w.registered_at",
        )
        .fetch_all(&self.pool)
        .await?;
        let specs: Vec<serde_json::Value> =
            sqlx::query_scalar("SELECT spec FROM presets ORDER BY name")
                .fetch_all(&self.pool)
                .await?;
        specs
            .into_iter()
            .map(|spec| {
                let preset: Preset = row::json(spec)?;
                let workers = served
                    .iter()
                    .filter(|on| on.preset == preset.name)
                    .map(|on| {
                        Ok(PresetOnWorker {
                            worker: WorkerId(on.worker_id),
                            device: DeviceId(on.device_id.clone()),
                            weights: Mib(on.weights_mib),
                            plans: row::plans(&on.plans)?,
                            problem: on.problem.clone(),
                        })
                    })
                    .collect::<Result<_>>()?;
                Ok(PresetRecord { preset, workers })
            })
            .collect()
    }

    /// The preset of this name.
    ///
    /// # Errors
    /// The database's.
    pub async fn preset(&self, name: &str) -> Result<Option<Preset>> {
        sqlx::query_scalar("SELECT spec FROM presets WHERE name = $1")
            .bind(name)
            .fetch_optional(&self.pool)
            .await?
            .map(row::json)
            .transpose()
    }
}
