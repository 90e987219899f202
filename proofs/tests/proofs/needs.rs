//! What jobs take is learned from what they were seen to take, and what ran out of memory is never booked so again.

use mystic_domain::{FailureKind, JobState, Mib, Plan};
use mystic_store::{AttemptRecord, DeviceRecord};
use mystic_testkit::nvml::{Card, Process};
use mystic_testkit::{FakeEngine, FakeNvml, Script};
use serde_json::{Value, json};

use crate::engines::run_out_of_memory;
use crate::stack::Stack;

const CARD: &str = "GPU-aaaaaaaa-0000-0000-0000-000000000001";

/// A host with one card, a worker on it and its place in the list of programs.
async fn host(script: Script) -> (Stack, FakeNvml, FakeEngine, usize) {
    let engine = FakeEngine::new(script).expect("an engine");
    let card = Card::new(CARD, "NVIDIA GeForce RTX 4090", 24_564);
    let nvml = FakeNvml::new(vec![card]).expect("a library");
    let library = format!("gpu.nvml_library={}", nvml.library_path().display());
    let mut stack = Stack::start().await;
    let worker = stack.fake_worker_with("worker-sd", "here", &engine, &[&library]);
    (stack, nvml, engine, worker)
}

/// Draws so many pictures and tells of the attempts that it took.
async fn drawn(stack: &Stack, pictures: u32) -> Vec<AttemptRecord> {
    let params = json!({ "prompt": "a house", "seed": 1, "batch": pictures });
    let job = stack.submit(params, false).await;
    stack.until(job, JobState::Succeeded).await;
    stack.attempts(job).await
}

async fn device(stack: &Stack) -> DeviceRecord {
    stack.store.devices().await.expect("devices").remove(0)
}

/// What the API shows of a plan; null where nothing is learned of it.
async fn estimate(stack: &Stack, plan: Plan) -> Value {
    let url = format!("{}/api/v1/estimates", stack.url);
    let answer = stack.http.get(url).send().await.expect("an answer");
    let estimates: Vec<Value> = answer.json().await.expect("JSON");
    let found = estimates
        .into_iter()
        .find(|estimate| estimate["plan"] == plan.as_str());
    found.unwrap_or_default()
}

/// The next job's attempt, which is booked with what this one took.
async fn next_is_booked_as(stack: &Stack, seen: &AttemptRecord) -> AttemptRecord {
    let peak = seen.peak_mib.expect("seen");
    let taken = peak - seen.resident_mib.expect("booked");
    stack
        .when("the need to be learned", async || {
            estimate(stack, Plan::Full).await["learned_mib"] == taken
        })
        .await;
    let next = drawn(stack, 1).await.remove(0);
    assert_eq!(next.working_mib, Some(taken));
    next
}

#[tokio::test]
async fn what_ran_out_of_memory_goes_on_one_rung_lower_and_is_never_booked_so_again() {
    let script = Script {
        step_ms: 1,
        ..Script::default()
    };
    let (stack, nvml, engine, worker) = host(script).await;
    run_out_of_memory(&engine, 1);
    let attempts = drawn(&stack, 1).await;
    let [starved, lower] = &attempts[..] else {
        panic!("{attempts:?}")
    };
    assert_eq!((starved.plan, lower.plan), (Plan::Full, Plan::VaeTiling));
    let failure = starved.error.as_ref().expect("a failure");
    assert_eq!(failure.kind, FailureKind::OutOfMemory, "{failure:?}");

    let raised = estimate(&stack, Plan::Full).await;
    let booked = starved.working_mib.expect("booked");
    assert_eq!(raised["formula_mib"], booked, "{raised}");
    assert!(raised["raised_at"].is_string(), "{raised}");
    let raised = raised["learned_mib"].as_i64().expect("MiB");
    assert!(raised > booked, "{raised}");

    // An equal job goes the fast way once more, with more memory.
    let attempts = drawn(&stack, 1).await;
    let [again] = &attempts[..] else {
        panic!("{attempts:?}")
    };
    assert_eq!((again.plan, again.working_mib), (Plan::Full, Some(raised)));

    // Where what was booked first is all that is left, it goes the frugal way at once.
    let child = stack.child_of(worker).as_raw().unsigned_abs();
    let left = device(&stack).await;
    let left = left.capacity - left.resident - Mib(raised - 1);
    nvml.set(|state| {
        let card = &mut state.cards[0];
        card.hidden_mib = left.0.unsigned_abs();
        card.processes = vec![Process::computing(child, 1)];
    })
    .expect("told");
    stack
        .when("the strangers to be seen", async || {
            device(&stack).await.others >= left
        })
        .await;
    let attempts = drawn(&stack, 1).await;
    let [frugal] = &attempts[..] else {
        panic!("{attempts:?}")
    };
    assert_eq!(frugal.plan, Plan::VaeTiling, "{frugal:?}");
    stack.assert_ledger_at_rest().await;
}

