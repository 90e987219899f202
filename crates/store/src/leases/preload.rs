//! A preload: memory and a model with no job on it, booked in one transaction or not at all.

use mystic_domain::{ContextPlan, DeviceId, Mib, Preset, ResidentId, WorkerId};

use super::book::{self, NewModel};
use crate::error::retrying;
use crate::{Result, Store, ledger, row};

/// A decision to load a model before a job asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preload {
    /// The new resident's id.
    pub resident: ResidentId,
    /// The worker.
    pub worker: WorkerId,
    /// The worker's device.
    pub device: DeviceId,
    /// What is loaded.
    pub preset: String,
    /// How it is loaded.
    pub context: ContextPlan,
    /// What is booked.
    pub booked: Mib,
}

impl Store {
    /// Books a model for its worker to load, if everything is still as the decision saw it; false where it is not, or
    /// another scheduler leads.
    ///
    /// # Errors
    /// The database's; then nothing was changed.
    #[tracing::instrument(name = "db.residents.preload", skip_all, fields(resident = %preload.resident, worker = %preload.worker), err(level = "debug"))]
    pub async fn preload(&self, preload: &Preload) -> Result<bool> {
        retrying!(self.preload_once(preload))
    }

    async fn preload_once(&self, preload: &Preload) -> Result<bool> {
        let mut tx = self.pool.begin().await?;
        ledger::lock(&mut tx, &preload.device).await?;
        let new = NewModel {
            resident: preload.resident,
            worker: preload.worker,
            device: &preload.device,
            preset: &preload.preset,
            context: preload.context,
            booked: preload.booked,
            preload: true,
            epoch: self.epoch,
        };
        if !book::fits(&mut tx, &preload.device, preload.booked, 0).await?
            || !book::model(&mut tx, &new).await?
        {
            return Ok(false);
        }
        ledger::recount(&mut tx, &preload.device).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// What a worker is to load as this resident, with no job on it; `None` where it is not, or no longer.
    ///
    /// # Errors
    /// The database's.
    pub async fn preloading(
        &self,
        worker: WorkerId,
        resident: ResidentId,
    ) -> Result<Option<(Preset, ContextPlan)>> {
        let wanted: Option<(serde_json::Value, String)> = sqlx::query_as(
            "SELECT spec, context_plan FROM residents
             WHERE id = $1 AND worker_id = $2 AND state = 'loading' AND preload",
        )
        .bind(resident.0)
        .bind(worker.0)
        .fetch_optional(&self.pool)
        .await?;
        let wanted =
            wanted.map(|(spec, context)| Ok((row::json(spec)?, row::context_plan(&context)?)));
        wanted.transpose()
    }

    /// Says that a preload ended without a model, its engine child reaped by its supervisor: what was booked is free,
    /// and where it `failed` the worker is not asked again before a job has loaded the preset there. False where a job
    /// was leased on it meanwhile: the booking is that job's, which has to load the model itself.
    ///
    /// # Errors
    /// The database's; call again until it is heard.
    #[tracing::instrument(name = "db.residents.preload_ended", skip_all, fields(%resident), err(level = "debug"))]
    pub async fn preload_ended(
        &self,
        worker: WorkerId,
        resident: ResidentId,
        failed: bool,
    ) -> Result<bool> {
        retrying!(self.preload_ended_once(worker, resident, failed))
    }

    async fn preload_ended_once(
        &self,
        worker: WorkerId,
        resident: ResidentId,
        failed: bool,
    ) -> Result<bool> {
        let mut tx = self.pool.begin().await?;
        let booked: Option<(String, String)> = sqlx::query_as(
            "SELECT device_id, preset FROM residents WHERE id = $1 AND worker_id = $2",
        )
        .bind(resident.0)
        .bind(worker.0)
        .fetch_optional(&mut *tx)
        .await?;
        let Some((device, preset)) = booked else {
            return Ok(true);
        };
        let device = DeviceId(device);
        ledger::lock(&mut tx, &device).await?;
        let freed = sqlx::query(
            "DELETE FROM residents WHERE id = $1 AND preload
             AND NOT EXISTS (SELECT FROM leases WHERE resident_id = $1 AND state <> 'quarantined')",
        )
        .bind(resident.0)
        .execute(&mut *tx)
        .await?;
        let freed = freed.rows_affected() == 1;
        if !freed {
            sqlx::query("UPDATE residents SET preload = false, pid = NULL WHERE id = $1")
                .bind(resident.0)
                .execute(&mut *tx)
                .await?;
        }
        if failed {
            sqlx::query(
                "UPDATE worker_presets SET preload_failed = true WHERE worker_id = $1 AND preset = $2",
            )
            .bind(worker.0)
            .bind(preset)
            .execute(&mut *tx)
            .await?;
        }
        ledger::recount(&mut tx, &device).await?;
        tx.commit().await?;
        Ok(freed)
    }
}
