//! Health and gauges, looked after in the background so that neither endpoint waits for anything.

use std::time::Duration;

use mystic_domain::Mib;
use mystic_process::Health;
use mystic_store::DeviceRecord;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::state::App;

/// How often Postgres and Redis are asked for a sign of life.
const PROBE: Duration = Duration::from_secs(2);
/// Every so many probes the gauges are read.
const GAUGES: u32 = 3;
/// What an answer may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Describes the gauges.
pub fn describe() {
    metrics::describe_gauge!("mystic_jobs", "Jobs by state");
    metrics::describe_gauge!(
        "mystic_device_memory_mib",
        "Memory of a device in MiB, by part"
    );
    metrics::describe_gauge!(
        "mystic_device_turns_taken",
        "Diffusion jobs that hold a turn on a device"
    );
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
    for round in 0_u32.. {
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
        metrics::gauge!("mystic_event_streams").set(float(open));
        if round % GAUGES == 0
            && let Err(error) = read(&app).await
        {
            tracing::debug!(%error, "the gauges can't be read");
        }
    }
}

fn note<E>(health: &Health, component: &'static str, answer: Result<Result<(), String>, E>) {
    match answer {
        Ok(Ok(())) => health.pass(component),
        Ok(Err(error)) => health.fail(component, error),
        Err(_) => health.fail(component, format!("no answer within {PATIENCE:?}")),
    }
}

async fn read(app: &App) -> mystic_store::Result<()> {
    for (state, count) in app.store.counts().await? {
        metrics::gauge!("mystic_jobs", "state" => state.as_str()).set(float(count));
    }
    for device in app.store.devices().await? {
        show_device(&device);
    }
    Ok(())
}

fn show_device(device: &DeviceRecord) {
    let id = &device.id.0;
    let memory = |part: &'static str, mib: Mib| {
        metrics::gauge!("mystic_device_memory_mib", "device" => id.clone(), "part" => part)
            .set(float(mib.0));
    };
    memory("total", device.total);
    memory("capacity", device.capacity);
    memory("resident", device.resident);
    memory("working", device.working);
    memory("others", device.others);
    if let Some(used) = device.used {
        memory("used", used);
    }
    metrics::gauge!("mystic_device_turns_taken", "device" => id.clone())
        .set(float(device.turns_taken));
}

/// A count as a gauge wants it.
fn float(count: impl TryInto<i64>) -> f64 {
    let count = count.try_into().unwrap_or(i64::MAX);
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    let float = count as f64;
    float
}
