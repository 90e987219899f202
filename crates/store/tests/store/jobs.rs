//! Jobs as they are accepted and listed, and what the database itself refuses.

use mystic_domain::{JobId, JobKind, JobState};
use mystic_store::{Cancelled, Deleted, JobFilter, NewJob, Outcome, Submitted};
use sqlx::AssertSqlSafe;

use crate::support::{World, new_job};

fn with_key(key: &str, hash: u8) -> NewJob {
    NewJob {
        idempotency: Some((key.into(), [hash; 32])),
        ..new_job(0)
    }
}

#[tokio::test]
async fn one_key_accepts_one_job_however_often_it_is_sent_at_once() {
    let world = World::new().await;
    let submits = (0..10).map(|_| {
        let store = world.store.clone();
        tokio::spawn(async move { store.submit(&with_key("key", 1)).await })
    });
    let mut accepted = Vec::new();
    let mut same = Vec::new();
    for submit in submits.collect::<Vec<_>>() {
        match submit.await.expect("no panic").expect("answered") {
            Submitted::New(job) => accepted.push(job.id),
            Submitted::Same(job) => same.push(job.id),
            Submitted::Other | Submitted::InputGone => panic!("the request is the same"),
            Submitted::Retired(preset) => panic!("{preset} is there"),
        }
    }
    assert_eq!((accepted.len(), same.len()), (1, 9));
    assert!(same.iter().all(|job| *job == accepted[0]));
}

#[tokio::test]
async fn a_key_is_refused_for_another_request_and_free_for_another_owner() {
    let world = World::new().await;
    world.submit_new(with_key("key", 1)).await;
    let other = world.store.submit(&with_key("key", 2)).await;
    assert_eq!(other.expect("answered"), Submitted::Other);
    let owner = NewJob {
        owner: "somebody".into(),
        ..with_key("key", 2)
    };
    world.submit_new(owner).await;
}

#[tokio::test]
async fn pages_hold_every_job_once_even_where_times_are_equal() {
    let world = World::new().await;
    for _ in 0..7 {
        world.submit().await;
    }
    sqlx::query("UPDATE jobs SET created_at = now()")
        .execute(world.store.pool())
        .await
        .expect("updated");
    let mut seen = Vec::new();
    let mut filter = JobFilter {
        limit: 2,
        ..JobFilter::default()
    };
    loop {
        let page = world.store.jobs(&filter).await.expect("a page");
        let Some(last) = page.last() else { break };
        filter.after = Some((last.created_at, last.id.0));
        seen.extend(page.iter().map(|job| job.id));
    }
    assert_eq!(seen.len(), 7);
    assert!(seen.is_sorted_by(|newer, older| newer > older));
}

#[tokio::test]
async fn a_job_is_deleted_when_nothing_needs_it_any_more() {
    let world = World::new().await;
    let worker = world.worker().await;
    let delete = async |job: JobId| world.store.delete_job(job).await.expect("answered");

    let waiting = world.submit().await;
    assert_eq!(delete(waiting).await, Deleted::NotEnded(JobState::Queued));
    world.store.cancel(waiting).await.expect("cancelled");

    let drawn = world.run(&worker, world.submit_pictures(1).await).await;
    let picture = world.staged(&worker, drawn, 0).await;
    world.store.commit_image(&picture).await.expect("committed");
    world
        .settle(&worker, drawn, &Outcome::Succeeded, true)
        .await;

    let ended = [waiting, drawn.job, JobId::generate()];
    let gone = world.store.delete_jobs(&ended).await;
    assert_eq!(gone.expect("answered"), [waiting]);
    assert_eq!(delete(waiting).await, Deleted::NotFound);
    assert_eq!(delete(drawn.job).await, Deleted::HasPictures(1));
}

