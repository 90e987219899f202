//! One job's pictures on several devices: who draws which, and what becomes of a picture whose helper ends.

use mystic_domain::{FailureKind, JobId, JobState, Pause};
use mystic_store::{
    Cancelled, Committed, Granted, Help, ImageFilter, JobFilter, NextPicture, Outcome, Retried,
    Seat, Settled,
};

use crate::support::{Lease, Worker, World, failed, load};

async fn next(world: &World, worker: &Worker, lease: Lease) -> NextPicture {
    let next = world.store.next_picture(worker.id, lease.job, lease.fence);
    next.await.expect("answered")
}

async fn draw(world: &World, worker: &Worker, lease: Lease, index: i32) -> Committed {
    assert_eq!(next(world, worker, lease).await, NextPicture::Draw(index));
    let new = world.staged(worker, lease, index).await;
    world.store.commit_image(&new).await.expect("answered")
}

/// A lease on another device for the last picture of a job that nobody has begun; none where it is refused.
async fn help(world: &World, worker: &Worker, of: Lease) -> Option<Lease> {
    let grant = load(worker, JobId::generate());
    let Seat::Load { resident, .. } = grant.seat else {
        unreachable!("a load")
    };
    let job = grant.job;
    let help = Help {
        grant,
        of: of.job,
        fence: of.fence,
    };
    match world.store.help(&help).await.expect("answered") {
        Granted::Yes(fence) => Some(Lease {
            job,
            fence,
            resident,
        }),
        Granted::No => None,
    }
}

async fn claim(world: &World, worker: &Worker, lease: Lease) {
    let claimed = world.store.claim(worker.id, lease.job, lease.fence).await;
    assert!(claimed.expect("answered").is_some());
}

/// A job of so many pictures that has begun its first, its worker, and another worker.
async fn batch(world: &World, pictures: u32) -> (Worker, Lease, Worker) {
    let (worker, other) = (world.worker().await, world.worker().await);
    let lease = world
        .run(&worker, world.submit_pictures(pictures).await)
        .await;
    assert_eq!(next(world, &worker, lease).await, NextPicture::Draw(0));
    (worker, lease, other)
}

#[tokio::test]
async fn a_helper_draws_the_last_picture_and_the_job_all_others() {
    let world = World::new().await;
    let (worker, lease, other) = batch(&world, 3).await;
    let helper = help(&world, &other, lease).await.expect("two are left");
    claim(&world, &other, helper).await;
    world.assert_ledger().await;
    assert_eq!(draw(&world, &worker, lease, 0).await, Committed::New);
    assert_eq!(draw(&world, &worker, lease, 1).await, Committed::New);
    assert_eq!(
        next(&world, &worker, lease).await,
        NextPicture::DrawnElsewhere
    );
    assert_eq!(draw(&world, &other, helper, 2).await, Committed::New);
    assert_eq!(next(&world, &other, helper).await, NextPicture::Complete);
    assert_eq!(next(&world, &worker, lease).await, NextPicture::Complete);
    for (worker, lease) in [(&other, helper), (&worker, lease)] {
        let settled = world.settle(worker, lease, &Outcome::Succeeded, true).await;
        assert_eq!(settled, Settled::Done(JobState::Succeeded));
    }
    world.assert_ledger().await;
    let filter = ImageFilter {
        job: Some(lease.job),
        ..ImageFilter::default()
    };
    let images = world.store.images(&filter, None, 10).await;
    let mut images = images.expect("read");
    images.sort_by_key(|image| image.index);
    let drawn: Vec<_> = images.iter().map(|it| (it.index, it.drawn_by)).collect();
    assert_eq!(drawn, [(0, None), (1, None), (2, Some(helper.job))]);
    let provenance = world.store.provenance(helper.job, images[2].attempt).await;
    assert!(provenance.expect("read").is_some());
    // Nobody sent it, so nobody sees it but beside its job.
    let all = JobFilter {
        limit: 10,
        ..JobFilter::default()
    };
    let listed = world.store.jobs(&all).await.expect("read");
    assert!(listed.iter().all(|job| job.id != helper.job), "{listed:?}");
    let counts = world.store.counts().await.expect("read");
    assert_eq!(counts[&JobState::Succeeded], 1);
    let helpers = world.store.helpers(lease.job).await.expect("read");
    assert_eq!(helpers[0].id, helper.job);
    assert_eq!(helpers[0].helps, Some(lease.job));
}

#[tokio::test]
async fn what_each_device_drew_counts_for_its_own_times() {
    let world = World::new().await;
    let (worker, lease, other) = batch(&world, 2).await;
    let helper = help(&world, &other, lease).await.expect("one is left");
    claim(&world, &other, helper).await;
    draw(&world, &other, helper, 1).await;
    draw(&world, &worker, lease, 0).await;
    let times = mystic_domain::PhaseTimes {
        sampling_ms: 1000,
        ..Default::default()
    };
    let spent = mystic_store::Spent { times, peak: None };
    for (worker, lease) in [(&other, helper), (&worker, lease)] {
        let settled = world.store.settle(
            worker.id,
            lease.job,
            lease.fence,
            &Outcome::Succeeded,
            spent,
            true,
        );
        settled.await.expect("answered");
    }
    assert_eq!(world.store.learn().await.expect("learned"), 2);
    let learned = world.store.snapshot(10).await.expect("read").times;
    let units: Vec<_> = learned.iter().map(|time| time.unit_ms).collect();
    assert_eq!(units.len(), 2);
    assert_eq!(units[0], units[1], "a second for one picture each");
}

