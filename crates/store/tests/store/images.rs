//! Pictures: whole or not at all, once or not at all.

use std::time::Duration;

use mystic_domain::{FailureKind, JobId, JobKind, JobState, UsedFile};
use mystic_store::{
    Change, Committed, Deleted, ImageRecord, NewImage, NextPicture, Outcome, Retagging, Settled,
    Spent,
};
use mystic_testkit::wait_until;

use crate::support::{Lease, TAGGER, Worker, World, failed, load, sha256};

async fn commit(world: &World, new: &NewImage) -> Committed {
    world.store.commit_image(new).await.expect("answered")
}

async fn image(world: &World, new: &NewImage) -> ImageRecord {
    let image = world.store.image(new.id).await.expect("read");
    image.expect("a picture")
}

/// A running job of one picture that is committed, with its tagging job.
async fn drawn(world: &World, worker: &Worker) -> (Lease, NewImage, JobId) {
    let lease = world.run(worker, world.submit_pictures(1).await).await;
    let new = world.staged(worker, lease, 0).await;
    assert_eq!(commit(world, &new).await, Committed::New);
    let tagging = world.store.jobs_of_images(&[new.id]).await.expect("jobs");
    (lease, new, tagging[0].id)
}

#[tokio::test]
async fn a_picture_comes_with_its_count_and_its_tagging_job() {
    let world = World::new().await;
    let worker = world.worker().await;
    let (lease, new, _) = drawn(&world, &worker).await;
    assert_eq!(world.job(lease.job).await.images_done, 1);
    assert_eq!(image(&world, &new).await.tags_state, "pending");
    let [tagging] = &world.store.jobs_of_images(&[new.id]).await.expect("jobs")[..] else {
        panic!("one tagging job")
    };
    assert_eq!(
        (tagging.kind, tagging.preset.as_str()),
        (JobKind::Tag, TAGGER)
    );
    assert_eq!(
        (tagging.state, tagging.origin.as_str()),
        (JobState::Queued, "auto")
    );
    assert!(tagging.priority < world.job(lease.job).await.priority);
}

#[tokio::test]
async fn a_repeated_commit_makes_no_second_picture() {
    let world = World::new().await;
    let worker = world.worker().await;
    let (lease, first, _) = drawn(&world, &worker).await;
    let again = world.staged(&worker, lease, 0).await;
    assert_eq!(commit(&world, &first).await, Committed::Already);
    assert_eq!(commit(&world, &again).await, Committed::Already);
    assert_eq!(world.job(lease.job).await.images_done, 1);
    let tagging = world.store.jobs_of_images(&[first.id]).await.expect("jobs");
    assert_eq!(tagging.len(), 1);
    assert_eq!(world.store.image(again.id).await.expect("read"), None);
}

#[tokio::test]
async fn a_picture_whose_file_is_being_deleted_is_not_committed() {
    let world = World::new().await;
    let worker = world.worker().await;
    let lease = world.run(&worker, world.submit_pictures(1).await).await;
    let new = world.staged(&worker, lease, 0).await;
    let mut swept = world
        .store
        .sweep_files(Duration::ZERO)
        .await
        .expect("swept");
    swept.sort();
    let mut files = [new.sha256.clone(), new.thumb_sha256.clone()];
    files.sort();
    assert_eq!(swept, files);
    assert_eq!(commit(&world, &new).await, Committed::FilesGone);
    assert!(
        !world
            .store
            .stage_file(&new.sha256, 1)
            .await
            .expect("answered")
    );
    assert_eq!(world.job(lease.job).await.images_done, 0);

    for file in &files {
        let deleting = world.store.delete_file(file).await.expect("answered");
        deleting.expect("marked").done().await.expect("forgotten");
        assert!(world.store.stage_file(file, 1).await.expect("staged"));
    }
    assert_eq!(commit(&world, &new).await, Committed::New);
    let swept = world.store.sweep_files(Duration::ZERO).await;
    assert_eq!(swept.expect("swept"), Vec::<String>::new(), "it is in use");
}

