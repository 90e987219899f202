//! What people do with their pictures: search, rate, tag, throw away, and what holds of it.

use std::time::Duration;

use mystic_domain::{FailureKind, GenerateParams, ImageId, JobParams, JobState};
use mystic_store::{Bin, Change, Committed, ImageFilter, MAX_TAGS, NewImage, Outcome};

use crate::support::{Lease, TAGGER, Worker, World, failed, load, new_job};

/// A finished job of one picture of this prompt, without tags.
async fn drawn(world: &World, worker: &Worker, prompt: &str) -> NewImage {
    let (lease, new) = drawing(world, worker, prompt).await;
    world
        .settle(worker, lease, &Outcome::Succeeded, false)
        .await;
    let gone = world.store.child_gone(worker.id, lease.resident).await;
    gone.expect("heard");
    new
}

/// The same while its job is still at work.
async fn drawing(world: &World, worker: &Worker, prompt: &str) -> (Lease, NewImage) {
    let mut job = new_job(1);
    if let JobParams::Generate(params) = &mut job.params {
        *params = GenerateParams {
            prompt: prompt.into(),
            negative_prompt: "blurry".into(),
            tag_preset: None,
            ..params.clone()
        };
    }
    let lease = world.run(worker, world.submit_new(job).await).await;
    let new = world.staged(worker, lease, 0).await;
    let committed = world.store.commit_image(&new).await;
    assert_eq!(committed.expect("answered"), Committed::New);
    (lease, new)
}

async fn found(world: &World, filter: &ImageFilter) -> Vec<ImageId> {
    let found = world.store.images(filter, None, 100).await.expect("listed");
    found.into_iter().map(|image| image.id).collect()
}

fn text(words: &str) -> ImageFilter {
    ImageFilter {
        text: Some(words.into()),
        ..ImageFilter::default()
    }
}

fn tagged(tags: &[&str]) -> ImageFilter {
    ImageFilter {
        tags: tags.iter().map(ToString::to_string).collect(),
        ..ImageFilter::default()
    }
}

async fn change(world: &World, id: ImageId, change: &Change) -> Vec<ImageId> {
    let changed = world.store.change_images(&[id], change).await;
    changed.expect("answered")
}

fn tag(names: &[&str]) -> Change {
    Change::Tag(names.iter().map(ToString::to_string).collect())
}

#[tokio::test]
async fn pictures_are_found_by_prompt_negative_prompt_and_tags_the_best_first() {
    let world = World::new().await;
    let worker = world.worker().await;
    let circle = drawn(&world, &worker, "a red circle").await.id;
    let square = drawn(&world, &worker, "a blue square").await.id;
    change(&world, square, &tag(&["red circle"])).await;
    assert_eq!(found(&world, &text("circles")).await, [square, circle]);
    assert_eq!(found(&world, &text("red -square")).await, [circle]);
    assert_eq!(found(&world, &text("square or nothing")).await, [square]);
    assert_eq!(found(&world, &text("\"blue square\"")).await, [square]);
    assert_eq!(found(&world, &text("blurry")).await.len(), 2);
    assert_eq!(found(&world, &text("' & | ! :* \\ ( \"")).await, []);
    let best = world.store.best_images(&text("circle"), 10).await;
    let best: Vec<ImageId> = best.expect("ranked").iter().map(|image| image.id).collect();
    assert_eq!(best, [circle, square], "a prompt weighs more than a tag");
}

#[tokio::test]
async fn what_is_found_by_tags_follows_them_whoever_gives_and_takes_them() {
    let world = World::new().await;
    let (_, theirs) = world.let_in().await;
    let worker = theirs.worker().await;
    let lease = world.run(&worker, world.submit_pictures(1).await).await;
    let new = theirs.staged(&worker, lease, 0).await;
    theirs.store.commit_image(&new).await.expect("committed");
    change(&world, new.id, &tag(&["sky", "red circle"])).await;
    assert_eq!(change(&world, new.id, &tag(&["sky"])).await, [new.id]);

    // A model tags it under the rights of a worker's role, twice.
    for (tags, gone) in [
        (["red circle", "sea"], "moon"),
        (["red circle", "moon"], "sea"),
    ] {
        let jobs = world.store.jobs_of_images(&[new.id]).await.expect("jobs");
        let waiting = jobs.iter().find(|job| job.state == JobState::Queued);
        let job = if let Some(job) = waiting {
            job.id
        } else {
            let mut again = new_job(0);
            again.params = jobs[0].params.clone();
            again.preset = TAGGER.into();
            again.parent_image = Some(new.id);
            world.submit_new(again).await
        };
        let grant = mystic_store::Grant {
            preset: TAGGER.into(),
            turns: 0,
            ..load(&worker, job)
        };
        let lease = world.grant(&grant).await.expect("granted");
        let claimed = theirs.store.claim(worker.id, job, lease.fence).await;
        assert!(claimed.expect("answered").is_some());
        let outcome = Outcome::Tagged(tags.map(|tag| (tag.to_owned(), 0.5)).to_vec());
        theirs.settle(&worker, lease, &outcome, false).await;
        theirs
            .store
            .child_gone(worker.id, lease.resident)
            .await
            .expect("heard");
        for tag in ["sky", tags[0], tags[1]] {
            assert_eq!(found(&world, &tagged(&[tag])).await, [new.id], "{tag}");
            assert_eq!(found(&world, &text(tag)).await, [new.id], "{tag}");
        }
        assert_eq!(found(&world, &tagged(&[gone])).await, [], "{gone}");
    }
    let untag = Change::Untag(vec!["red circle".into()]);
    assert_eq!(change(&world, new.id, &untag).await, [new.id]);
    assert_eq!(found(&world, &tagged(&["sky", "red circle"])).await, []);
    let kept = world
        .store
        .image(new.id)
        .await
        .expect("read")
        .expect("there");
    let names: Vec<&str> = kept.tags.iter().map(|tag| tag.name.as_str()).collect();
    assert_eq!(names, ["sky", "moon"]);
}

