//! Logs to standard error, metrics to a Prometheus recorder.

use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::TryInitError;

use crate::config::{Log, LogFormat};

/// Upper bounds in seconds of every histogram whose name ends in `_seconds`: from a warm step to a cold load.
const SECONDS_BUCKETS: [f64; 16] = [
    0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 180.0, 600.0,
];

/// How often histograms fold their samples into buckets, so that they don't grow while nobody scrapes.
const UPKEEP: Duration = Duration::from_secs(5);

/// Logs or metrics could not be started.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter of `[log] filter` can't be read.
    #[error("log.filter: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// A subscriber is there already.
    #[error("logging is already started: {0}")]
    Logs(#[from] TryInitError),
    /// A recorder is there already.
    #[error("metrics are already started: {0}")]
    Metrics(#[from] BuildError),
}

/// The running logs and metrics of this process; clones share them.
#[derive(Clone)]
pub struct Telemetry {
    metrics: PrometheusHandle,
}

impl Telemetry {
    /// All metrics in the Prometheus text format.
    #[must_use]
    pub fn render_metrics(&self) -> String {
        self.metrics.render()
    }
}

/// Starts logging to standard error and installs the metrics recorder, once per process.
///
/// # Errors
/// The filter can't be read, or either was started before.
///
/// # Panics
/// Outside of a Tokio runtime.
pub fn init(service: &'static str, log: &Log) -> Result<Telemetry, TelemetryError> {
    start_logs(log)?;
    let metrics = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS_BUCKETS)?
        .add_global_label("service", service)
        .install_recorder()?;
    describe_process();
    let upkept = metrics.clone();
    tokio::spawn(async move {
        let mut interval = tokio::time::interval(UPKEEP);
        loop {
            interval.tick().await;
            upkept.run_upkeep();
        }
    });
    tracing::info!(service, version = env!("CARGO_PKG_VERSION"), "starting");
    Ok(Telemetry { metrics })
}

fn start_logs(log: &Log) -> Result<(), TelemetryError> {
    use tracing_subscriber::util::SubscriberInitExt;

    let lines = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(&log.filter)?)
        .with_writer(std::io::stderr);
    match log.format {
        LogFormat::Human => lines
            .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
            .finish()
            .try_init()?,
        LogFormat::Json => lines.json().flatten_event(true).finish().try_init()?,
    }
    Ok(())
}

fn describe_process() {
    metrics::describe_gauge!(
        "mystic_process_start_time_seconds",
        "When this process started, seconds since 1970"
    );
    #[expect(
        clippy::disallowed_methods,
        reason = "a metric for people, no decision hangs on it"
    )]
    let now = std::time::SystemTime::now();
    let since_1970 = now
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    metrics::gauge!("mystic_process_start_time_seconds").set(since_1970.as_secs_f64());
    metrics::describe_gauge!("mystic_build_info", "Always 1; its label is the version");
    metrics::gauge!("mystic_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}
