//! Pictures whose files are not as they were.

use mystic_scheduler::reconcilers::{Audit, Reconcile};

use crate::pictures::{CONTENT, Painter, sha256, write};
use crate::support::Stack;

fn audit(stack: &Stack) -> Audit {
    Audit::new(stack.store.clone(), stack.services.outputs.clone())
}

fn missing(audit: &Audit) -> Vec<&str> {
    audit.missing().collect()
}

#[tokio::test]
async fn a_file_that_is_missing_or_shorter_is_found_until_it_is_back() {
    let stack = Stack::start().await;
    let painter = Painter::start(&stack, 3).await;
    let files = [sha256(), sha256(), sha256()];
    for (index, file) in (0..).zip(&files) {
        painter.paint(index, file).await;
    }
    let mut audit = audit(&stack);
    audit.run().await.expect("looked");
    assert_eq!(missing(&audit), [""; 0]);

    let [gone, short, _] = &files;
    std::fs::remove_file(stack.place(gone)).expect("removed");
    write(&stack.place(short), &CONTENT[1..]);
    let mut both = [gone.as_str(), short];
    both.sort_unstable();
    for _ in 0..2 {
        audit.run().await.expect("looked");
        assert_eq!(missing(&audit), both);
    }
    write(&stack.place(gone), CONTENT);
    audit.run().await.expect("looked");
    assert_eq!(missing(&audit), [short]);
}

#[tokio::test]
async fn a_large_store_is_looked_at_part_by_part_and_again_from_the_beginning() {
    let stack = Stack::start().await;
    let painter = Painter::start(&stack, 600).await;
    let mut files: Vec<String> = (0..600).map(|_| sha256()).collect();
    for (index, file) in (0..).zip(&files) {
        painter.paint(index, file).await;
    }
    files.sort_unstable();
    let ends = [files[0].as_str(), &files[599]];
    for end in ends {
        std::fs::remove_file(stack.place(end)).expect("removed");
    }
    let mut audit = audit(&stack);
    audit.run().await.expect("looked");
    assert_eq!(missing(&audit), ends[..1]);
    audit.run().await.expect("looked");
    assert_eq!(missing(&audit), ends);
    write(&stack.place(ends[0]), CONTENT);
    audit.run().await.expect("looked");
    assert_eq!(missing(&audit), ends[1..]);
}

#[tokio::test]
async fn a_directory_without_any_picture_says_nothing_of_those_that_are_missing() {
    let stack = Stack::start().await;
    let painter = Painter::start(&stack, 1).await;
    painter.paint(0, &sha256()).await;
    let images = stack.outputs.path().join("images");
    let elsewhere = stack.outputs.path().join("elsewhere");
    std::fs::rename(&images, &elsewhere).expect("unmounted");
    let mut audit = audit(&stack);
    audit.run().await.expect("looked");
    assert_eq!(missing(&audit), [""; 0]);
    std::fs::create_dir(&images).expect("another");
    audit.run().await.expect("looked");
    assert_eq!(audit.missing().count(), 1);
    std::fs::remove_dir(&images).expect("removed");
    std::fs::rename(&elsewhere, &images).expect("mounted");
    audit.run().await.expect("looked");
    assert_eq!(missing(&audit), [""; 0]);
}
