//! What an engine child says when it can't do its work.

mod support;

use std::fs;

use mystic_domain::{FailureKind, ImageFiles, Plan};
use mystic_engine::Event;
use support::{Child, demo_files, demo_params, generate};

#[test]
fn a_missing_model_is_said_to_be_missing() {
    let mut child = Child::start();
    let last = child.load(ImageFiles {
        model: Some("/nonexistent/model.gguf".into()),
        ..ImageFiles::default()
    });
    let message = failed(&last, FailureKind::ModelMissing);
    assert!(message.contains("/nonexistent/model.gguf"), "{message}");
}

#[test]
fn a_truncated_model_is_found_corrupt_while_it_loads() {
    let mut child = Child::start();
    let whole = fs::read(demo_files().model.expect("a model")).expect("the demo model");
    let path = child.directory().join("truncated.gguf");
    fs::write(&path, &whole[..whole.len() / 2]).expect("half a model");
    let path = path.to_str().expect("UTF-8").to_owned();
    let last = child.load(ImageFiles {
        model: Some(path.clone()),
        taesd: Some(path),
        ..ImageFiles::default()
    });
    failed(&last, FailureKind::ModelCorrupt);
}

#[test]
fn a_file_that_is_no_model_is_found_corrupt() {
    let mut child = Child::start();
    let path = child.directory().join("noise.gguf");
    fs::write(&path, b"no model at all").expect("a file");
    let last = child.load(ImageFiles {
        model: path.to_str().map(Into::into),
        ..ImageFiles::default()
    });
    failed(&last, FailureKind::ModelCorrupt);
}

#[test]
fn an_autoencoder_that_cannot_be_read_is_not_left_out_silently() {
    let mut child = Child::start();
    let path = child.directory().join("vae.safetensors");
    fs::write(&path, b"no autoencoder at all").expect("a file");
    let last = child.load(ImageFiles {
        vae: path.to_str().map(Into::into),
        ..demo_files()
    });
    let message = failed(&last, FailureKind::ModelCorrupt);
    assert!(message.contains("vae.safetensors"), "{message}");
}

#[test]
fn a_refused_picture_leaves_the_child_ready_for_the_next() {
    let mut child = Child::with_demo_model();
    let pixels = child.directory().join("pixels");
    let mut params = demo_params(1);
    params.sampler = Some("no such sampler".into());
    child.send(&generate(&params, Plan::Full, pixels));
    let message = failed(&child.until_last().1, FailureKind::InvalidInput);
    assert!(message.contains("no such sampler"), "{message}");

    let nowhere = child.directory().join("no/such/directory");
    child.send(&generate(&demo_params(1), Plan::Full, nowhere));
    failed(&child.until_last().1, FailureKind::Internal);

    child.draw(&demo_params(1), Plan::Full);
}

#[test]
fn a_child_ends_with_its_pipe() {
    let mut child = Child::with_demo_model();
    assert!(child.close().success());
    assert_eq!(child.next(), None);
}

#[test]
fn a_native_print_lands_in_standard_error_and_not_in_the_protocol() {
    let child = Child::with_demo_model();
    assert_eq!(child.open_file(1), child.open_file(2));
    assert_eq!(child.open_file(1), child.directory().join("stderr"));
}

fn failed(last: &Event, expected: FailureKind) -> String {
    match last {
        Event::Failed { kind, message } => {
            assert_eq!(*kind, expected, "{message}");
            message.clone()
        }
        other => panic!("{other:?}"),
    }
}
