//! From columns to the domain's types.

use mystic_domain::{ContextPlan, EngineKind, JobState, Mib, Plan, Weights};

use crate::{Result, StoreError};

pub(crate) fn engine(name: &str) -> Result<EngineKind> {
    EngineKind::parse(name).ok_or_else(|| unreadable("engine", name))
}

pub(crate) fn state(name: &str) -> Result<JobState> {
    JobState::parse(name).ok_or_else(|| unreadable("job state", name))
}

pub(crate) fn plan(name: &str) -> Result<Plan> {
    Plan::parse(name).ok_or_else(|| unreadable("plan", name))
}

pub(crate) fn plans(names: &[String]) -> Result<Vec<Plan>> {
    names.iter().map(|name| plan(name)).collect()
}

pub(crate) fn context_plan(name: &str) -> Result<ContextPlan> {
    ContextPlan::parse(name).ok_or_else(|| unreadable("context plan", name))
}

/// Weights of which so many MiB are text encoders and decoder.
pub(crate) fn weights(total: i64, text_encoders: i64, decoder: i64) -> Weights {
    Weights {
        network: Mib(total - text_encoders - decoder),
        text_encoders: Mib(text_encoders),
        decoder: Mib(decoder),
    }
}

pub(crate) fn unreadable(what: &str, value: &str) -> StoreError {
    StoreError::Unreadable(format!("an unknown {what}: {value}"))
}

/// JSON that we wrote ourselves.
pub(crate) fn json<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> Result<T> {
    serde_json::from_value(value)
        .map_err(|error| StoreError::Unreadable(format!("JSON that can't be read: {error}")))
}

/// Our own types as JSON.
pub(crate) fn to_json(value: &impl serde::Serialize) -> Result<serde_json::Value> {
    serde_json::to_value(value)
        .map_err(|error| StoreError::Unreadable(format!("a value that is no JSON: {error}")))
}
