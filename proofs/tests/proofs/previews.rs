//! A picture can be looked at while the real engine samples it, and is the same as one that nobody could look at.

use image::{RgbImage, imageops};
use mystic_domain::{JobId, JobState, file_path};
use serde_json::{Value, json};

use crate::stack::Stack;

impl Stack {
    /// Several pictures of the demo model that take their time.
    async fn draw_slowly(&self) -> JobId {
        let prompt = "a red circle on a blue background";
        let params = json!({ "prompt": prompt, "seed": 7, "steps": 50, "batch": 4 });
        self.submit(params, false).await
    }

    async fn preview(&self, job: JobId) -> reqwest::Response {
        let url = format!("{}/api/v1/jobs/{job}/preview", self.url);
        self.http.get(url).send().await.expect("an answer")
    }

    /// Previews that the job's progress tells of.
    async fn told(&self, job: JobId) -> u64 {
        let url = format!("{}/api/v1/jobs/{job}", self.url);
        let answer = self.http.get(url).send().await.expect("an answer");
        let job: Value = answer.json().await.expect("JSON");
        job["progress"]["preview"].as_u64().unwrap_or(0)
    }

    /// The hashes of its pictures, and the first of them.
    async fn drawn(&self, job: JobId) -> (Vec<String>, RgbImage) {
        self.until(job, JobState::Succeeded).await;
        let mut images = self.images().await;
        images.retain(|image| image.job == Some(job));
        images.sort_by_key(|image| image.index);
        let first = self.outputs().join(file_path(&images[0].sha256));
        let first = image::open(first).expect("a picture").into_rgb8();
        let hashes = images.into_iter().map(|image| image.pixels_sha256);
        (hashes.collect(), first)
    }
}

/// Mean difference of two pictures' values, of 255.
fn apart(one: &RgbImage, other: &RgbImage) -> f64 {
    let pairs = one.as_raw().iter().zip(other.as_raw());
    let sum: u32 = pairs
        .map(|(one, other)| u32::from(one.abs_diff(*other)))
        .sum();
    f64::from(sum) / f64::from(u32::try_from(one.as_raw().len()).expect("few values"))
}

#[tokio::test]
async fn a_running_job_can_be_looked_at_and_draws_what_it_draws_unseen() {
    let mut stack = Stack::start().await;
    let worker = stack.worker("worker-sd", "here", &[]);
    let job = stack.draw_slowly().await;
    // The second one of the attempt, so that progress has told of the one before.
    stack
        .when("previews", async || stack.told(job).await >= 2)
        .await;
    let answer = stack.preview(job).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "image/jpeg");
    let file = answer.bytes().await.expect("a body");
    let preview = image::load_from_memory(&file).expect("a JPEG").into_rgb8();
    assert_eq!(
        preview.dimensions(),
        (16, 16),
        "a pixel for each latent cell"
    );
    let (seen, picture) = stack.drawn(job).await;
    let small = imageops::resize(&picture, 16, 16, imageops::FilterType::Triangle);
    let grey = RgbImage::from_pixel(16, 16, image::Rgb([128; 3]));
    let (near, far) = (apart(&preview, &small), apart(&grey, &small));
    assert!(
        near < far,
        "it looks like the picture: {near} against {far}"
    );
    assert_eq!(stack.preview(job).await.status(), 404, "the job has ended");

    stack.terminate(worker);
    stack.until_ended_well(worker).await;
    stack.worker("worker-sd", "here", &["worker.previews=false"]);
    let job = stack.draw_slowly().await;
    stack
        .when("the second picture", async || {
            stack.job(job).await.images_done >= 1
        })
        .await;
    assert_eq!(stack.preview(job).await.status(), 404);
    assert_eq!(stack.told(job).await, 0);
    assert_eq!(stack.drawn(job).await.0, seen);
}
