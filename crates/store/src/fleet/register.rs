//! A worker process starts.

use mystic_domain::WorkerId;
use uuid::Uuid;

use super::Registration;
use super::reap::release_jobs;
use crate::error::retrying;
use crate::{Result, Store, ledger, presets};

impl Store {
    /// Registers a worker.
    ///
    /// The caller holds the file lock of (host, device, engine), which its predecessor's process and engine
    /// children held as long as one of them lived. So they are dead, and what they had booked is free.
    ///
    /// # Errors
    /// The database's.
    #[tracing::instrument(name = "db.workers.register", skip_all, fields(worker = %new.worker), err(level = "debug"))]
    pub async fn register(&self, new: &Registration) -> Result<()> {
        retrying!(self.register_once(new))
    }

    async fn register_once(&self, new: &Registration) -> Result<()> {
        let mut tx = self.pool.begin().await?;
        let device = &new.device;
        ledger::lock(&mut tx, &device.id).await?;
        let predecessors: Vec<Uuid> = sqlx::query_scalar(
            "UPDATE workers SET state = 'gone', gone_at = coalesce(gone_at, now())
             WHERE host = $1 AND device_id = $2 AND engine = $3
               AND (state <> 'gone' OR EXISTS (SELECT FROM residents WHERE worker_id = workers.id))
             RETURNING id",
        )
        .bind(&new.host)
        .bind(&device.id.0)
        .bind(new.engine.as_str())
        .fetch_all(&mut *tx)
        .await?;
        for worker in predecessors {
            release_jobs(&mut tx, WorkerId(worker), None).await?;
            unbook(&mut tx, WorkerId(worker)).await?;
        }
        ledger::recount(&mut tx, &device.id).await?;
        sqlx::query(
            "INSERT INTO devices (id, host, kind, name, total_mib, capacity_mib, turns)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (id) DO UPDATE SET
                 host = EXCLUDED.host, kind = EXCLUDED.kind, name = EXCLUDED.name,
                 -- What the device's other workers have booked can't be unbooked by a smaller configuration.
                 total_mib = greatest(EXCLUDED.total_mib, devices.resident_mib + devices.working_mib),
                 capacity_mib = greatest(EXCLUDED.capacity_mib, devices.resident_mib + devices.working_mib),
                 turns = greatest(EXCLUDED.turns, devices.turns_taken), updated_at = now(),
                 -- Who starts on a device has found it working, but another worker may know better.
                 lost_at = CASE WHEN EXISTS (SELECT FROM workers WHERE device_id = devices.id AND state <> 'gone')
                                THEN devices.lost_at END",
        )
        .bind(&device.id.0)
        .bind(&new.host)
        .bind(&device.kind)
        .bind(&device.name)
        .bind(device.total.0)
        .bind(device.capacity.0)
        .bind(device.turns)
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "INSERT INTO workers (id, host, device_id, engine, version, pid, boot_id, state, max_children)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 'ready', $8)",
        )
        .bind(new.worker.0)
        .bind(&new.host)
        .bind(&device.id.0)
        .bind(new.engine.as_str())
        .bind(&new.version)
        .bind(new.pid)
        .bind(&new.boot_id)
        .bind(new.max_children)
        .execute(&mut *tx)
        .await?;
        for served in &new.presets {
            presets::note_served(&mut tx, new.worker, served).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Says that a worker ended with all its children: its jobs go back, its bookings are freed.
    ///
    /// # Errors
    /// The database's.
    #[tracing::instrument(name = "db.workers.gone", skip_all, fields(%worker), err(level = "debug"))]
    pub async fn gone(&self, worker: WorkerId) -> Result<()> {
        retrying!(self.gone_once(worker))
    }

    async fn gone_once(&self, worker: WorkerId) -> Result<()> {
        let mut tx = self.pool.begin().await?;
        let Some(device) = ledger::lock_of_worker(&mut tx, worker).await? else {
            return Ok(());
        };
        sqlx::query(
            "UPDATE workers SET state = 'gone', gone_at = coalesce(gone_at, now()) WHERE id = $1",
        )
        .bind(worker.0)
        .execute(&mut *tx)
        .await?;
        release_jobs(&mut tx, worker, None).await?;
        unbook(&mut tx, worker).await?;
        ledger::recount(&mut tx, &device).await?;
        Ok(tx.commit().await?)
    }

    /// Frees what a silent worker had booked, on an operator's word that its host never returns; false where it was
    /// not given up: a worker that beats may have living children.
    ///
    /// # Errors
    /// The database's.
    #[tracing::instrument(name = "db.workers.forget", skip_all, fields(%worker), err(level = "debug"))]
    pub async fn forget(&self, worker: WorkerId) -> Result<bool> {
        retrying!(self.forget_once(worker))
    }

    async fn forget_once(&self, worker: WorkerId) -> Result<bool> {
        let mut tx = self.pool.begin().await?;
        let Some(device) = ledger::lock_of_worker(&mut tx, worker).await? else {
            return Ok(false);
        };
        let state: String =
            sqlx::query_scalar("SELECT state FROM workers WHERE id = $1 FOR NO KEY UPDATE")
                .bind(worker.0)
                .fetch_one(&mut *tx)
                .await?;
        if state != "gone" {
            return Ok(false);
        }
        unbook(&mut tx, worker).await?;
        ledger::recount(&mut tx, &device).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Lets a worker finish what it has and take no more.
    ///
    /// # Errors
    /// The database's.
    pub async fn drain(&self, worker: WorkerId) -> Result<()> {
        sqlx::query("UPDATE workers SET state = 'draining' WHERE id = $1 AND state = 'ready'")
            .bind(worker.0)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

/// Deletes what a worker, all of whose children are dead, had booked.
async fn unbook(tx: &mut sqlx::PgConnection, worker: WorkerId) -> Result<()> {
    sqlx::query("DELETE FROM residents WHERE worker_id = $1")
        .bind(worker.0)
        .execute(&mut *tx)
        .await?;
    sqlx::query("DELETE FROM leases WHERE worker_id = $1")
        .bind(worker.0)
        .execute(tx)
        .await?;
    Ok(())
}
