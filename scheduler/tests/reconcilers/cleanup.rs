//! What nobody needs any more.

use std::time::Duration;

use mystic_domain::{Fence, JobId, WorkerId, file_path};
use mystic_queue::RunTicket;
use mystic_scheduler::reconcilers::{Cleanup, Reconcile};
use mystic_testkit::wait_until;

use crate::support::Stack;

#[tokio::test]
async fn cleanup_deletes_files_without_a_picture_and_queues_without_a_worker() {
    let stack = Stack::start().await;
    let worker = stack.worker(8192, 1).await;
    let queue = &stack.services.queue;
    let ticket = RunTicket {
        job: JobId::generate(),
        fence: Fence(1),
    };
    for to in [worker, WorkerId::generate()] {
        assert!(queue.dispatch(to, ticket).await.expect("sent"));
    }
    let [left, never_written] = ["a".repeat(64), "b".repeat(64)];
    for sha256 in [&left, &never_written] {
        assert!(stack.store.stage_file(sha256, 3).await.expect("staged"));
    }
    let path = stack.outputs.path().join(file_path(&left));
    std::fs::create_dir_all(path.parent().expect("a directory")).expect("made");
    std::fs::write(&path, "png").expect("written");
    let cleanup = |staged| {
        Cleanup::new(
            stack.store.clone(),
            queue.clone(),
            stack.services.outputs.clone(),
            staged,
        )
    };
    cleanup(Duration::from_hours(1))
        .run()
        .await
        .expect("cleaned");
    assert_eq!(queue.depths().await.expect("depths").run, [(worker, 1)]);
    assert!(path.exists(), "it may be on its way");
    cleanup(Duration::ZERO).run().await.expect("cleaned");
    assert!(!path.exists());
    let again = stack.store.sweep_files(Duration::ZERO).await;
    assert_eq!(again.expect("swept"), Vec::<String>::new());
}

#[tokio::test]
async fn a_file_that_cannot_be_deleted_is_not_forgotten() {
    let stack = Stack::start().await;
    let left = "a".repeat(64);
    assert!(stack.store.stage_file(&left, 3).await.expect("staged"));
    let path = stack.outputs.path().join(file_path(&left));
    std::fs::create_dir_all(&path).expect("a directory in the way");
    let mut cleanup = Cleanup::new(
        stack.store.clone(),
        stack.services.queue.clone(),
        stack.services.outputs.clone(),
        Duration::ZERO,
    );
    cleanup.run().await.expect_err("that is no file");
    // Its row's lock is let go of a moment after the failure.
    wait_until("the file to be swept again", async || {
        let again = stack.store.sweep_files(Duration::ZERO).await;
        again.expect("swept") == std::slice::from_ref(&left)
    })
    .await;
}

#[tokio::test]
async fn where_no_picture_can_be_seen_no_file_counts_as_deleted() {
    let stack = Stack::start().await;
    let elsewhere = "a".repeat(64);
    let staged = stack.store.stage_file(&elsewhere, 3).await;
    assert!(staged.expect("staged"));
    let mut cleanup = Cleanup::new(
        stack.store.clone(),
        stack.services.queue.clone(),
        stack.services.outputs.clone(),
        Duration::ZERO,
    );
    cleanup.run().await.expect("cleaned");
    let left = stack.store.sweep_files(Duration::ZERO).await;
    assert_eq!(left.expect("swept"), [elsewhere]);
}
