//! Machines: a role of its own in Postgres and a join key for each.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::role_refusal;
use crate::error::retrying;
use crate::{Result, Store, StoreError};

/// A machine's name: what its join key and its role are called by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Machine(String);

/// A name that no machine can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no name for a machine: 1 to 40 lower-case letters, digits, '_' or '-', beginning with a letter"
)]
pub struct MachineNameError(String);

impl FromStr for Machine {
    type Err = MachineNameError;

    fn from_str(name: &str) -> std::result::Result<Self, MachineNameError> {
        let first = name.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        let rest = name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b));
        if first && rest && name.len() <= 40 {
            Ok(Self(name.to_owned()))
        } else {
            Err(MachineNameError(name.to_owned()))
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A machine that was let in.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct JoinKeyRecord {
    /// The machine.
    pub name: String,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// Until when; for good where absent.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was sent away.
    pub revoked_at: Option<DateTime<Utc>>,
    /// Tokens of its workers that are good now.
    pub tokens: i64,
}

impl Store {
    /// Lets a machine in: makes its role with this password, and its join key, which ends after `life` if that is given.
    /// The role's name.
    ///
    /// # Errors
    /// [`StoreError::Exists`] where it is in already, [`StoreError::Roles`] where we may not make roles or
    /// [`Store::grant_rights`] was never called.
    pub async fn grant_access(
        &self,
        machine: &Machine,
        password: &str,
        join_key: [u8; 32],
        life: Option<Duration>,
    ) -> Result<String> {
        retrying!(self.grant_access_once(machine, password, join_key, life))
    }

    async fn grant_access_once(
        &self,
        machine: &Machine,
        password: &str,
        join_key: [u8; 32],
        life: Option<Duration>,
    ) -> Result<String> {
        let mut tx = self.pool.begin().await?;
        let made = sqlx::query(
            "INSERT INTO join_keys (name, hash, expires_at) VALUES ($1, $2, now() + $3 * interval '1 second')
             ON CONFLICT (name) DO UPDATE SET hash = EXCLUDED.hash, expires_at = EXCLUDED.expires_at,
                                              created_at = now(), revoked_at = NULL
             WHERE join_keys.revoked_at IS NOT NULL",
        )
        .bind(&machine.0)
        .bind(join_key.as_slice())
        .bind(life.map(|life| i64::try_from(life.as_secs()).unwrap_or(i64::MAX)))
        .execute(&mut *tx)
        .await?;
        if made.rows_affected() == 0 {
            return Err(StoreError::Exists(format!("a join key for {machine}")));
        }
        // One that was made while the machine was sent away must not come back with it.
        sqlx::query("DELETE FROM worker_tokens WHERE join_key = $1")
            .bind(&machine.0)
            .execute(&mut *tx)
            .await?;
        let role = sqlx::query_scalar("SELECT mystic_grant_access($1, $2)")
            .bind(&machine.0)
            .bind(password)
            .fetch_one(&mut *tx)
            .await
            .map_err(|error| role_refusal(error, machine))?;
        tx.commit().await?;
        Ok(role)
    }

    /// Sends a machine away: its join key and its workers' tokens are good for nothing from now on, its role is gone.
    /// False where it was not in.
    ///
    /// # Errors
    /// [`StoreError::Roles`] where we may not drop roles.
    pub async fn revoke_access(&self, machine: &Machine) -> Result<bool> {
        retrying!(self.revoke_access_once(machine))
    }

    async fn revoke_access_once(&self, machine: &Machine) -> Result<bool> {
        let mut tx = self.pool.begin().await?;
        let revoked = sqlx::query(
            "UPDATE join_keys SET revoked_at = now() WHERE name = $1 AND revoked_at IS NULL",
        )
        .bind(&machine.0)
        .execute(&mut *tx)
        .await?;
        if revoked.rows_affected() == 0 {
            return Ok(false);
        }
        sqlx::query("DELETE FROM worker_tokens WHERE join_key = $1")
            .bind(&machine.0)
            .execute(&mut *tx)
            .await?;
        sqlx::query("SELECT mystic_revoke_access($1)")
            .bind(&machine.0)
            .execute(&mut *tx)
            .await
            .map_err(|error| role_refusal(error, machine))?;
        tx.commit().await?;
        Ok(true)
    }

    /// Every machine that was ever let in, by name.
    ///
    /// # Errors
    /// The database's.
    pub async fn machines(&self) -> Result<Vec<JoinKeyRecord>> {
        Ok(sqlx::query_as(
            "SELECT name, created_at, expires_at, revoked_at,
                    (SELECT count(*) FROM worker_tokens WHERE join_key = name AND worker_tokens.expires_at > now())
                        AS tokens
             FROM join_keys ORDER BY name",
        )
        .fetch_all(&self.pool)
        .await?)
    }
}