#[tokio::test]
async fn a_sweep_spares_what_a_picture_uses_whatever_its_row_says() {
    let world = World::new().await;
    let worker = world.worker().await;
    drawn(&world, &worker).await;
    let staged = sqlx::query("UPDATE image_files SET state = 'staged'");
    staged.execute(world.store.pool()).await.expect("updated");
    let swept = world.store.sweep_files(Duration::ZERO).await;
    assert_eq!(swept.expect("swept"), Vec::<String>::new());
}

#[tokio::test]
async fn a_file_is_put_again_only_when_its_deletion_is_over() {
    let world = World::new().await;
    let file = sha256();
    let store = world.store.clone();
    assert_eq!(stray(&world, &file).await, std::slice::from_ref(&file));
    assert!(!store.stage_file(&file, 1).await.expect("answered"));
    let deleting = store.delete_file(&file).await.expect("answered");
    let twice = store.delete_file(&file).await.expect("answered");
    assert!(twice.is_none(), "another is at it");
    let again = file.clone();
    let staging = tokio::spawn(async move { store.stage_file(&again, 1).await });
    wait_until("the file to be announced", async || {
        world.waits_for_a_lock().await
    })
    .await;
    deleting.expect("marked").done().await.expect("forgotten");
    assert!(staging.await.expect("no panic").expect("staged"));
    // A sweeper that was late by all of this.
    let late = world.store.delete_file(&file).await.expect("answered");
    assert!(late.is_none());
}

#[tokio::test]
async fn a_deletion_that_is_broken_off_is_taken_up_again() {
    let world = World::new().await;
    let file = sha256();
    stray(&world, &file).await;
    let deleting = world.store.delete_file(&file).await.expect("answered");
    drop(deleting.expect("marked"));
    wait_until("the lock to be free", async || {
        let swept = world.store.sweep_files(Duration::from_hours(1)).await;
        swept.expect("swept") == std::slice::from_ref(&file)
    })
    .await;
}

#[tokio::test]
async fn a_file_that_was_announced_first_is_no_stray() {
    let world = World::new().await;
    let [announced, unknown] = [sha256(), sha256()];
    let staged = world.store.stage_file(&announced, 1).await;
    assert!(staged.expect("staged"));
    let seen = [announced.clone(), unknown.clone()];
    let without = world.store.unknown_files(&seen).await.expect("asked");
    assert_eq!(without, std::slice::from_ref(&unknown));
    let marked = world.store.mark_strays(&seen).await.expect("marked");
    assert_eq!(marked, [unknown]);
    let deleting = world.store.delete_file(&announced).await;
    assert!(deleting.expect("answered").is_none());
}

/// Marks a file that has no row.
async fn stray(world: &World, sha256: &str) -> Vec<String> {
    let marked = world.store.mark_strays(&[sha256.to_owned()]).await;
    marked.expect("marked")
}

#[tokio::test]
async fn a_job_without_all_its_pictures_does_not_succeed_and_keeps_those_it_has() {
    let world = World::new().await;
    let worker = world.worker().await;
    let lease = world.run(&worker, world.submit_pictures(2).await).await;
    let new = world.staged(&worker, lease, 1).await;
    assert_eq!(commit(&world, &new).await, Committed::New);
    let settled = world
        .settle(&worker, lease, &Outcome::Succeeded, true)
        .await;
    assert_eq!(settled, Settled::Done(JobState::Queued));
    let job = world.job(lease.job).await;
    assert_eq!(job.images_done, 1);
    assert_eq!(
        job.error.expect("an error").message,
        "1 of 2 pictures exist"
    );
    assert_eq!(image(&world, &new).await.index, 1);
}

