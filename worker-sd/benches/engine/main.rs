//! A warm picture through the service's engine child, with and without previews, against `gen_img` and against the bare
//! library, interleaved.
//!
//! `--rounds N` (default 21); `--soak` draws 500 more pictures and shows how the child's memory grew.
//! The last line is JSON.

#[path = "../../tests/support/mod.rs"]
mod support;

mod gen_img;
mod raw;

use std::time::Instant;

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
        .map_or(21, |rounds| {
            rounds.parse().expect("--rounds takes a number")
        });

    let mut child = Child::with_demo_model();
    let mut raw = raw::Context::load();
    let mut whole = gen_img::GenImg::new();
    let mut rounds_taken = Vec::new();
    for round in 0..=rounds {
        let params = demo_params(round);
        let mut pictures = [const { Vec::new() }; 4];
        let mut times = [0.0; 4];
        // Each comes after each other equally often: gen_img leaves caches colder than the others do.
        let mut order = [0, 1, 2, 3];
        order.rotate_left(usize::try_from(round % 4).expect("0 to 3"));
        for which in order {
            (pictures[which], times[which]) = timed(|| match which {
                0 => child.draw(&params, Plan::Full).pixels,
                1 => raw.draw(&params),
                2 => {
                    let preview = Some(child.directory().join("preview"));
                    child.draw_shown(&params, Plan::Full, preview).pixels
                }
                _ => {
                    whole.draw(&params);
                    Vec::new()
                }
            });
        }
        let [drawn, bare, shown, _] = pictures;
        assert_eq!(drawn, bare, "the child draws what the bare library draws");
        assert_eq!(drawn, shown, "previews change nothing");
        assert_eq!(drawn, whole.pixels(), "gen_img draws the same");
        // The first round warms the caches of all three.
        if round > 0 {
            rounds_taken.push(times);
        }
    }

    let of = |figure: fn(&[f64; 4]) -> f64| median(rounds_taken.iter().map(figure).collect());
    println!("seconds per warm picture, medians of {rounds}, 128 x 128, 8 steps:");
    println!("  service's engine child   {:.3}", of(|[child, ..]| *child));
    println!(
        "  the same with previews   {:.3}",
        of(|[_, _, shown, _]| *shown)
    );
    println!("  bare library, in process {:.3}", of(|[_, raw, ..]| *raw));
    println!("  diffusion_rs gen_img     {:.3}", of(|[.., whole]| *whole));
    // Of ratios inside a round, since a machine's speed drifts from round to round.
    let mut figures = serde_json::json!({
        "times_faster_than_gen_img": rounded(of(|[child, .., whole]| whole / child)),
        "ratio_to_raw_context": rounded(of(|[child, raw, ..]| child / raw)),
        "ratio_with_previews": rounded(of(|[child, _, shown, _]| shown / child)),
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
fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let started = Instant::now();
    let result = work();
    (result, started.elapsed().as_secs_f64())
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn rounded(ratio: f64) -> f64 {
    (ratio * 1000.0).round() / 1000.0
}
