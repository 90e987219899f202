//! A warm picture through the service's engine child, against `gen_img` and against the bare library, interleaved.
//!
//! `--rounds N` (default 15); `--soak` draws 500 more pictures and shows how the child's memory grew.
//! The last line is JSON.

#[path = "../../tests/support/mod.rs"]
mod support;

mod gen_img;
mod raw;

use std::time::{Duration, Instant};

use mystic_domain::Plan;
use support::{Child, demo_params};

/// Pictures of the soak.
const SOAK: i64 = 500;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let soak = arguments.iter().any(|argument| argument == "--soak");
    let rounds = arguments
        .iter()
        .position(|argument| argument == "--rounds")
        .and_then(|at| arguments.get(at + 1))
        .map_or(15, |rounds| {
            rounds.parse().expect("--rounds takes a number")
        });

    let mut child = Child::with_demo_model();
    let mut raw = raw::Context::load();
    let mut whole = gen_img::GenImg::new();
    let [mut by_child, mut by_raw, mut by_gen_img] = [const { Vec::new() }; 3];
    for round in 0..=rounds {
        let params = demo_params(round);
        let (drawn, child_time) = timed(|| child.draw(&params, Plan::Full).pixels);
        let (bare, raw_time) = timed(|| raw.draw(&params));
        let ((), gen_img_time) = timed(|| whole.draw(&params));
        assert_eq!(drawn, bare, "the child draws what the bare library draws");
        assert_eq!(drawn, whole.pixels(), "gen_img draws the same");
        // The first round warms the caches of all three.
        if round > 0 {
            by_child.push(child_time);
            by_raw.push(raw_time);
            by_gen_img.push(gen_img_time);
        }
    }

    let [service, bare, gen_img] = [by_child, by_raw, by_gen_img].map(median);
    println!("seconds per warm picture, medians of {rounds}, 128 x 128, 8 steps:");
    println!("  service's engine child  {service:.3}");
    println!("  bare library, in process {bare:.3}");
    println!("  diffusion_rs gen_img    {gen_img:.3}");
    let mut figures = serde_json::json!({
        "times_faster_than_gen_img": rounded(gen_img / service),
        "ratio_to_raw_context": rounded(service / bare),
    });
    if soak {
        let before = child.resident_kib();
        for seed in 0..SOAK {
            child.draw(&demo_params(seed), Plan::Full);
            if (seed + 1) % 100 == 0 {
                println!("after {} pictures: {} KiB", seed + 1, child.resident_kib());
            }
        }
        let grown = child.resident_kib() - before;
        println!("memory over {SOAK} pictures: from {before} KiB by {grown} KiB");
        figures["memory_growth_kib"] = grown.into();
    }
    println!("{figures}");
}

#[expect(
    clippy::disallowed_methods,
    reason = "a bench measures the time of native calls, with no runtime around them"
)]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let started = Instant::now();
    let result = work();
    (result, started.elapsed())
}

/// The middle one, in seconds.
fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64()
}

fn rounded(ratio: f64) -> f64 {
    (ratio * 1000.0).round() / 1000.0
}