#[tokio::test]
async fn the_next_attempt_knows_which_pictures_are_there() {
    let world = World::new().await;
    let worker = world.worker().await;
    let lease = world.run(&worker, world.submit_pictures(3).await).await;
    let new = world.staged(&worker, lease, 2).await;
    assert_eq!(commit(&world, &new).await, Committed::New);
    let crash = failed(FailureKind::WorkerLost);
    world.settle(&worker, lease, &crash, false).await;
    let gone = world.store.child_gone(worker.id, lease.resident).await;
    gone.expect("heard");
    let lease = world.lease(&worker, lease.job).await;
    let claimed = world.store.claim(worker.id, lease.job, lease.fence).await;
    let claimed = claimed.expect("answered").expect("claimed");
    assert_eq!(claimed.job.attempt, 2);
    // The one that was begun is drawn, however often it is asked for, and what is there is not.
    for _ in 0..2 {
        let next = world.store.next_picture(worker.id, lease.job, lease.fence);
        assert_eq!(next.await.expect("answered"), NextPicture::Draw(0));
    }
}

#[tokio::test]
async fn tags_appear_together_with_the_end_of_their_job() {
    let world = World::new().await;
    let worker = world.worker().await;
    let (made_by, new, tagging) = drawn(&world, &worker).await;
    let found = [("Red Circle", 0.9), ("blue", 0.5), ("red  circle", 0.1)];
    let found = found.map(|(tag, confidence)| (tag.to_owned(), confidence));
    let lease = tag(&world, &worker, tagging).await;
    assert_eq!(image(&world, &new).await.tags, []);
    let tagged = Outcome::Tagged(found.to_vec());
    let settled = world.settle(&worker, lease, &tagged, true).await;
    assert_eq!(settled, Settled::Done(JobState::Succeeded));
    let shown = image(&world, &new).await;
    assert_eq!(shown.tags_state, "done");
    let tags: Vec<_> = shown
        .tags
        .iter()
        .map(|t| (t.name.as_str(), t.confidence))
        .collect();
    assert_eq!(tags, [("red circle", 0.9), ("blue", 0.5)]);
    // They outlive the job that found them.
    let gone = world.store.delete_job(tagging).await;
    assert_eq!(gone.expect("answered"), Deleted::Gone);
    assert_eq!(image(&world, &new).await.tags, shown.tags);
    let events = world.store.job_events(made_by.job, 0, 20).await;
    assert_eq!(events.expect("events").last().expect("one").kind, "tagged");
}

#[tokio::test]
async fn a_picture_that_no_job_has_made_is_tagged_too() {
    let world = World::new().await;
    let worker = world.worker().await;
    let (_, new, tagging) = drawn(&world, &worker).await;
    sqlx::query("UPDATE images SET origin = 'import', job_id = NULL, plan = NULL")
        .execute(world.store.pool())
        .await
        .expect("as an import has it");
    let lease = tag(&world, &worker, tagging).await;
    let tagged = Outcome::Tagged(vec![("a boat".into(), 0.9)]);
    let settled = world.settle(&worker, lease, &tagged, true).await;
    assert_eq!(settled, Settled::Done(JobState::Succeeded));
    let shown = image(&world, &new).await;
    assert_eq!(
        (shown.tags_state.as_str(), shown.tags[0].name.as_str()),
        ("done", "a boat")
    );
}

#[tokio::test]
async fn tags_of_a_model_that_saw_say_so_and_take_the_place_of_others_but_by_hand() {
    let world = World::new().await;
    let worker = world.worker().await;
    let (_, new, tagging) = drawn(&world, &worker).await;
    let lease = tag(&world, &worker, tagging).await;
    let read = Outcome::Tagged(vec![("red circle".into(), 0.9)]);
    world.settle(&worker, lease, &read, true).await;
    // There is room for one model.
    let gone = world.store.child_gone(worker.id, lease.resident).await;
    gone.expect("heard");
    let by_hand = Change::Tag(vec!["mine".into()]);
    let by_hand = world.store.change_images(&[new.id], &by_hand).await;
    assert_eq!(by_hand.expect("tagged"), [new.id]);
    let again = world.store.retag(&[new.id], TAGGER, "local", 0).await;
    assert_eq!(again.expect("queued"), Retagging::Queued(vec![new.id]));
    let tagging = world.store.jobs_of_images(&[new.id]).await.expect("jobs");
    let tagging = tagging
        .iter()
        .find(|job| job.state == JobState::Queued)
        .expect("a job");
    let lease = tag(&world, &worker, tagging.id).await;
    let saw = Outcome::Seen(vec![("blue square".into(), 0.8)]);
    world.settle(&worker, lease, &saw, true).await;
    let tags = image(&world, &new).await.tags;
    let tags: Vec<_> = tags
        .iter()
        .map(|tag| (tag.name.as_str(), tag.source.as_str()))
        .collect();
    assert_eq!(tags, [("mine", "user"), ("blue square", "vlm")]);
}

