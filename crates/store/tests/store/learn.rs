//! What attempts took is averaged, each once, and what an owner had ahead of a job stays as it was first seen.

use mystic_domain::{GenerateParams, JobParams, PhaseTimes, WaitReason, work};
use mystic_store::{Outcome, Spent, Wait};

use crate::support::{Worker, World, new_job};

const LOADING_MS: u64 = 4_000;

/// One picture that took so long beside the load of its model.
async fn drawn(world: &World, worker: &Worker, sampling_ms: u64) {
    let lease = world.run(worker, world.submit_pictures(1).await).await;
    let picture = world.staged(worker, lease, 0).await;
    world.store.commit_image(&picture).await.expect("committed");
    let spent = Spent {
        times: PhaseTimes {
            loading_ms: LOADING_MS,
            sampling_ms,
            ..PhaseTimes::default()
        },
        peak: None,
    };
    let (done, gone) = (Outcome::Succeeded, false);
    world
        .store
        .settle(worker.id, lease.job, lease.fence, &done, spent, gone)
        .await
        .expect("settled");
    let resident = world.device(worker).await.residents[0].id;
    world
        .store
        .child_gone(worker.id, resident)
        .await
        .expect("gone");
}

#[tokio::test]
async fn an_attempt_is_learned_from_once_and_only_where_it_succeeded() {
    let world = World::new().await;
    let worker = world.worker().await;
    drawn(&world, &worker, 3_000).await;
    drawn(&world, &worker, 1_000).await;
    let lost = world.run(&worker, world.submit().await).await;
    world
        .settle(&worker, lost, &Outcome::HandedBack, false)
        .await;
    assert_eq!(world.store.learn().await.expect("learned"), 2);
    assert_eq!(world.store.learn().await.expect("learned"), 0);
    let snapshot = world.store.snapshot(10).await.expect("a snapshot");
    let [learned] = &snapshot.times[..] else {
        panic!("{:?}", snapshot.times)
    };
    let JobParams::Generate(params) = new_job(1).params else {
        panic!("a picture")
    };
    let params: GenerateParams = params;
    let unit = 2_000.0 / work::of_picture(&params);
    assert!(
        learned
            .unit_ms
            .is_some_and(|ms| (ms - unit).abs() < 1e-6 * unit),
        "{learned:?}"
    );
    assert_eq!(learned.load_ms, Some(4_000.0));
    assert_eq!(learned.device, worker.device);
}

#[tokio::test]
async fn what_an_owner_had_ahead_of_a_job_is_noted_once() {
    let world = World::new().await;
    let job = world.submit().await;
    for (n, ahead_ms) in [(0, 700), (1, 300)] {
        let wait = Wait {
            job,
            reason: WaitReason::Behind { n },
            ahead_ms,
        };
        world.store.note_waits(&[wait]).await.expect("noted");
    }
    let snapshot = world.store.snapshot(10).await.expect("a snapshot");
    assert_eq!(snapshot.queued[0].ahead_ms, Some(700));
    assert_eq!(
        snapshot.queued[0].wait_reason,
        Some(WaitReason::Behind { n: 1 })
    );
}

#[tokio::test]
async fn a_device_is_idle_since_its_turn_was_given_back() {
    let world = World::new().await;
    let worker = world.worker_with(10_000, 1).await;
    let before = world.device(&worker).await.idle_since;
    assert!(before.is_some());
    let lease = world.run(&worker, world.submit().await).await;
    assert_eq!(world.device(&worker).await.idle_since, None);
    world
        .settle(&worker, lease, &Outcome::HandedBack, true)
        .await;
    assert!(world.device(&worker).await.idle_since > before);
}
