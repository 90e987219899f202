//! Every way to make a picture, through REST, a real scheduler and a real engine with the demo model.

use std::io::Cursor;
use std::path::Path;

use image::{DynamicImage, GrayImage, ImageFormat, Luma, RgbImage, imageops};
use mystic_domain::{FailureKind, JobId, JobState, file_path};
use mystic_store::{ImageRecord, JobRecord};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::stack::{Stack, models};

/// A network's layer that a LoRA can change, with what comes in and goes out.
const LAYER: (&str, usize, usize) = ("model.diffusion_model.layers.0.feed_forward.w1", 256, 768);
/// A layer of another model.
const STRANGE: (&str, usize, usize) =
    ("model.diffusion_model.layers.900.feed_forward.w1", 256, 768);

/// The demo model with LoRAs of our own.
fn models_with_loras() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let here = std::path::absolute(models()).expect("a path");
    for name in ["demo", "demo-tagger"] {
        std::os::unix::fs::symlink(here.join(name), folder.path().join(name)).expect("linked");
    }
    std::fs::create_dir(folder.path().join("loras")).expect("made");
    lora(&folder.path().join("loras/bend.safetensors"), LAYER);
    lora(&folder.path().join("loras/strange.safetensors"), STRANGE);
    let presets = std::fs::read_to_string(here.join("presets.toml")).expect("the catalogue");
    let loras = "loras = [{ name = \"bend\", file = \"loras/bend.safetensors\" },\n\
                 { name = \"starry\", file = \"loras/bend.safetensors\", trigger = \"a star\" },\n\
                 { name = \"strange\", file = \"loras/strange.safetensors\" }]\n\
                 [preset.files]";
    let presets = presets.replacen("[preset.files]", loras, 1);
    // The demo model was trained on one size, so the catalogue allows no second pass; at a low strength it keeps the picture.
    let hires = "max_side = 128\nmax_hires_side = 256";
    let presets = presets.replacen("max_side = 128", hires, 1);
    std::fs::write(folder.path().join("presets.toml"), presets).expect("written");
    folder
}

/// A LoRA of rank 1 in safetensors.
fn lora(path: &Path, (layer, inputs, outputs): (&str, usize, usize)) {
    let values = |count: usize| {
        let value = |at: usize| {
            if at.is_multiple_of(3) { 0.3_f32 } else { -0.2 }
        };
        (0..count).flat_map(move |at| value(at).to_le_bytes())
    };
    let [down, up] = [4 * inputs, 4 * (inputs + outputs)];
    let header = json!({
        format!("{layer}.lora_down.weight"):
            { "dtype": "F32", "shape": [1, inputs], "data_offsets": [0, down] },
        format!("{layer}.lora_up.weight"):
            { "dtype": "F32", "shape": [outputs, 1], "data_offsets": [down, up] },
    })
    .to_string();
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.into_bytes());
    file.extend(values(inputs).chain(values(outputs)));
    std::fs::write(path, file).expect("written");
}

/// A stack with one worker that draws.
struct Studio {
    stack: Stack,
    _models: TempDir,
}

impl Studio {
    async fn open() -> Self {
        let models = models_with_loras();
        let mut stack = Stack::with_models(models.path()).await;
        stack.worker("worker-sd", "here", &[]);
        Self {
            stack,
            _models: models,
        }
    }

    /// Submits these changes of a job that is the same otherwise, and waits for it.
    async fn job(&self, changes: Value, state: JobState) -> JobId {
        let mut params = json!({ "prompt": "a red circle on a blue background", "seed": 7 });
        let changes = changes.as_object().expect("an object").clone();
        params.as_object_mut().expect("an object").extend(changes);
        let job = self.stack.submit(params, false).await;
        self.stack.until(job, state).await;
        job
    }

    /// The pictures of such a job, in its order.
    async fn pictures(&self, changes: Value) -> Vec<ImageRecord> {
        let job = self.job(changes, JobState::Succeeded).await;
        let mut images = self.stack.images().await;
        images.retain(|image| image.job == Some(job));
        images.sort_by_key(|image| image.index);
        images
    }

    async fn picture(&self, changes: Value) -> ImageRecord {
        let mut pictures = self.pictures(changes).await;
        assert_eq!(pictures.len(), 1);
        pictures.remove(0)
    }

