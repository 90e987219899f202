//! What the page costs its user with 200,000 pictures and 10,000 waiting jobs: a real API and scheduler, and Chromium.
//!
//! The pictures share one file, as each tile has to be fetched and decoded all the same. Nobody works, so that the machine
//! is the page's. `--pictures N` and `--jobs N` for others. What is measured is said in `frontend/scripts/figures.mjs`; the
//! last line is its JSON.

#[path = "../tests/proofs/stack.rs"]
#[allow(dead_code, reason = "the proofs use more of it")]
mod stack;

use std::path::Path;
use std::process::Command;

use mystic_domain::file_path;
use mystic_testkit::seed_gallery;
use serde_json::json;
use stack::Stack;
use tokio::task::JoinSet;

/// Who submit at the same time.
const CLIENTS: usize = 8;

#[tokio::main]
async fn main() {
    let (pictures, jobs) = (option("--pictures", 200_000), option("--jobs", 10_000));
    let stack = Stack::start().await;
    let pictures = i32::try_from(pictures).expect("fewer than billions");
    seed_gallery(stack.store.pool(), pictures).await;
    let shared = stack.outputs().join(file_path(&"a".repeat(64)));
    std::fs::create_dir_all(shared.parent().expect("a folder")).expect("made");
    thumbnail(&shared);
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let (http, url) = (stack.http.clone(), stack.url.clone());
        clients.spawn(async move {
            for number in (client..jobs).step_by(CLIENTS) {
                let job = json!({
                    "kind": "generate", "preset": "demo",
                    "params": { "prompt": format!("a picture of {number} houses by the sea"), "seed": number },
                });
                let sent = http.post(format!("{url}/api/v1/jobs")).json(&job).send();
                sent.await.expect("sent").error_for_status().expect("taken");
            }
        });
    }
    clients.join_all().await;
    println!("{pictures} pictures, {jobs} waiting jobs");
    let frontend = Path::new(env!("CARGO_MANIFEST_DIR")).join("../frontend");
    let measured = Command::new("node")
        .arg("scripts/figures.mjs")
        .current_dir(frontend)
        .env("MYSTIC_URL", &stack.url)
        .status();
    assert!(measured.expect("node is there").success(), "not measured");
}

/// A thumbnail as workers make them, with something in it to decode.
fn thumbnail(path: &Path) {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/demo/samples.png");
    let samples = image::open(samples).expect("a picture");
    samples
        .thumbnail_exact(384, 384)
        .save(path)
        .expect("written");
}

fn option(name: &str, usual: usize) -> usize {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    let said = arguments.nth(1);
    said.map_or(usual, |text| {
        text.parse().expect("a number behind its name")
    })
}
