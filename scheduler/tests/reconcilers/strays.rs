//! Files that nobody knows or finishes any more, beside those that somebody does.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use mystic_process::Shutdown;
use mystic_scheduler::reconcilers::{Audit, Cleanup, Reconcile, Strays};
use mystic_testkit::Freeze;

use crate::pictures::{CONTENT, Painter, sha256, write};
use crate::support::Stack;

fn strays(stack: &Stack, still: Duration) -> Strays {
    let outputs = stack.services.outputs.clone();
    Strays::new(stack.store.clone(), outputs, still)
}

fn cleanup(stack: &Stack) -> Cleanup {
    let services = stack.services.clone();
    let still = Duration::ZERO;
    Cleanup::new(services.store, services.queue, services.outputs, still)
}

/// A stack whose outputs bear its mark already, since they were looked at while they were new.
async fn marked() -> Stack {
    let stack = Stack::start().await;
    look(&mut strays(&stack, Duration::ZERO), 1).await;
    stack
}

async fn look(strays: &mut Strays, times: usize) {
    for _ in 0..times {
        strays.run().await.expect("looked");
    }
}

/// Nothing that a picture is made of is missing.
async fn assert_whole(stack: &Stack) {
    let outputs = stack.services.outputs.clone();
    let mut audit = Audit::new(stack.store.clone(), outputs);
    audit.run().await.expect("looked");
    assert_eq!(audit.missing().collect::<Vec<_>>(), [""; 0]);
}

#[tokio::test]
async fn a_file_without_a_row_is_deleted_once_it_stood_still() {
    let stack = marked().await;
    let stray = sha256();
    let place = stack.place(&stray);
    write(&place, CONTENT);
    look(&mut strays(&stack, Duration::from_hours(1)), 3).await;
    assert!(place.exists(), "it may be on its way");
    let mut strays = strays(&stack, Duration::ZERO);
    look(&mut strays, 1).await;
    assert!(place.exists(), "seen for the first time");
    look(&mut strays, 1).await;
    assert!(!place.exists());
    let unknown = stack
        .store
        .unknown_files(std::slice::from_ref(&stray))
        .await;
    assert_eq!(unknown.expect("asked"), [stray], "nor is a row left");
}

#[tokio::test]
async fn a_file_of_a_picture_or_of_one_to_be_is_kept() {
    let stack = marked().await;
    let painter = Painter::start(&stack, 1).await;
    let [used, announced] = [sha256(), sha256()];
    painter.paint(0, &used).await;
    let staged = stack.store.stage_file(&announced, 3).await;
    assert!(staged.expect("staged"));
    write(&stack.place(&announced), CONTENT);
    look(&mut strays(&stack, Duration::ZERO), 3).await;
    assert!(stack.place(&used).exists() && stack.place(&announced).exists());
}

#[tokio::test]
async fn an_unfinished_upload_is_kept_while_it_grows_and_deleted_when_it_stands_still() {
    let stack = marked().await;
    let unfinished = |sha256: &str, number: u8| {
        PathBuf::from(format!("{}#{number}", stack.place(sha256).display()))
    };
    let [dead, live] = [unfinished(&sha256(), 1), unfinished(&sha256(), 12)];
    write(&dead, "p");
    write(&live, "");
    let mut writer = File::options().append(true).open(&live).expect("opened");
    let mut strays = strays(&stack, Duration::ZERO);
    for _ in 0..3 {
        writer.write_all(b"p").expect("written");
        look(&mut strays, 1).await;
    }
    assert!(!dead.exists() && live.exists());
    look(&mut strays, 1).await;
    assert!(!live.exists(), "its writer is gone too");
}

#[tokio::test]
async fn scratch_of_a_seat_is_kept_while_the_seat_is_held() {
    let stack = marked().await;
    let root = stack.outputs.path();
    let pixels = root.join(".scratch/sd-0123/a-1-0.rgb");
    let lock = root.join(".locks/sd-0123");
    write(&pixels, "rgb");
    write(&lock, "");
    let held = File::open(&lock).expect("opened");
    held.try_lock().expect("locked");
    let mut strays = strays(&stack, Duration::ZERO);
    look(&mut strays, 3).await;
    assert!(pixels.exists());
    held.unlock().expect("unlocked");
    look(&mut strays, 1).await;
    assert!(!pixels.exists() && lock.exists());
    assert!(File::open(&lock).expect("opened").try_lock().is_ok());
}

