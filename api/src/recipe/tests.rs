use super::parameters::parse;
use super::*;

fn recipe(text: &str) -> Recipe {
    let mut recipe = parse(text);
    bound(&mut recipe, (640, 480), 8192);
    recipe
}

/// Text, and what is read from it: prompt, negative prompt, steps, cfg, seed, size, sampler, schedule and model.
type Case<'a> = (
    &'a str,
    [&'a str; 2],
    (u32, f32, i64),
    (u32, u32),
    [Option<&'a str>; 3],
);

#[test]
fn parameters_as_tools_write_them_are_read() {
    let cases: [Case; 14] = [
        (
            "a castle on a hill\nNegative prompt: blurry, low quality\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 965400086, Size: 512x512, Model hash: 6ce0161689, Model: v1-5-pruned-emaonly, Version: v1.6.0",
            ["a castle on a hill", "blurry, low quality"],
            (20, 7.0, 965_400_086),
            (512, 512),
            [Some("euler_a"), None, Some("v1-5-pruned-emaonly")],
        ),
        (
            "portrait, <lora:film:0.8>\nSteps: 30, Sampler: DPM++ 2M Karras, CFG scale: 5.5, Seed: 1, Size: 832x1216, Model: sd_xl_base_1.0, Lora hashes: \"film: 0f0f0f, grain: 1a1a1a\", Version: v1.7.0",
            ["portrait, <lora:film:0.8>", ""],
            (30, 5.5, 1),
            (832, 1216),
            [Some("dpm++2m"), Some("karras"), Some("sd_xl_base_1.0")],
        ),
        (
            "two lines\nof a prompt\n\nNegative prompt: and two\nof what is avoided\nSteps: 8, Sampler: LCM, Schedule type: SGM Uniform, CFG scale: 1.5, Seed: 77, Size: 1024x1024, Model: turbo",
            ["two lines\nof a prompt", "and two\nof what is avoided"],
            (8, 1.5, 77),
            (1024, 1024),
            [Some("lcm"), Some("sgm_uniform"), Some("turbo")],
        ),
        (
            "hires\nSteps: 25, Sampler: DPM++ 2S a Karras, CFG scale: 7, Seed: 3, Size: 512x768, Model: m, Denoising strength: 0.55, Hires upscale: 2, Hires steps: 10, Hires upscaler: Latent, Version: v1.5.2",
            ["hires", ""],
            (25, 7.0, 3),
            (512, 768),
            [Some("dpm++2s_a"), Some("karras"), Some("m")],
        ),
        (
            "quoted\nSteps: 4, Sampler: Heun, CFG scale: 2, Seed: 9, Size: 64x64, Model: \"one, two \\\"three\\\"\", Version: x",
            ["quoted", ""],
            (4, 2.0, 9),
            (64, 64),
            [Some("heun"), None, Some("one, two \"three\"")],
        ),
        (
            "unknown sampler\nSteps: 4, Sampler: UniPC, Schedule type: Automatic, CFG scale: 2, Seed: 9, Size: 64x64",
            ["unknown sampler", ""],
            (4, 2.0, 9),
            (64, 64),
            [Some("UniPC"), None, None],
        ),
        (
            "a red circle\nSteps: 12, Sampler: default, CFG scale: 1, Seed: 42, Size: 128x128, Model: demo, Version: MystiCanvas",
            ["a red circle", ""],
            (12, 1.0, 42),
            (128, 128),
            [None, None, Some("demo")],
        ),
        (
            "only words",
            ["only words", ""],
            (0, 0.0, 0),
            (640, 480),
            [None; 3],
        ),
        ("", ["", ""], (0, 0.0, 0), (640, 480), [None; 3]),
        (
            "Negative prompt: nothing asked\nSteps: 3",
            ["", "nothing asked"],
            (3, 0.0, 0),
            (640, 480),
            [None; 3],
        ),
        (
            "Steps: 99 to heaven\nSteps: 5, Seed: 6",
            ["Steps: 99 to heaven", ""],
            (5, 0.0, 6),
            (640, 480),
            [None; 3],
        ),
        (
            "Windows\r\nNegative prompt: lines\r\nSteps: 5, CFG scale: 3\r\n",
            ["Windows", "lines"],
            (5, 3.0, 0),
            (640, 480),
            [None; 3],
        ),
        (
            "lies\nSteps: 99999999999, CFG scale: NaN, Seed: -1, Size: 0x512, Sampler: , Model: ",
            ["lies", ""],
            (0, 0.0, 0),
            (640, 480),
            [None; 3],
        ),
        (
            "more lies\nSteps: 4294967295, CFG scale: 1e39, Seed: 99999999999999999999, Size: 70000x70000, Model: \"open",
            ["more lies", ""],
            (0, 0.0, 0),
            (640, 480),
            [None, None, Some("\"open")],
        ),
    ];
    for (text, words, numbers, size, names) in cases {
        let Recipe { params, model } = recipe(text);
        assert_eq!(
            [params.prompt.as_str(), &params.negative_prompt],
            words,
            "{text}"
        );
        assert_eq!((params.steps, params.cfg, params.seed), numbers, "{text}");
        assert_eq!((params.width, params.height), size, "{text}");
        let read = [&params.sampler, &params.scheduler, &model].map(Option::as_deref);
        assert_eq!(read, names, "{text}");
    }
}

#[test]
fn what_is_too_long_is_cut_between_characters_and_no_nul_is_left() {
    let mut long = Recipe::default();
    long.params.prompt = "é".repeat(100);
    long.model = Some(format!("{}\0", "m".repeat(500)));
    bound(&mut long, (1, 1), 33);
    assert_eq!(long.params.prompt, "é".repeat(16));
    assert_eq!(long.model.expect("a name").len(), MAX_NAME);
    assert_eq!(recipe("a\0b").params.prompt, "ab");
}

#[test]
fn our_own_json_is_read_without_ids_and_no_number_is_endless() {
    let json = r#"{"prompt":"a house","negative_prompt":"","width":128,"height":128,"steps":4,"cfg":1.5,"seed":7,"batch":3,
        "init":{"sha256":"00"},"strength":0.5,"loras":[{"name":"bend","weight":1.0}],"image_seed":9,"preset":"demo","plan":"full"}"#;
    let own = ours(json).expect("ours");
    assert_eq!(own.model.as_deref(), Some("demo"));
    let params = &own.params;
    assert_eq!((params.seed, params.batch, params.steps), (9, 1, 4));
    assert!(params.init.is_none() && params.strength.is_none());
    assert_eq!(params.loras.len(), 1);
    let mut endless = ours(&json.replace("1.5", "1e300").replace("1.0", "1e300")).expect("ours");
    bound(&mut endless, (1, 1), 100);
    assert_eq!(endless.params.cfg.to_bits(), 0.0_f32.to_bits());
    assert!(endless.params.loras.is_empty());
    for broken in [
        "",
        "{}",
        "[]",
        "null",
        "{\"image_seed\":1,\"preset\":\"x\"}",
    ] {
        assert_eq!(ours(broken), None, "{broken}");
    }
}

