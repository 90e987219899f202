//! Fifty jobs at once on real engines: two diffusion workers on two hosts, one of which is killed, and one tagger.

use mystic_domain::{JobState, WorkerId};
use serde_json::json;

use crate::stack::Stack;

#[tokio::test]
async fn fifty_jobs_on_two_hosts_all_succeed_though_one_worker_is_killed() {
    let mut stack = Stack::start().await;
    let first = stack.worker("worker-sd", "first", &[]);
    stack.worker("worker-sd", "second", &[]);
    stack.worker("worker-llm", "second", &[]);
    let prompts = [
        "a red circle on a blue background",
        "a green square",
        "a yellow star",
    ];
    let mut jobs = Vec::new();
    for seed in 0..50 {
        let prompt = prompts[seed % prompts.len()];
        jobs.push(
            stack
                .submit(json!({ "prompt": prompt, "seed": seed }), true)
                .await,
        );
    }
    let made_by = async |host: &str| -> usize {
        let workers = stack.store.workers(100).await.expect("workers");
        let of_host = |id: WorkerId| workers.iter().any(|w| w.id == id && w.host == host);
        let mut made = 0;
        for job in &jobs {
            let attempts = stack.attempts(*job).await;
            let done = attempts
                .iter()
                .filter(|a| a.outcome.as_deref() == Some("succeeded"));
            made += done.filter(|attempt| of_host(attempt.worker)).count();
        }
        made
    };
    stack
        .when("pictures of both hosts", async || {
            made_by("first").await >= 3 && made_by("second").await >= 3
        })
        .await;
    stack
        .when("a job on the first host", async || {
            let held = stack.store.held(10).await.expect("jobs");
            let mut running = held.iter().filter(|job| job.state == JobState::Running);
            running.any(|job| job.device.as_ref().is_some_and(|d| d.0 == "first/cpu"))
        })
        .await;
    stack.kill(first);
    stack.until_all_ended().await;

    stack.assert_pictures(&jobs).await;
    let images = stack.images().await;
    assert_eq!(images.len(), 50);
    for image in images {
        assert_eq!(image.tags_state, "done");
        assert!(!image.tags.is_empty(), "{image:?}");
    }
    // The killed worker's successor proves it dead; then only loaded models are booked.
    stack.worker("worker-sd", "first", &[]);
    stack
        .when("the ledger to be at rest", async || {
            let devices = stack.store.devices().await.expect("devices");
            devices.iter().all(|device| device.leases.is_empty())
        })
        .await;
    stack.assert_ledger_at_rest().await;
}
