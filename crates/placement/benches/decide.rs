//! What a decision costs with 10,000 queued jobs, 64 devices and 14 presets, and how that grows.
//!
//! Each sample is one decision of a busy fleet: the next job ends, the queue is filled up again, `decide` is timed, what
//! it says is done. The worst, every device idle at once, is told apart. The last line is JSON; times in microseconds.

#[path = "../tests/placement/fleet.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod fleet;

use std::hint::black_box;
use std::time::Duration;

use criterion::Criterion;
use fleet::Fleet;
use mystic_placement::{Millis, Policy};
use nix::time::{ClockId, clock_gettime};
use serde_json::json;

const JOBS: usize = 10_000;
const DEVICES: usize = 64;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut busy = Busy::new(JOBS, DEVICES);
    busy.sample(200);
    criterion.bench_function("decide", |bencher| {
        bencher.iter(|| black_box(busy.fleet.decide()));
    });
    criterion.final_summary();

    let by_jobs =
        [10, 100, 1000, 10_000, 100_000].map(|jobs| (jobs, Busy::new(jobs, DEVICES).sample(300)));
    let by_devices =
        [1, 4, 16, 64, 256].map(|devices| (devices, Busy::new(JOBS, devices).sample(300)));
    plot("queued jobs, 64 devices", &by_jobs);
    plot("devices, 10,000 queued jobs", &by_devices);

    let cold = Busy::new(JOBS, DEVICES).cold(50);
    let times = Busy::new(JOBS, DEVICES).sample(3000);
    println!(
        "{}",
        json!({
            "jobs": JOBS, "devices": DEVICES, "presets": fleet::SIZES.len(), "decisions": times.len(),
            "p50_us": at(&times, 50), "p99_us": at(&times, 99), "all_idle_p99_us": at(&cold, 99),
            "p50_us_by_jobs": by_jobs.map(|(n, times)| (n, at(&times, 50))),
            "p50_us_by_devices": by_devices.map(|(n, times)| (n, at(&times, 50))),
        })
    );
}

/// A fleet that is never without work.
struct Busy {
    fleet: Fleet,
    jobs: usize,
    random: u64,
}

impl Busy {
    fn new(jobs: usize, devices: usize) -> Self {
        let mut busy = Self {
            fleet: Fleet::new(devices, Policy::default()),
            jobs,
            random: 1,
        };
        busy.fill();
        busy
    }

    /// xorshift64.
    fn below(&mut self, n: u64) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        usize::try_from(self.random % n).expect("small")
    }

    fn fill(&mut self) {
        while self.fleet.queue.len() < self.jobs {
            let (preset, size) = (self.below(14), self.below(4));
            let seconds = |n: usize| Millis::seconds(i64::try_from(n).expect("small"));
            // Tags take seconds, pictures up to a minute.
            let work = seconds(1 + self.below(if preset < 12 { 60 } else { 5 }));
            let ahead = seconds(self.below(600));
            self.fleet.submit(preset, size, 0, work, ahead);
        }
    }

    /// Microseconds of this many decisions, sorted, after one for each device to become busy.
    fn sample(&mut self, count: usize) -> Vec<f64> {
        let mut times = Vec::with_capacity(count);
        let warm = 2 * self.fleet.devices.len();
        for round in 0..count + warm {
            let started = processor_time();
            let actions = black_box(self.fleet.decide());
            let took = processor_time() - started;
            self.fleet.apply(&actions);
            self.fleet.exits();
            if round >= warm {
                times.push(took);
            }
            let next = self.fleet.next_event();
            self.fleet
                .pass(next.unwrap_or(self.fleet.now + Millis::seconds(1)));
            self.fill();
        }
        times.sort_unstable_by(f64::total_cmp);
        times
    }

    /// Microseconds of a decision with every device idle and empty.
    fn cold(&mut self, count: usize) -> Vec<f64> {
        let mut times: Vec<f64> = (0..count)
            .map(|_| {
                let started = processor_time();
                black_box(self.fleet.decide());
                processor_time() - started
            })
            .collect();
        times.sort_unstable_by(f64::total_cmp);
        times
    }
}

/// Microseconds that this thread has had of a processor: what others on the machine do is no cost of a decision.
fn processor_time() -> f64 {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("the system has this clock");
    Duration::from(time).as_secs_f64() * 1e6
}

fn at(sorted: &[f64], percent: usize) -> f64 {
    let index = (sorted.len() * percent / 100).min(sorted.len() - 1);
    (sorted[index] * 10.0).round() / 10.0
}

/// One bar a row; as long as the time is.
fn plot(of: &str, rows: &[(usize, Vec<f64>)]) {
    println!("\nmicroseconds by {of}");
    let most = rows
        .iter()
        .map(|(_, times)| at(times, 99))
        .fold(1.0, f64::max);
    for (n, times) in rows {
        let (median, p99) = (at(times, 50), at(times, 99));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a bar of 50 characters"
        )]
        let bar = |value: f64| "#".repeat((value / most * 50.0).ceil() as usize);
        println!("{n:>8}  p50 {median:>8.1}  p99 {p99:>8.1}  {}", bar(p99));
    }
    println!();
}
