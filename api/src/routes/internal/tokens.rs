//! `/internal/v1/tokens`

pub mod issue;
pub mod rotate;

use std::time::Duration;

use serde::Serialize;

/// A token, which nothing can show again.
#[derive(Serialize)]
pub struct Token {
    token: String,
    /// How long it is good for. No time of day: the worker's clock may be wrong.
    expires_in_ms: u64,
}

impl Token {
    fn new(token: String, life: Duration) -> Self {
        Self {
            token,
            expires_in_ms: u64::try_from(life.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// What begins every token, after what begins every secret of ours.
const SORT: &str = "token_";
