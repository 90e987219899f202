//! The tokens of workers: for one incarnation each, for a while, followed by the next.

use std::time::Duration;

use mystic_domain::WorkerId;
use uuid::Uuid;

use crate::error::retrying;
use crate::{Result, Store};

/// Whom a join key or a token belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearer {
    /// An incarnation of a worker that is not given up.
    Worker(WorkerId),
    /// One that was given up: nothing that it sends is wanted any more.
    Gone(WorkerId),
    /// Nobody: never made, expired or revoked.
    Nobody,
}

/// What became of the wish for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Issued {
    /// It is good.
    Done,
    /// The join key was never made, expired or was revoked.
    NoKey,
    /// There is no such worker.
    NoWorker,
    /// The worker was given up.
    Gone,
}

impl Store {
    /// Gives a worker's incarnation a token, on the word of its machine's join key. Expired ones of anybody are
    /// forgotten on the way.
    ///
    /// # Errors
    /// The database's.
    pub async fn issue_token(
        &self,
        join_key: [u8; 32],
        worker: WorkerId,
        token: [u8; 32],
        life: Duration,
    ) -> Result<Issued> {
        retrying!(self.issue_token_once(join_key, worker, token, life))
    }

    async fn issue_token_once(
        &self,
        join_key: [u8; 32],
        worker: WorkerId,
        token: [u8; 32],
        life: Duration,
    ) -> Result<Issued> {
        let mut tx = self.pool.begin().await?;
        let machine: Option<String> = sqlx::query_scalar(
            "SELECT name FROM join_keys
             WHERE hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())",
        )
        .bind(join_key.as_slice())
        .fetch_optional(&mut *tx)
        .await?;
        let Some(machine) = machine else {
            return Ok(Issued::NoKey);
        };
        let state: Option<String> = sqlx::query_scalar("SELECT state FROM workers WHERE id = $1")
            .bind(worker.0)
            .fetch_optional(&mut *tx)
            .await?;
        match state.as_deref() {
            None => return Ok(Issued::NoWorker),
            Some("gone") => return Ok(Issued::Gone),
            Some(_) => {}
        }
        sqlx::query("DELETE FROM worker_tokens WHERE expires_at < now()")
            .execute(&mut *tx)
            .await?;
        sqlx::query(
            "INSERT INTO worker_tokens (hash, worker_id, join_key, expires_at)
             VALUES ($1, $2, $3, now() + $4 * interval '1 millisecond')",
        )
        .bind(token.as_slice())
        .bind(worker.0)
        .bind(machine)
        .bind(i64::try_from(life.as_millis()).unwrap_or(i64::MAX))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Issued::Done)
    }

    /// Follows a token up with the next one; the old one is good for `overlap` more, for requests that are under way.
    ///
    /// # Errors
    /// The database's.
    pub async fn rotate_token(
        &self,
        old: [u8; 32],
        new: [u8; 32],
        life: Duration,
        overlap: Duration,
    ) -> Result<Bearer> {
        let bearer = self.token_bearer(old).await?;
        let Bearer::Worker(_) = bearer else {
            return Ok(bearer);
        };
        let rotated = sqlx::query(
            "WITH old AS (UPDATE worker_tokens SET expires_at = least(expires_at, now() + $4 * interval '1 millisecond')
                          WHERE hash = $1 RETURNING worker_id, join_key)
             INSERT INTO worker_tokens (hash, worker_id, join_key, expires_at)
             SELECT $2, worker_id, join_key, now() + $3 * interval '1 millisecond' FROM old",
        )
        .bind(old.as_slice())
        .bind(new.as_slice())
        .bind(i64::try_from(life.as_millis()).unwrap_or(i64::MAX))
        .bind(i64::try_from(overlap.as_millis()).unwrap_or(i64::MAX))
        .execute(&self.pool)
        .await?;
        // A machine that was sent away in between has none left.
        Ok(match rotated.rows_affected() {
            0 => Bearer::Nobody,
            _ => bearer,
        })
    }

    /// Whom a token belongs to.
    ///
    /// # Errors
    /// The database's.
    pub async fn token_bearer(&self, token: [u8; 32]) -> Result<Bearer> {
        let found: Option<(Uuid, String)> = sqlx::query_as(
            "SELECT workers.id, workers.state FROM worker_tokens
             JOIN join_keys ON join_keys.name = worker_tokens.join_key
             JOIN workers ON workers.id = worker_tokens.worker_id
             WHERE worker_tokens.hash = $1 AND worker_tokens.expires_at > now() AND join_keys.revoked_at IS NULL
               AND (join_keys.expires_at IS NULL OR join_keys.expires_at > now())",
        )
        .bind(token.as_slice())
        .fetch_optional(&self.pool)
        .await?;
        Ok(match found {
            Some((worker, state)) if state == "gone" => Bearer::Gone(WorkerId(worker)),
            Some((worker, _)) => Bearer::Worker(WorkerId(worker)),
            None => Bearer::Nobody,
        })
    }
}