#[tokio::test]
async fn what_a_driver_shows_of_an_engine_s_memory_is_booked_for_the_next_job() {
    const PEAK: i64 = 1500;
    let script = Script {
        step_ms: 50,
        ..Script::default()
    };
    let (stack, nvml, _engine, worker) = host(script).await;
    let params = json!({ "prompt": "a house", "seed": 1, "batch": 20 });
    let job = stack.submit(params, false).await;
    stack
        .when("a picture", async || stack.job(job).await.images_done >= 1)
        .await;
    let child = stack.child_of(worker).as_raw().unsigned_abs();
    let show = |mib: i64| {
        nvml.set(|state| {
            state.cards[0].processes = vec![Process::computing(child, mib.unsigned_abs())];
        })
        .expect("told");
    };
    show(PEAK);
    stack
        .when("the heartbeat to see it", async || {
            let seen = device(&stack).await.residents[0].observed;
            seen == Some(Mib(PEAK))
        })
        .await;
    // It is the most that counts.
    show(PEAK - 700);
    stack.until(job, JobState::Succeeded).await;
    let attempt = stack.attempts(job).await.remove(0);
    assert_eq!(attempt.peak_mib, Some(PEAK), "{attempt:?}");
    let next = next_is_booked_as(&stack, &attempt).await;
    // What an earlier job of the same engine took is none of this one's.
    assert_eq!(next.peak_mib, Some(PEAK - 700));
}

#[tokio::test]
async fn what_an_engine_holds_of_system_memory_is_booked_for_the_next_job() {
    let script = Script {
        memory_mib: 600,
        ..Script::default()
    };
    let engine = FakeEngine::new(script).expect("an engine");
    let mut stack = Stack::start().await;
    stack.fake_worker("worker-sd", "here", &engine);
    let attempt = drawn(&stack, 1).await.remove(0);
    let peak = attempt.peak_mib.expect("seen");
    assert!((600..700).contains(&peak), "{peak}");
    next_is_booked_as(&stack, &attempt).await;
}

#[tokio::test]
async fn an_engine_that_takes_more_system_memory_than_is_booked_fails_and_its_worker_lives_on() {
    let script = |picture_mib| Script {
        picture_mib,
        ..Script::default()
    };
    let engine = FakeEngine::new(script(3000)).expect("an engine");
    let mut stack = Stack::start().await;
    let worker = stack.fake_worker("worker-sd", "here", &engine);
    let params = json!({ "prompt": "a house", "seed": 1 });
    let job = stack.submit(params, false).await;
    stack.until(job, JobState::Failed).await;
    let attempts = stack.attempts(job).await;
    let plans = attempts.iter().map(|attempt| attempt.plan);
    assert_eq!(plans.collect::<Vec<_>>(), [Plan::Full, Plan::VaeTiling]);
    for attempt in attempts {
        let failure = attempt.error.expect("a failure");
        assert_eq!(failure.kind, FailureKind::OutOfMemory, "{failure:?}");
        assert!(
            failure.message.contains("memory allocation of"),
            "{failure:?}"
        );
    }
    engine.set(script(0)).expect("told");
    assert_eq!(drawn(&stack, 1).await.len(), 1);
    assert!(!stack.has_ended(worker));
    stack.assert_ledger_at_rest().await;
}
