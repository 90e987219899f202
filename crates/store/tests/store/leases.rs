//! Claims and settles can be repeated; whoever comes too late changes nothing.

use std::time::Duration;

use mystic_domain::{FailureKind, Fence, JobState, Mib, ResidentId};
use mystic_store::{
    Beat, Committed, DeviceTelemetry, Grant, Granted, Outcome, Settled, Spent, Store,
};
use mystic_testkit::wait_until;

use crate::preload::preload;
use crate::support::{NEED, TAGGER, World, failed, load, sha256, sit};

#[tokio::test]
async fn a_repeated_claim_returns_the_first_and_starts_no_second_attempt() {
    let world = World::new().await;
    let worker = world.worker().await;
    let lease = world.lease(&worker, world.submit().await).await;
    let claim = || world.store.claim(worker.id, lease.job, lease.fence);
    let first = claim().await.expect("answered").expect("claimed");
    let second = claim().await.expect("answered").expect("claimed");
    assert_eq!(
        (first.job.id, first.job.attempt, first.job.started_at),
        (second.job.id, second.job.attempt, second.job.started_at)
    );
    let attempts = world.store.attempts(lease.job).await.expect("attempts");
    assert_eq!(attempts.len(), 1);
}

#[tokio::test]
async fn a_lease_is_claimed_by_its_worker_alone_and_under_its_fence_alone() {
    let world = World::new().await;
    let [worker, other] = [world.worker().await, world.worker().await];
    let lease = world.lease(&worker, world.submit().await).await;
    let earlier = Fence(lease.fence.0 - 1);
    for (by, fence) in [(other.id, lease.fence), (worker.id, earlier)] {
        let claimed = world.store.claim(by, lease.job, fence).await;
        assert!(claimed.expect("answered").is_none());
    }
    assert_eq!(world.state(lease.job).await, JobState::Leased);
}

#[tokio::test]
async fn of_many_claims_at_once_one_starts_the_attempt() {
    let world = World::new().await;
    let worker = world.worker().await;
    let lease = world.lease(&worker, world.submit().await).await;
    let claims = (0..8).map(|_| {
        let store = world.store.clone();
        let worker = worker.id;
        tokio::spawn(async move { store.claim(worker, lease.job, lease.fence).await })
    });
    for claim in claims.collect::<Vec<_>>() {
        let claimed = claim.await.expect("no panic").expect("answered");
        assert_eq!(claimed.expect("claimed").job.attempt, 1);
    }
    let attempts = world.store.attempts(lease.job).await.expect("attempts");
    assert_eq!(attempts.len(), 1);
}

#[tokio::test]
async fn a_repeated_settle_returns_the_first_outcome_and_changes_nothing() {
    let world = World::new().await;
    let worker = world.worker().await;
    let lease = world.run(&worker, world.submit().await).await;
    let fail = failed(FailureKind::InvalidInput);
    let first = world
        .settle(&worker, lease, &Outcome::Succeeded, true)
        .await;
    let job = world.job(lease.job).await;
    let second = world.settle(&worker, lease, &fail, true).await;
    assert_eq!(first, Settled::Done(JobState::Succeeded));
    assert_eq!(second, first);
    assert_eq!(world.job(lease.job).await, job);
}

#[tokio::test]
async fn a_worker_that_was_given_up_changes_nothing_any_more() {
    let world = World::new().await;
    let [silent, other] = [world.worker().await, world.worker().await];
    let job = world.submit_pictures(2).await;
    let old = world.run(&silent, job).await;
    let picture = world.staged(&silent, old, 0).await;
    assert_eq!(world.reap(&silent).await, Some(vec![job]));
    let new = world.run(&other, job).await;
    let before = world.job(job).await;

    let settled = world.settle(&silent, old, &Outcome::Succeeded, true).await;
    assert_eq!(settled, Settled::Stale);
    let committed = world.store.commit_image(&picture).await;
    assert_eq!(committed.expect("answered"), Committed::Stale);
    let claimed = world.store.claim(silent.id, job, old.fence).await;
    assert_eq!(claimed.expect("answered"), None);
    // The new worker's lease is not to be had with the old fence either.
    let claimed = world.store.claim(other.id, job, old.fence).await;
    assert_eq!(claimed.expect("answered"), None);

    assert_eq!(world.job(job).await, before);
    assert!(new.fence > old.fence);
    let attempts = world.store.attempts(job).await.expect("attempts");
    assert_eq!(attempts[0].outcome.as_deref(), Some("lost"));
    assert_eq!(attempts[1].outcome, None);
}