    fn pixels(&self, image: &ImageRecord) -> RgbImage {
        let path = self.stack.outputs().join(file_path(&image.sha256));
        image::open(path).expect("a picture").into_rgb8()
    }

    async fn upload(&self, kind: &str, picture: DynamicImage) -> Value {
        let mut file = Vec::new();
        let written = picture.write_to(&mut Cursor::new(&mut file), ImageFormat::Png);
        written.expect("encoded");
        let url = format!("{}/api/v1/uploads?kind={kind}", self.stack.url);
        let answer = self.stack.http.post(url).body(file).send().await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), 201);
        let upload: Value = answer.json().await.expect("JSON");
        json!({ "upload": upload["id"] })
    }
}

/// Mean difference of the colours inside of a part of two pictures, of 255.
fn apart(one: &RgbImage, other: &RgbImage, part: impl Fn(u32, u32) -> bool) -> f64 {
    assert_eq!(one.dimensions(), other.dimensions());
    let pairs = one.enumerate_pixels().zip(other.pixels());
    let inside = pairs.filter(|((x, y, _), _)| part(*x, *y));
    let (mut sum, mut count) = (0.0, 0.0);
    for ((_, _, one), other) in inside {
        for (one, other) in one.0.into_iter().zip(other.0) {
            sum += f64::from(one.abs_diff(other));
            count += 1.0;
        }
    }
    sum / count
}

fn everywhere(_: u32, _: u32) -> bool {
    true
}

#[tokio::test]
async fn a_picture_starts_from_another_and_strength_says_how_much_of_it_is_left() {
    let studio = Studio::open().await;
    let first = studio.picture(json!({})).await;
    let there = studio.pixels(&first);
    let upload = studio.upload("picture", there.clone().into()).await;
    let heart = |init: &Value, strength: f64| {
        let prompt = "a green heart on a yellow background";
        json!({ "prompt": prompt, "init": init, "strength": strength })
    };
    let little = studio.picture(heart(&upload, 0.3)).await;
    let much = studio.picture(heart(&upload, 0.9)).await;
    let [near, far] =
        [&little, &much].map(|image| apart(&there, &studio.pixels(image), everywhere));
    assert!(near < 30.0 && far > 2.0 * near, "{near} {far}");

    let by_id = studio
        .picture(heart(&json!({ "image": first.id }), 0.3))
        .await;
    assert_eq!(by_id.pixels_sha256, little.pixels_sha256);
    let file = &by_id.params.init.as_ref().expect("a start").sha256;
    assert_eq!(*file, first.sha256, "the file that it read is written down");

    // Three times as large and wider than high: what covers the square in its middle is the same picture.
    let large = imageops::resize(&there, 384, 384, imageops::FilterType::CatmullRom);
    let mut wide = RgbImage::new(584, 384);
    imageops::overlay(&mut wide, &large, 100, 0);
    let wide = studio.upload("picture", wide.into()).await;
    let from_wide = studio.picture(heart(&wide, 0.3)).await;
    let off = apart(
        &studio.pixels(&little),
        &studio.pixels(&from_wide),
        everywhere,
    );
    assert!(off < 6.0, "{off}");

    let mut batch = heart(&upload, 0.9);
    batch["batch"] = json!(2);
    let batch = studio.pictures(batch).await;
    assert_eq!(batch[0].pixels_sha256, much.pixels_sha256);
    let mut next = heart(&upload, 0.9);
    next["seed"] = json!(8);
    let next = studio.picture(next).await;
    assert_eq!(batch[1].pixels_sha256, next.pixels_sha256, "seed + index");
    assert_ne!(batch[0].pixels_sha256, batch[1].pixels_sha256);
    studio.stack.assert_ledger_at_rest().await;
}

#[tokio::test]
async fn only_what_the_mask_shows_white_is_painted_over() {
    let studio = Studio::open().await;
    let first = studio.picture(json!({})).await;
    let there = studio.pixels(&first);
    let mask = GrayImage::from_fn(128, 128, |x, _| Luma([if x < 64 { 255 } else { 0 }]));
    let mask = studio.upload("mask", mask.into()).await;
    let changes = json!({
        "prompt": "a green heart on a yellow background",
        "init": { "image": first.id }, "mask": mask, "strength": 1.0,
    });
    let painted = studio.pixels(&studio.picture(changes).await);
    // A latent cell on either side of the edge belongs to both.
    let inside = apart(&there, &painted, |x, _| x < 56);
    let outside = apart(&there, &painted, |x, _| x >= 72);
    assert!(
        inside > 5.0 * outside && outside < 15.0,
        "{inside} {outside}"
    );
}

