//! `mystic verify` on the demo model: the same picture is told from another, and what made it another is named.

use std::path::Path;
use std::process::Output;

use mystic_domain::{JobState, file_path};
use mystic_store::ImageRecord;
use mystic_testkit::program;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::stack::{Stack, models};

const MODEL: &str = "demo/demo-painter-q8_0.gguf";

/// The demo's models, the painter's file as a copy that a test may change.
fn copied() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let here = std::path::absolute(models()).expect("a path");
    std::fs::create_dir(folder.path().join("demo")).expect("made");
    for name in [MODEL, "presets.toml"] {
        std::fs::copy(here.join(name), folder.path().join(name)).expect("copied");
    }
    folder
}

/// No weights at all in a part of the network.
fn change(model: &Path) {
    let mut file = std::fs::read(model).expect("the model");
    let network = file.len() / 4;
    file[network..network + 4096].fill(0);
    std::fs::write(model, file).expect("written");
}

impl Stack {
    async fn of_seed(&self, seed: i64) -> ImageRecord {
        let params = json!({ "prompt": "a red circle on a blue background", "seed": seed });
        let job = self.submit(params, false).await;
        self.until(job, JobState::Succeeded).await;
        let images = self.images().await;
        images
            .into_iter()
            .find(|image| image.job == Some(job))
            .expect("a picture")
    }

    async fn receipt(&self, image: &ImageRecord) -> Value {
        let url = format!("{}/api/v1/images/{}/receipt", self.url, image.id);
        let answer = self.http.get(url).send().await.expect("an answer");
        assert!(answer.status().is_success());
        answer.json().await.expect("JSON")
    }

    /// The receipt once its files are hashed.
    async fn whole_receipt(&self, image: &ImageRecord) -> Value {
        self.when("the files to be hashed", async || {
            let receipt = self.receipt(image).await;
            let files = receipt["made_with"]["files"]
                .as_array()
                .expect("a list")
                .clone();
            files.iter().all(|file| file["sha256"].is_string())
        })
        .await;
        self.receipt(image).await
    }

    async fn verify(&self, image: &ImageRecord) -> (Output, String) {
        let output = tokio::process::Command::new(program("mystic").expect("built"))
            .args(["verify", &image.id.to_string(), "--url", &self.url])
            .env_clear()
            .output()
            .await
            .expect("it runs");
        let said = [&output.stdout[..], &output.stderr[..]].concat();
        let said = String::from_utf8(said).expect("text");
        (output, said)
    }
}

#[tokio::test]
async fn a_picture_is_verified_or_what_differs_is_named() {
    let models = copied();
    let mut stack = Stack::with_models(models.path()).await;
    let worker = stack.worker("worker-sd", "here", &[]);
    let one = stack.of_seed(7).await;
    let other = stack.of_seed(8).await;

    let receipt = stack.whole_receipt(&one).await;
    let model = std::fs::read(models.path().join(MODEL)).expect("the model");
    let sha256 = hex::encode(Sha256::digest(&model));
    let made = &receipt["made_with"];
    let files = made["files"].as_array().expect("a list").iter();
    let files: Vec<(&str, &str)> = files
        .map(|file| {
            let text = |name: &str| file[name].as_str().expect("text");
            (text("role"), text("sha256"))
        })
        .collect();
    let hashed = [("files.model", &sha256[..]), ("files.taesd", &sha256[..])];
    assert_eq!(files, hashed);
    assert_eq!(
        (&made["sampler"], &made["scheduler"]),
        (&json!("euler"), &json!("discrete"))
    );
    assert_eq!(made["device"]["kind"], "cpu");
    assert!(made["libraries"]["diffusion-rs-sys"].is_string(), "{made}");

    let (output, said) = stack.verify(&one).await;
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("verified: ") && said.contains(&one.pixels_sha256),
        "{said}"
    );
    let there: Vec<_> = stack.images().await.iter().map(|image| image.id).collect();
    assert_eq!(there, [other.id, one.id], "what was drawn again is gone");

    let file = |image: &ImageRecord| stack.outputs().join(file_path(&image.sha256));
    let own = std::fs::read(file(&one)).expect("its file");
    std::fs::copy(file(&other), file(&one)).expect("exchanged");
    let (output, said) = stack.verify(&one).await;
    assert_eq!(output.status.code(), Some(1), "{said}");
    let holds = format!("its file: holds the pixels {}", other.pixels_sha256);
    assert!(said.contains(&holds), "{said}");
    std::fs::write(file(&one), own).expect("put back");

    change(&models.path().join(MODEL));
    stack.replace(worker).await;
    let (output, said) = stack.verify(&one).await;
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("pixels: at most "), "{said}");
    let named = format!("files.model: {MODEL} is {sha256}, drawn again {MODEL} is ");
    assert!(said.contains(&named), "{said}");
    for same in [
        "plan: ",
        "version: ",
        "libraries: ",
        "device: ",
        "its file: ",
    ] {
        assert!(!said.contains(same), "{said}");
    }
    let there: Vec<_> = stack.images().await.iter().map(|image| image.id).collect();
    assert_eq!(there, [other.id, one.id]);
    stack.assert_ledger_at_rest().await;
}
