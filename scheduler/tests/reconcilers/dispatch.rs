//! Queued jobs get leases, idle models go.

use std::sync::Arc;
use std::time::Duration;

use mystic_domain::{Failure, FailureKind, JobState};
use mystic_scheduler::Hints;
use mystic_scheduler::reconcilers::{Dispatch, Reconcile};
use mystic_store::{Outcome, Spent};
use mystic_testkit::wait_until;
use tokio::sync::Notify;

use crate::support::{Stack, finish};

#[tokio::test]
async fn a_queued_job_is_granted_told_and_claimed() {
    let stack = Stack::start().await;
    let worker = stack.worker(8192, 1).await;
    let queue = &stack.services.queue;
    let shutdown = stack.run();
    let mut tickets = queue.consume_run(worker, 8, shutdown.drain_token());
    let job = stack.submit().await;
    let ticket = tickets.recv().await.expect("a ticket");
    assert_eq!(ticket.job, job);
    let claimed = stack.store.claim(worker, job, ticket.fence).await;
    assert!(claimed.expect("claimed").is_some());
    stack.assert_ledger().await;
    shutdown.cut();
}

#[tokio::test]
async fn two_schedulers_at_once_never_over_commit() {
    let stack = Stack::start().await;
    let workers = [
        stack.worker(8192, 1).await,
        stack.worker(8192, 1).await,
        stack.worker(8192, 1).await,
    ];
    let mut jobs = Vec::new();
    for _ in 0..30 {
        jobs.push(stack.submit().await);
    }
    let schedulers = [stack.run(), stack.run()];
    wait_until("all jobs to succeed", async || {
        stack.assert_ledger().await;
        for (job, fence, worker) in stack.store.unclaimed().await.expect("leases") {
            finish(&stack.store, worker, job, fence).await;
        }
        let counts = stack.store.counts().await.expect("counts");
        counts.get(&JobState::Cancelled) == Some(&30)
    })
    .await;
    for scheduler in schedulers {
        scheduler.cut();
    }
    for job in jobs {
        let done = stack.job(job).await;
        assert_eq!((done.attempt, done.images_done), (1, 0), "run once");
        assert!(workers.contains(&stack.store.attempts(job).await.expect("attempts")[0].worker));
    }
    let devices = stack.store.devices().await.expect("devices");
    assert!(devices.iter().all(|device| device.leases.is_empty()));
    assert!(devices.iter().all(|device| device.residents.len() == 1));
    stack.assert_ledger().await;
}

#[tokio::test]
async fn what_has_just_run_out_of_memory_is_not_granted_as_it_was() {
    let stack = Stack::start().await;
    let worker = stack.worker(8192, 1).await;
    let [first, second] = [stack.submit().await, stack.submit().await];
    stack.dispatch().run().await.expect("dispatched");
    let store = &stack.store;
    let fence = stack.job(first).await.fence;
    let claimed = store.claim(worker, first, fence).await.expect("claimed");
    let resident = claimed.expect("ours").resident;
    assert!(store.resident_ready(worker, resident).await.expect("ready"));
    let lease = async || {
        let device = store.devices().await.expect("devices").remove(0);
        let lease = device.leases.first().expect("a lease").clone();
        (lease.job, lease.working)
    };
    let (job, booked) = lease().await;
    assert_eq!(job, first);
    let failure = Failure::new(FailureKind::OutOfMemory, "it is full");
    let starved = Outcome::Failed(failure);
    let settled = store.settle(worker, first, fence, &starved, Spent::default(), true);
    settled.await.expect("settled");
    stack.dispatch().run().await.expect("dispatched");
    let (job, raised) = lease().await;
    assert_eq!(job, second);
    assert!(raised > booked, "{raised}");
}

#[tokio::test]
async fn without_redis_the_tick_still_grants() {
    let mut stack = Stack::start().await;
    stack.worker(8192, 1).await;
    stack.redis = None;
    let shutdown = stack.run();
    let job = stack.submit().await;
    stack.until(job, JobState::Leased).await;
    shutdown.cut();
}

#[tokio::test]
async fn an_idle_model_is_unloaded_in_time() {
    let stack = Stack::start().await;
    let worker = stack.worker(8192, 1).await;
    let job = stack.submit().await;
    stack.dispatch().run().await.expect("dispatched");
    let fence = stack.job(job).await.fence;
    finish(&stack.store, worker, job, fence).await;
    let state = async || {
        let device = stack.store.devices().await.expect("devices").remove(0);
        device.residents[0].state.clone()
    };
    stack.dispatch().run().await.expect("dispatched");
    assert_eq!(state().await, "ready");
    let hints = Hints::start(stack.services.queue.clone());
    let granted = Arc::new(Notify::new());
    let mut dispatch = Dispatch::new(stack.store.clone(), hints, Duration::ZERO, granted);
    dispatch.run().await.expect("dispatched");
    assert_eq!(state().await, "evicting");
}