#[tokio::test]
async fn tags_that_are_not_found_leave_the_picture_and_say_so() {
    let world = World::new().await;
    let worker = world.worker().await;
    for (outcome, state) in [
        (failed(FailureKind::InvalidInput), "failed"),
        (Outcome::Stopped, "none"),
    ] {
        let worker = if state == "none" {
            world.worker().await
        } else {
            worker.clone()
        };
        let (_, new, tagging) = drawn(&world, &worker).await;
        let lease = tag(&world, &worker, tagging).await;
        if state == "none" {
            world.store.cancel(tagging).await.expect("cancelled");
        }
        world.settle(&worker, lease, &outcome, true).await;
        let image = image(&world, &new).await;
        assert_eq!((image.tags_state.as_str(), image.tags.len()), (state, 0));
    }
}

#[tokio::test]
async fn cancelling_a_job_keeps_its_pictures_and_never_succeeds() {
    let world = World::new().await;
    let worker = world.worker().await;
    let (lease, new, _) = drawn(&world, &worker).await;
    world.store.cancel(lease.job).await.expect("cancelled");
    let settled = world
        .store
        .settle(
            worker.id,
            lease.job,
            lease.fence,
            &Outcome::Succeeded,
            Spent::default(),
            true,
        )
        .await;
    assert_eq!(
        settled.expect("answered"),
        Settled::Done(JobState::Cancelled)
    );
    assert_eq!(image(&world, &new).await.job, Some(lease.job));
}

/// Starts a tagging job beside the model that drew.
async fn tag(world: &World, worker: &Worker, job: JobId) -> Lease {
    let grant = mystic_store::Grant {
        preset: TAGGER.into(),
        turns: 0,
        ..load(worker, job)
    };
    let lease = world.grant(&grant).await.expect("granted");
    let claimed = world.store.claim(worker.id, job, lease.fence).await;
    assert!(claimed.expect("answered").is_some());
    lease
}

#[tokio::test]
async fn the_first_picture_says_for_its_attempt_what_all_were_made_with() {
    let world = World::new().await;
    let worker = world.worker().await;
    let job = world.submit_pictures(2).await;
    let lease = world.run(&worker, job).await;
    assert_eq!(world.store.provenance(job, 1).await.expect("read"), None);
    let first = world.staged(&worker, lease, 0).await;
    let mut second = world.staged(&worker, lease, 1).await;
    second.provenance.version = "another".into();
    for new in [&first, &second] {
        let committed = world.store.commit_image(new).await;
        assert_eq!(committed.expect("answered"), Committed::New);
    }
    let noted = world.store.provenance(job, 1).await.expect("read");
    assert_eq!(noted, Some(first.provenance));
    assert_eq!(world.store.provenance(job, 2).await.expect("read"), None);
}

#[tokio::test]
async fn a_file_s_hash_is_of_its_path_its_size_its_time_and_its_host() {
    let world = World::new().await;
    let file = mystic_testkit::provenance().files.remove(0);
    let sha256 = sha256();
    for _ in 0..2 {
        let noted = world.store.note_file_sha256("host", &file, &sha256).await;
        noted.expect("noted");
    }
    let known = async |host: &str, change: fn(&mut UsedFile)| {
        let mut file = file.clone();
        change(&mut file);
        world.store.file_sha256(host, &file).await.expect("read")
    };
    let same = known("host", |file| file.role = "files.taesd".into()).await;
    assert_eq!(same, Some(sha256.clone()));
    assert_eq!(known("other", |_| {}).await, None);
    assert_eq!(known("host", |file| file.path.push('f')).await, None);
    assert_eq!(known("host", |file| file.bytes += 1).await, None);
    assert_eq!(known("host", |file| file.modified_ns += 1).await, None);
}