#[tokio::test]
async fn an_unclaimed_lease_costs_no_attempt_and_frees_what_was_never_loaded() {
    let world = World::new().await;
    let worker = world.worker().await;
    let lease = world.lease(&worker, world.submit().await).await;
    let expired = world.store.expire(lease.job, lease.fence).await;
    assert!(expired.expect("answered"));
    let job = world.job(lease.job).await;
    assert_eq!((job.state, job.attempt), (JobState::Queued, 0));
    let device = world.device(&worker).await;
    assert_eq!(device.resident + device.working, Mib(0));
    assert!(device.residents.is_empty() && device.leases.is_empty());
}

#[tokio::test]
async fn an_unclaimed_lease_leaves_a_model_that_others_loaded() {
    let world = World::new().await;
    let worker = world.worker().await;
    let first = world.run(&worker, world.submit().await).await;
    let ready = world.store.resident_ready(worker.id, first.resident).await;
    assert!(ready.expect("answered"));
    world
        .settle(&worker, first, &Outcome::Succeeded, true)
        .await;
    let second = sit(&worker, world.submit().await, first.resident);
    let second = world.grant(&second).await.expect("granted");
    let expired = world.store.expire(second.job, second.fence).await;
    assert!(expired.expect("answered"));
    let device = world.device(&worker).await;
    assert_eq!((device.residents.len(), device.leases.len()), (1, 0));
    world.assert_ledger().await;
}

#[tokio::test]
async fn a_lease_that_was_claimed_does_not_expire() {
    let world = World::new().await;
    let worker = world.worker().await;
    let lease = world.run(&worker, world.submit().await).await;
    let expired = world.store.expire(lease.job, lease.fence).await;
    assert!(!expired.expect("answered"));
    assert_eq!(world.state(lease.job).await, JobState::Running);
}

#[tokio::test]
async fn a_job_waits_since_it_was_submitted_or_since_its_back_off_is_over() {
    let world = World::new().await;
    let job = world.submit().await;
    let queued_at = async || {
        let snapshot = world.store.snapshot(10).await.expect("a snapshot");
        snapshot.queued[0].queued_at
    };
    let submitted = world.job(job).await.created_at;
    assert_eq!(queued_at().await, submitted);
    let back_off = "UPDATE jobs SET not_before = created_at + interval '1 microsecond'";
    let set = sqlx::query(back_off).execute(world.store.pool()).await;
    set.expect("updated");
    assert!(queued_at().await > submitted);
}

#[tokio::test]
async fn back_off_keeps_a_failed_job_from_being_granted_at_once() {
    let world = World::new().await;
    let worker = world.worker().await;
    let lease = world.run(&worker, world.submit().await).await;
    let retry = failed(FailureKind::EngineCrashed);
    world.settle(&worker, lease, &retry, true).await;
    let job = world.job(lease.job).await;
    assert_eq!((job.state, job.engine_deaths), (JobState::Queued, 1));
    assert_eq!(
        job.error.expect("an error").kind,
        FailureKind::EngineCrashed
    );
    let again = sit(&worker, lease.job, lease.resident);
    assert!(world.grant(&again).await.is_none());
    let snapshot = world.store.snapshot(10).await.expect("a snapshot");
    assert!(snapshot.queued.is_empty());
}

#[tokio::test]
async fn a_job_that_was_handed_back_waits_for_nothing() {
    let world = World::new().await;
    let worker = world.worker().await;
    let lease = world.run(&worker, world.submit().await).await;
    world
        .settle(&worker, lease, &Outcome::HandedBack, true)
        .await;
    let again = sit(&worker, lease.job, lease.resident);
    assert!(world.grant(&again).await.is_some());
}

#[tokio::test]
async fn an_attempt_keeps_what_was_booked_for_it_and_the_most_that_its_engine_held() {
    let world = World::new().await;
    let worker = world.worker().await;
    let lease = world.run(&worker, world.submit().await).await;
    let spent = Spent {
        peak: Some(Mib(120)),
        ..Spent::default()
    };
    let done = Outcome::Succeeded;
    let store = &world.store;
    let settled = store.settle(worker.id, lease.job, lease.fence, &done, spent, true);
    settled.await.expect("settled");
    let attempt = store.attempts(lease.job).await.expect("attempts").remove(0);
    assert_eq!(
        (attempt.resident_mib, attempt.working_mib),
        (Some(NEED.resident.0), Some(NEED.working.0))
    );
    assert_eq!(attempt.peak_mib, Some(120));
}

