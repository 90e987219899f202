use std::io::Cursor;
use std::time::Duration;

use image::{DynamicImage, ImageEncoder, ImageFormat, Rgb, RgbImage};
use mystic_domain::file_path;
use mystic_testkit::wait_until;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::testing::{TestApi, body, problem};

const PARAMETERS: &str = "a castle on a hill\nNegative prompt: blurry\nSteps: 20, Sampler: Euler a, Schedule type: Karras, \
    CFG scale: 7.5, Seed: 965400086, Size: 512x384, Model: dreamer, Version: v1.6.0";

fn picture() -> RgbImage {
    RgbImage::from_fn(512, 384, |x, y| {
        Rgb([x.to_le_bytes()[0], y.to_le_bytes()[0], 7])
    })
}

/// A PNG with text chunks.
fn png(texts: &[(&str, &str)]) -> Vec<u8> {
    let picture = picture();
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, picture.width(), picture.height());
    encoder.set_color(png::ColorType::Rgb);
    for (keyword, text) in texts {
        let added = encoder.add_itxt_chunk((*keyword).to_owned(), (*text).to_owned());
        added.expect("a chunk");
    }
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(picture.as_raw()).expect("pixels");
    writer.finish().expect("an end");
    file
}

fn encoded(format: ImageFormat) -> Vec<u8> {
    let mut file = Vec::new();
    let written = DynamicImage::from(picture()).write_to(&mut Cursor::new(&mut file), format);
    written.expect("encoded");
    file
}

/// A JPEG whose user's comment has the parameters.
fn commented() -> Vec<u8> {
    let text = PARAMETERS.encode_utf16().flat_map(u16::to_be_bytes);
    let comment: Vec<u8> = b"UNICODE\0".iter().copied().chain(text).collect();
    let length = u32::try_from(comment.len()).expect("short");
    let mut tiff = b"MM\0*\0\0\0\x08".to_vec();
    for (number, kind, count, value) in
        [(0x8769_u16, 4_u16, 1_u32, 26_u32), (0x9286, 7, length, 44)]
    {
        tiff.extend(1_u16.to_be_bytes());
        tiff.extend([&number.to_be_bytes()[..], &kind.to_be_bytes()].concat());
        tiff.extend([count.to_be_bytes(), value.to_be_bytes(), [0; 4]].concat());
    }
    tiff.extend(comment);
    let mut file = Vec::new();
    let mut encoder = image::codecs::jpeg::JpegEncoder::new(&mut file);
    encoder.set_exif_metadata(tiff).expect("Exif");
    encoder.encode_image(&picture()).expect("encoded");
    file
}

async fn import(api: &TestApi, file: &[u8]) -> Response {
    let sent = api.post("/api/v1/images/import").body(file.to_vec());
    sent.send().await.expect("an answer")
}

async fn imported(api: &TestApi, file: &[u8]) -> Value {
    let answer = import(api, file).await;
    assert_eq!(answer.status(), 201);
    body(answer).await
}

#[tokio::test]
async fn a_picture_of_another_tool_is_kept_as_it_is_with_what_it_says_and_found() {
    let api = TestApi::start().await;
    let file = png(&[("parameters", PARAMETERS)]);
    let image = imported(&api, &file).await;
    let sha256 = hex::encode(Sha256::digest(&file));
    assert_eq!(
        (
            &image["origin"],
            &image["job"],
            &image["plan"],
            &image["sha256"],
            &image["format"]
        ),
        (
            &json!("import"),
            &Value::Null,
            &Value::Null,
            &json!(sha256),
            &json!("png")
        )
    );
    assert_eq!(
        (&image["preset"], &image["seed"]),
        (&json!("dreamer"), &json!(965_400_086))
    );
    let params = &image["params"];
    let expected = json!({
        "prompt": "a castle on a hill", "negative_prompt": "blurry", "steps": 20, "cfg": 7.5, "seed": 965_400_086,
        "width": 512, "height": 384, "batch": 1, "sampler": "euler_a", "scheduler": "karras",
    });
    assert_eq!(*params, expected);
    let stored = api.config.store.outputs.join(file_path(&sha256));
    assert_eq!(std::fs::read(stored).expect("there"), file);
    let thumb = api
        .get(image["thumb_url"].as_str().expect("a path"))
        .send()
        .await;
    let thumb = thumb.expect("an answer").bytes().await.expect("a body");
    let thumb = image::load_from_memory(&thumb).expect("a picture");
    assert_eq!((thumb.width(), thumb.height()), (384, 288));

    let found = api.shown("/api/v1/images?q=castle&preset=dreamer").await;
    assert_eq!(found["images"][0]["id"], image["id"]);
    let facets = api.shown("/api/v1/images/facets").await;
    assert_eq!(
        facets["presets"],
        json!([{ "value": "dreamer", "count": 1 }])
    );
    let id = image["id"].as_str().expect("an id");
    let settings = api.shown(&format!("/api/v1/images/{id}/settings")).await;
    assert_eq!(settings["params"]["sampler"], "euler_a");
    let line = api.shown(&format!("/api/v1/images/{id}/lineage")).await;
    assert_eq!(line["ancestors"], json!([]));
    let tag = json!({ "kind": "tag", "params": { "image": id } });
    assert_eq!(api.submit(&tag).await.status(), 202);
    let url = format!("{}/api/v1/images/{id}/tags/Mine", api.url);
    let tagged = api.client.request(Method::PUT, url).send().await;
    assert_eq!(tagged.expect("an answer").status(), 200);
    let found = api.shown("/api/v1/images?tags=mine").await;
    assert_eq!(found["images"][0]["id"], image["id"]);
}

