//! Postgres is the truth: while it is away nothing is accepted and nothing is given up, and what ran goes on.

use std::path::Path;

use mystic_domain::{FailureKind, JobId, JobState};
use mystic_services::Postgres;
use mystic_testkit::{
    Direction, FakeEngine, Flow, PostgresServer, Proxy, Redis, Script, wait_until,
};
use nix::sys::signal::kill;
use nix::unistd::Pid;
use serde_json::{Value, json};
use tokio::task::block_in_place;

use crate::stack::{API, Stack};

/// A stack on a Postgres that may go away.
struct Away {
    stack: Stack,
    postgres: PostgresServer,
    engine: FakeEngine,
    _redis: Redis,
}

impl Away {
    async fn start(step_ms: u64) -> Self {
        let engine = FakeEngine::new(Script {
            step_ms,
            ..Script::default()
        })
        .expect("an engine");
        let (postgres, redis) = tokio::join!(
            async { block_in_place(PostgresServer::start) },
            Redis::start()
        );
        let stack = Stack::on(postgres.url(Postgres::DATABASE), redis.url()).await;
        Self {
            stack,
            postgres,
            engine,
            _redis: redis,
        }
    }

    async fn submit(&self, batch: u32) -> JobId {
        let params = json!({ "prompt": "a house", "seed": 1, "batch": batch });
        self.stack.submit(params, false).await
    }

    fn stop(&self) {
        block_in_place(|| self.postgres.stop());
    }

    fn again(&self) {
        block_in_place(|| self.postgres.again());
    }

    /// Everything that needs Postgres is refused with a time to come back, in the shape of every refusal.
    async fn assert_unavailable(&self) {
        let jobs = format!("{}/api/v1/jobs", self.stack.url);
        let request =
            json!({ "kind": "generate", "preset": "demo", "params": { "prompt": "a house" } });
        let asked = [
            self.stack.http.post(&jobs).json(&request),
            self.stack.http.get(&jobs),
            self.stack.http.get(format!("{jobs}/{}", JobId::generate())),
        ];
        for ask in asked {
            let answer = ask.send().await.expect("an answer");
            assert_eq!(answer.status(), 503);
            let after = answer.headers()["retry-after"].to_str().expect("text");
            assert!(after.parse::<u32>().is_ok(), "{after}");
            let problem: Value = answer.json().await.expect("JSON");
            assert_eq!(problem["type"], "urn:mystic:problem:unavailable");
        }
    }
}

/// How many pictures engines have begun and ended.
fn pictures(journal: &Path) -> (usize, usize) {
    let text = std::fs::read_to_string(journal).expect("a journal");
    let count = |what: &str| text.lines().filter(|line| line.contains(what)).count();
    (count(" begin "), count(" end "))
}

