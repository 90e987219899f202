//! A card that fails: its job runs on another host's card, once, and the card serves again when it is back.

use mystic_domain::{DeviceId, FailureKind, JobId, JobState, WaitReason};
use mystic_store::DeviceRecord;
use mystic_testkit::nvml::Card;
use mystic_testkit::{FakeEngine, FakeNvml, Script};
use serde_json::json;

use crate::stack::Stack;

const FIRST: &str = "GPU-aaaaaaaa-0000-0000-0000-000000000001";
const SECOND: &str = "GPU-bbbbbbbb-0000-0000-0000-000000000002";

fn engine(step_ms: u64) -> FakeEngine {
    FakeEngine::new(Script {
        step_ms,
        ..Script::default()
    })
    .expect("an engine")
}

/// A host with one card and a worker on it; the worker's place in the list of programs.
fn host(stack: &mut Stack, name: &str, card: &str, engine: &FakeEngine) -> (FakeNvml, usize) {
    let cards = vec![Card::new(card, "NVIDIA GeForce RTX 4090", 24_564)];
    let nvml = FakeNvml::new(cards).expect("a library");
    let library = format!("gpu.nvml_library={}", nvml.library_path().display());
    let worker = stack.worker("worker-sd", name, &[&library, &engine.setting()]);
    (nvml, worker)
}

async fn device(stack: &Stack, card: &str) -> DeviceRecord {
    let devices = stack.store.devices().await.expect("devices");
    let found = devices.into_iter().find(|device| device.id.0 == card);
    found.expect("a device")
}

async fn registered(stack: &Stack, card: &str) {
    stack
        .when("the card to be known", async || {
            let devices = stack.store.devices().await.expect("devices");
            devices.iter().any(|device| device.id.0 == card)
        })
        .await;
}

/// A job of so many pictures, the first of which is made.
async fn begun(stack: &Stack, pictures: u32) -> JobId {
    let params = json!({ "prompt": "a house", "seed": 1, "batch": pictures });
    let job = stack.submit(params, false).await;
    stack
        .when("a picture", async || stack.job(job).await.images_done >= 1)
        .await;
    job
}

#[tokio::test]
async fn the_job_of_a_lost_card_is_done_on_another_and_the_card_serves_again_after_its_reset() {
    let engine = engine(20);
    let mut stack = Stack::start().await;
    let (first, _) = host(&mut stack, "first", FIRST, &engine);
    registered(&stack, FIRST).await;
    let job = begun(&stack, 20).await;
    let (_second, other) = host(&mut stack, "second", SECOND, &engine);
    first.lose(FIRST).expect("told");
    stack.until(job, JobState::Succeeded).await;
    let attempts = stack.attempts(job).await;
    let on = |at: usize| attempts[at].device.0.as_str();
    assert_eq!(attempts.len(), 2, "{attempts:?}");
    assert_eq!((on(0), on(1)), (FIRST, SECOND));
    let failure = attempts[0].error.as_ref().expect("a failure");
    assert_eq!(failure.kind, FailureKind::DeviceLost, "{failure:?}");
    assert!(failure.message.contains("XID 79"), "{failure:?}");
    stack.assert_pictures(&[job]).await;
    stack
        .when("the lost card's engine to be proven dead", async || {
            let lost = device(&stack, FIRST).await;
            lost.lost_at.is_some() && lost.residents.is_empty()
        })
        .await;

    // Alone, the lost card keeps its job waiting and says so.
    stack.terminate(other);
    stack
        .when("the other worker to end", async || stack.has_ended(other))
        .await;
    let waits = stack.submit(json!({ "prompt": "a tree" }), false).await;
    let lost = WaitReason::DeviceLost {
        device: DeviceId(FIRST.into()),
    };
    stack
        .when("the reason", async || {
            stack.job(waits).await.wait_reason.as_ref() == Some(&lost)
        })
        .await;
    first.reset(FIRST).expect("told");
    stack.until(waits, JobState::Succeeded).await;
    let attempts = stack.attempts(waits).await;
    assert_eq!(attempts.len(), 1, "{attempts:?}");
    assert_eq!(attempts[0].device.0, FIRST);
    assert_eq!(device(&stack, FIRST).await.lost_at, None);
    stack.assert_pictures(&[job, waits]).await;
    stack.assert_ledger_at_rest().await;
}

#[tokio::test]
async fn after_an_application_s_error_the_engine_is_replaced_on_the_same_card() {
    let engine = engine(20);
    let mut stack = Stack::start().await;
    let (nvml, worker) = host(&mut stack, "here", FIRST, &engine);
    let job = begun(&stack, 20).await;
    let before = stack.child_of(worker);
    nvml.report_xid(FIRST, 31).expect("told");
    stack.until(job, JobState::Succeeded).await;
    let attempts = stack.attempts(job).await;
    assert_eq!(attempts.len(), 2, "{attempts:?}");
    let failure = attempts[0].error.as_ref().expect("a failure");
    assert_eq!(failure.kind, FailureKind::DeviceLost, "{failure:?}");
    assert!(failure.message.contains("XID 31"), "{failure:?}");
    assert_eq!(attempts[1].device, attempts[0].device);
    assert_ne!(stack.child_of(worker), before);
    assert_eq!(device(&stack, FIRST).await.lost_at, None);
    stack.assert_pictures(&[job]).await;
    stack.assert_ledger_at_rest().await;
}

#[tokio::test]
async fn a_driver_that_hangs_keeps_no_worker_from_beating_and_no_job_from_its_end() {
    let engine = engine(100);
    let mut stack = Stack::start().await;
    let (nvml, _) = host(&mut stack, "here", FIRST, &engine);
    let job = begun(&stack, 20).await;
    let hang = |symbols: &[&str]| {
        let symbols = symbols.iter().map(|symbol| (*symbol).to_owned());
        nvml.set(|state| state.hang = symbols.collect())
            .expect("told");
    };
    hang(&["nvmlDeviceGetMemoryInfo", "nvmlDeviceGetMemoryInfo_v2"]);
    stack
        .when("the silent card to get nothing new", async || {
            device(&stack, FIRST).await.lost_at.is_some()
        })
        .await;
    hang(&[]);
    stack
        .when("the card to be back", async || {
            device(&stack, FIRST).await.lost_at.is_none()
        })
        .await;
    stack.until(job, JobState::Succeeded).await;
    assert_eq!(stack.attempts(job).await.len(), 1);
    stack.assert_pictures(&[job]).await;
    stack.assert_ledger_at_rest().await;
}
