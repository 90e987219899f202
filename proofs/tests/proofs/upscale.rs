//! Pictures are enlarged through REST by the real engine, with a network of ours that repeats each pixel.

use std::io::Cursor;

use image::{ImageFormat, RgbImage, imageops};
use mystic_domain::{JobId, JobState, file_path};
use mystic_store::ImageRecord;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::stack::{Stack, models};

/// The demo model, and networks of ours.
fn models_with_networks() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let here = std::path::absolute(models()).expect("a path");
    std::os::unix::fs::symlink(here.join("demo"), folder.path().join("demo")).expect("linked");
    let mut presets = std::fs::read_to_string(here.join("presets.toml")).expect("the catalogue");
    for scale in [2, 4] {
        let file = format!("times-{scale}.safetensors");
        mystic_testkit::esrgan(&folder.path().join(&file), scale);
        let preset = format!(
            "\n[[preset]]\nname = \"times-{scale}\"\ntitle = \"{scale} times as large\"\nengine = \"upscaler\"\n\
             file = \"{file}\"\nscale = {scale}\ntile = 64\nmax_side = 512\n"
        );
        presets.push_str(&preset);
    }
    std::fs::write(folder.path().join("presets.toml"), presets).expect("written");
    folder
}

impl Stack {
    async fn enlarge(&self, preset: &str, params: &Value) -> JobId {
        let request = json!({ "kind": "upscale", "preset": preset, "params": params });
        self.submit_with(request).await
    }

    async fn only_image_of(&self, job: JobId) -> ImageRecord {
        self.until(job, JobState::Succeeded).await;
        let mut images = self.images().await;
        images.retain(|image| image.job == Some(job));
        assert_eq!(images.len(), 1);
        images.remove(0)
    }

    fn pixels_of(&self, image: &ImageRecord) -> RgbImage {
        let path = self.outputs().join(file_path(&image.sha256));
        image::open(path).expect("a picture").into_rgb8()
    }

    async fn send(&self, picture: &RgbImage) -> Value {
        let mut file = Cursor::new(Vec::new());
        picture
            .write_to(&mut file, ImageFormat::Png)
            .expect("encoded");
        let url = format!("{}/api/v1/uploads", self.url);
        let sent = self.http.post(url).body(file.into_inner()).send().await;
        let upload: Value = sent.expect("an answer").json().await.expect("JSON");
        json!({ "upload": upload["id"] })
    }
}

fn repeated(picture: &RgbImage, times: u32) -> RgbImage {
    let (width, height) = picture.dimensions();
    imageops::resize(
        picture,
        width * times,
        height * times,
        imageops::FilterType::Nearest,
    )
}

/// The largest difference of two pictures' values.
fn apart(one: &RgbImage, other: &RgbImage) -> u8 {
    assert_eq!(one.dimensions(), other.dimensions());
    let pairs = one.as_raw().iter().zip(other.as_raw());
    pairs
        .map(|(one, other)| one.abs_diff(*other))
        .max()
        .expect("pixels")
}

#[tokio::test]
async fn a_picture_becomes_larger_and_knows_what_it_was_made_from() {
    let models = models_with_networks();
    let mut stack = Stack::with_models(models.path()).await;
    let worker = stack.worker("worker-sd", "here", &[]);
    let params = json!({ "prompt": "a red circle on a blue background", "seed": 7 });
    let drawn = stack.submit(params, false).await;
    let drawn = stack.only_image_of(drawn).await;

    let job = stack
        .enlarge("times-2", &json!({ "image": drawn.id }))
        .await;
    let large = stack.only_image_of(job).await;
    assert_eq!((large.width, large.height), (256, 256));
    assert_eq!(large.parent, Some(drawn.id));
    assert_eq!(
        (&large.params.prompt, large.seed),
        (&drawn.params.prompt, 7)
    );
    let there = stack.pixels_of(&drawn);
    assert!(apart(&stack.pixels_of(&large), &repeated(&there, 2)) <= 1);
    let job = stack
        .enlarge("times-2", &json!({ "image": drawn.id }))
        .await;
    assert_eq!(
        stack.only_image_of(job).await.sha256,
        large.sha256,
        "equal bytes"
    );
    let attempt = stack.attempts(job).await.remove(0);
    assert_eq!(
        attempt.times.expect("its times").loading_ms,
        0,
        "the network stays loaded"
    );

    let upload = stack.send(&there).await;
    let job = stack.enlarge("times-4", &upload).await;
    let larger = stack.only_image_of(job).await;
    assert_eq!((larger.width, larger.parent), (512, None));
    assert!(apart(&stack.pixels_of(&larger), &repeated(&there, 4)) <= 1);
    stack.assert_ledger_at_rest().await;

    // Many tiles: long enough to be ended on the way.
    let upload = stack.send(&repeated(&there, 4)).await;
    let job = stack.enlarge("times-4", &upload).await;
    let told = async || {
        let url = format!("{}/api/v1/jobs/{job}", stack.url);
        let job: Value = stack
            .http
            .get(url)
            .send()
            .await
            .expect("sent")
            .json()
            .await
            .expect("JSON");
        let progress = &job["progress"];
        (
            progress["phase"] == "sampling",
            progress["step"].as_u64(),
            progress["of"].as_u64(),
        )
    };
    stack
        .when(
            "some tiles",
            async || matches!(told().await, (true, Some(step), Some(of)) if step > 0 && of > 4),
        )
        .await;
    stack.cancel(job).await;
    stack.until(job, JobState::Cancelled).await;
    assert_eq!(stack.job(job).await.images_done, 0);
    stack
        .when(
            "the child to be gone, and its supervisor to have said so",
            async || {
                let devices = stack.store.devices().await.expect("devices");
                stack.children_of(worker).len() < 3
                    && devices.iter().all(|device| device.leases.is_empty())
            },
        )
        .await;
    stack.assert_ledger_at_rest().await;
}
