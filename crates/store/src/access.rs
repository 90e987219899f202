//! What lets a machine in that shares no disk with the api: a role in Postgres, a join key, and a token for each start of
//! a worker there. Of keys and tokens only hashes are kept.

mod machines;
mod tokens;

use crate::error::retrying;
use crate::{Result, Store, StoreError};

pub use machines::{JoinKeyRecord, Machine, MachineNameError};
pub use tokens::{Bearer, Issued};

/// The rights of workers' roles; the file says why.
const ROLES: &str = include_str!("access/roles.sql");

/// Advisory lock under which rights are granted: two that do so at once get into each other's way.
const GRANTING: i64 = 0x6772_616e_7473;

impl Store {
    /// Brings the rights of workers' roles up to this schema; false where the connecting user may not make roles, and
    /// nothing was changed.
    ///
    /// # Errors
    /// The database's.
    pub async fn grant_rights(&self) -> Result<bool> {
        retrying!(self.grant_rights_once())
    }

    async fn grant_rights_once(&self) -> Result<bool> {
        let mut tx = self.pool.begin().await?;
        sqlx::query("SELECT pg_advisory_xact_lock($1)")
            .bind(GRANTING)
            .execute(&mut *tx)
            .await?;
        match sqlx::raw_sql(ROLES).execute(&mut *tx).await {
            Ok(_) => {}
            Err(error) if has_code(&error, "42501") => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        tx.commit().await?;
        Ok(true)
    }
}

/// Whether Postgres refused with this SQLSTATE.
fn has_code(error: &sqlx::Error, code: &str) -> bool {
    matches!(error, sqlx::Error::Database(error) if error.code().as_deref() == Some(code))
}

/// A refusal to make or drop a role, in words.
fn role_refusal(error: sqlx::Error, machine: &Machine) -> StoreError {
    // duplicate_object; insufficient_privilege, undefined_function.
    if has_code(&error, "42710") {
        StoreError::Exists(format!("a role for {machine}"))
    } else if has_code(&error, "42501") || has_code(&error, "42883") {
        StoreError::Roles(error.to_string())
    } else {
        error.into()
    }
}