#[tokio::test]
async fn a_model_keeps_the_most_that_heartbeats_saw_it_with() {
    let world = World::new().await;
    let worker = world.worker().await;
    let lease = world.run(&worker, world.submit().await).await;
    for seen in [70, 120, 90] {
        let beat = Beat {
            worker: worker.id,
            device: worker.device.clone(),
            held: vec![(lease.job, lease.fence)],
            telemetry: DeviceTelemetry::default(),
            residents: vec![(lease.resident, Mib(seen))],
        };
        let reply = world.store.beat(&beat).await.expect("beaten");
        assert!(reply.lost.is_empty() && reply.assigned.is_empty());
    }
    let device = world.device(&worker).await;
    assert_eq!(device.residents[0].observed, Some(Mib(120)));
}

#[tokio::test]
async fn a_heartbeat_tells_what_was_lost_what_is_new_and_what_to_end() {
    let world = World::new().await;
    let worker = world.worker().await;
    let lost = world.run(&worker, world.submit().await).await;
    world.settle(&worker, lost, &Outcome::Succeeded, true).await;
    assert!(
        world
            .store
            .evict(lost.resident)
            .await
            .expect("answered")
            .is_none(),
        "still loading"
    );
    let ready = world.store.resident_ready(worker.id, lost.resident).await;
    assert!(ready.expect("answered"));
    let ended = sit(&worker, world.submit().await, lost.resident);
    let ended = world.grant(&ended).await.expect("granted");
    let claimed = world.store.claim(worker.id, ended.job, ended.fence).await;
    assert!(claimed.expect("answered").is_some());
    world.store.cancel(ended.job).await.expect("cancelled");
    let other = Grant {
        preset: TAGGER.into(),
        ..load(&worker, world.submit().await)
    };
    let new = world.grant(&other).await.expect("granted");

    let beat = Beat {
        worker: worker.id,
        device: worker.device.clone(),
        held: vec![(lost.job, lost.fence), (ended.job, ended.fence)],
        telemetry: DeviceTelemetry::default(),
        residents: vec![(lost.resident, Mib(1)), (ResidentId::generate(), Mib(1))],
    };
    let reply = world.store.beat(&beat).await.expect("beaten");
    assert_eq!(reply.lost, [(lost.job, lost.fence)]);
    assert_eq!(reply.assigned, [(new.job, new.fence)]);
    assert_eq!(reply.cancel, [ended.job]);
    assert_eq!(
        reply.evict,
        [beat.residents[1].0],
        "the ledger does not know it"
    );
    world.store.gone(worker.id).await.expect("gone");
    let reply = world.store.beat(&beat).await.expect("beaten");
    assert!(!reply.known);
}

#[tokio::test]
async fn whoever_waits_for_a_job_with_its_device_locked_is_in_no_claim_s_way() {
    let world = World::new().await;
    let worker = world.worker().await;
    let lease = world.lease(&worker, world.submit().await).await;
    let mut claim = world.store.pool().begin().await.expect("a transaction");
    sqlx::query("SELECT FROM jobs WHERE id = $1 FOR NO KEY UPDATE")
        .bind(lease.job.0)
        .execute(&mut *claim)
        .await
        .expect("locked");
    let store = world.store.clone();
    let expiring = tokio::spawn(async move { store.expire(lease.job, lease.fence).await });
    mystic_testkit::wait_until("the expiry to wait for the job", || async {
        let waiting: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
        )
        .fetch_one(world.store.pool())
        .await
        .expect("counted");
        waiting == 1
    })
    .await;
    // What Postgres does by itself when a transaction writes its job's row for the second time.
    sqlx::query("SELECT FROM devices WHERE id = $1 FOR KEY SHARE NOWAIT")
        .bind(&worker.device.0)
        .execute(&mut *claim)
        .await
        .expect("not in the way");
    claim.commit().await.expect("committed");
    assert!(expiring.await.expect("no panic").expect("answered"));
}