#[expect(
    clippy::too_many_lines,
    reason = "one picture after the other, each for one condition"
)]
#[tokio::test]
async fn every_condition_of_a_filter_counts() {
    let world = World::new().await;
    let worker = world.worker().await;
    let one = drawn(&world, &worker, "one").await;
    let other = drawn(&world, &worker, "other").await;
    change(&world, one.id, &tag(&["a", "b"])).await;
    change(&world, other.id, &tag(&["b", "c"])).await;
    let mark = Change::Mark {
        rating: Some(4),
        favourite: Some(true),
    };
    change(&world, one.id, &mark).await;
    sqlx::query("UPDATE images SET parent = $1, width = 16, seed = 99 WHERE id = $2")
        .bind(one.id.0)
        .bind(other.id.0)
        .execute(world.store.pool())
        .await
        .expect("updated");
    let at = |image: &NewImage| world.store.image(image.id);
    let made = at(&other).await.expect("read").expect("there").created_at;
    let all = ImageFilter::default;
    let names = |tags: &[&str]| tags.iter().map(ToString::to_string).collect::<Vec<_>>();
    let both = vec![other.id, one.id];
    for (filter, expected) in [
        (all(), both.clone()),
        (
            ImageFilter {
                ids: Some(vec![one.id]),
                ..all()
            },
            vec![one.id],
        ),
        (
            ImageFilter {
                job: Some(one.job),
                ..all()
            },
            vec![one.id],
        ),
        (
            ImageFilter {
                preset: Some("none".into()),
                ..all()
            },
            vec![],
        ),
        (
            ImageFilter {
                owner: Some("local".into()),
                ..all()
            },
            both.clone(),
        ),
        (
            ImageFilter {
                tags: names(&["a", "b"]),
                ..all()
            },
            vec![one.id],
        ),
        (
            ImageFilter {
                tags: names(&["a", "no such"]),
                ..all()
            },
            vec![],
        ),
        (
            ImageFilter {
                any_tags: names(&["a", "c", "no such"]),
                ..all()
            },
            both.clone(),
        ),
        (
            ImageFilter {
                any_tags: names(&["no such"]),
                ..all()
            },
            vec![],
        ),
        (
            ImageFilter {
                no_tags: names(&["c", "no such"]),
                ..all()
            },
            vec![one.id],
        ),
        (
            ImageFilter {
                rating_min: Some(4),
                ..all()
            },
            vec![one.id],
        ),
        (
            ImageFilter {
                rating_min: Some(5),
                ..all()
            },
            vec![],
        ),
        (
            ImageFilter {
                favourite: Some(false),
                ..all()
            },
            vec![other.id],
        ),
        (
            ImageFilter {
                min_width: Some(9),
                ..all()
            },
            vec![other.id],
        ),
        (
            ImageFilter {
                max_width: Some(8),
                ..all()
            },
            vec![one.id],
        ),
        (
            ImageFilter {
                min_height: Some(8),
                max_height: Some(8),
                ..all()
            },
            both.clone(),
        ),
        (
            ImageFilter {
                from: Some(made),
                ..all()
            },
            vec![other.id],
        ),
        (
            ImageFilter {
                to: Some(made),
                ..all()
            },
            vec![one.id],
        ),
        (
            ImageFilter {
                seed: Some(99),
                ..all()
            },
            vec![other.id],
        ),
        (
            ImageFilter {
                parent: Some(one.id),
                ..all()
            },
            vec![other.id],
        ),
        (
            ImageFilter {
                bin: Bin::Inside,
                ..all()
            },
            vec![],
        ),
        (
            ImageFilter {
                bin: Bin::Anywhere,
                ..all()
            },
            both.clone(),
        ),
    ] {
        assert_eq!(found(&world, &filter).await, expected, "{filter:?}");
        let facets = world.store.facets(&filter).await.expect("counted");
        assert_eq!(
            usize::try_from(facets.counted),
            Ok(expected.len()),
            "{filter:?}"
        );
    }
    let facets = world.store.facets(&all()).await.expect("counted");
    let tags: Vec<_> = facets
        .tags
        .iter()
        .map(|tag| (tag.value.as_str(), tag.count))
        .collect();
    assert_eq!(tags, [("b", 2), ("a", 1), ("c", 1)]);
    assert_eq!(
        (facets.favourites, facets.sizes.len(), facets.capped),
        (1, 2, false)
    );
    let line = world.store.lineage(other.id).await.expect("read");
    assert_eq!((line.ancestors[0].id, line.children.len()), (one.id, 0));
    let line = world.store.lineage(one.id).await.expect("read");
    assert_eq!((line.ancestors.len(), line.children[0].id), (0, other.id));
    let alike = world
        .store
        .similar_images(one.id, 10)
        .await
        .expect("compared");
    assert_eq!(
        (alike.len(), alike[0].image.id),
        (1, other.id),
        "they share a tag"
    );
}

