//! Health and the gauge of open streams, looked after in the background so that neither endpoint waits for anything.

use std::time::Duration;

use mystic_process::Health;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::state::App;

/// How often Postgres and Redis are asked for a sign of life.
const PROBE: Duration = Duration::from_secs(2);
/// What an answer may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Describes the API's gauges and counters; those of jobs and devices are the scheduler's.
pub fn describe() {
    metrics::describe_gauge!("mystic_event_streams", "Open event streams");
    metrics::describe_counter!(
        "mystic_api_hints_dropped_total",
        "Hints dropped since Redis was slow"
    );
}

/// Looks after `health` and the gauges until the process ends.
pub async fn look_after(app: App, health: Health, most_streams: usize) {
    let mut ticks = interval(PROBE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let database = timeout(PATIENCE, app.store.ping()).await;
        note(
            &health,
            "database",
            database.map(|answer| answer.map_err(|error| error.to_string())),
        );
        let redis = timeout(PATIENCE, app.queue.ping()).await;
        note(
            &health,
            "redis",
            redis.map(|answer| answer.map_err(|error| error.to_string())),
        );
        let open = most_streams - app.streams.available_permits();
        let open = u32::try_from(open).unwrap_or(u32::MAX);
        metrics::gauge!("mystic_event_streams").set(open);
    }
}

fn note<E>(health: &Health, component: &'static str, answer: Result<Result<(), String>, E>) {
    match answer {
        Ok(Ok(())) => health.pass(component),
        Ok(Err(error)) => health.fail(component, error),
        Err(_) => health.fail(component, format!("no answer within {PATIENCE:?}")),
    }
}