#[test]
fn a_comment_is_found_in_either_order_of_bytes_and_nonsense_is_none() {
    let text: Vec<u16> = "a fox\nSteps: 3".encode_utf16().collect();
    for big in [true, false] {
        let half = |n: u16| {
            if big {
                n.to_be_bytes()
            } else {
                n.to_le_bytes()
            }
        };
        let word = |n: u32| {
            if big {
                n.to_be_bytes()
            } else {
                n.to_le_bytes()
            }
        };
        let mut comment = b"UNICODE\0".to_vec();
        // As most tools write it, whatever the order of the rest.
        comment.extend(text.iter().flat_map(|unit| unit.to_be_bytes()));
        let mut tiff = if big {
            b"MM\0*".to_vec()
        } else {
            b"II*\0".to_vec()
        };
        tiff.extend(word(8));
        let entry = |number: u16, kind: u16, count: u32, value: u32| {
            [&half(number)[..], &half(kind), &word(count), &word(value)].concat()
        };
        for (number, kind, count, value) in [
            (0x8769, 4, 1, 26),
            (0x9286, 7, u32::try_from(comment.len()).expect("short"), 44),
        ] {
            tiff.extend(half(1));
            tiff.extend(entry(number, kind, count, value));
            tiff.extend(word(0));
        }
        tiff.extend(&comment);
        let found = exif::user_comment(&tiff).expect("a comment");
        assert_eq!(found, "a fox\nSteps: 3");
        for end in 0..tiff.len() {
            assert_eq!(exif::user_comment(&tiff[..end]), None, "{end}");
        }
    }
    assert_eq!(exif::user_comment(b"II*\0\xff\xff\xff\xff"), None);
}
