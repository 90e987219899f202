//! `/health` and `/metrics`, the same on every process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;

use crate::Telemetry;

/// What a process knows about its own well-being; clones share it.
#[derive(Clone, Debug)]
pub struct Health {
    service: &'static str,
    failures: Arc<Mutex<BTreeMap<&'static str, String>>>,
}

/// The answer of `/health`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HealthReport {
    /// Whether nothing is wrong.
    pub ok: bool,
    /// The service's name: `api`, `scheduler`, `worker-sd` or `worker-llm`.
    pub service: &'static str,
    /// Its version.
    pub version: &'static str,
    /// What is wrong, by component (`database`, `redis`, …); empty when `ok`.
    pub failures: BTreeMap<&'static str, String>,
}

impl Health {
    /// A healthy service of this name.
    #[must_use]
    pub fn new(service: &'static str) -> Self {
        Self {
            service,
            failures: Arc::default(),
        }
    }

    /// Notes that a component works (again).
    pub fn pass(&self, component: &'static str) {
        if self.failures().remove(component).is_some() {
            tracing::info!(component, "{component} works again");
        }
    }

    /// Notes that a component fails and why; `/health` answers 503 until it passes.
    pub fn fail(&self, component: &'static str, reason: impl Into<String>) {
        let reason = reason.into();
        if self.failures().insert(component, reason.clone()).is_none() {
            tracing::warn!(component, reason, "{component} fails");
        }
    }

    /// Notes that this process is ending: whoever goes by `/health` goes elsewhere.
    pub fn leave(&self) {
        self.failures().insert("shutdown", "draining".into());
    }

    /// The present state.
    #[must_use]
    pub fn report(&self) -> HealthReport {
        let failures = self.failures().clone();
        HealthReport {
            ok: failures.is_empty(),
            service: self.service,
            version: env!("CARGO_PKG_VERSION"),
            failures,
        }
    }

    fn failures(&self) -> MutexGuard<'_, BTreeMap<&'static str, String>> {
        // Each change is one map operation, so a panicked holder left the map whole.
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The routes `/health` (200, or 503 while a component fails) and `/metrics` (Prometheus text).
pub fn router(health: Health, telemetry: Telemetry) -> Router {
    Router::new()
        .route("/health", get(show_health))
        .with_state(health)
        .merge(
            Router::new()
                .route("/metrics", get(show_metrics))
                .with_state(telemetry),
        )
}

async fn show_health(State(health): State<Health>) -> Response {
    let report = health.report();
    let status = if report.ok {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(report)).into_response()
}

async fn show_metrics(State(telemetry): State<Telemetry>) -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4")],
        telemetry.render_metrics(),
    )
}
