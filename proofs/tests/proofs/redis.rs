//! Redis carries hints: without it and without what it held, every submit is accepted and everything still finishes;
//! when it is back, jobs are dispatched by its hints again.

use std::time::Duration;

use mystic_domain::{JobId, JobState};
use mystic_services::Postgres;
use mystic_testkit::{FakeEngine, PostgresServer, RedisServer, Script};
use nix::sys::signal::Signal;
use serde_json::json;
use tokio::task::block_in_place;

use crate::stack::Stack;

/// Each shorter than what a submit waits for Redis.
const STALL: Duration = Duration::from_millis(700);

/// A stack with both workers on a Redis that may go away.
struct Away {
    stack: Stack,
    redis: RedisServer,
    _postgres: PostgresServer,
    _engine: FakeEngine,
}

impl Away {
    async fn start() -> Self {
        let engine = FakeEngine::new(Script {
            step_ms: 5,
            ..Script::default()
        })
        .expect("an engine");
        let (postgres, redis) = block_in_place(|| (PostgresServer::start(), RedisServer::start()));
        let mut stack = Stack::on(postgres.url(Postgres::DATABASE), redis.url()).await;
        stack.fake_worker("worker-sd", "here", &engine);
        stack.fake_worker("worker-llm", "here", &engine);
        Self {
            stack,
            redis,
            _postgres: postgres,
            _engine: engine,
        }
    }

    async fn submit(&self, jobs: u32) -> Vec<JobId> {
        let mut submitted = Vec::new();
        for seed in 0..jobs {
            let params = json!({ "prompt": "a red house", "seed": seed });
            submitted.push(self.stack.submit(params, true).await);
        }
        submitted
    }

    /// All jobs, and what follows from them, have ended well.
    async fn assert_done(&self, jobs: &[JobId]) {
        self.stack.until_all_ended().await;
        self.stack.assert_pictures(jobs).await;
        let images = self.stack.images().await;
        let tagged = images
            .iter()
            .filter(|image| image.job.is_some_and(|job| jobs.contains(&job)));
        for image in tagged {
            assert_eq!(image.tags_state, "done", "{image:?}");
        }
        self.stack.assert_ledger_at_rest().await;
    }

    /// Waits for a job that its worker took up with no heartbeat since the submit: a worker hears of a lease by a hint
    /// or by a heartbeat's answer, and in no other way.
    async fn until_hints_bring_jobs(&self) {
        let beats = async || self.stack.store.beats().await.expect("beats");
        self.stack
            .when("a job that a hint brought", async || {
                let before = beats().await;
                let job = self
                    .stack
                    .submit(json!({ "prompt": "a house" }), false)
                    .await;
                self.stack.until(job, JobState::Succeeded).await;
                before == beats().await
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_redis_is_gone_jobs_run_and_when_it_is_back_hints_bring_them() {
    let away = Away::start().await;
    let mut jobs = Vec::new();
    for with_its_data in [false, true] {
        away.until_hints_bring_jobs().await;
        jobs.extend(away.submit(3).await);
        if with_its_data {
            assert!(away.redis.save().await);
        }
        block_in_place(|| away.redis.stop());
        jobs.extend(away.submit(5).await);
        away.assert_done(&jobs).await;
        jobs.extend(away.submit(3).await);
        block_in_place(|| away.redis.again());
        away.until_hints_bring_jobs().await;
        away.assert_done(&jobs).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_flush_in_the_middle_of_work_everything_finishes() {
    let away = Away::start().await;
    let jobs = away.submit(30).await;
    for pictures in [3, 10, 20] {
        away.stack
            .when("some pictures", async || {
                away.stack.images().await.len() >= pictures
            })
            .await;
        assert!(away.redis.flush().await);
    }
    away.until_hints_bring_jobs().await;
    away.assert_done(&jobs).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_redis_stalls_again_and_again_every_submit_is_accepted_and_jobs_run() {
    let away = Away::start().await;
    let mut jobs = away.submit(5).await;
    for _ in 0..5 {
        away.redis.signal(Signal::SIGSTOP);
        // What is proven is what this very time does.
        let stalled = tokio::time::sleep(STALL);
        jobs.extend(away.submit(1).await);
        stalled.await;
        away.redis.signal(Signal::SIGCONT);
        jobs.extend(away.submit(1).await);
    }
    away.until_hints_bring_jobs().await;
    away.assert_done(&jobs).await;
}
