//! Pictures are tagged by their pixels through REST, with the real engine and a projector of ours that sees colours.

use std::path::Path;

use image::{Rgb, RgbImage};
use mystic_domain::{FailureKind, ImageId, JobId, JobState, file_path};
use mystic_store::ImageRecord;
use serde_json::json;
use tempfile::TempDir;

use crate::imports::import;
use crate::stack::{Stack, models};

/// The demo models, of which the tagger sees.
fn models_that_see() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let here = std::path::absolute(models()).expect("a path");
    for name in ["demo", "demo-tagger"] {
        std::os::unix::fs::symlink(here.join(name), folder.path().join(name)).expect("linked");
    }
    let tagger = "demo-tagger/smollm2-135m-instruct-q4_1.gguf";
    mystic_testkit::mmproj(&folder.path().join("eye.gguf"), &here.join(tagger));
    let presets = std::fs::read_to_string(here.join("presets.toml")).expect("the catalogue");
    let file = format!("file = \"{tagger}\"");
    let sees = presets.replacen(&file, &format!("{file}\nmmproj = \"eye.gguf\""), 1);
    assert_ne!(sees, presets);
    std::fs::write(folder.path().join("presets.toml"), sees).expect("written");
    folder
}

impl Stack {
    async fn tag(&self, image: ImageId) -> JobId {
        let request = json!({ "kind": "tag", "params": { "image": image } });
        self.submit_with(request).await
    }

    async fn image(&self, id: ImageId) -> ImageRecord {
        let image = self.store.image(id).await.expect("read");
        image.expect("a picture")
    }

    /// A picture's tags, all of which have this source.
    async fn tags_of(&self, id: ImageId, source: &str) -> Vec<String> {
        let image = self.image(id).await;
        assert_eq!(image.tags_state, "done");
        assert!(!image.tags.is_empty(), "it has tags");
        for tag in &image.tags {
            assert_eq!(tag.source, source, "{:?}", image.tags);
        }
        image.tags.into_iter().map(|tag| tag.name).collect()
    }
}

fn says(tags: &[String], word: &str) -> bool {
    tags.iter().any(|tag| tag.contains(word))
}

fn painted(folder: &Path, name: &str, colour: [u8; 3]) {
    let picture = RgbImage::from_pixel(800, 800, Rgb(colour));
    picture.save(folder.join(name)).expect("written");
}

#[tokio::test]
async fn a_model_with_an_mmproj_tags_what_it_sees_and_by_the_prompt_what_is_gone() {
    let models = models_that_see();
    let mut stack = Stack::with_models(models.path()).await;
    stack.worker("worker-sd", "here", &[]);
    let tagger = stack.worker("worker-llm", "here", &[]);

    // A drawn picture, and the tagging job that comes with it.
    let params = json!({ "prompt": "a red circle on a blue background", "seed": 7 });
    let job = stack.submit(params, true).await;
    stack.until(job, JobState::Succeeded).await;
    stack.until_all_ended().await;
    let drawn = stack.images().await.remove(0).id;
    stack.tags_of(drawn, "vlm").await;

    // Pictures that nothing is known of but their pixels.
    let folder = tempfile::tempdir().expect("a folder");
    painted(folder.path(), "one.png", [255, 0, 0]);
    painted(folder.path(), "two.png", [0, 0, 255]);
    assert_eq!(
        import(&stack, folder.path()),
        "2 imported, 0 were there already, 0 refused"
    );
    let mut unsaid = Vec::new();
    for image in stack.images().await {
        if image.id != drawn {
            assert_eq!(image.params.prompt, "");
            stack.tag(image.id).await;
            unsaid.push(image.id);
        }
    }
    stack.until_all_ended().await;
    let mut seen = Vec::new();
    for id in &unsaid {
        let tags = stack.tags_of(*id, "vlm").await;
        let path = stack
            .outputs()
            .join(file_path(&stack.image(*id).await.sha256));
        let red = image::open(path).expect("a picture").into_rgb8()[(0, 0)][0] == 255;
        let (there, other) = if red {
            ("red", "blue")
        } else {
            ("blue", "red")
        };
        assert!(
            says(&tags, there) && !says(&tags, other),
            "{there}: {tags:?}"
        );
        seen.push(there);
    }
    seen.sort_unstable();
    assert_eq!(seen, ["blue", "red"]);

    // Without its file a picture is tagged by its prompt, and one without either can't be.
    for id in [drawn, unsaid[0]] {
        let path = file_path(&stack.image(id).await.sha256);
        std::fs::remove_file(stack.outputs().join(path)).expect("it was there");
    }
    let job = stack.tag(drawn).await;
    stack.until(job, JobState::Succeeded).await;
    let tags = stack.tags_of(drawn, "llm").await;
    assert!(says(&tags, "red") && says(&tags, "blue"), "{tags:?}");
    assert!(
        stack
            .log(tagger)
            .contains("it is tagged by its prompt alone")
    );
    let job = stack.tag(unsaid[0]).await;
    stack.until(job, JobState::Failed).await;
    let error = stack.job(job).await.error.expect("a reason");
    assert_eq!(error.kind, FailureKind::InvalidInput);
    assert!(
        error.message.contains("is gone, and it has no prompt"),
        "{error:?}"
    );
    assert_eq!(stack.image(unsaid[0]).await.tags_state, "failed");
    stack.assert_ledger_at_rest().await;
}