#[tokio::test(flavor = "multi_thread")]
async fn while_postgres_is_gone_workers_finish_what_they_run_and_settle_it_when_it_is_back() {
    let mut away = Away::start(50).await;
    let journal = away.engine.keep_journal().expect("a journal");
    away.stack.fake_worker("worker-sd", "here", &away.engine);
    let job = away.submit(3).await;
    let begun = |count: usize| {
        let journal = &journal;
        async move || pictures(journal).0 >= count
    };
    away.stack.when("the second picture", begun(2)).await;
    let before = away.stack.job(job).await;
    away.stop();
    away.assert_unavailable().await;
    let made = || async { pictures(&journal).1 >= 2 };
    wait_until("the second picture to be made without Postgres", made).await;
    away.assert_unavailable().await;
    away.again();
    away.stack.until(job, JobState::Succeeded).await;
    let after = away.stack.job(job).await;
    assert_eq!((after.attempt, after.fence), (1, before.fence));
    assert_eq!(away.stack.attempts(job).await.len(), 1);
    assert_eq!(pictures(&journal), (3, 3), "each picture was made once");
    away.stack.assert_pictures(&[job]).await;
    let next = away.submit(1).await;
    away.stack.until(next, JobState::Succeeded).await;
    away.stack.assert_ledger_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_longer_than_the_grace_ends_the_engine_and_the_job_runs_again_once() {
    let mut away = Away::start(100).await;
    let grace = ["worker.offline_grace_s=1"];
    let worker = away
        .stack
        .fake_worker_with("worker-sd", "here", &away.engine, &grace);
    let job = away.submit(2).await;
    away.stack
        .when("the first picture", async || {
            away.stack.job(job).await.images_done == 1
        })
        .await;
    let child = away.stack.child_of(worker);
    away.stop();
    wait_until("the engine to be ended", || async { is_dead(child) }).await;
    away.again();
    away.stack.until(job, JobState::Succeeded).await;
    assert_ran_again(&away.stack, job, "gave attempt 1 up").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_packets_vanish_ends_its_work_in_time_and_its_job_runs_elsewhere() {
    let mut away = Away::start(100).await;
    let proxy = Proxy::to(&away.postgres.socket()).await.expect("a port");
    let url = format!(
        "database.url=postgres://{}@{}/{}",
        Postgres::USER,
        proxy.address(),
        Postgres::DATABASE
    );
    let settings = [url.as_str(), "worker.offline_grace_s=3"];
    let worker = away
        .stack
        .fake_worker_with("worker-sd", "lost", &away.engine, &settings);
    let job = away.submit(2).await;
    away.stack
        .when("the first picture", async || {
            away.stack.job(job).await.images_done == 1
        })
        .await;
    let child = away.stack.child_of(worker);
    // Connections stay open and say nothing, in neither direction: the worker can only judge by its clock.
    proxy.set(Direction::ToServer, Flow::Stopped);
    proxy.set(Direction::ToClient, Flow::Stopped);
    away.stack.fake_worker("worker-sd", "here", &away.engine);
    wait_until("the engine to be ended", || async { is_dead(child) }).await;
    away.stack.until(job, JobState::Succeeded).await;
    assert_ran_again(&away.stack, job, "vanished during attempt 1").await;

    // New connections pass again. It is told that it was given up, registers anew, and what it had booked is free.
    proxy.cut();
    proxy.heal();
    let devices = async || away.stack.store.devices().await.expect("devices");
    away.stack
        .when("the lost host's memory to be free", async || {
            let devices = devices().await;
            let lost = devices.iter().find(|device| device.id.0 == "lost/cpu");
            lost.is_some_and(|device| device.residents.is_empty() && device.leases.is_empty())
        })
        .await;
    away.stack
        .when("the lost host to be ready", async || {
            let workers = away.stack.store.workers(10).await.expect("workers");
            workers
                .iter()
                .any(|worker| worker.host == "lost" && worker.state == "ready")
        })
        .await;
    away.stack.assert_ledger_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_starts_while_postgres_is_gone_waits_for_it_and_what_ends_does_end() {
    let mut away = Away::start(1).await;
    let leaves = away.stack.fake_worker("worker-sd", "there", &away.engine);
    let job = away.submit(1).await;
    away.stack.until(job, JobState::Succeeded).await;
    away.stop();
    away.stack.terminate(API);
    let (waits, ends) = (
        away.stack.fake_worker("worker-sd", "here", &away.engine),
        away.stack.fake_worker("worker-llm", "here", &away.engine),
    );
    let scheduler = away.stack.scheduler();
    away.stack.terminate(leaves);
    away.stack.until_ended_well(leaves).await;
    away.stack.until_ended_well(API).await;
    away.stack
        .when("the worker to say that it waits", async || {
            away.stack.log(ends).contains("database fails")
        })
        .await;
    away.stack.terminate(ends);
    away.stack.until_ended_well(ends).await;
    away.stack.again(API);
    away.again();
    away.stack.until_it_serves(API).await;
    let job = away.submit(1).await;
    away.stack.until(job, JobState::Succeeded).await;
    for program in [waits, scheduler] {
        assert!(!away.stack.has_ended(program));
    }
}

/// Whether a process is gone; its parent has collected it.
fn is_dead(process: Pid) -> bool {
    kill(process, None).is_err()
}

/// The job was ended once, on its second attempt, and no picture was made twice.
async fn assert_ran_again(stack: &Stack, job: JobId, message: &str) {
    let attempts = stack.attempts(job).await;
    assert_eq!(attempts.len(), 2, "{attempts:?}");
    let failure = attempts[0].error.as_ref().expect("a failure");
    assert_eq!(failure.kind, FailureKind::WorkerLost, "{failure:?}");
    assert!(failure.message.contains(message), "{failure:?}");
    stack.assert_pictures(&[job]).await;
}
