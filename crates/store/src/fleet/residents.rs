//! The life of a loaded model, as its worker reports it.

use mystic_domain::{DeviceId, ResidentId, WorkerId};

use super::reap::release_jobs;
use crate::error::retrying;
use crate::{Result, Store, ledger};

impl Store {
    /// Notes the engine child's process, so that every worker on the device can tell it from a stranger's.
    ///
    /// # Errors
    /// The database's.
    pub async fn resident_started(
        &self,
        worker: WorkerId,
        resident: ResidentId,
        pid: u32,
    ) -> Result<()> {
        sqlx::query("UPDATE residents SET pid = $3 WHERE id = $1 AND worker_id = $2")
            .bind(resident.0)
            .bind(worker.0)
            .bind(i32::try_from(pid).unwrap_or_default())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Says that a model is loaded, so that it may be preloaded there again; false where the ledger doesn't know it:
    /// unload it.
    ///
    /// # Errors
    /// The database's.
    #[tracing::instrument(name = "db.residents.ready", skip_all, fields(%resident), err(level = "debug"))]
    pub async fn resident_ready(&self, worker: WorkerId, resident: ResidentId) -> Result<bool> {
        Ok(sqlx::query_scalar(
            "WITH ready AS (
                 UPDATE residents SET state = CASE state WHEN 'loading' THEN 'ready' ELSE state END,
                                      loaded_at = coalesce(loaded_at, now())
                 WHERE id = $1 AND worker_id = $2 RETURNING preset),
             cleared AS (
                 UPDATE worker_presets SET preload_failed = false
                 WHERE worker_id = $2 AND preset IN (SELECT preset FROM ready) AND preload_failed)
             SELECT EXISTS (SELECT FROM ready)",
        )
        .bind(resident.0)
        .bind(worker.0)
        .fetch_one(&self.pool)
        .await?)
    }

    /// Says that a model's engine child is dead, reaped by its supervisor: whatever was booked for it is free.
    /// The only way in which booked memory of a child that lived is ever released.
    ///
    /// A job that still sits on it, since its worker could neither renew the lease nor settle, goes back: without its
    /// engine nobody would ever end it.
    ///
    /// # Errors
    /// The database's; call again until it is heard.
    #[tracing::instrument(name = "db.residents.child_gone", skip_all, fields(%resident), err(level = "debug"))]
    pub async fn child_gone(&self, worker: WorkerId, resident: ResidentId) -> Result<()> {
        retrying!(self.child_gone_once(worker, resident))
    }

    async fn child_gone_once(&self, worker: WorkerId, resident: ResidentId) -> Result<()> {
        let mut tx = self.pool.begin().await?;
        let device: Option<String> =
            sqlx::query_scalar("SELECT device_id FROM residents WHERE id = $1 AND worker_id = $2")
                .bind(resident.0)
                .bind(worker.0)
                .fetch_optional(&mut *tx)
                .await?;
        let Some(device) = device.map(DeviceId) else {
            return Ok(());
        };
        ledger::lock(&mut tx, &device).await?;
        release_jobs(&mut tx, worker, Some(resident)).await?;
        sqlx::query("DELETE FROM residents WHERE id = $1")
            .bind(resident.0)
            .execute(&mut *tx)
            .await?;
        ledger::recount(&mut tx, &device).await?;
        Ok(tx.commit().await?)
    }
}
