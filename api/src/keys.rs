//! API keys: 256 random bits, shown once, kept as their SHA-256.

use mystic_store::{KeyRecord, Store, StoreError};
use rand::TryRngCore;
use rand::rand_core::OsError;
use rand::rngs::OsRng;
use sha2::{Digest, Sha256};

/// What every key begins with, so that scanners for leaked secrets can know it.
const PREFIX: &str = "mystic_";

/// The rule for names.
pub(crate) const NAMES: &str = "1 to 64 letters, digits, '.', '_', '@' or '-', beginning with a letter or digit, and not \"local\"";

/// A key that was not made.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The name breaks the rule for names.
    #[error("{0:?} is no name for a key: {NAMES}")]
    Name(String),
    /// The system gives no random bits.
    #[error("the system gives no random bits: {0}")]
    Random(#[from] OsError),
    /// The database's.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes a key whose jobs belong to `name` and returns the bearer, which nothing can show again.
///
/// # Errors
/// The name is not allowed or taken, or the database is away.
pub async fn create(store: &Store, name: &str) -> Result<String, KeyError> {
    if !is_name(name) {
        return Err(KeyError::Name(name.to_owned()));
    }
    let bearer = secret("")?;
    store.create_key(name, hash(&bearer)).await?;
    Ok(bearer)
}

/// A line about a key.
#[must_use]
pub fn line(key: &KeyRecord) -> String {
    let state = match key.revoked_at {
        Some(at) => format!("revoked {at:.0}"),
        None => "good".to_owned(),
    };
    format!("{:40}  since {:.0}  {state}", key.name, key.created_at)
}

/// 256 random bits as a bearer that says what it is for.
pub(crate) fn secret(sort: &str) -> Result<String, OsError> {
    let mut bits = [0_u8; 32];
    OsRng.try_fill_bytes(&mut bits)?;
    Ok(format!("{PREFIX}{sort}{}", hex::encode(bits)))
}

/// What the database keeps of a bearer. 256 random bits need no slow hash; looking the hash up tells an attacker
/// nothing about how near a guess was.
pub(crate) fn hash(bearer: &str) -> [u8; 32] {
    Sha256::digest(bearer.as_bytes()).into()
}

fn is_name(name: &str) -> bool {
    let first = name
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_alphanumeric());
    let rest = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"._@-".contains(&byte));
    first && rest && name.len() <= 64 && name != "local"
}
