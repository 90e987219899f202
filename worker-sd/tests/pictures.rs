//! Pictures of the demo model through a real engine child.

mod support;

use mystic_domain::{ContextPlan, ImageFlags, Phase, Plan};
use mystic_engine::Event;
use support::{Child, Drawn, demo_files, demo_params};

#[test]
fn same_seed_gives_the_same_bytes_in_one_child_and_in_the_next() {
    let mut child = Child::with_demo_model();
    let first = child.draw(&demo_params(7), Plan::Full);
    let other = child.draw(&demo_params(8), Plan::Full);
    let again = child.draw(&demo_params(7), Plan::Full);
    assert_eq!((first.width, first.height), (128, 128));
    assert_eq!(first.pixels.len(), 128 * 128 * 3);
    assert_eq!(first.pixels, again.pixels);
    assert_ne!(first.pixels, other.pixels);

    let next = Child::with_demo_model().draw(&demo_params(7), Plan::Full);
    assert_eq!(first.pixels, next.pixels);
}

#[test]
fn a_presets_flags_reach_the_library() {
    let drawn = |flags| {
        let mut child = Child::start();
        let last = child.load_with(demo_files(), flags, ContextPlan::Default);
        assert!(matches!(last, Event::Loaded { .. }), "{last:?}");
        child.draw(&demo_params(7), Plan::Full)
    };
    let usual = drawn(ImageFlags::default());
    let mapped = drawn(ImageFlags {
        mmap: true,
        ..ImageFlags::default()
    });
    assert_eq!(usual.pixels, mapped.pixels);
    let direct = drawn(ImageFlags {
        vae_conv_direct: true,
        ..ImageFlags::default()
    });
    assert!(decoder_buffer(&direct) < decoder_buffer(&usual));
    let attending = drawn(ImageFlags {
        flash_attention: Some(true),
        diffusion_conv_direct: true,
        ..ImageFlags::default()
    });
    let pairs = usual.pixels.iter().zip(&attending.pixels);
    let mean = pairs.map(|(a, b)| u64::from(a.abs_diff(*b))).sum::<u64>() / 128 / 128 / 3;
    assert!(mean < 8, "{mean}");
}

#[test]
fn the_prompt_is_drawn() {
    let picture = Child::with_demo_model().draw(&demo_params(1), Plan::Full);
    let [red, _, blue] = mean(&picture, 54..74);
    assert!(red > blue, "the middle of a red circle: {red} {blue}");
    let [red, _, blue] = mean(&picture, 0..8);
    assert!(blue > red, "the corner of a blue background: {red} {blue}");
}

#[test]
fn the_negative_prompt_changes_the_picture() {
    let mut child = Child::with_demo_model();
    let plain = child.draw(&demo_params(3), Plan::Full);
    let mut params = demo_params(3);
    params.negative_prompt = "green".into();
    assert_ne!(plain.pixels, child.draw(&params, Plan::Full).pixels);
}

#[test]
fn tiles_differ_by_at_most_6_of_255() {
    let mut child = Child::with_demo_model();
    let mut params = demo_params(10);
    // Many edges: of the prompts that were tried, the one where tiles show most.
    params.prompt = "a green house and a yellow sun at sunset".into();
    let whole = child.draw(&params, Plan::Full);
    let tiled = child.draw(&params, Plan::VaeTiling);
    assert_ne!(whole.pixels, tiled.pixels);
    let pairs = whole.pixels.iter().zip(&tiled.pixels);
    let largest = pairs.map(|(a, b)| a.abs_diff(*b)).max();
    assert!(largest <= Some(6), "{largest:?}");

    let (step, of) = last_progress(&tiled, Phase::Decoding);
    assert!(of > 1 && step == of, "tile {step} of {of}");
    assert!(decoder_buffer(&tiled) < decoder_buffer(&whole));

    let again = child.draw(&params, Plan::Full);
    assert_eq!(whole.pixels, again.pixels, "tiling ends with its picture");
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "an upper bound for the engine's own figures, with no runtime around"
)]
fn phases_follow_one_another_and_their_times_add_up() {
    let mut child = Child::with_demo_model();
    let started = std::time::Instant::now();
    let picture = child.draw(&demo_params(2), Plan::Full);
    let elapsed = started.elapsed();

    let mut phases: Vec<Phase> = progress(&picture).map(|(phase, ..)| phase).collect();
    phases.dedup();
    assert_eq!(
        phases,
        [Phase::Encoding, Phase::Sampling, Phase::Decoding],
        "weights are read while the model is loaded, never by a picture"
    );
    let steps: Vec<(u32, u32)> = progress(&picture)
        .filter(|(phase, ..)| *phase == Phase::Sampling)
        .map(|(_, step, of)| (step, of))
        .collect();
    assert!((0..=8).all(|step| steps.contains(&(step, 8))), "{steps:?}");

    let Event::Image { times, .. } = picture.last else {
        panic!("no image");
    };
    assert!(times.sampling_ms > 0 && times.decoding_ms > 0, "{times:?}");
    assert_eq!((times.loading_ms, times.saving_ms), (0, 0));
    let sum = times.encoding_ms + times.sampling_ms + times.decoding_ms;
    assert!(u128::from(sum) <= elapsed.as_millis(), "{times:?}");
}

