//! Tagging jobs per second with the instructions kept in the cache, against a cache cleared before each job.
//!
//! Both run in one child, in turn, on the same prompts. The cache is cleared by a small command with other
//! instructions, which isn't timed.

#[path = "../tests/child/mod.rs"]
mod child;

use std::time::Instant;

use child::{Child, instructions};
use mystic_engine::TagInstructions;

const PROMPTS: [&str; 8] = [
    "a red circle on a blue background",
    "a small yellow star above a green house at night",
    "mountains at sunset",
    "portrait of an old fisherman, oil painting, dramatic light",
    "a white cat sleeping on a wooden chair",
    "futuristic city in the rain, neon lights, cyberpunk",
    "a bowl of fruit on a table, still life",
    "snowy forest with a frozen lake, wide angle photograph",
];

const ROUNDS: usize = 5;

fn main() {
    let mut child = Child::with_model(2048);
    let asked = instructions();
    let other = TagInstructions {
        system: "Clear.".to_owned(),
        examples: Vec::new(),
        max_tags: 1,
    };
    let mut kept = Vec::new();
    let mut cleared = Vec::new();
    for round in 0..=ROUNDS {
        for prompt in PROMPTS {
            child.tag("x", &other).expect("the cache is cleared");
            let (cold, cold_seconds) = timed(&mut child, prompt, &asked);
            let (warm, warm_seconds) = timed(&mut child, prompt, &asked);
            assert_eq!(cold.reused, 0, "the cache was cleared");
            assert!(warm.reused > 0, "the instructions were kept");
            assert_eq!(cold.tags, warm.tags, "a kept cache changes no tag");
            if round > 0 {
                cleared.push(cold_seconds);
                kept.push(warm_seconds);
            }
        }
    }
    let (kept, cleared) = (median(kept), median(cleared));
    println!(
        "median of {} jobs: {:.0} ms kept, {:.0} ms cleared",
        ROUNDS * PROMPTS.len(),
        kept * 1e3,
        cleared * 1e3
    );
    println!(
        "{}",
        serde_json::json!({
            "jobs_per_second_kept": 1.0 / kept,
            "jobs_per_second_cleared": 1.0 / cleared,
            "times_faster": cleared / kept,
        })
    );
}

fn timed(child: &mut Child, prompt: &str, asked: &TagInstructions) -> (child::Tagged, f64) {
    #[expect(
        clippy::disallowed_methods,
        reason = "a bench measures where no runtime is"
    )]
    let started = Instant::now();
    let tagged = child.tag(prompt, asked).expect("the prompt gets tags");
    (tagged, started.elapsed().as_secs_f64())
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}
