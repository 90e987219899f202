//! A batch on every card that has nothing else to do, and what becomes of it when one of them goes.

use mystic_domain::{JobId, JobState};
use mystic_store::JobRecord;
use mystic_testkit::{FakeEngine, Script};
use serde_json::json;

use crate::stack::Stack;

/// Small pictures are foretold to take half a second: so many of them that help is worth the load of a model.
const PICTURES: u32 = 24;
const STEPS: u32 = 50;

fn engine() -> FakeEngine {
    FakeEngine::new(Script {
        step_ms: 15,
        ..Script::default()
    })
    .expect("an engine")
}

async fn batch(stack: &Stack) -> JobId {
    let params = json!({ "prompt": "a house", "seed": 1, "steps": STEPS, "batch": PICTURES });
    stack.submit(params, false).await
}

async fn helpers(stack: &Stack, job: JobId) -> Vec<JobRecord> {
    stack.store.helpers(job).await.expect("read")
}

async fn helped(stack: &Stack, job: JobId) {
    stack
        .when("a helper to draw", async || {
            let helpers = helpers(stack, job).await;
            helpers
                .iter()
                .any(|helper| helper.state == JobState::Running)
        })
        .await;
}

/// Waits until nobody works, and looks at the ledger then.
async fn at_rest(stack: &Stack, job: JobId) {
    stack
        .when("the helpers to end", async || {
            let devices = stack.store.devices().await.expect("devices");
            let leases: usize = devices.iter().map(|device| device.leases.len()).sum();
            let helpers = helpers(stack, job).await;
            leases == 0 && helpers.iter().all(|helper| helper.state.is_terminal())
        })
        .await;
    stack.assert_ledger_at_rest().await;
}

#[tokio::test]
async fn a_batch_is_drawn_by_all_workers_that_have_nothing_else_to_do() {
    let engine = engine();
    let mut stack = Stack::start().await;
    for host in ["first", "second"] {
        stack.fake_worker("worker-sd", host, &engine);
    }
    let job = batch(&stack).await;
    stack.until(job, JobState::Succeeded).await;
    at_rest(&stack, job).await;
    stack.assert_pictures(&[job]).await;
    let images = stack.images().await;
    let elsewhere = images.iter().filter(|image| image.drawn_by.is_some());
    assert!(elsewhere.count() >= 2, "{images:?}");
    let attempts = stack.attempts(job).await;
    assert_eq!(attempts.len(), 1, "{attempts:?}");
    let helpers = helpers(&stack, job).await;
    for helper in &helpers {
        assert_eq!(helper.state, JobState::Succeeded, "{helper:?}");
        assert_ne!(helper.device.as_ref(), Some(&attempts[0].device));
    }
}

#[tokio::test]
async fn the_picture_of_a_helper_that_dies_is_drawn_all_the_same() {
    let engine = engine();
    let mut stack = Stack::start().await;
    let workers = ["first", "second"].map(|host| stack.fake_worker("worker-sd", host, &engine));
    let job = batch(&stack).await;
    helped(&stack, job).await;
    let worker = stack.job(job).await.worker;
    let known = stack.store.workers(10).await.expect("read");
    let draws = |name: &str| {
        known
            .iter()
            .any(|it| Some(it.id) == worker && it.host == name)
    };
    let helper = workers[usize::from(draws("first"))];
    stack.kill(helper);
    stack.until(job, JobState::Succeeded).await;
    assert_eq!(stack.attempts(job).await.len(), 1);
    stack.assert_pictures(&[job]).await;
    stack.again(helper);
    at_rest(&stack, job).await;
}

#[tokio::test]
async fn a_cancel_ends_a_batch_with_all_who_help_it() {
    let engine = engine();
    let mut stack = Stack::start().await;
    for host in ["first", "second"] {
        stack.fake_worker("worker-sd", host, &engine);
    }
    let job = batch(&stack).await;
    helped(&stack, job).await;
    stack.cancel(job).await;
    stack.until(job, JobState::Cancelled).await;
    at_rest(&stack, job).await;
}