#[tokio::test]
async fn each_format_keeps_its_bytes_and_its_type_and_a_comment_is_read() {
    let api = TestApi::start().await;
    for (file, kind, prompt) in [
        (encoded(ImageFormat::WebP), "webp", ""),
        (encoded(ImageFormat::Png), "png", ""),
        (commented(), "jpeg", "a castle on a hill"),
    ] {
        let image = imported(&api, &file).await;
        assert_eq!(
            (&image["format"], &image["params"]["prompt"]),
            (&json!(kind), &json!(prompt))
        );
        let shown = api
            .get(image["file_url"].as_str().expect("a path"))
            .send()
            .await;
        let shown = shown.expect("an answer");
        assert_eq!(shown.headers()["content-type"], format!("image/{kind}"));
        assert_eq!(shown.bytes().await.expect("a body"), file);
        let expected = if prompt.is_empty() {
            "unknown"
        } else {
            "dreamer"
        };
        assert_eq!(image["preset"], expected);
    }
}

#[tokio::test]
async fn our_own_picture_comes_back_with_its_recipe_before_what_other_tools_read() {
    let api = TestApi::start().await;
    let own = r#"{"prompt":"a house","negative_prompt":"","width":128,"height":128,"steps":4,"cfg":1.5,"seed":7,"batch":2,
        "sampler":"heun","image_seed":8,"preset":"demo","plan":"full"}"#;
    let image = imported(
        &api,
        &png(&[("parameters", PARAMETERS), ("mysticanvas", own)]),
    )
    .await;
    assert_eq!(
        (&image["preset"], &image["seed"]),
        (&json!("demo"), &json!(8))
    );
    let settings = format!(
        "/api/v1/images/{}/settings",
        image["id"].as_str().expect("an id")
    );
    let again = api.shown(&settings).await;
    assert_eq!(api.submit(&again).await.status(), 202, "{again}");
}

#[tokio::test]
async fn the_same_file_is_imported_once_alone_or_at_once_and_no_job_s_picture_twice() {
    let api = TestApi::start().await;
    let file = png(&[("parameters", PARAMETERS)]);
    let (one, other) = tokio::join!(import(&api, &file), import(&api, &file));
    let mut statuses = [one.status().as_u16(), other.status().as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 201]);
    let (one, other) = (body(one).await, body(other).await);
    assert_eq!(one["id"], other["id"]);
    let third = import(&api, &file).await;
    assert_eq!(third.status(), 200);
    assert_eq!(body(third).await["id"], one["id"]);
    let listed = api.shown("/api/v1/images").await;
    assert_eq!(listed["images"].as_array().map(Vec::len), Some(1));

    let made = api.picture("made here").await;
    let again = import(&api, b"made here").await;
    assert_eq!(again.status(), 200);
    assert_eq!(body(again).await["id"], json!(made));
}

#[tokio::test]
async fn an_imported_picture_goes_for_good_with_its_files() {
    let api = TestApi::start().await;
    let image = imported(&api, &png(&[])).await;
    let url = format!("{}{}", api.url, image["url"].as_str().expect("a path"));
    let delete = async |url: String| {
        let answer = api.client.request(Method::DELETE, url).send().await;
        answer.expect("an answer").status().as_u16()
    };
    let swept = async || api.store.sweep_files(Duration::ZERO).await.expect("swept");
    assert_eq!(swept().await, Vec::<String>::new());
    let path = image["url"].as_str().expect("a path");
    for asked in [
        api.get(&format!("{path}/receipt")),
        api.post(&format!("{path}/verify")),
    ] {
        let refused = problem(asked.send().await.expect("an answer"), 409).await;
        assert_eq!(refused["type"], "urn:mystic:problem:not_drawn_here");
    }
    assert!(delete(url.clone()).await < 300);
    assert!(delete(format!("{url}?for_good=true")).await < 300);
    wait_until("the files to go", async || swept().await.len() == 2).await;
}

#[tokio::test]
async fn what_is_no_picture_or_lies_is_refused_by_name_and_leaves_nothing() {
    let api = TestApi::with(|config| config.api.max_upload_pixels = 200_000).await;
    let file = png(&[("parameters", PARAMETERS)]);
    let mut large = Vec::new();
    let encoder = image::codecs::png::PngEncoder::new(&mut large);
    let pixels = vec![0; 500 * 500];
    let written = encoder.write_image(&pixels, 500, 500, image::ExtendedColorType::L8);
    written.expect("encoded");
    let mut broken = file.clone();
    let at = file
        .windows(4)
        .position(|name| name == b"IDAT")
        .expect("pixels");
    broken[at + 12] ^= 0xff;
    for (what, wrong) in [
        ("nothing", &b""[..]),
        ("text", b"a castle"),
        ("a GIF", b"GIF89a\x01\0\x01\0\0\0\0;"),
        ("half a PNG", &file[..file.len() / 2]),
        ("changed pixels", &broken),
        ("too many pixels", &large),
    ] {
        let refused = problem(import(&api, wrong).await, 422).await;
        assert_eq!(refused["field"], "body", "{what}: {refused}");
    }
    let swept = api.store.sweep_files(Duration::ZERO).await.expect("swept");
    assert_eq!(swept, Vec::<String>::new());

    // What it says of its making is a claim, and a broken one costs the picture nothing.
    for lie in [
        "Steps: nonsense",
        "{\"image_seed\":",
        "Steps: 1, Size: 9x9, Seed: 1e9",
    ] {
        imported(&api, &png(&[("parameters", lie), ("mysticanvas", lie)])).await;
    }
    let api = TestApi::with(|config| config.api.max_upload_bytes = 4096).await;
    let refused = problem(import(&api, &vec![0; 5000]).await, 413).await;
    assert_eq!(refused["field"], "body");
}
