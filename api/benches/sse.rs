//! How long events take to 1,000 open pages, and what that costs the API, with a real Postgres and a real Redis.
//!
//! 500 events a second come in: the submits of 20 jobs, through Postgres, and progress of 8 cards that draw, through
//! Redis. Delivery is from when it happened to when a client has read its frame: for a job from its id's time, for
//! progress from the time that its step holds. Progress that newer progress replaced is never read, and does not count.
//! `--clients N` and `--seconds N` (15). The last line is JSON.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mystic_domain::{JobId, Phase, Progress};
use mystic_queue::Queue;
use mystic_services::Kept;
use mystic_testkit::{Postgres, Redis};
use nix::sys::signal::Signal;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep};

const CARDS: usize = 8;
const SUBMITS_PER_SECOND: u32 = 20;
const PROGRESS_PER_SECOND: u32 = 480;
/// Nothing is counted before every client is there and buffers have grown.
const WARM_UP: Duration = Duration::from_secs(3);
/// Milliseconds that have a place of their own; what takes longer is in the last.
const LONGEST: usize = 10_000;
/// How long a client goes on reading after the last event.
const DRAIN: Duration = Duration::from_secs(2);

/// Deliveries by their milliseconds.
struct Counted(Vec<AtomicU64>);

impl Counted {
    fn new() -> Self {
        Self((0..=LONGEST).map(|_| AtomicU64::new(0)).collect())
    }

    fn add(&self, ms: u64) {
        let at = usize::try_from(ms).unwrap_or(LONGEST).min(LONGEST);
        self.0[at].fetch_add(1, Ordering::Relaxed);
    }

    fn total(&self) -> u64 {
        self.0.iter().map(|n| n.load(Ordering::Relaxed)).sum()
    }

    /// The milliseconds that this share of the deliveries did not exceed.
    fn at(&self, percent: u64) -> usize {
        let mut left = self.total() * percent / 100;
        let place = self.0.iter().position(|n| {
            let n = n.load(Ordering::Relaxed);
            let here = n > left;
            left = left.saturating_sub(n);
            here
        });
        place.unwrap_or(LONGEST)
    }
}

/// What all clients share.
struct Clock {
    /// Milliseconds since 1970 from which events count.
    counts_from: u64,
    /// What a step is counted from.
    began: u64,
    jobs: Counted,
    progress: Counted,
}

/// Milliseconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "job ids hold the time of the machine's clock"
)]
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

