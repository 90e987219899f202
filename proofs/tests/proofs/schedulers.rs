//! Two schedulers: one leads, and when it is killed or stands still the other does.

use mystic_domain::JobState;
use mystic_testkit::{FakeEngine, Script};
use nix::sys::signal::Signal;
use serde_json::json;

use crate::stack::{API, FIRST_SCHEDULER, Stack};

async fn with_two() -> (Stack, FakeEngine) {
    let engine = FakeEngine::new(Script {
        step_ms: 5,
        ..Script::default()
    })
    .expect("an engine");
    let mut stack = Stack::start().await;
    stack
        .when("the first scheduler to lead", async || {
            let leader = stack.store.leader().await.expect("a row");
            leader.holder.is_some()
        })
        .await;
    stack.scheduler();
    stack.fake_worker("worker-sd", "here", &engine);
    (stack, engine)
}

#[tokio::test]
async fn jobs_go_on_when_the_leading_scheduler_is_killed() {
    let (stack, _engine) = with_two().await;
    let mut jobs = Vec::new();
    for seed in 0..20 {
        let params = json!({ "prompt": "a house", "seed": seed });
        jobs.push(stack.submit(params, false).await);
    }
    stack
        .when("some pictures", async || stack.images().await.len() >= 3)
        .await;
    stack.kill(FIRST_SCHEDULER);
    stack.until_all_ended().await;
    stack.assert_pictures(&jobs).await;
    assert_eq!(stack.store.leader().await.expect("a row").epoch, 2);
    stack.assert_ledger_at_rest().await;
}

#[tokio::test]
async fn a_leader_that_stood_still_finds_another_leading() {
    let (stack, _engine) = with_two().await;
    stack.signal(FIRST_SCHEDULER, Signal::SIGSTOP);
    let job = stack.submit(json!({ "prompt": "a house" }), false).await;
    stack.until(job, JobState::Succeeded).await;
    let second = stack.store.leader().await.expect("a row");
    assert_eq!(second.epoch, 2);

    stack.signal(FIRST_SCHEDULER, Signal::SIGCONT);
    let mut jobs = vec![job];
    for seed in 0..10 {
        let params = json!({ "prompt": "a house", "seed": seed });
        jobs.push(stack.submit(params, false).await);
    }
    stack.until_all_ended().await;
    stack.assert_pictures(&jobs).await;
    let leader = stack.store.leader().await.expect("a row");
    assert_eq!((leader.epoch, leader.holder), (2, second.holder));
    stack.assert_ledger_at_rest().await;
}

#[tokio::test]
async fn an_api_that_is_killed_in_the_middle_loses_no_job() {
    let (mut stack, _engine) = with_two().await;
    let mut jobs = Vec::new();
    for seed in 0..10 {
        let params = json!({ "prompt": "a house", "seed": seed });
        jobs.push(stack.submit(params, false).await);
    }
    stack.kill(API);
    stack.until_all_ended().await;
    stack.restart_api().await;
    let params = json!({ "prompt": "a house", "seed": 10 });
    jobs.push(stack.submit(params, false).await);
    stack.until_all_ended().await;
    stack.assert_pictures(&jobs).await;
}
