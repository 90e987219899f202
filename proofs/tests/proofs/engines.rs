//! An engine child that breaks: its job is tried again or fails with the reason, and its worker lives on.

use mystic_domain::{FailureKind, JobId, JobState, Plan};
use mystic_testkit::{FakeEngine, Script, Then, When};
use nix::sys::signal::{Signal, kill};
use serde_json::json;

use crate::stack::Stack;

const QUICK: Script = Script {
    loading_ms: 0,
    step_ms: 1,
    memory_mib: 0,
    picture_mib: 0,
};

/// A stack with one worker of fake engines.
async fn with_worker(script: Script) -> (Stack, FakeEngine, usize) {
    let engine = FakeEngine::new(script).expect("an engine");
    let mut stack = Stack::start().await;
    let worker = stack.fake_worker("worker-sd", "here", &engine);
    (stack, engine, worker)
}

/// Lets a child die in its next picture, after so many steps, as one does whose card has no memory left.
pub fn run_out_of_memory(engine: &FakeEngine, steps: u32) {
    let saying = "ggml_backend_cuda_buffer_type_alloc_buffer: cudaMalloc failed: out of memory";
    let then = Then::Abort {
        saying: saying.into(),
    };
    engine.fail(When::Sampling { steps }, then).expect("told");
}

async fn submit(stack: &Stack, batch: u32) -> JobId {
    let params = json!({ "prompt": "a house", "seed": 1, "batch": batch });
    stack.submit(params, false).await
}

/// The job succeeded on its second attempt, and the first one's failure is told.
async fn assert_retried(stack: &Stack, job: JobId, kind: FailureKind, message: &str) {
    stack.until(job, JobState::Succeeded).await;
    let attempts = stack.attempts(job).await;
    assert_eq!(attempts.len(), 2, "{attempts:?}");
    let failure = attempts[0].error.as_ref().expect("a failure");
    assert_eq!(failure.kind, kind, "{failure:?}");
    assert!(failure.message.contains(message), "{failure:?}");
    assert_eq!(
        attempts[0].worker, attempts[1].worker,
        "the worker lived on"
    );
    stack.assert_pictures(&[job]).await;
    stack.assert_ledger_at_rest().await;
}

#[tokio::test]
async fn a_killed_engine_is_replaced_and_finished_pictures_are_kept() {
    let (stack, _engine, worker) = with_worker(Script {
        step_ms: 20,
        ..QUICK
    })
    .await;
    let job = submit(&stack, 5).await;
    stack
        .when("two pictures", async || {
            stack.job(job).await.images_done >= 2
        })
        .await;
    let before = stack.images().await;
    kill(stack.child_of(worker), Signal::SIGKILL).expect("it lived");
    assert_retried(&stack, job, FailureKind::EngineCrashed, "signal 9").await;
    let after = stack.images().await;
    assert!(before.iter().all(|image| after.contains(image)));
    let attempt = stack.attempts(job).await.remove(0);
    assert_eq!(attempt.error.expect("a failure").signal, Some(9));
}

#[tokio::test]
async fn an_engine_that_aborts_is_replaced_and_its_last_words_are_kept() {
    let (stack, engine, _) = with_worker(QUICK).await;
    let saying = "ggml.c:1234: GGML_ASSERT(ne[0] > 0) failed".to_owned();
    let then = Then::Abort {
        saying: saying.clone(),
    };
    engine
        .fail(When::Sampling { steps: 3 }, then)
        .expect("told");
    let job = submit(&stack, 2).await;
    assert_retried(&stack, job, FailureKind::EngineCrashed, "signal 6").await;
    let attempt = stack.attempts(job).await.remove(0);
    let tail = attempt.error.expect("a failure").stderr_tail;
    assert_eq!(tail.last(), Some(&saying));
}

#[tokio::test]
async fn an_engine_that_hangs_is_killed_and_replaced() {
    let (stack, engine, _) = with_worker(QUICK).await;
    let when = When::Sampling { steps: 3 };
    engine.fail(when, Then::Hang).expect("told");
    let job = submit(&stack, 1).await;
    stack.until(job, JobState::Running).await;
    assert_retried(&stack, job, FailureKind::EngineHung, "no progress for 2 s").await;
}

#[tokio::test]
async fn slow_steps_of_an_engine_that_is_known_to_be_slow_are_no_hang() {
    let slow = |step_ms| Script { step_ms, ..QUICK };
    let (stack, engine, _) = with_worker(slow(1000)).await;
    let params = json!({ "prompt": "a house", "seed": 1, "steps": 3 });
    let job = stack.submit(params.clone(), false).await;
    stack.until(job, JobState::Succeeded).await;
    // Longer than the configured two seconds, and less than five usual steps.
    engine.set(slow(3000)).expect("told");
    let slower = stack.submit(params, false).await;
    stack.until(slower, JobState::Succeeded).await;
    assert_eq!(stack.attempts(slower).await.len(), 1);
    let when = When::Sampling { steps: 1 };
    engine.fail(when, Then::Hang).expect("told");
    engine.set(QUICK).expect("told");
    let hung = submit(&stack, 1).await;
    assert_retried(&stack, hung, FailureKind::EngineHung, "no progress").await;
}

#[tokio::test]
async fn an_engine_that_runs_out_of_memory_is_known_by_its_last_words() {
    let (stack, engine, _) = with_worker(QUICK).await;
    run_out_of_memory(&engine, 0);
    let job = submit(&stack, 1).await;
    assert_retried(&stack, job, FailureKind::OutOfMemory, "out of memory").await;
    let plans = stack
        .attempts(job)
        .await
        .into_iter()
        .map(|attempt| attempt.plan);
    assert_eq!(plans.collect::<Vec<_>>(), [Plan::Full, Plan::VaeTiling]);
    assert_eq!(stack.images().await[0].plan, Some(Plan::VaeTiling));
}

