//! Pictures of one job on several devices: which of them is drawn where, and the helper that draws one.

use mystic_domain::{Fence, JobId, WorkerId};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Grant, Granted};
use crate::error::retrying;
use crate::{Result, Store, events};

/// A decision to have a picture of a running job drawn on another device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Help {
    /// The lease; its job is the helper, which this makes.
    pub grant: Grant,
    /// The job whose picture it is.
    pub of: JobId,
    /// The lease under which that one ran when it was decided.
    pub fence: Fence,
}

/// What a job under way draws next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextPicture {
    /// The picture with this place, from 0.
    Draw(i32),
    /// Helpers draw what is missing: ask again, since one that fails leaves its picture.
    DrawnElsewhere,
    /// Nothing: all exist.
    Complete,
    /// The lease is not this worker's any more.
    Stale,
}

/// A job, as far as its pictures are concerned.
#[derive(sqlx::FromRow)]
struct Drawing {
    helps: Option<Uuid>,
    picture: Option<i32>,
    images_total: i32,
    images_done: i32,
}

impl Store {
    /// Leases a picture of a running job that nobody has begun, the last of them, to a helper.
    ///
    /// # Errors
    /// The database's; then nothing was changed.
    #[tracing::instrument(name = "db.leases.help", skip_all, fields(job = %help.of, worker = %help.grant.worker), err(level = "debug"))]
    pub async fn help(&self, help: &Help) -> Result<Granted> {
        retrying!(self.grant_once(&help.grant, Some(help)))
    }

    /// Begins the next picture of a job under way; a repeat returns the same one until it exists.
    ///
    /// # Errors
    /// The database's; call again.
    #[tracing::instrument(name = "db.leases.next_picture", skip_all, fields(%job, %worker, %fence), err(level = "debug"))]
    pub async fn next_picture(
        &self,
        worker: WorkerId,
        job: JobId,
        fence: Fence,
    ) -> Result<NextPicture> {
        retrying!(self.next_picture_once(worker, job, fence))
    }

    async fn next_picture_once(
        &self,
        worker: WorkerId,
        job: JobId,
        fence: Fence,
    ) -> Result<NextPicture> {
        let mut tx = self.pool.begin().await?;
        let held: Option<Drawing> = sqlx::query_as(
            "SELECT helps, picture, images_total, images_done FROM jobs
             WHERE id = $1 AND worker_id = $2 AND fence = $3 AND state = 'running' FOR NO KEY UPDATE",
        )
        .bind(job.0)
        .bind(worker.0)
        .bind(fence.0)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(held) = held else {
            return Ok(NextPicture::Stale);
        };
        let of = held.helps.map_or(job, JobId);
        if let Some(picture) = held.picture
            && !exists(&mut tx, of, picture).await?
        {
            return Ok(NextPicture::Draw(picture));
        }
        if held.helps.is_some() {
            return Ok(NextPicture::Complete);
        }
        let unbegun = unbegun(&mut tx, job, held.images_total).await?;
        let Some(next) = unbegun.first() else {
            return Ok(if held.images_done < held.images_total {
                NextPicture::DrawnElsewhere
            } else {
                NextPicture::Complete
            });
        };
        sqlx::query("UPDATE jobs SET picture = $2, picture_at = now() WHERE id = $1")
            .bind(job.0)
            .bind(next)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(NextPicture::Draw(*next))
    }
}

async fn exists(tx: &mut PgConnection, job: JobId, picture: i32) -> Result<bool> {
    Ok(
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM images WHERE job_id = $1 AND index = $2)")
            .bind(job.0)
            .bind(picture)
            .fetch_one(tx)
            .await?,
    )
}

/// The places of pictures of a locked job that neither exist nor were begun: what it has begun itself last is no
/// longer among them.
async fn unbegun(tx: &mut PgConnection, job: JobId, total: i32) -> Result<Vec<i32>> {
    Ok(sqlx::query_scalar(
        "SELECT place FROM generate_series(0, $2 - 1) AS place
         WHERE NOT EXISTS (SELECT FROM images WHERE job_id = $1 AND index = place)
           AND NOT EXISTS (SELECT FROM jobs AS helper WHERE helper.helps = $1 AND helper.picture = place
                           AND helper.state IN ('leased', 'running'))
           AND NOT EXISTS (SELECT FROM jobs AS own WHERE own.id = $1 AND own.picture = place)
         ORDER BY place",
    )
    .bind(job.0)
    .bind(total)
    .fetch_all(tx)
    .await?)
}

/// Makes the helper of a grant whose memory and turn are booked; its fence, or nothing where the job is not as it was, or
/// leaves no picture that nobody has begun.
pub(super) async fn lease(
    tx: &mut PgConnection,
    help: &Help,
    resident: Uuid,
    epoch: Option<i64>,
) -> Result<Option<i64>> {
    let total: Option<i32> = sqlx::query_scalar(
        "SELECT images_total FROM jobs
         WHERE id = $1 AND fence = $2 AND state = 'running' AND picture IS NOT NULL AND cancel_requested_at IS NULL
           AND helps IS NULL
           AND NOT paused(owner, preset)
           AND ($3::bigint IS NULL OR EXISTS (SELECT FROM leader WHERE epoch = $3))
         FOR NO KEY UPDATE",
    )
    .bind(help.of.0)
    .bind(help.fence.0)
    .bind(epoch)
    .fetch_optional(&mut *tx)
    .await?;
    let Some(total) = total else { return Ok(None) };
    let Some(picture) = unbegun(tx, help.of, total).await?.pop() else {
        return Ok(None);
    };
    let grant = &help.grant;
    let fence = sqlx::query_scalar(
        "INSERT INTO jobs (id, kind, engine, preset, owner, priority, params, timeout_s, max_attempts, origin, images_total,
                           helps, picture, state, fence, worker_id, device_id, resident_id, plan, leased_at)
         SELECT $2, kind, engine, preset, owner, priority, params, timeout_s, 1, 'auto', 1,
                id, $3, 'leased', 1, $4, $5, $6, $7, now()
         FROM jobs WHERE id = $1 RETURNING fence",
    )
    .bind(help.of.0)
    .bind(grant.job.0)
    .bind(picture)
    .bind(grant.worker.0)
    .bind(&grant.device.0)
    .bind(resident)
    .bind(grant.plan.as_str())
    .fetch_one(&mut *tx)
    .await?;
    let data = serde_json::json!({
        "helper": grant.job, "worker": grant.worker, "device": grant.device, "plan": grant.plan, "index": picture,
    });
    events::record(tx, help.of, "helped", data).await?;
    Ok(Some(fence))
}