#[tokio::test]
async fn pictures_with_like_prompts_are_found_whatever_their_tags_the_most_alike_first() {
    let world = World::new().await;
    let worker = world.worker().await;
    let mut made = Vec::new();
    for prompt in [
        "a portrait of an old sailor",
        "a yellow circle on a blue background",
        "a red circle on a blue background",
        "a red circle on a blue background",
        "a red circle",
    ] {
        made.push(drawn(&world, &worker, prompt).await.id);
    }
    let alike = world.store.similar_images(made[2], 10).await;
    let alike: Vec<_> = alike.expect("compared");
    let found: Vec<_> = alike.iter().map(|one| one.image.id).collect();
    assert_eq!(found, [made[3], made[1], made[4]]);
    assert!((alike[0].prompt - 1.0).abs() < 1e-6 && alike[1].prompt > 0.5);
    // One who is renamed is alike to others.
    sqlx::query("UPDATE images SET prompt = 'a portrait of a young sailor' WHERE id = $1")
        .bind(made[3].0)
        .execute(world.store.pool())
        .await
        .expect("renamed");
    let alike = world.store.similar_images(made[0], 10).await;
    let alike: Vec<_> = alike.expect("compared");
    assert_eq!((alike.len(), alike[0].image.id), (1, made[3]));
}

#[tokio::test]
async fn a_picture_has_no_more_tags_than_an_index_holds() {
    let world = World::new().await;
    let worker = world.worker().await;
    let id = drawn(&world, &worker, "full").await.id;
    let many: Vec<String> = (0..MAX_TAGS).map(|n| format!("tag {n}")).collect();
    assert_eq!(change(&world, id, &Change::Tag(many)).await, [id]);
    assert_eq!(change(&world, id, &tag(&["one more"])).await, []);
    assert_eq!(
        change(&world, id, &tag(&["tag 0"])).await,
        [id],
        "it is there"
    );
}

#[tokio::test]
async fn what_is_in_the_bin_is_nowhere_else_and_comes_back_as_it_was() {
    let world = World::new().await;
    let worker = world.worker().await;
    let (kept, gone) = (
        drawn(&world, &worker, "a kept circle").await,
        drawn(&world, &worker, "a binned circle").await,
    );
    change(&world, kept.id, &tag(&["round"])).await;
    change(&world, gone.id, &tag(&["round"])).await;
    assert_eq!(change(&world, gone.id, &Change::Bin).await, [gone.id]);
    assert_eq!(change(&world, gone.id, &Change::Bin).await, [], "no news");
    for filter in [ImageFilter::default(), text("circle"), tagged(&["round"])] {
        assert_eq!(found(&world, &filter).await, [kept.id]);
        let facets = world.store.facets(&filter).await.expect("counted");
        assert_eq!((facets.counted, facets.tags[0].count), (1, 1));
        let binned = ImageFilter {
            bin: Bin::Inside,
            ..filter
        };
        assert_eq!(found(&world, &binned).await, [gone.id]);
    }
    let best = world.store.best_images(&text("circle"), 10).await;
    assert_eq!(best.expect("ranked").len(), 1);
    let alike = world.store.similar_images(kept.id, 10).await;
    assert_eq!(alike.expect("compared"), []);
    assert_eq!(change(&world, gone.id, &Change::Restore).await, [gone.id]);
    assert_eq!(found(&world, &tagged(&["round"])).await, [gone.id, kept.id]);
}