#[tokio::test]
async fn an_engine_that_ends_while_it_loads_is_replaced() {
    let (stack, engine, _) = with_worker(QUICK).await;
    let then = Then::Exit { status: 3 };
    engine.fail(When::Loading, then).expect("told");
    let job = submit(&stack, 1).await;
    assert_retried(&stack, job, FailureKind::EngineCrashed, "status 3").await;
}

#[tokio::test]
async fn the_third_death_ends_the_job_with_the_reason_and_the_next_job_runs() {
    let (stack, engine, worker) = with_worker(QUICK).await;
    for _ in 0..3 {
        let then = Then::Abort {
            saying: "poison".into(),
        };
        engine
            .fail(When::Sampling { steps: 1 }, then)
            .expect("told");
    }
    let job = submit(&stack, 1).await;
    stack.until(job, JobState::Failed).await;
    let failure = stack.job(job).await.error.expect("a failure");
    assert_eq!(failure.kind, FailureKind::EngineCrashed);
    assert_eq!(
        failure.stderr_tail.last().map(String::as_str),
        Some("poison")
    );
    assert_eq!(stack.attempts(job).await.len(), 3);
    let next = submit(&stack, 1).await;
    stack.until(next, JobState::Succeeded).await;
    assert!(!stack.has_ended(worker));

    stack.post(&format!("jobs/{job}/retry")).await;
    stack.until(job, JobState::Succeeded).await;
    assert_eq!(stack.attempts(job).await.len(), 4);
    stack.assert_ledger_at_rest().await;
}

#[tokio::test]
async fn what_the_engine_refuses_is_not_tried_again() {
    let (stack, engine, _) = with_worker(QUICK).await;
    let then = Then::Fail {
        kind: FailureKind::InvalidInput,
        message: "no such sampler".into(),
    };
    engine
        .fail(When::Sampling { steps: 0 }, then)
        .expect("told");
    let job = submit(&stack, 1).await;
    stack.until(job, JobState::Failed).await;
    let failure = stack.job(job).await.error.expect("a failure");
    assert_eq!(failure.message, "no such sampler");
    assert_eq!(stack.attempts(job).await.len(), 1);
}

#[tokio::test]
async fn an_attempt_over_the_job_s_time_limit_is_stopped_and_the_job_fails() {
    let slow = Script {
        step_ms: 10_000,
        ..QUICK
    };
    let engine = FakeEngine::new(slow).expect("an engine");
    let mut stack = Stack::start().await;
    stack.worker("worker-sd", "here", &[&engine.setting()]);
    let job = json!({ "params": { "prompt": "a house" }, "auto_tag": false, "timeout_s": 1 });
    let job = stack.submit_with(job).await;
    stack.until(job, JobState::Failed).await;
    let failure = stack.job(job).await.error.expect("a failure");
    assert_eq!(failure.kind, FailureKind::Timeout);
    assert!(failure.message.contains("limit of 1 s"), "{failure:?}");
    assert_eq!(stack.attempts(job).await.len(), 1);
    engine.set(QUICK).expect("told");
    let next = submit(&stack, 1).await;
    stack.until(next, JobState::Succeeded).await;
    stack.assert_ledger_at_rest().await;
}

#[tokio::test]
async fn without_room_for_pictures_no_job_starts_and_each_says_why() {
    let engine = FakeEngine::new(QUICK).expect("an engine");
    let mut stack = Stack::start().await;
    let room = "store.min_free_mib=16777216";
    let worker = stack.worker("worker-sd", "here", &[&engine.setting(), room]);
    let job = submit(&stack, 1).await;
    stack
        .when("the first attempt to end", async || {
            let attempts = stack.attempts(job).await;
            attempts
                .first()
                .is_some_and(|attempt| attempt.outcome.is_some())
        })
        .await;
    let failure = stack.attempts(job).await.remove(0).error;
    let failure = failure.expect("a failure");
    assert_eq!(failure.kind, FailureKind::DiskFull);
    assert!(
        failure.message.contains("store.min_free_mib"),
        "{failure:?}"
    );
    // With room again the job goes on by itself.
    stack.terminate(worker);
    stack.worker("worker-sd", "here", &[&engine.setting()]);
    stack.until(job, JobState::Succeeded).await;
}

#[tokio::test]
async fn a_running_job_that_is_cancelled_frees_its_memory_and_keeps_its_pictures() {
    let (stack, _engine, worker) = with_worker(Script {
        step_ms: 50,
        ..QUICK
    })
    .await;
    let job = submit(&stack, 20).await;
    stack
        .when("a picture", async || stack.job(job).await.images_done >= 1)
        .await;
    let child = stack.child_of(worker);
    stack.cancel(job).await;
    stack.until(job, JobState::Cancelled).await;
    stack
        .when("the memory to be free", async || {
            let devices = stack.store.devices().await.expect("devices");
            devices.iter().all(|device| device.residents.is_empty())
        })
        .await;
    assert!(kill(child, None).is_err(), "the engine is gone");
    let done = stack.job(job).await.images_done;
    assert!((1..20).contains(&done));
    assert_eq!(i32::try_from(stack.images().await.len()), Ok(done));
    assert_eq!(stack.job(job).await.plan, Plan::Full);
    stack.assert_ledger_at_rest().await;
}