#[tokio::test]
async fn what_no_writer_of_ours_names_like_that_is_left_alone() {
    let stack = marked().await;
    let images = stack.outputs.path().join("images");
    let name = sha256();
    let others = [
        images.join("notes.txt"),
        images.join(&name[..2]).join(".nfs0001"),
        images.join(&name[..2]).join(format!("{name}.jpg")),
        images.join(&name[..2]).join(format!("{name}.png#1~")),
        images.join("zz").join(format!("{name}.png")),
    ];
    for other in &others {
        write(other, "mine");
    }
    look(&mut strays(&stack, Duration::ZERO), 3).await;
    for other in &others {
        assert!(other.exists(), "{}", other.display());
    }
}

#[tokio::test]
async fn strays_that_are_put_again_while_they_are_deleted_are_there_afterwards() {
    const FILES: u32 = 200;
    let stack = marked().await;
    let painter = Painter::start(&stack, FILES).await;
    let mut files: Vec<String> = (0..FILES).map(|_| sha256()).collect();
    for file in &files {
        write(&stack.place(file), CONTENT);
    }
    // The sweeper comes from the first folder and the painter from the last: some are put before they are marked, one
    // or the other at the same moment, and the rest after they were deleted.
    files.sort_unstable_by(|a, b| b.cmp(a));
    let paint = async {
        for (index, file) in (0..).zip(&files) {
            painter.paint(index, file).await;
        }
    };
    let mut strays = strays(&stack, Duration::ZERO);
    look(&mut strays, 1).await;
    tokio::join!(look(&mut strays, 1), paint);
    assert_whole(&stack).await;
}

#[tokio::test]
async fn a_sweeper_that_was_frozen_deletes_nothing_that_was_put_again() {
    let stack = marked().await;
    let painter = Painter::start(&stack, 1).await;
    let files = [sha256(), sha256()];
    for file in &files {
        let staged = stack.store.stage_file(file, 3).await;
        assert!(staged.expect("staged"));
        write(&stack.place(file), CONTENT);
    }
    let freeze = Freeze::deletion_from(stack.store.pool(), "image_files").await;
    let mut frozen = cleanup(&stack);
    let frozen = tokio::spawn(async move { frozen.run().await });
    freeze.until_frozen().await;
    // It has deleted one of the two and means to delete the other, which another sweeper does meanwhile.
    cleanup(&stack).run().await.expect("swept");
    let other = stack.store.unknown_files(&files).await.expect("asked");
    let [other] = &other[..] else {
        panic!("{other:?}: one of {files:?}")
    };
    painter.paint(0, other).await;
    freeze.thaw().await;
    frozen.await.expect("no panic").expect("swept");
    assert_whole(&stack).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_sweepers_at_once_never_delete_what_a_picture_is_made_of() {
    const ROUNDS: i32 = 100;
    let stack = marked().await;
    let painter = Painter::start(&stack, 2 * ROUNDS.cast_unsigned()).await;
    let stop = Shutdown::new();
    let mut sweepers = tokio::task::JoinSet::new();
    for _ in 0..2 {
        let (mut strays, mut cleanup) = (strays(&stack, Duration::ZERO), cleanup(&stack));
        let stopping = stop.clone();
        sweepers.spawn(async move {
            while !stopping.is_draining() {
                cleanup.run().await.expect("swept");
                strays.run().await.expect("looked");
            }
        });
    }
    for round in 0..ROUNDS {
        let file = sha256();
        // Two pictures that are equal byte for byte.
        tokio::join!(
            painter.paint(2 * round, &file),
            painter.paint(2 * round + 1, &file)
        );
        assert!(stack.place(&file).exists(), "round {round}");
    }
    stop.drain();
    while let Some(swept) = sweepers.join_next().await {
        swept.expect("no panic");
    }
    assert_whole(&stack).await;
}

#[tokio::test]
async fn pictures_of_another_database_are_no_strays() {
    let stack = Stack::start().await;
    let theirs = stack.place(&sha256());
    write(&theirs, CONTENT);
    let mut strays = strays(&stack, Duration::ZERO);
    look(&mut strays, 3).await;
    assert!(theirs.exists(), "a new database beside old pictures");
    let mark = stack.outputs.path().join(".database");
    write(&mark, "another");
    look(&mut strays, 3).await;
    assert!(theirs.exists());
}

#[tokio::test]
async fn a_directory_without_a_mark_and_with_a_picture_of_ours_is_ours() {
    let stack = Stack::start().await;
    let painter = Painter::start(&stack, 1).await;
    painter.paint(0, &sha256()).await;
    let stray = stack.place(&sha256());
    write(&stray, CONTENT);
    look(&mut strays(&stack, Duration::ZERO), 2).await;
    assert!(!stray.exists());
    let mark = std::fs::read_to_string(stack.outputs.path().join(".database")).expect("a mark");
    let ours = stack.store.identity().await.expect("asked");
    assert_eq!(mark, ours.to_string());
}
