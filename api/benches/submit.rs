//! How long a submit takes while 200 a second come in, with a real Postgres, a real Redis and a real socket.
//! The last line is JSON.

use std::path::Path;
use std::time::Duration;

use mystic_api::{Server, load_presets};
use mystic_process::config::SecretUrl;
use mystic_process::{Config, Shutdown, telemetry};
use mystic_store::Store;
use mystic_testkit::{Postgres, Redis};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval};

const PER_SECOND: u32 = 200;
const SECONDS: u32 = 15;
/// Requests before the clock counts, so that pools and caches are filled.
const WARM_UP: u32 = PER_SECOND;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let (postgres, redis) = tokio::join!(Postgres::start(), Redis::start());
    let outputs = tempfile::tempdir()?;
    let mut config =
        Config::from_toml("[api]\nlisten = \"127.0.0.1:0\"\n[log]\nfilter = \"warn\"")?;
    config.database.url = SecretUrl::new(postgres.url());
    config.redis.url = SecretUrl::new(redis.url());
    config.store.outputs = outputs.path().to_owned();
    let store = Store::connect(&postgres.url(), 2)?;
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models");
    store.upsert_presets(&load_presets(&models)?).await?;
    let metrics = telemetry::init("api", &config.log)?;
    let server = Server::start(config, metrics, Shutdown::new()).await?;
    let url = format!("http://{}/api/v1/jobs", server.address());
    tokio::spawn(server.run());

    let client = reqwest::Client::new();
    let body = json!({"kind": "generate", "preset": "demo", "params": {"prompt": "a red circle"}});
    let mut ticks = interval(Duration::from_secs(1) / PER_SECOND);
    let mut requests = JoinSet::new();
    for number in 0..WARM_UP + PER_SECOND * SECONDS {
        let due = ticks.tick().await;
        let request = client.post(&url).json(&body);
        requests.spawn(async move {
            // From when it was due, so that a server that stalls can't hide it by slowing its client down.
            let answer = request.send().await.map(|answer| answer.status().as_u16());
            (number, answer, Instant::now() - due)
        });
    }
    let mut times = Vec::new();
    let mut refused = 0_u32;
    while let Some(done) = requests.join_next().await {
        let (number, answer, took) = done?;
        refused += u32::from(!matches!(answer, Ok(202)));
        if number >= WARM_UP {
            times.push(took.as_secs_f64() * 1e3);
        }
    }
    times.sort_unstable_by(f64::total_cmp);
    let at = |percent: usize| (times[(times.len() - 1) * percent / 100] * 100.0).round() / 100.0;
    println!(
        "{}",
        json!({
            "requests_per_second": PER_SECOND, "requests": times.len(), "refused": refused,
            "submit_ms": {"p50": at(50), "p90": at(90), "p99": at(99), "max": at(100)},
        })
    );
    Ok(())
}