#[test]
fn memory_does_not_grow_over_40_pictures() {
    let mut child = Child::with_demo_model();
    let mut draw = |seeds: std::ops::Range<i64>| {
        for seed in seeds {
            let plan = [Plan::Full, Plan::VaeTiling][usize::from(seed % 2 == 0)];
            child.draw(&demo_params(seed), plan);
        }
        child.resident_kib()
    };
    let warm = draw(0..8);
    let later = draw(8..48);
    // One leaked picture is 48 KiB, its decoder buffer more than 2 MiB.
    assert!(later - warm < 1500, "from {warm} to {later} KiB");
}

fn progress(picture: &Drawn) -> impl Iterator<Item = (Phase, u32, u32)> {
    picture.events.iter().filter_map(|event| match *event {
        Event::Progress { phase, step, of } => Some((phase, step, of)),
        _ => None,
    })
}

fn last_progress(picture: &Drawn, wanted: Phase) -> (u32, u32) {
    let of_phase = progress(picture).filter(|(phase, ..)| *phase == wanted);
    let (_, step, of) = of_phase.last().expect("the phase has progress");
    (step, of)
}

fn decoder_buffer(picture: &Drawn) -> i64 {
    let sizes = picture.events.iter().filter_map(|event| match event {
        Event::Buffer {
            module,
            size,
            in_ram: true,
        } if module.contains("ae") => Some(size.0),
        _ => None,
    });
    sizes.max().expect("the decoder took a buffer")
}

/// Mean red, green and blue of a square on the diagonal.
fn mean(picture: &Drawn, side: std::ops::Range<usize>) -> [u32; 3] {
    let width = picture.width as usize;
    let mut sums = [0; 3];
    for y in side.clone() {
        for x in side.clone() {
            for (channel, sum) in sums.iter_mut().enumerate() {
                *sum += u32::from(picture.pixels[(y * width + x) * 3 + channel]);
            }
        }
    }
    let area = u32::try_from(side.len() * side.len()).expect("a small square");
    sums.map(|sum| sum / area)
}

#[test]
fn previews_show_what_a_picture_becomes_and_change_nothing_of_it() {
    let mut child = Child::with_demo_model();
    let mut params = demo_params(7);
    params.steps = 50;
    let plain = child.draw(&params, Plan::Full);
    let path = child.directory().join("preview");
    let shown = child.draw_shown(&params, Plan::Full, Some(path.clone()));
    assert_eq!(shown.pixels, plain.pixels);
    let sizes = |events: &[Event]| -> Vec<(u32, u32)> {
        let sizes = events.iter().filter_map(|event| match *event {
            Event::Preview { width, height } => Some((width, height)),
            _ => None,
        });
        sizes.collect()
    };
    assert_eq!(sizes(&plain.events), []);
    let sizes = sizes(&shown.events);
    let (width, height) = sizes[0];
    assert!(sizes.iter().all(|size| *size == (16, 16)), "{sizes:?}");
    let Event::Image { times, .. } = shown.last else {
        panic!("{:?}", shown.last)
    };
    let most = 1 + times.sampling_ms / 500;
    assert!(sizes.len() as u64 <= most, "{} of {most}", sizes.len());

    let preview = std::fs::read(&path).unwrap();
    assert_eq!(preview.len() as u64, u64::from(width * height * 3));
    let sum = |channel: usize| -> u32 {
        let values = preview.iter().skip(channel).step_by(3);
        values.map(|value| u32::from(*value)).sum()
    };
    let [red, green, blue] = [0, 1, 2].map(sum);
    assert!(
        blue > red && blue > green,
        "blue above all, as the picture is: {red} {green} {blue}"
    );
}
