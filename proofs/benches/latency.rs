//! From a submit to the start of its attempt, on an idle stack: how long the queue itself takes.
//!
//! Jobs are submitted one at a time to the API and run by a fake engine that needs a millisecond, so what is measured
//! is ours: the commit, the ticket, the grant, the dispatch and the claim, by Postgres' own clock. `--jobs N` (default
//! 300). The last line is JSON; times in milliseconds.

#[path = "../tests/proofs/stack.rs"]
#[allow(dead_code, reason = "the proofs use more of it")]
mod stack;

use mystic_domain::JobState;
use mystic_testkit::{FakeEngine, Script};
use serde_json::json;
use stack::Stack;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let jobs = arguments
        .iter()
        .position(|argument| argument == "--jobs")
        .and_then(|at| arguments.get(at + 1))
        .map_or(300, |jobs| jobs.parse().expect("--jobs takes a number"));
    let engine = FakeEngine::new(Script::default()).expect("an engine");
    let mut stack = Stack::start().await;
    stack.fake_worker("worker-sd", "here", &engine);
    let mut waited = Vec::new();
    // The first job loads the model and is not counted.
    for number in 0..=jobs {
        let params = json!({ "prompt": "a house", "seed": number, "steps": 1 });
        let job = stack.submit(params, false).await;
        stack.until(job, JobState::Succeeded).await;
        let job = stack.job(job).await;
        let started = job.started_at.expect("it ran");
        let waiting = started - job.created_at;
        if number > 0 {
            waited.push(waiting.num_microseconds().expect("less than centuries"));
        }
    }
    waited.sort_unstable();
    let at = |part: usize| {
        let index = (waited.len() * part / 100).min(waited.len() - 1);
        f64::from(i32::try_from(waited[index]).expect("less than an hour")) / 1000.0
    };
    println!(
        "{}",
        json!({ "jobs": jobs, "submit_to_start_ms": { "p50": at(50), "p99": at(99) } })
    );
}