fn option(name: &str, usual: u64) -> anyhow::Result<u64> {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    Ok(match arguments.nth(1) {
        Some(text) => text.parse()?,
        None => usual,
    })
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let (clients, seconds) = (option("--clients", 1000)?, option("--seconds", 15)?);
    let (postgres, redis) = tokio::join!(Postgres::start(), Redis::start());
    let folder = tempfile::tempdir()?;
    let address = mystic_testkit::address();
    let program = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_api"));
        command
            .current_dir(folder.path())
            .env("DATABASE_URL", postgres.url())
            .env("REDIS_URL", redis.url())
            .env("MYSTIC_API__LISTEN", address.to_string())
            .env(
                "MYSTIC_MODELS__DIR",
                concat!(env!("CARGO_MANIFEST_DIR"), "/../models"),
            )
            .env("MYSTIC_LOG__FILTER", "warn");
        command
    };
    anyhow::ensure!(program().arg("migrate").status()?.success(), "no schema");
    let api = Kept::start(program(), Signal::SIGKILL)?;
    let http = reqwest::Client::new();
    let health = format!("http://{address}/health");
    mystic_testkit::wait_until("the API", async || {
        let answer = http.get(&health).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    })
    .await;

    let began = now();
    let counts_from = began + u64::try_from(WARM_UP.as_millis())?;
    let clock = Arc::new(Clock {
        counts_from,
        began,
        jobs: Counted::new(),
        progress: Counted::new(),
    });
    let mut reading = JoinSet::new();
    for _ in 0..clients {
        let mut stream = TcpStream::connect(address).await?;
        let request = format!("GET /api/v1/events HTTP/1.1\r\nHost: {address}\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        reading.spawn(read(stream, clock.clone()));
    }
    let queue = Queue::connect(&redis.url())?;
    let jobs: Vec<JobId> = (0..CARDS).map(|_| JobId::generate()).collect();
    let last = WARM_UP + Duration::from_secs(seconds);
    let saying = async {
        let mut ticks = interval(Duration::from_secs(1) / PROGRESS_PER_SECOND);
        for job in jobs.iter().cycle() {
            ticks.tick().await;
            let progress = Progress {
                phase: Phase::Sampling,
                step: u32::try_from(now() - began)?,
                of: 0,
                index: 0,
                attempt: 1,
                preview: 0,
            };
            queue.publish_progress(*job, &progress).await?;
        }
        anyhow::Ok(())
    };
    let submitting = submit(&http, format!("http://{address}/api/v1/jobs"));
    tokio::select! {
        ended = saying => ended?,
        ended = submitting => ended?,
        () = sleep(last) => {}
    }
    sleep(DRAIN).await;
    reading.abort_all();
    let status = std::fs::read_to_string(format!("/proc/{}/status", api.pid()))?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak_kib: u64 = peak
        .and_then(|rest| rest.split_whitespace().next())
        .unwrap_or_default()
        .parse()?;
    let figures = |counted: &Counted| json!({"deliveries": counted.total(), "p50_ms": counted.at(50), "p99_ms": counted.at(99)});
    println!(
        "{}",
        json!({
            "clients": clients, "events_per_second": SUBMITS_PER_SECOND + PROGRESS_PER_SECOND, "seconds": seconds,
            "job": figures(&clock.jobs), "progress": figures(&clock.progress),
            "api_peak_mib": peak_kib / 1024,
        })
    );
    Ok(())
}

async fn submit(http: &reqwest::Client, url: String) -> anyhow::Result<()> {
    let body = json!({"kind": "generate", "preset": "demo", "params": {"prompt": "a red circle"}});
    let mut ticks = interval(Duration::from_secs(1) / SUBMITS_PER_SECOND);
    loop {
        ticks.tick().await;
        let answer = http.post(&url).json(&body).send().await?;
        answer.error_for_status()?;
    }
}

/// Reads frames until it is told to stop.
async fn read(mut stream: TcpStream, clock: Arc<Clock>) -> std::io::Result<()> {
    let mut buffer = Vec::new();
    loop {
        if stream.read_buf(&mut buffer).await? == 0 {
            return Ok(());
        }
        let read_at = now();
        let Some(end) = buffer.windows(2).rposition(|pair| pair == b"\n\n") else {
            continue;
        };
        let frames = String::from_utf8_lossy(&buffer[..end]).into_owned();
        buffer.drain(..end);
        for line in frames
            .lines()
            .filter_map(|line| line.strip_prefix("data: "))
        {
            if line.starts_with('[') {
                for step in numbers_after(line, "\"step\":") {
                    count(&clock.progress, &clock, clock.began + step, read_at);
                }
            } else if let Some(id) = line.split("\"job\":\"").nth(1) {
                // The first 48 bits of such an id are its time.
                let time = id.get(..13).map(|head| head.replace('-', ""));
                let ms = time.and_then(|hex| u64::from_str_radix(&hex, 16).ok());
                count(&clock.jobs, &clock, ms.unwrap_or_default(), read_at);
            }
        }
    }
}

fn count(counted: &Counted, clock: &Clock, happened: u64, read_at: u64) {
    if happened >= clock.counts_from {
        counted.add(read_at.saturating_sub(happened));
    }
}

fn numbers_after<'a>(text: &'a str, key: &'a str) -> impl Iterator<Item = u64> + 'a {
    text.split(key).skip(1).filter_map(|rest| {
        let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse().ok()
    })
}