#[tokio::test]
async fn a_lora_changes_the_picture_by_its_weight_and_leaves_nothing_behind() {
    let studio = Studio::open().await;
    let with = |name: &str, weight: f64| json!({ "loras": [{ "name": name, "weight": weight }] });
    let without = studio.picture(json!({})).await;
    let none = studio.picture(with("bend", 0.0)).await;
    assert_eq!(none.pixels_sha256, without.pixels_sha256);
    let half = studio.picture(with("bend", 0.5)).await;
    let whole = studio.picture(with("bend", 1.0)).await;
    let there = studio.pixels(&without);
    let [half, whole] =
        [&half, &whole].map(|image| apart(&there, &studio.pixels(image), everywhere));
    assert!(half > 0.0 && whole > half, "{half} {whole}");
    let after = studio.picture(json!({})).await;
    assert_eq!(after.pixels_sha256, without.pixels_sha256);

    let starry = studio.picture(with("starry", 1.0)).await;
    let asked = "a red circle on a blue background";
    assert_eq!(starry.params.prompt, asked, "as it was asked");
    let mut spelt_out = with("bend", 1.0);
    spelt_out["prompt"] = json!(format!("{asked}, a star"));
    let spelt_out = studio.picture(spelt_out).await;
    assert_eq!(starry.pixels_sha256, spelt_out.pixels_sha256);

    let strange = studio.job(with("strange", 1.0), JobState::Failed).await;
    let error = studio.stack.job(strange).await.error.expect("an error");
    assert_eq!(error.kind, FailureKind::ModelCorrupt, "{error:?}");
    let last = studio.picture(json!({})).await;
    assert_eq!(last.pixels_sha256, without.pixels_sha256);
}

#[tokio::test]
async fn a_second_pass_makes_the_same_picture_larger() {
    let studio = Studio::open().await;
    let small = studio.pixels(&studio.picture(json!({})).await);
    for upscaler in ["Latent", "Latent (bicubic)"] {
        let hires = json!({ "scale": 2.0, "strength": 0.2, "steps": 2, "upscaler": upscaler });
        let large = studio.picture(json!({ "hires": hires })).await;
        assert_eq!((large.width, large.height), (256, 256));
        let shrunk = imageops::resize(
            &studio.pixels(&large),
            128,
            128,
            imageops::FilterType::Triangle,
        );
        let off = apart(&small, &shrunk, everywhere);
        assert!(off < 15.0, "{upscaler}: {off}");
    }
    studio.stack.assert_ledger_at_rest().await;
}

#[tokio::test]
async fn a_prompt_is_written_out_and_its_words_are_drawn_and_tagged() {
    let mut stack = Stack::start().await;
    for worker in ["worker-llm", "worker-sd"] {
        stack.worker(worker, "here", &[]);
    }
    let asked = json!({ "prompt": "a red {circle|square}", "seed": 3 });
    let enhance = json!({ "kind": "enhance", "params": asked });
    let mut jobs = Vec::new();
    // One after the other, so that both have the model as it is: a cache in 8 bits may choose other words.
    for _ in 0..2 {
        let job = stack.submit_with(enhance.clone()).await;
        stack.until(job, JobState::Succeeded).await;
        jobs.push(stack.job(job).await);
    }
    let [job, again] = &jobs[..] else {
        panic!("two jobs")
    };
    assert_eq!(job.plan, again.plan);
    let words = |job: &JobRecord| job.result.clone().expect("words").prompt;
    let written = words(job);
    assert!(written.contains("red"), "{written}");
    assert_eq!(words(again), written);
    let draw = json!({ "params": { "prompt": written, "seed": 1, "steps": 2 }, "auto_tag": true });
    let picture = stack.submit_with(draw).await;
    stack.until(picture, JobState::Succeeded).await;
    stack.until_all_ended().await;
    let image = stack.images().await.remove(0);
    assert_eq!(image.params.prompt, written);
    assert!(!image.tags.is_empty());
}
