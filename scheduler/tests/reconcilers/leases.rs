//! Leases that nobody claims, workers that nobody hears.

use std::sync::Arc;
use std::time::Duration;

use mystic_domain::{DeviceId, JobState, Mib, WaitReason};
use mystic_process::Shutdown;
use mystic_scheduler::reconcilers::{Expire, Reap, Reconcile, Rehint};
use mystic_store::{Beat, DeviceTelemetry};
use mystic_testkit::wait_until;
use tokio::sync::{Mutex, Notify};

use crate::support::Stack;

#[tokio::test]
async fn an_unclaimed_lease_goes_back_with_its_booking_and_its_unborn_model() {
    let stack = Stack::start().await;
    stack.worker(8192, 1).await;
    let job = stack.submit().await;
    stack.dispatch().run().await.expect("dispatched");
    assert_eq!(stack.job(job).await.state, JobState::Leased);
    let expire = Mutex::new(Expire::new(stack.store.clone(), Duration::from_millis(100)));
    expire.lock().await.run().await.expect("seen");
    assert_eq!(
        stack.job(job).await.state,
        JobState::Leased,
        "first seen now"
    );
    wait_until("the lease to expire", async || {
        expire.lock().await.run().await.expect("looked");
        stack.job(job).await.state == JobState::Queued
    })
    .await;
    let device = stack.store.devices().await.expect("devices").remove(0);
    assert_eq!(device.resident + device.working, Mib(0));
    assert!(device.residents.is_empty() && device.leases.is_empty());
    assert_eq!(stack.job(job).await.attempt, 0);
}

#[tokio::test]
async fn a_lease_is_left_to_its_worker_for_as_long_as_was_configured() {
    let stack = Stack::start().await;
    stack.worker(8192, 1).await;
    let job = stack.submit().await;
    stack.dispatch().run().await.expect("dispatched");
    let mut expire = Expire::new(stack.store.clone(), Duration::from_hours(1));
    for _ in 0..3 {
        expire.run().await.expect("looked");
        assert_eq!(stack.job(job).await.state, JobState::Leased);
    }
}

#[tokio::test]
async fn a_silent_worker_is_reaped_and_what_it_claimed_stays_booked() {
    let stack = Stack::start().await;
    let worker = stack.worker(8192, 1).await;
    let job = stack.submit().await;
    stack.dispatch().run().await.expect("dispatched");
    let fence = stack.job(job).await.fence;
    let claimed = stack.store.claim(worker, job, fence).await;
    assert!(claimed.expect("claimed").is_some());
    let fleet = Arc::new(Notify::new());
    let reap = Mutex::new(Reap::new(
        stack.store.clone(),
        Duration::from_millis(100),
        Arc::clone(&fleet),
    ));
    wait_until("the worker to be given up", async || {
        reap.lock().await.run().await.expect("looked");
        stack.store.beats().await.expect("beats").is_empty()
    })
    .await;
    fleet.notified().await;
    assert_eq!(stack.job(job).await.state, JobState::Queued);
    let device = stack.store.devices().await.expect("devices").remove(0);
    assert_eq!(device.leases[0].state, "quarantined");
    assert!(device.resident > Mib(0) && device.working > Mib(0));
    stack.assert_ledger().await;

    stack.dispatch().run().await.expect("dispatched");
    let reason = stack.job(job).await.wait_reason;
    assert!(matches!(reason, Some(WaitReason::NoWorker { .. })));
    stack.worker(8192, 1).await;
    stack.dispatch().run().await.expect("dispatched");
    assert_eq!(stack.job(job).await.state, JobState::Leased);
}

#[tokio::test]
async fn a_worker_that_beats_is_not_reaped() {
    let stack = Stack::start().await;
    let worker = stack.worker(8192, 1).await;
    let silent = stack.worker(8192, 1).await;
    let beat = Beat {
        worker,
        device: DeviceId(format!("{worker}/cpu")),
        held: Vec::new(),
        telemetry: DeviceTelemetry::default(),
        residents: Vec::new(),
    };
    let limit = Duration::from_millis(100);
    let reap = Mutex::new(Reap::new(
        stack.store.clone(),
        limit,
        Arc::new(Notify::new()),
    ));
    wait_until("the silent one to be given up", async || {
        stack.store.beat(&beat).await.expect("beaten");
        reap.lock().await.run().await.expect("looked");
        let beats = stack.store.beats().await.expect("beats");
        assert!(beats.iter().any(|(live, _)| *live == worker));
        beats.iter().all(|(live, _)| *live != silent)
    })
    .await;
}

#[tokio::test]
async fn a_lease_whose_ticket_was_lost_is_told_again() {
    let stack = Stack::start().await;
    let worker = stack.worker(8192, 1).await;
    let job = stack.submit().await;
    stack.dispatch().run().await.expect("dispatched");
    let queue = stack.services.queue.clone();
    wait_until("the first ticket", async || {
        queue.depths().await.expect("depths").run == [(worker, 1)]
    })
    .await;
    stack.redis.as_ref().expect("a server").flush().await;

    let rehint = Mutex::new(Rehint::new(stack.store.clone(), queue.clone()));
    wait_until("the second ticket", async || {
        rehint.lock().await.run().await.expect("looked");
        queue.depths().await.expect("depths").run == [(worker, 1)]
    })
    .await;
    let mut tickets = queue.consume_run(worker, 8, Shutdown::new().drain_token());
    assert_eq!(tickets.recv().await.expect("a ticket").job, job);
}