#[tokio::test]
async fn a_deleted_picture_s_files_go_unless_another_picture_has_them() {
    let world = World::new().await;
    let worker = world.worker().await;
    let (one, other) = (
        drawn(&world, &worker, "one").await,
        drawn(&world, &worker, "other").await,
    );
    sqlx::query("UPDATE images SET thumb = $1 WHERE id = $2")
        .bind(&one.thumb_sha256)
        .bind(other.id.0)
        .execute(world.store.pool())
        .await
        .expect("updated");
    let delete = async |id| world.store.delete_images(&[id]).await.expect("answered");
    assert_eq!(delete(one.id).await, [], "it is not in the bin");
    change(&world, one.id, &Change::Bin).await;
    assert_eq!(delete(one.id).await, [one.id]);
    assert_eq!(delete(one.id).await, []);
    assert_eq!(world.store.image(one.id).await.expect("read"), None);
    let swept = world
        .store
        .sweep_files(Duration::ZERO)
        .await
        .expect("swept");
    // The other picture's first thumbnail has lost its picture too, by the test's own hand.
    assert_eq!(swept, [one.sha256]);
}

#[tokio::test]
async fn a_picture_is_not_deleted_while_its_job_is_at_work_and_is_made_anew_when_that_is_tried_again()
 {
    let world = World::new().await;
    let worker = world.worker().await;
    let job = world.submit_pictures(2).await;
    let lease = world.run(&worker, job).await;
    let new = world.staged(&worker, lease, 0).await;
    world.store.commit_image(&new).await.expect("committed");
    let tagging = world.store.jobs_of_images(&[new.id]).await.expect("jobs")[0].id;
    change(&world, new.id, &Change::Bin).await;
    let delete = async || {
        world
            .store
            .delete_images(&[new.id])
            .await
            .expect("answered")
    };
    assert_eq!(delete().await, []);
    let broken = failed(FailureKind::InvalidInput);
    world.settle(&worker, lease, &broken, true).await;
    assert_eq!(world.state(job).await, JobState::Failed);
    assert_eq!(delete().await, [new.id]);
    assert_eq!(
        world.state(tagging).await,
        JobState::Cancelled,
        "nothing to tag"
    );
    assert_eq!(world.job(job).await.images_done, 0);

    world.store.retry(job).await.expect("queued again");
    let again = mystic_store::Grant {
        seat: mystic_store::Seat::Loaded(lease.resident),
        ..load(&worker, job)
    };
    world
        .store
        .resident_started(worker.id, lease.resident, 7)
        .await
        .expect("noted");
    assert!(
        world
            .store
            .resident_ready(worker.id, lease.resident)
            .await
            .expect("ready")
    );
    let lease = world.grant(&again).await.expect("granted");
    let claimed = world.store.claim(worker.id, job, lease.fence).await;
    assert!(claimed.expect("answered").is_some());
    for index in 0..2 {
        let new = world.staged(&worker, lease, index).await;
        let committed = world.store.commit_image(&new).await;
        assert_eq!(committed.expect("answered"), Committed::New);
    }
    world
        .settle(&worker, lease, &Outcome::Succeeded, true)
        .await;
    assert_eq!(world.state(job).await, JobState::Succeeded);
}

#[tokio::test]
async fn a_picture_that_is_tagged_while_it_is_deleted_leaves_no_tags() {
    let world = World::new().await;
    let worker = world.worker().await;
    let lease = world.run(&worker, world.submit_pictures(1).await).await;
    let new = world.staged(&worker, lease, 0).await;
    world.store.commit_image(&new).await.expect("committed");
    world
        .settle(&worker, lease, &Outcome::Succeeded, true)
        .await;
    let tagging = world.store.jobs_of_images(&[new.id]).await.expect("jobs")[0].id;
    let grant = mystic_store::Grant {
        preset: TAGGER.into(),
        turns: 0,
        ..load(&worker, tagging)
    };
    let lease = world.grant(&grant).await.expect("granted");
    let claimed = world.store.claim(worker.id, tagging, lease.fence).await;
    assert!(claimed.expect("answered").is_some());
    change(&world, new.id, &Change::Bin).await;
    let deleted = world.store.delete_images(&[new.id]).await;
    assert_eq!(deleted.expect("answered"), [new.id]);
    let tags = Outcome::Tagged(vec![("late".into(), 0.5)]);
    world.settle(&worker, lease, &tags, true).await;
    assert_eq!(world.state(tagging).await, JobState::Succeeded);
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM image_tags")
        .fetch_one(world.store.pool())
        .await
        .expect("counted");
    assert_eq!(left, 0);
}
