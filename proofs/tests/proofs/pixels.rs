//! Equal settings give equal pictures: from the service, from the service again, and from the engine called directly.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use mystic_domain::{GenerateParams, ImageFiles, ImageFlags, JobState, Mib};
use mystic_engine::{Command as Ask, Event, LoadModel};
use mystic_store::ImageRecord;
use mystic_testkit::program;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::stack::{Stack, models};

#[tokio::test]
async fn the_service_and_the_engine_make_the_same_bytes() {
    let mut stack = Stack::start().await;
    stack.worker("worker-sd", "here", &[]);
    let params = json!({ "prompt": "a red circle on a blue background", "seed": 7, "batch": 2 });
    for _ in 0..2 {
        let job = stack.submit(params.clone(), false).await;
        stack.until(job, JobState::Succeeded).await;
    }
    let mut images = stack.images().await;
    images.sort_by_key(|image| (image.index, image.id));
    let [first, again, other, other_again] = &images[..] else {
        panic!("{} pictures", images.len())
    };
    assert_eq!(
        (&first.sha256, &first.pixels_sha256),
        (&again.sha256, &again.pixels_sha256)
    );
    assert_eq!(other.sha256, other_again.sha256);
    assert_ne!(first.pixels_sha256, other.pixels_sha256, "the seeds differ");
    for image in [first, other] {
        let folder = tempfile::tempdir().expect("a folder");
        let pixels = draw(image, &folder.path().join("pixels"));
        assert_eq!(hex::encode(Sha256::digest(pixels)), image.pixels_sha256);
    }
}

/// The picture's pixels, from an engine child of our own.
fn draw(image: &ImageRecord, pixels: &Path) -> Vec<u8> {
    let mut child = Command::new(program("worker-sd").expect("built"))
        .arg("engine")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut commands = child.stdin.take().expect("its input");
    let model = models().join("demo/demo-painter-q8_0.gguf");
    let model = model.to_str().map(str::to_owned);
    let threads = std::thread::available_parallelism().expect("a number of cores");
    let load = Ask::Load {
        model: LoadModel::Sd {
            files: ImageFiles {
                model: model.clone(),
                taesd: model,
                ..ImageFiles::default()
            },
            flags: ImageFlags::default(),
            threads: u32::try_from(threads.get()).expect("few cores"),
            context: image.plan.expect("a plan").context(),
            stream_budget: Mib(0),
        },
    };
    let params: GenerateParams = image.params.clone();
    let generate = Ask::Generate {
        params,
        start: None,
        loras: Vec::new(),
        seed: image.seed,
        plan: image.plan.expect("a plan"),
        pixels: pixels.to_owned(),
        preview: None,
    };
    for ask in [load, generate] {
        let mut line = serde_json::to_vec(&ask).expect("JSON");
        line.push(b'\n');
        commands.write_all(&line).expect("it reads");
    }
    drop(commands);
    let events = BufReader::new(child.stdout.take().expect("its output")).lines();
    let events = events.map(|line| serde_json::from_str(&line.expect("a line")).expect("an event"));
    let drawn = events
        .filter(|event| matches!(event, Event::Image { .. }))
        .count();
    assert_eq!(drawn, 1);
    assert!(child.wait().expect("it ends").success());
    std::fs::read(pixels).expect("the pixels")
}
