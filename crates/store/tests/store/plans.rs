//! What workers offer, and what that means for a job's plan.

use mystic_domain::{FailureKind, JobId, JobState, Plan, ResidentId};
use mystic_store::{Grant, Outcome, Seat, SnapshotPreset};

use crate::support::{OFFERED, PAINTER, WEIGHTS, Worker, World, failed, load, sit};

#[tokio::test]
async fn the_scheduler_sees_what_each_worker_offers_and_what_its_files_are_for() {
    let world = World::new().await;
    let offers = [Plan::Full, Plan::VaeOnCpu, Plan::Streamed];
    let (plain, card) = (world.worker().await, world.offering(&offers).await);
    let snapshot = world.store.snapshot(1).await.expect("a snapshot");
    for (worker, plans) in [(plain, &OFFERED[..]), (card, &offers)] {
        let seen = snapshot.workers.iter().find(|seen| seen.id == worker.id);
        let painter = SnapshotPreset {
            name: PAINTER.into(),
            weights: WEIGHTS,
            plans: plans.to_vec(),
            preload_failed: false,
        };
        assert!(seen.expect("the worker").presets.contains(&painter));
    }
}

#[tokio::test]
async fn a_model_that_was_loaded_another_way_is_no_seat() {
    let world = World::new().await;
    let worker = world.worker().await;
    let first = world.run(&worker, world.submit().await).await;
    world
        .settle(&worker, first, &Outcome::Succeeded, true)
        .await;
    let seated = |job, plan| Grant {
        plan,
        ..sit(&worker, job, first.resident)
    };
    let job = world.submit().await;
    assert!(world.grant(&seated(job, Plan::Streamed)).await.is_none());
    assert!(world.grant(&seated(job, Plan::VaeTiling)).await.is_some());
}

#[tokio::test]
async fn after_running_out_of_memory_comes_the_next_rung_that_a_living_worker_offers() {
    let world = World::new().await;
    let worker = world.worker().await;
    let card = world.offering(&[Plan::Full, Plan::VaeOnCpu]).await;
    let job = world.submit().await;
    for (plan, next) in [
        (Plan::Full, Plan::VaeTiling),
        (Plan::VaeTiling, Plan::VaeOnCpu),
    ] {
        starve(&world, &worker, job, plan).await;
        let job = world.job(job).await;
        assert_eq!((job.state, job.plan), (JobState::Queued, next));
        assert_eq!(job.engine_deaths, 0, "the ladder ends by itself");
    }
    world.store.gone(card.id).await.expect("gone");
    let job = world.submit().await;
    starve(&world, &worker, job, Plan::VaeTiling).await;
    assert_eq!(world.state(job).await, JobState::Failed);
}

/// Runs a job until its engine dies for want of memory.
async fn starve(world: &World, worker: &Worker, job: JobId, plan: Plan) {
    sqlx::query("UPDATE jobs SET not_before = NULL")
        .execute(world.store.pool())
        .await
        .expect("no back-off");
    let grant = Grant {
        plan,
        seat: Seat::Load {
            resident: ResidentId::generate(),
            context: plan.context(),
        },
        ..load(worker, job)
    };
    let lease = world.grant(&grant).await.expect("granted");
    let claimed = world.store.claim(worker.id, job, lease.fence).await;
    assert!(claimed.expect("answered").is_some());
    let starved = failed(FailureKind::OutOfMemory);
    world.settle(worker, lease, &starved, false).await;
    let gone = world.store.child_gone(worker.id, lease.resident).await;
    gone.expect("its memory is free");
}
