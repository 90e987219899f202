//! Needs are corrected by what attempts were seen to take, each once, and by those alone that say something of it.

use mystic_domain::{FailureKind, Mib, Plan};
use mystic_store::{EstimateRecord, Outcome, Spent};
use mystic_testkit::wait_until;

use crate::support::{NEED, PAINTER, TAGGER, Worker, World, failed};

/// What the formula says of a picture of 8 × 8.
const FORMULA: Mib = Mib(16);

/// One attempt at a job without pictures that took so much at most.
async fn ended(world: &World, worker: &Worker, outcome: &Outcome, peak: Option<Mib>) {
    let lease = world.run(worker, world.submit().await).await;
    let spent = Spent {
        peak,
        ..Spent::default()
    };
    let settled = world
        .store
        .settle(worker.id, lease.job, lease.fence, outcome, spent, false);
    settled.await.expect("settled");
    let gone = world.store.child_gone(worker.id, lease.resident).await;
    gone.expect("its memory is free");
}

async fn succeeded(world: &World, worker: &Worker, working: i64) {
    let peak = NEED.resident + Mib(working);
    ended(world, worker, &Outcome::Succeeded, Some(peak)).await;
}

async fn learned(world: &World) -> Vec<EstimateRecord> {
    while world.store.learn().await.expect("learned") > 0 {}
    world.store.estimates().await.expect("estimates")
}

#[tokio::test]
async fn what_was_seen_beside_the_booked_model_is_learned_once_at_its_highest() {
    let world = World::new().await;
    let worker = world.worker().await;
    for working in [300, 700, 500] {
        succeeded(&world, &worker, working).await;
    }
    // One that nobody saw tells nothing of memory.
    ended(&world, &worker, &Outcome::Succeeded, None).await;
    let estimates = learned(&world).await;
    let [estimate] = &estimates[..] else {
        panic!("{estimates:?}")
    };
    assert_eq!(
        (estimate.preset.as_str(), estimate.plan, estimate.samples),
        (PAINTER, Plan::Full, 3)
    );
    assert_eq!(
        (estimate.formula_mib, estimate.learned_mib),
        (FORMULA, Mib(700))
    );
    assert_eq!(
        (estimate.pixels_from, estimate.pixels_below),
        (Some(64), Some(91))
    );
    assert_eq!(estimate.raised_at, None);
    assert_eq!(learned(&world).await, estimates, "each once");
    let snapshot = world.store.snapshot(10).await.expect("a snapshot");
    let [need] = &snapshot.needs[..] else {
        panic!("{:?}", snapshot.needs)
    };
    assert_eq!(need.correction.correct(FORMULA), Mib(700));
}

#[tokio::test]
async fn running_out_of_memory_raises_the_need_before_all_else_is_learned() {
    let world = World::new().await;
    let worker = world.worker().await;
    succeeded(&world, &worker, 5).await;
    let starved = failed(FailureKind::OutOfMemory);
    ended(&world, &worker, &starved, None).await;
    assert_eq!(world.store.learn_starved().await.expect("learned"), 1);
    assert_eq!(world.store.learn_starved().await.expect("learned"), 0);
    let estimate = world.store.estimates().await.expect("estimates").remove(0);
    // A fifth more than the 110 MiB that were booked.
    assert_eq!(
        (estimate.samples, estimate.learned_mib),
        (1, Mib(132) - NEED.resident)
    );
    assert!(estimate.raised_at.is_some());
    let later = learned(&world).await.remove(0);
    assert_eq!(
        (later.samples, later.learned_mib),
        (2, estimate.learned_mib)
    );
    assert_eq!(later.raised_at, estimate.raised_at);
}

#[tokio::test]
async fn a_cancel_and_other_failures_are_no_evidence_about_memory() {
    let world = World::new().await;
    let worker = world.worker().await;
    let lease = world.run(&worker, world.submit().await).await;
    world.store.cancel(lease.job).await.expect("cancelled");
    let starved = failed(FailureKind::OutOfMemory);
    world.settle(&worker, lease, &starved, false).await;
    let gone = world.store.child_gone(worker.id, lease.resident).await;
    gone.expect("its memory is free");
    let peak = Some(Mib(5000));
    for outcome in [failed(FailureKind::EngineCrashed), Outcome::HandedBack] {
        ended(&world, &worker, &outcome, peak).await;
    }
    assert_eq!(learned(&world).await, []);
}

#[tokio::test]
async fn what_is_forgotten_is_not_learned_again_from_the_same_attempts() {
    let world = World::new().await;
    let worker = world.worker().await;
    succeeded(&world, &worker, 700).await;
    assert_eq!(learned(&world).await.len(), 1);
    let forget = async |preset| {
        world
            .store
            .forget_estimates(preset)
            .await
            .expect("answered")
    };
    assert_eq!(forget("nothing").await, None);
    assert_eq!(forget(TAGGER).await, Some(0));
    assert_eq!(forget(PAINTER).await, Some(1));
    assert_eq!(learned(&world).await, []);
    succeeded(&world, &worker, 50).await;
    let again = learned(&world).await.remove(0);
    assert_eq!((again.samples, again.learned_mib), (1, Mib(50)));
}

#[tokio::test]
async fn several_who_learn_at_once_take_each_attempt_in_once() {
    let world = World::new().await;
    let worker = world.worker().await;
    for working in 100..112 {
        succeeded(&world, &worker, working).await;
    }
    let starved = failed(FailureKind::OutOfMemory);
    ended(&world, &worker, &starved, None).await;
    let store = &world.store;
    let (one, other, third) = tokio::join!(store.learn(), store.learn_starved(), store.learn());
    let taken = one.expect("learned") + other.expect("learned") + third.expect("learned");
    let estimate = learned(&world).await.remove(0);
    assert_eq!((estimate.samples, estimate.learned_mib), (13, Mib(111)));
    assert!(taken <= 13);
}

#[tokio::test]
async fn no_attempt_is_learned_to_take_more_than_its_device_has() {
    let world = World::new().await;
    let worker = world.worker_with(1000, 1).await;
    succeeded(&world, &worker, 50_000).await;
    let estimate = learned(&world).await.remove(0);
    assert_eq!(NEED.resident + estimate.learned_mib, Mib(1000));
}

#[tokio::test]
async fn whoever_learns_waits_for_whoever_learns_or_forgets_of_the_same_preset() {
    let world = World::new().await;
    let worker = world.worker().await;
    succeeded(&world, &worker, 700).await;
    let (store, painter) = (
        &world.store,
        "SELECT FROM presets WHERE name = 'painter' FOR NO KEY UPDATE",
    );
    let held = async |call: &mut (dyn Future<Output = ()> + Unpin)| {
        let mut holder = store.pool().begin().await.expect("a transaction");
        let locked = sqlx::query(painter).execute(&mut *holder).await;
        locked.expect("locked");
        let released = async {
            wait_until("the call to wait", async || world.waits_for_a_lock().await).await;
            holder.commit().await.expect("committed");
        };
        tokio::join!(call, released);
    };
    let learning = async { assert_eq!(store.learn().await.expect("learned"), 1) };
    held(&mut std::pin::pin!(learning)).await;
    let forgetting = async {
        let forgotten = store.forget_estimates(PAINTER).await;
        assert_eq!(forgotten.expect("answered"), Some(1));
    };
    held(&mut std::pin::pin!(forgetting)).await;
}
