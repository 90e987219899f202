//! Pictures are enlarged by a real network, small and such that what comes out is known.

mod support;

use image::{RgbImage, imageops};
use mystic_domain::{FailureKind, UpscaleModel};
use mystic_engine::{Command, Event, LoadModel};
use support::{Child, threads};

/// A child with a network of ours that enlarges so many times, as the preset says, and its last event.
fn child(scale: u32, said: u32, tile: u32, cut_off: u64) -> (Child, Event) {
    let mut child = Child::start();
    let path = child.directory().join("larger.safetensors");
    mystic_testkit::esrgan(&path, scale);
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    let length = file.metadata().unwrap().len();
    file.set_len(length - cut_off).unwrap();
    let model = UpscaleModel {
        file: path.to_str().unwrap().to_owned(),
        scale: said,
        tile,
        max_side: 4096,
    };
    let last = child.load_model(LoadModel::Upscaler {
        model,
        threads: threads(),
    });
    (child, last)
}

fn picture(width: u32, height: u32) -> RgbImage {
    let value = |number: u32| u8::try_from(number % 256).unwrap();
    RgbImage::from_fn(width, height, |x, y| {
        image::Rgb([value(3 * x), value(5 * y), value(x * y)])
    })
}

/// The events on the way, and the enlarged picture.
fn enlarge(child: &mut Child, picture: &RgbImage) -> (Vec<Event>, RgbImage) {
    let folder = child.directory();
    let (source, pixels) = (folder.join("source"), folder.join("pixels"));
    std::fs::write(&source, picture.as_raw()).unwrap();
    child.send(&Command::Upscale {
        source,
        width: picture.width(),
        height: picture.height(),
        pixels: pixels.clone(),
    });
    let (events, last) = child.until_last();
    let Event::Image { width, height, .. } = last else {
        panic!("{last:?}\n{}", child.stderr())
    };
    let rgb = std::fs::read(pixels).unwrap();
    (
        events,
        RgbImage::from_raw(width, height, rgb).expect("whole"),
    )
}

/// The largest difference of two pictures' values.
fn apart(one: &RgbImage, other: &RgbImage) -> u8 {
    assert_eq!(one.dimensions(), other.dimensions());
    let pairs = one.as_raw().iter().zip(other.as_raw());
    pairs
        .map(|(one, other)| one.abs_diff(*other))
        .max()
        .unwrap()
}

#[test]
fn each_pixel_is_repeated_in_one_piece_and_in_tiles() {
    for scale in [2, 4] {
        let (mut child, loaded) = child(scale, scale, 32, 0);
        assert!(
            matches!(loaded, Event::Loaded { .. }),
            "{loaded:?}\n{}",
            child.stderr()
        );
        for (width, height, tiled) in [(24, 17, false), (80, 48, true)] {
            let small = picture(width, height);
            let (events, large) = enlarge(&mut child, &small);
            let nearest = imageops::FilterType::Nearest;
            let expected = imageops::resize(&small, width * scale, height * scale, nearest);
            assert!(
                apart(&large, &expected) <= 1,
                "{}",
                apart(&large, &expected)
            );
            let tiles = events.iter().filter_map(|event| match *event {
                Event::Progress { step, of, .. } if of > 1 => Some((step, of)),
                _ => None,
            });
            let tiles: Vec<_> = tiles.collect();
            assert_eq!(tiles.is_empty(), !tiled, "{tiles:?}");
            assert!(
                tiles.last().is_none_or(|(step, of)| step == of),
                "{tiles:?}"
            );
        }
    }
}

#[test]
fn a_network_that_is_cut_off_or_of_another_scale_is_told() {
    let failed = |last: &Event, kind: FailureKind| matches!(last, Event::Failed { kind: told, .. } if *told == kind);
    let (_, cut_off) = child(2, 2, 32, 1000);
    assert!(failed(&cut_off, FailureKind::ModelCorrupt), "{cut_off:?}");
    let (_, other) = child(2, 4, 32, 0);
    assert!(failed(&other, FailureKind::InvalidInput), "{other:?}");
}
