//! A worker that is killed or told to end: its jobs run elsewhere, and no picture is made twice.

use mystic_domain::{JobId, JobState};
use mystic_testkit::{FakeEngine, Script};
use serde_json::json;

use crate::stack::Stack;

fn slow() -> FakeEngine {
    FakeEngine::new(Script {
        loading_ms: 50,
        step_ms: 10,
        memory_mib: 1,
        picture_mib: 0,
    })
    .expect("an engine")
}

async fn submit(stack: &Stack, jobs: u32) -> Vec<JobId> {
    let mut submitted = Vec::new();
    for seed in 0..jobs {
        let params = json!({ "prompt": "a red house", "seed": seed, "batch": 2 });
        submitted.push(stack.submit(params, true).await);
    }
    submitted
}

#[tokio::test]
async fn jobs_of_a_killed_worker_run_on_another_host_and_none_twice() {
    let engine = slow();
    let mut stack = Stack::start().await;
    let first = stack.fake_worker("worker-sd", "first", &engine);
    stack.fake_worker("worker-sd", "second", &engine);
    stack.fake_worker("worker-llm", "second", &engine);
    let jobs = submit(&stack, 20).await;
    stack
        .when("work on both hosts", async || {
            let held = stack.store.held(10).await.expect("jobs");
            let running = held.iter().filter(|job| job.state == JobState::Running);
            let on = |host: &str| {
                let device = format!("{host}/cpu");
                running
                    .clone()
                    .any(|job| job.device.as_ref().is_some_and(|d| d.0 == device))
            };
            on("first") && on("second")
        })
        .await;
    stack.kill(first);
    stack.until_all_ended().await;
    stack.assert_pictures(&jobs).await;
    let images = stack.images().await;
    assert!(images.iter().all(|image| image.tags_state == "done"));

    // What the dead worker had booked is free when its successor has proven it dead.
    stack.fake_worker("worker-sd", "first", &engine);
    stack
        .when("the first host's memory to be free", async || {
            let devices = stack.store.devices().await.expect("devices");
            let first = devices.iter().find(|device| device.id.0 == "first/cpu");
            first.is_some_and(|device| device.residents.is_empty() && device.leases.is_empty())
        })
        .await;
    stack.assert_ledger_at_rest().await;
}

#[tokio::test]
async fn a_worker_that_is_told_to_end_finishes_what_it_runs_and_leaves_nothing_booked() {
    let engine = slow();
    let mut stack = Stack::start().await;
    let worker = stack.fake_worker("worker-sd", "here", &engine);
    let jobs = submit(&stack, 2).await;
    stack.until(jobs[0], JobState::Running).await;
    // The operator's way of saying what SIGTERM says.
    let id = stack.job(jobs[0]).await.worker.expect("it runs");
    stack.post(&format!("workers/{id}/drain")).await;
    stack
        .when("the worker to end", async || stack.has_ended(worker))
        .await;
    assert_eq!(stack.job(jobs[0]).await.state, JobState::Succeeded);
    assert_eq!(stack.attempts(jobs[0]).await.len(), 1);
    let devices = stack.store.devices().await.expect("devices");
    assert!(devices.iter().all(|device| device.residents.is_empty()));
    stack.assert_ledger_at_rest().await;

    stack.fake_worker("worker-sd", "here", &engine);
    stack.until(jobs[1], JobState::Succeeded).await;
    stack.assert_pictures(&jobs).await;
}

#[tokio::test]
async fn a_second_signal_hands_the_job_back_at_once() {
    let engine = FakeEngine::new(Script {
        step_ms: 1000,
        ..Script::default()
    })
    .expect("an engine");
    let mut stack = Stack::start().await;
    let worker = stack.fake_worker("worker-sd", "here", &engine);
    let jobs = submit(&stack, 1).await;
    stack.until(jobs[0], JobState::Running).await;
    stack.terminate(worker);
    stack
        .when("the drain", async || {
            let workers = stack.store.workers(100).await.expect("workers");
            workers.iter().any(|worker| worker.state == "draining")
        })
        .await;
    stack.terminate(worker);
    stack
        .when("the worker to end", async || stack.has_ended(worker))
        .await;
    assert_eq!(stack.job(jobs[0]).await.state, JobState::Queued);
    stack.assert_ledger_at_rest().await;
}
