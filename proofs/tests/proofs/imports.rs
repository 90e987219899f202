//! An outputs directory is imported into another stack by `mystic images import`: pictures, with what made them.

use std::path::Path;
use std::process::Command;

use mystic_domain::{JobState, file_path};
use mystic_testkit::program;
use serde_json::json;

use crate::stack::Stack;

/// What the command says last.
pub fn import(stack: &Stack, folder: &Path) -> String {
    let imported = Command::new(program("mystic").expect("built"))
        .args(["images", "import"])
        .arg(folder)
        .args(["--url", &stack.url])
        .output()
        .expect("it runs");
    assert!(imported.status.success(), "{imported:?}");
    let said = String::from_utf8(imported.stdout).expect("text");
    said.lines().last().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn pictures_of_another_stack_come_with_their_recipes_once_and_without_their_thumbnails() {
    let mut old = Stack::start().await;
    old.worker("worker-sd", "here", &[]);
    let params = json!({ "prompt": "a red circle", "seed": 7, "batch": 2, "steps": 2 });
    let job = old.submit(params, false).await;
    old.until(job, JobState::Succeeded).await;
    let made = old.images().await;

    let new = Stack::start().await;
    assert_eq!(
        import(&new, &old.outputs()),
        "2 imported, 2 were there already, 0 refused"
    );
    assert_eq!(
        import(&new, &old.outputs()),
        "0 imported, 4 were there already, 0 refused"
    );
    let imported = new.images().await;
    assert_eq!(imported.len(), 2);
    for image in &imported {
        let twin = made.iter().find(|twin| twin.sha256 == image.sha256);
        let twin = twin.expect("the same file");
        assert_eq!((image.origin.as_str(), image.job), ("import", None));
        assert_eq!((&image.preset, image.seed), (&twin.preset, twin.seed));
        assert_eq!(
            (&image.pixels_sha256, &image.thumb_sha256),
            (&twin.pixels_sha256, &twin.thumb_sha256)
        );
        assert_eq!(
            (
                &image.params.prompt,
                image.params.steps,
                &image.params.sampler
            ),
            (&twin.params.prompt, twin.params.steps, &twin.params.sampler)
        );
        let path = file_path(&image.sha256);
        let [kept, first] = [&new, &old].map(|stack| std::fs::read(stack.outputs().join(&path)));
        assert_eq!(kept.expect("there"), first.expect("there"));
    }

    // It can be started from as any other.
    let mut new = new;
    new.worker("worker-sd", "here", &[]);
    let init = json!({ "image": imported[0].id });
    let params = json!({ "prompt": "a blue square", "steps": 2, "init": init, "strength": 0.5 });
    let job = new.submit(params, false).await;
    new.until(job, JobState::Succeeded).await;
    let child = new
        .images()
        .await
        .into_iter()
        .find(|image| image.job == Some(job));
    assert_eq!(child.expect("a picture").parent, Some(imported[0].id));
}