#[tokio::test]
async fn a_job_whose_engine_may_still_live_keeps_what_is_booked_for_it() {
    let world = World::new().await;
    let silent = world.worker().await;
    let lease = world.run(&silent, world.submit().await).await;
    world.reap(&silent).await.expect("reaped");
    let cancelled = world.store.cancel(lease.job).await.expect("answered");
    assert!(matches!(cancelled, Cancelled::Noted { job, .. } if job.state == JobState::Cancelled));
    let booked = world.device(&silent).await.working;
    assert_eq!(
        world.store.delete_job(lease.job).await.expect("answered"),
        Deleted::HoldsMemory
    );
    assert_eq!(world.device(&silent).await.working, booked);
    assert!(world.store.forget(silent.id).await.expect("forgotten"));
    assert_eq!(
        world.store.delete_job(lease.job).await.expect("answered"),
        Deleted::Gone
    );
    world.assert_ledger().await;
}

#[tokio::test]
async fn the_queue_that_is_cut_keeps_the_most_urgent_jobs() {
    let world = World::new().await;
    let first = world.submit().await;
    let second = world.submit().await;
    let urgent = NewJob {
        priority: 5,
        ..new_job(0)
    };
    let urgent = world.submit_new(urgent).await;
    let seen = async |limit| -> Vec<JobId> {
        let snapshot = world.store.snapshot(limit).await.expect("a snapshot");
        snapshot.queued.iter().map(|job| job.id).collect()
    };
    assert_eq!(seen(10).await, [first, second, urgent]);
    assert_eq!(seen(2).await, [first, urgent]);
    let position = world.store.position(second).await.expect("answered");
    assert_eq!(position, Some(2));
}

#[tokio::test]
async fn a_long_queue_of_one_engine_does_not_hide_the_other_s() {
    let world = World::new().await;
    let worker = world.worker().await;
    for _ in 0..3 {
        world.submit().await;
    }
    let lease = world.run(&worker, world.submit_pictures(1).await).await;
    let picture = world.staged(&worker, lease, 0).await;
    world.store.commit_image(&picture).await.expect("committed");
    let snapshot = world.store.snapshot(2).await.expect("a snapshot");
    let kinds: Vec<JobKind> = snapshot.queued.iter().map(|job| job.kind).collect();
    assert_eq!(kinds, [JobKind::Generate, JobKind::Generate, JobKind::Tag]);
}

#[tokio::test]
async fn the_database_refuses_what_no_job_and_no_device_may_be() {
    let world = World::new().await;
    let worker = world.worker().await;
    let lease = world.run(&worker, world.submit().await).await;
    for (constraint, change) in [
        ("jobs_terminal_is_dated", "jobs SET finished_at = now()"),
        ("jobs_held_by_a_worker", "jobs SET worker_id = NULL"),
        ("jobs_leased_is_dated", "jobs SET leased_at = NULL"),
        ("jobs_running_is_dated", "jobs SET started_at = NULL"),
        ("jobs_held_is_fenced", "jobs SET fence = 0"),
        (
            "jobs_failed_has_an_error",
            "jobs SET state = 'failed', finished_at = now(), worker_id = NULL, resident_id = NULL",
        ),
        ("jobs_images_bounded", "jobs SET images_done = 1"),
        (
            "jobs_succeeded_is_complete",
            "jobs SET state = 'succeeded', finished_at = now(), worker_id = NULL, images_total = 1",
        ),
        (
            "jobs_idempotency_is_whole",
            "jobs SET idempotency_key = 'k'",
        ),
        (
            "attempts_end_is_whole",
            "job_attempts SET outcome = 'failed'",
        ),
        (
            "devices_never_overcommitted",
            "devices SET working_mib = capacity_mib",
        ),
        (
            "devices_turns_bounded",
            "devices SET turns_taken = turns + 1",
        ),
        ("workers_gone_is_dated", "workers SET state = 'gone'"),
        ("residents_ready_is_dated", "residents SET state = 'ready'"),
    ] {
        let refused = sqlx::raw_sql(AssertSqlSafe(format!("UPDATE {change}")))
            .execute(world.store.pool())
            .await
            .expect_err(constraint)
            .into_database_error();
        assert_eq!(
            refused.as_ref().and_then(|error| error.constraint()),
            Some(constraint)
        );
    }
    assert_eq!(world.state(lease.job).await, JobState::Running);
}