#[tokio::test]
async fn a_back_off_that_began_in_the_future_is_over() {
    let world = World::new().await;
    let worker = world.worker().await;
    let lease = world.run(&worker, world.submit().await).await;
    let crash = failed(FailureKind::EngineCrashed);
    let settled = world.settle(&worker, lease, &crash, true).await;
    assert_eq!(settled, Settled::Done(JobState::Queued));
    let queued = async || {
        let snapshot = world.store.snapshot(10).await.expect("read");
        snapshot.queued.iter().any(|job| job.id == lease.job)
    };
    assert!(!queued().await, "it waits");
    let again = sit(&worker, lease.job, lease.resident);
    assert_eq!(world.grant(&again).await.map(|lease| lease.job), None);
    // As the rows look when the database's clock is put back by an hour.
    for statement in [
        "UPDATE jobs SET not_before = not_before + interval '1 hour'",
        "UPDATE job_attempts SET finished_at = finished_at + interval '1 hour'",
    ] {
        let put_back = sqlx::query(statement).execute(world.store.pool()).await;
        put_back.expect("updated");
    }
    assert!(queued().await);
    assert!(world.grant(&again).await.is_some());
}

#[tokio::test]
async fn what_a_deposed_leader_decided_changes_nothing() {
    let world = World::new().await;
    let worker = world.worker().await;
    let deposed = world.store.leading(world.lead().await);
    let leading = world.store.leading(world.lead().await);

    let grant = load(&worker, world.submit().await);
    assert_eq!(deposed.grant(&grant).await.expect("answered"), Granted::No);
    let Granted::Yes(fence) = leading.grant(&grant).await.expect("answered") else {
        panic!("the leader's grant is made")
    };
    assert!(!deposed.expire(grant.job, fence).await.expect("answered"));
    assert!(leading.expire(grant.job, fence).await.expect("answered"));

    let idle = world.run(&worker, world.submit().await).await;
    let ready = world.store.resident_ready(worker.id, idle.resident).await;
    assert!(ready.expect("answered"));
    world.settle(&worker, idle, &Outcome::Succeeded, true).await;
    let evict = async |by: &Store| by.evict(idle.resident).await.expect("answered");
    assert_eq!(evict(&deposed).await, None);
    assert_eq!(evict(&leading).await, Some(worker.id));

    let ahead = preload(&worker, TAGGER);
    let preload = async |by: &Store| by.preload(&ahead).await.expect("answered");
    assert!(!preload(&deposed).await);
    assert!(preload(&leading).await);

    let stray = [sha256()];
    let mark = async |by: &Store| by.mark_strays(&stray).await.expect("answered");
    assert_eq!(mark(&deposed).await, [""; 0]);
    assert_eq!(mark(&leading).await, stray);
    let sweep = async |by: &Store| by.sweep_files(Duration::ZERO).await.expect("answered");
    assert_eq!(sweep(&deposed).await, [""; 0]);
    assert_eq!(sweep(&leading).await, stray);
    let delete = async |by: &Store| by.delete_file(&stray[0]).await.expect("answered");
    assert!(delete(&deposed).await.is_none());
    assert!(delete(&leading).await.is_some());

    let reap = async |by: &Store| by.reap(worker.id, 0).await.expect("answered");
    assert_eq!(reap(&deposed).await, None);
    assert_eq!(reap(&leading).await, Some(Vec::new()));
    world.assert_ledger().await;
}

#[tokio::test]
async fn a_leader_that_is_frozen_in_a_grant_does_not_keep_the_lead() {
    let world = World::new().await;
    let worker = world.worker().await;
    let frozen = world.store.leading(world.lead().await);
    let grant = load(&worker, world.submit().await);
    // Whoever holds the device's row stops the grant inside its transaction.
    let mut holding = world.store.pool().begin().await.expect("begun");
    sqlx::query("SELECT FROM devices FOR NO KEY UPDATE")
        .execute(&mut *holding)
        .await
        .expect("locked");
    let late = grant.clone();
    let granting = tokio::spawn(async move { frozen.grant(&late).await });
    wait_until("the grant to be stopped", async || {
        world.waits_for_a_lock().await
    })
    .await;
    let leading = world.store.leading(world.lead().await);
    holding.rollback().await.expect("released");
    let granted = granting.await.expect("no panic").expect("answered");
    assert_eq!(granted, Granted::No);
    let granted = leading.grant(&grant).await.expect("answered");
    assert!(matches!(granted, Granted::Yes(_)));
}
