//! Redis carries hints: without what it held, everything still finishes.

use mystic_testkit::{FakeEngine, Script};
use serde_json::json;

use crate::stack::Stack;

#[tokio::test]
async fn after_a_flush_in_the_middle_of_work_everything_finishes() {
    let engine = FakeEngine::new(Script {
        step_ms: 5,
        ..Script::default()
    })
    .expect("an engine");
    let mut stack = Stack::start().await;
    stack.fake_worker("worker-sd", "here", &engine);
    stack.fake_worker("worker-llm", "here", &engine);
    let mut jobs = Vec::new();
    for seed in 0..30 {
        let params = json!({ "prompt": "a red house", "seed": seed });
        jobs.push(stack.submit(params, true).await);
    }
    for pictures in [3, 10, 20] {
        stack
            .when("some pictures", async || {
                stack.images().await.len() >= pictures
            })
            .await;
        stack.redis.flush().await;
    }
    stack.until_all_ended().await;
    stack.assert_pictures(&jobs).await;
    let images = stack.images().await;
    assert!(images.iter().all(|image| image.tags_state == "done"));
    stack.assert_ledger_at_rest().await;
}
