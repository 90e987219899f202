//! Health and gauges, looked after in the background so that neither endpoint waits for anything.

use std::time::Duration;

use mystic_domain::Mib;
use mystic_process::Health;
use mystic_queue::Queue;
use mystic_store::{DeviceRecord, Store};
use tokio::time::{MissedTickBehavior, interval, timeout};

/// How often Postgres and Redis are asked for a sign of life, and the gauges are read.
const PROBE: Duration = Duration::from_secs(5);
/// What an answer may take.
const PATIENCE: Duration = Duration::from_secs(2);

pub(crate) fn describe() {
    metrics::describe_gauge!("mystic_jobs", "Jobs by state");
    metrics::describe_gauge!(
        "mystic_jobs_waiting",
        "Queued jobs by the reason for which they wait"
    );
    metrics::describe_gauge!(
        "mystic_device_memory_mib",
        "Memory of a device in MiB, by part"
    );
    metrics::describe_gauge!(
        "mystic_device_turns_taken",
        "Diffusion jobs that hold a turn on a device"
    );
    metrics::describe_gauge!(
        "mystic_device_turns",
        "Diffusion jobs that a device runs at a time"
    );
    metrics::describe_gauge!("mystic_scheduler_leads", "1 while this scheduler leads");
    metrics::describe_gauge!("mystic_device_lost", "1 while a device is lost");
    metrics::describe_gauge!(
        "mystic_files_missing",
        "Files of pictures that are missing on disk or have another size, at most 10,000"
    );
    metrics::describe_gauge!("mystic_queue_depth", "Tickets that wait in Redis");
    metrics::describe_counter!(
        "mystic_reconcile_runs_total",
        "Runs of a reconciler by outcome"
    );
    metrics::describe_counter!("mystic_reconcile_actions_total", "What a reconciler did");
    metrics::describe_histogram!("mystic_reconcile_seconds", "Duration of a reconciler's run");
    metrics::describe_counter!(
        "mystic_scheduler_hints_dropped_total",
        "Run tickets dropped since Redis was slow"
    );
}

/// Looks after `health` and the gauges until the process ends.
pub(crate) async fn look_after(store: Store, queue: Queue, health: Health) {
    let mut ticks = interval(PROBE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match timeout(PATIENCE, read_store(&store)).await {
            Ok(Ok(())) => health.pass("database"),
            Ok(Err(error)) => health.fail("database", error.to_string()),
            Err(_) => health.fail("database", format!("no answer within {PATIENCE:?}")),
        }
        match timeout(PATIENCE, queue.depths()).await {
            Ok(Ok(depths)) => {
                health.pass("redis");
                let run: u64 = depths.run.iter().map(|(_, depth)| depth).sum();
                metrics::gauge!("mystic_queue_depth", "queue" => "submitted")
                    .set(float(depths.submitted));
                metrics::gauge!("mystic_queue_depth", "queue" => "run").set(float(run));
            }
            Ok(Err(error)) => health.fail("redis", error.to_string()),
            Err(_) => health.fail("redis", format!("no answer within {PATIENCE:?}")),
        }
    }
}

async fn read_store(store: &Store) -> mystic_store::Result<()> {
    for (state, count) in store.counts().await? {
        metrics::gauge!("mystic_jobs", "state" => state.as_str()).set(float(count));
    }
    for device in store.devices().await? {
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
    metrics::gauge!("mystic_device_turns", "device" => id.clone()).set(float(device.turns));
    metrics::gauge!("mystic_device_turns_taken", "device" => id.clone())
        .set(float(device.turns_taken));
    metrics::gauge!("mystic_device_lost", "device" => id.clone())
        .set(float(i64::from(device.lost_at.is_some())));
}

/// A count as a gauge wants it.
pub(crate) fn float(count: impl TryInto<i64>) -> f64 {
    let count = count.try_into().unwrap_or(i64::MAX);
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    let float = count as f64;
    float
}
