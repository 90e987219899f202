//! What an operator has stopped is not granted, and says so.

use mystic_domain::{DeviceId, JobState, Pause, WaitReason};
use mystic_ledger::{Action, Ledger};
use mystic_scheduler::reconcilers::Reconcile;
use uuid::Uuid;

use crate::support::{Stack, finish, preset};

#[tokio::test]
async fn a_stopped_job_waits_with_the_reason_and_goes_on_when_it_is_resumed() {
    let stack = Stack::start().await;
    stack.worker(8192, 1).await;
    let job = stack.submit().await;
    let store = &stack.store;
    for pause in [
        Pause::Queue,
        Pause::Owner("local".into()),
        Pause::Preset(preset().name),
    ] {
        store.pause(&pause, false, "anna").await.expect("paused");
        stack.dispatch().run().await.expect("dispatched");
        let waiting = stack.job(job).await;
        assert_eq!(waiting.state, JobState::Queued);
        assert_eq!(
            waiting.wait_reason,
            Some(WaitReason::Paused { by: pause.clone() })
        );
        assert!(store.resume(&pause).await.expect("resumed"));
        assert_eq!(stack.job(job).await.wait_reason, None);
    }
    for other in [Pause::Owner("anna".into()), Pause::Preset("other".into())] {
        store.pause(&other, false, "anna").await.expect("paused");
    }
    stack.dispatch().run().await.expect("dispatched");
    assert_eq!(stack.job(job).await.state, JobState::Leased);
}

#[tokio::test]
async fn a_stopped_device_gets_nothing_and_gives_its_memory_back_when_its_job_has_ended() {
    let stack = Stack::start().await;
    let stopped = stack.worker(8192, 1).await;
    let device = DeviceId(format!("{stopped}/cpu"));
    let running = stack.submit().await;
    stack.dispatch().run().await.expect("dispatched");
    let fence = stack.job(running).await.fence;
    let pause = Pause::Device(device.clone());
    let paused = stack.store.pause(&pause, true, "local").await;
    assert!(paused.expect("paused").release);
    let waiting = stack.submit().await;
    stack.dispatch().run().await.expect("dispatched");
    let reason = stack.job(waiting).await.wait_reason;
    assert_eq!(reason, Some(WaitReason::Paused { by: pause.clone() }));

    finish(&stack.store, stopped, running, fence).await;
    stack.dispatch().run().await.expect("dispatched");
    let models = stack
        .store
        .devices()
        .await
        .expect("devices")
        .remove(0)
        .residents;
    assert_eq!(models[0].state, "evicting");

    let other = stack.worker(8192, 1).await;
    stack.dispatch().run().await.expect("dispatched");
    assert_eq!(stack.job(waiting).await.worker, Some(other));
}

#[tokio::test]
async fn a_decision_made_before_the_pause_is_not_granted_after_it() {
    let stack = Stack::start().await;
    stack.worker(8192, 1).await;
    let job = stack.submit().await;
    for pause in [
        Pause::Queue,
        Pause::Device(stack.store.devices().await.expect("devices").remove(0).id),
    ] {
        let snapshot = stack.store.snapshot(10).await.expect("a snapshot");
        let decided = Ledger::of(&snapshot).decide(Uuid::now_v7);
        stack
            .store
            .pause(&pause, false, "local")
            .await
            .expect("paused");
        let [Action::Grant(grant)] = &decided[..] else {
            panic!("{decided:?}");
        };
        let granted = stack.store.grant(grant).await.expect("answered");
        assert_eq!(granted, mystic_store::Granted::No);
        assert_eq!(stack.job(job).await.state, JobState::Queued);
        stack.store.resume(&pause).await.expect("resumed");
    }
}