#[tokio::test]
async fn the_picture_of_a_helper_that_fails_is_its_jobs_again_and_nobody_helps_it_any_more() {
    let world = World::new().await;
    let (worker, lease, other) = batch(&world, 3).await;
    let shown = world.store.snapshot(10).await.expect("read").batches;
    assert_eq!((shown[0].job, shown[0].unbegun), (lease.job, 2));
    let helper = help(&world, &other, lease).await.expect("two are left");
    claim(&world, &other, helper).await;
    let shown = world.store.snapshot(10).await.expect("read").batches;
    assert_eq!((shown[0].unbegun, shown[0].drawers.len()), (1, 2));
    draw(&world, &worker, lease, 0).await;
    draw(&world, &worker, lease, 1).await;
    let starved = failed(FailureKind::OutOfMemory);
    let settled = world.settle(&other, helper, &starved, false).await;
    assert_eq!(settled, Settled::Done(JobState::Failed));
    assert_eq!(world.state(lease.job).await, JobState::Running);
    assert_eq!(next(&world, &worker, lease).await, NextPicture::Draw(2));
    let shown = world.store.snapshot(10).await.expect("read").batches;
    assert_eq!(shown, []);
    let again = world.store.retry(helper.job).await.expect("answered");
    assert_eq!(again, Retried::NotFailed(JobState::Failed));
}

#[tokio::test]
async fn a_helper_that_is_handed_back_reaped_or_never_claimed_ends_without_a_second_attempt() {
    let world = World::new().await;
    let (worker, lease, other) = batch(&world, 4).await;
    let unclaimed = help(&world, &other, lease).await.expect("three are left");
    let expired = world.store.expire(unclaimed.job, unclaimed.fence).await;
    assert!(expired.expect("answered"));
    assert_eq!(world.state(unclaimed.job).await, JobState::Cancelled);
    let back = help(&world, &other, lease).await.expect("it is free again");
    claim(&world, &other, back).await;
    assert_eq!(next(&world, &other, back).await, NextPicture::Draw(3));
    let settled = world.settle(&other, back, &Outcome::HandedBack, true).await;
    assert_eq!(settled, Settled::Done(JobState::Cancelled));
    let lost = world.worker().await;
    let reaped = help(&world, &lost, lease).await.expect("it is free again");
    claim(&world, &lost, reaped).await;
    assert_eq!(world.reap(&lost).await, Some(vec![reaped.job]));
    assert!(world.state(reaped.job).await.is_terminal());
    for index in 0..4 {
        assert_eq!(draw(&world, &worker, lease, index).await, Committed::New);
    }
    // What the lost one draws after all counts for nothing.
    let late = world.staged(&lost, reaped, 3).await;
    let late = world.store.commit_image(&late).await.expect("answered");
    assert_eq!(late, Committed::Stale);
    world.assert_ledger().await;
}

#[tokio::test]
async fn whoever_helps_a_job_that_ends_is_asked_to_end() {
    let world = World::new().await;
    let (worker, lease, other) = batch(&world, 3).await;
    let helper = help(&world, &other, lease).await.expect("two are left");
    claim(&world, &other, helper).await;
    let noted = world.store.cancel(lease.job).await.expect("answered");
    assert!(matches!(noted, Cancelled::Noted { .. }));
    // From the request on nobody helps any more, and from its end on nothing is wanted.
    assert!(help(&world, &world.worker().await, lease).await.is_none());
    assert_eq!(world.job(helper.job).await.cancel_requested_at, None);
    world.settle(&worker, lease, &Outcome::Stopped, true).await;
    let asked = world.job(helper.job).await;
    assert!(asked.cancel_requested_at.is_some());
    let new = world.staged(&other, helper, 2).await;
    let late = world.store.commit_image(&new).await.expect("answered");
    assert_eq!(late, Committed::Unwanted);
    let settled = world.settle(&other, helper, &Outcome::Stopped, true).await;
    assert_eq!(settled, Settled::Done(JobState::Cancelled));
    world.assert_ledger().await;
}

#[tokio::test]
async fn a_job_that_is_not_as_it_was_is_not_helped() {
    let world = World::new().await;
    let (_, lease, other) = batch(&world, 2).await;
    let stale = Lease {
        fence: mystic_domain::Fence(lease.fence.0 - 1),
        ..lease
    };
    assert!(help(&world, &other, stale).await.is_none());
    let pause = Pause::Preset(crate::support::PAINTER.into());
    world
        .store
        .pause(&pause, false, "local")
        .await
        .expect("paused");
    assert!(help(&world, &other, lease).await.is_none());
    world.store.resume(&pause).await.expect("resumed");
    let helper = help(&world, &other, lease).await.expect("one is left");
    claim(&world, &other, helper).await;
    let third = world.worker().await;
    assert!(help(&world, &third, helper).await.is_none(), "a helper");
    assert!(help(&world, &third, lease).await.is_none(), "all are begun");
    // Not even two that decide at once have the same picture drawn twice.
    let (_, lease, _) = batch(&world, 2).await;
    let (one, two) = tokio::join!(help(&world, &other, lease), help(&world, &third, lease));
    assert_ne!(one.is_some(), two.is_some());
}
