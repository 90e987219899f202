//! What must be refused, by the hundred: each request is one change of a request that is accepted, or a query, or a file. Each
//! gets a 4xx that names the field, and none leaves anything behind that an engine would come to see.
//!
//! What is refused for the state that it meets (a missing upload, a preset's own rules) is told beside each route.

use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::time::Duration;

use image::{DynamicImage, ImageFormat};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::testing::{TestApi, body, generate};

/// Cases that there are at least.
const LEAST: usize = 150;
const NO_ID: &str = "00000000-0000-7000-8000-000000000000";

/// Fields of a picture's request, each with what it must not be.
const OF_GENERATE: [(&str, &str); 23] = [
    ("kind", r#"[null, "paint", 1, []]"#),
    (
        "preset",
        r#"["nothing", "demo-tagger", "../demo", "demo\u0000", "", 1]"#,
    ),
    ("priority", r#"[-101, 101, 40000, 0.5, "high"]"#),
    ("max_attempts", r#"[0, 101, -1, 3000000000, "two"]"#),
    ("timeout_s", r#"[0, 86401, -1, "1m"]"#),
    (
        "not_before",
        r#"["soon", 0, "2026-13-01T00:00:00Z", "+100000-01-01T00:00:00Z"]"#,
    ),
    ("auto_tag", r#"["yes", 1]"#),
    ("outputs", r#"["/etc"]"#),
    ("params", r#"[null, [], "a house", 1]"#),
    ("params.prompt", r#"["", " \n", "\u0000", null, ["a"]]"#),
    ("params.negative_prompt", r#"["\u0000", 1]"#),
    (
        "params.width",
        r#"["many", [], {}, true, -1, 0.5, 4294967296, 1e300, 0, 1000000, 129, 120, 127]"#,
    ),
    (
        "params.height",
        r#"["many", [], {}, true, -1, 0.5, 4294967296, 1e300, 0, 1000000, 129, 120]"#,
    ),
    (
        "params.steps",
        r#"["many", [], {}, true, -1, 0.5, 4294967296, 1e300, 0, 1000000]"#,
    ),
    (
        "params.batch",
        r#"["many", [], {}, true, -1, 0.5, 4294967296, 1e300, 0, 1000000]"#,
    ),
    ("params.cfg", r#"[-0.1, 30.1, 1e300, -1e300, "7", [7]]"#),
    (
        "params.seed",
        r#"[-2, 9007199254740992, 18446744073709551615, 0.5, "1", 1e300]"#,
    ),
    ("params.sampler", r#"["", "EULER", "../euler", 3]"#),
    ("params.scheduler", r#"["", "fast", []]"#),
    ("params.loras", r#"["ink", {}, 1]"#),
    ("params.hires", r#"["twice", 2]"#),
    ("params.init", r#"["a.png", 1, {}]"#),
    ("params.strength", "[0.5, -1]"),
];

/// Pictures to start from that name a field of their own.
const OF_STARTS: [(&str, &str); 4] = [
    (r#"{ "file": "/etc/passwd" }"#, "params.init.file"),
    (r#"{ "upload": "../../etc/passwd" }"#, "params.init.upload"),
    (r#"{ "upload": 1 }"#, "params.init.upload"),
    (r#"{ "image": "1" }"#, "params.init.image"),
];

/// Changes of a picture's request: where, what it becomes, and the field that the refusal names.
fn of_generate() -> Vec<(&'static str, Value, &'static str)> {
    let parsed = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
    let mut changes = Vec::new();
    for (field, values) in OF_GENERATE {
        let values = parsed(values);
        let values = values.as_array().expect("a list").clone();
        changes.extend(values.into_iter().map(|value| (field, value, field)));
    }
    for (value, field) in OF_STARTS {
        changes.push(("params.init", parsed(value), field));
    }
    let long = json!("x".repeat(8193));
    for field in ["params.prompt", "params.negative_prompt"] {
        changes.push((field, long.clone(), field));
    }
    changes.push(("params.colour", json!("red"), "params.colour"));
    changes
}

/// Changes of requests for tags and for a prompt that is written out.
fn of_text() -> Vec<(Value, &'static str)> {
    let enhance = |params: Value| json!({ "kind": "enhance", "params": params });
    vec![
        (json!({ "kind": "tag" }), "params"),
        (json!({ "kind": "tag", "params": {} }), "params.image"),
        (
            json!({ "kind": "tag", "params": { "image": "1" } }),
            "params.image",
        ),
        (
            json!({ "kind": "tag", "params": { "image": NO_ID } }),
            "params.image",
        ),
        (
            json!({ "kind": "tag", "params": { "image": NO_ID, "file": "/etc" } }),
            "params.file",
        ),
        (
            json!({ "kind": "tag", "preset": "demo", "params": { "image": NO_ID } }),
            "preset",
        ),
        (enhance(json!({})), "params.prompt"),
        (enhance(json!({ "prompt": "" })), "params.prompt"),
        (enhance(json!({ "prompt": "a\u{0}" })), "params.prompt"),
        (enhance(json!({ "prompt": "a", "seed": -1 })), "params.seed"),
        (
            enhance(json!({ "prompt": "a", "seed": 1e300 })),
            "params.seed",
        ),
        (
            enhance(json!({ "prompt": "a", "steps": 1 })),
            "params.steps",
        ),
    ]
}

/// Requests to enlarge a picture.
fn of_upscale() -> Vec<(Value, &'static str)> {
    let by = |preset: &str, params: Value| json!({ "kind": "upscale", "preset": preset, "params": params });
    let upscale = |params: Value| by("larger", params);
    let there = || json!({ "image": NO_ID });
    vec![
        (json!({ "kind": "upscale", "params": there() }), "preset"),
        (json!({ "kind": "upscale", "preset": "larger" }), "params"),
        (by("demo", there()), "preset"),
        (by("demo-tagger", there()), "preset"),
        (by("../larger", there()), "preset"),
        (upscale(json!({})), "params"),
        (
            upscale(json!({ "image": NO_ID, "upload": NO_ID })),
            "params",
        ),
        (upscale(there()), "params"),
        (upscale(json!({ "upload": NO_ID })), "params"),
        (upscale(json!({ "image": "1" })), "params.image"),
        (upscale(json!({ "upload": 1 })), "params.upload"),
        (upscale(json!({ "file": "/etc/passwd" })), "params.file"),
        (
            upscale(json!({ "image": NO_ID, "scale": 4 })),
            "params.scale",
        ),
    ]
}

/// A preset whose network enlarges.
fn upscaler() -> Value {
    json!({ "title": "Larger", "engine": "upscaler", "file": "larger.safetensors", "scale": 2, "max_side": 512 })
}

/// Fields of such a preset, each with what it must not be.
const OF_UPSCALER: [(&str, &str); 6] = [
    ("engine", r#"["upscale", "", 1]"#),
    (
        "file",
        r#"["../larger.safetensors", "/etc/passwd", "larger.pth", "", 1]"#,
    ),
    ("scale", r#"[0, 3, 8, -1, 2.5, "twice", null]"#),
    ("tile", r#"[0, 15, 1025, -1, "small"]"#),
    ("max_side", r"[0, 8193, -1, 4294967296, null]"),
    ("files", r#"[{ "model": "larger.safetensors" }]"#),
];

/// Queries, each with the parameter that is wrong.
const QUERIES: [(&str, &str); 31] = [
    ("images?limit=0", "limit"),
    ("images?limit=201", "limit"),
    ("images?limit=-1", "limit"),
    ("images?limit=1e1", "limit"),
    ("images?limit=99999999999999999999", "limit"),
    ("images?limit=1&limit=2", "limit"),
    ("images?cursor=..%2F..", "cursor"),
    ("images?sort=oldest", "sort"),
    ("images?sort=relevance", "sort"),
    ("images?rating_min=0", "rating_min"),
    ("images?rating_min=6", "rating_min"),
    ("images?rating_min=NaN", "rating_min"),
    ("images?rating_min=70000", "rating_min"),
    ("images?favourite=maybe", "favourite"),
    ("images?bin=maybe", "bin"),
    ("images?min_width=wide", "min_width"),
    ("images?max_width=99999999999", "max_width"),
    ("images?min_height=1.5", "min_height"),
    ("images?seed=0x7", "seed"),
    ("images?seed=9223372036854775808", "seed"),
    ("images?from=yesterday", "from"),
    ("images?to=2026-02-30", "to"),
    ("images?job=1", "job"),
    ("images?parent=..", "parent"),
    ("images?ids=1,2", "ids"),
    ("images?q=%00", "q"),
    ("images?path=%2Fetc", "path"),
    ("images/facets?rating_min=9", "rating_min"),
    ("jobs?state=asleep", "state"),
    ("jobs?kind=paint", "kind"),
    ("jobs?limit=0", "limit"),
];

/// Other requests with a body.
fn of_others() -> Vec<(Method, &'static str, Value, &'static str)> {
    let (post, put) = (Method::POST, Method::PUT);
    let import = "/api/v1/models/import";
    vec![
        (
            post.clone(),
            "/api/v1/pauses",
            json!({ "scope": "world" }),
            "scope",
        ),
        (
            post.clone(),
            "/api/v1/pauses",
            json!({ "scope": "owner", "name": "x".repeat(65) }),
            "name",
        ),
        (
            post.clone(),
            "/api/v1/pauses",
            json!({ "scope": "device", "name": "../cpu" }),
            "name",
        ),
        (
            put.clone(),
            "/api/v1/prompt-templates/Ink",
            json!({ "content": "{prompt}" }),
            "name",
        ),
        (
            put.clone(),
            "/api/v1/prompt-templates/..%2Fink",
            json!({ "content": "{prompt}" }),
            "name",
        ),
        (
            put.clone(),
            "/api/v1/prompt-templates/ink",
            json!({ "content": "ink" }),
            "content",
        ),
        (
            put.clone(),
            "/api/v1/prompt-templates/ink",
            json!({ "content": 7 }),
            "content",
        ),
        (
            put.clone(),
            "/api/v1/tag-aliases/ring",
            json!({ "tag": "" }),
            "tag",
        ),
        (
            put.clone(),
            "/api/v1/tag-aliases/ring",
            json!({ "tag": "x".repeat(65) }),
            "tag",
        ),
        (
            put.clone(),
            "/api/v1/tag-aliases/ring",
            json!({ "tag": 7 }),
            "tag",
        ),
        (
            put.clone(),
            "/api/v1/presets/..%2F..%2Fetc",
            json!({}),
            "title",
        ),
        (
            put.clone(),
            "/api/v1/settings",
            json!({ "auto_tag": "yes" }),
            "auto_tag",
        ),
        (
            put,
            "/api/v1/settings",
            json!({ "outputs": "/etc" }),
            "outputs",
        ),
        (
            post.clone(),
            "/api/v1/images/bulk",
            json!({ "action": "bin" }),
            "ids",
        ),
        (
            post.clone(),
            "/api/v1/images/bulk?q=a",
            json!({ "action": "burn" }),
            "action",
        ),
        (
            post.clone(),
            "/api/v1/images/bulk?q=a",
            json!({ "action": "mark", "rating": 6 }),
            "rating",
        ),
        (
            post.clone(),
            "/api/v1/images/bulk?q=a",
            json!({ "action": "tag", "tags": [] }),
            "tags",
        ),
        (
            post.clone(),
            "/api/v1/images/bulk?q=a",
            json!({ "action": "delete" }),
            "bin",
        ),
        (
            post.clone(),
            import,
            json!({ "file": "../corrupt.gguf" }),
            "file",
        ),
        (
            post.clone(),
            import,
            json!({ "file": "/etc/passwd" }),
            "file",
        ),
        (
            post.clone(),
            import,
            json!({ "file": "pickle.gguf" }),
            "file",
        ),
        (
            post.clone(),
            import,
            json!({ "file": "short.gguf" }),
            "file",
        ),
        (
            post.clone(),
            import,
            json!({ "file": "lying.safetensors" }),
            "file",
        ),
        (post, import, json!({ "file": "zip.safetensors" }), "file"),
    ]
}

/// Files that are no models, whatever their names say.
fn put_models(dir: &Path) {
    let lying = br#"{"a":{"dtype":"U8","shape":[9999],"data_offsets":[0,9999]}}"#;
    let length = (lying.len() as u64).to_le_bytes();
    let lying = [&length[..], lying, b"few"].concat();
    for (name, content) in [
        ("pickle.gguf", &b"\x80\x02}q\x00(X\x05\x00\x00\x00state"[..]),
        ("short.gguf", b"GGUF\x03\0\0\0"),
        ("lying.safetensors", &lying),
        ("zip.safetensors", b"PK\x03\x04 and more"),
    ] {
        fs::write(dir.join(name), content).expect("written");
    }
}

/// Files that are no pictures, or other ones than they say.
fn of_files() -> Vec<Vec<u8>> {
    let encoded = |picture: &DynamicImage, format| {
        let mut file = Vec::new();
        let written = picture.write_to(&mut Cursor::new(&mut file), format);
        written.expect("encoded");
        file
    };
    let picture = DynamicImage::new_rgb8(40, 20);
    let [png, jpeg, webp] = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP]
        .map(|format| encoded(&picture, format));
    let half = |file: &[u8]| file[..file.len() / 2].to_vec();
    let mut claims = png.clone();
    claims[16..20].copy_from_slice(&100_000_u32.to_be_bytes());
    // 67 million pixels in a few KiB.
    let bomb = encoded(&DynamicImage::new_luma8(8192, 8192), ImageFormat::Png);
    vec![
        Vec::new(),
        b"a picture".to_vec(),
        b"GIF89a\x01\0\x01\0\0\0\0;".to_vec(),
        b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>".to_vec(),
        half(&png),
        half(&jpeg),
        half(&webp),
        claims,
        bomb,
    ]
}

async fn refused(asked: RequestBuilder, field: &str, what: &str) {
    let answer = asked.send().await.expect("an answer");
    let status = answer.status();
    let problem = body(answer).await;
    assert!(status.is_client_error(), "{what}: {status} {problem}");
    assert_eq!(problem["field"], field, "{what}: {problem}");
    assert!(
        !problem["detail"].as_str().unwrap_or_default().is_empty(),
        "{what}: {problem}"
    );
}

#[tokio::test]
async fn bad_input_is_refused_by_its_field_and_reaches_no_engine() {
    let folder = tempfile::tempdir().expect("a folder");
    put_models(folder.path());
    let dir = folder.path().to_owned();
    let api = TestApi::with(|config| config.models.import_dir = Some(dir)).await;
    let mut cases = 0;
    for (at, value, field) in of_generate() {
        let mut request = generate();
        let parent = match at.rsplit_once('.') {
            Some((parent, _)) => &mut request[parent],
            None => &mut request,
        };
        parent[at.rsplit('.').next().unwrap_or(at)] = value;
        let what: String = format!("{at} {request}").chars().take(300).collect();
        refused(api.post("/api/v1/jobs").json(&request), field, &what).await;
        cases += 1;
    }
    let preset = format!("{}/api/v1/presets/larger", api.url);
    let put = api.client.put(&preset).json(&upscaler()).send().await;
    assert_eq!(put.expect("an answer").status(), 201);
    for (field, values) in OF_UPSCALER {
        let values: Value = serde_json::from_str(values).expect("JSON");
        for value in values.as_array().expect("a list") {
            let mut request = upscaler();
            request[field] = value.clone();
            let what = request.to_string();
            refused(api.client.put(&preset).json(&request), field, &what).await;
            cases += 1;
        }
    }
    for (request, field) in of_text().into_iter().chain(of_upscale()) {
        let what = request.to_string();
        refused(api.post("/api/v1/jobs").json(&request), field, &what).await;
        cases += 1;
    }
    for number in ["NaN", "Infinity", "-Infinity", "1e999", "01", "0x10"] {
        let text = format!(
            r#"{{"kind":"generate","preset":"demo","params":{{"prompt":"a","cfg":{number}}}}}"#
        );
        let post = api
            .post("/api/v1/jobs")
            .header("content-type", "application/json");
        refused(post.body(text), "body", number).await;
        cases += 1;
    }
    for (query, field) in QUERIES {
        refused(api.get(&format!("/api/v1/{query}")), field, query).await;
        cases += 1;
    }
    for (method, path, request, field) in of_others() {
        let what = format!("{method} {path} {request}");
        let asked = api.client.request(method, format!("{}{path}", api.url));
        refused(asked.json(&request), field, &what).await;
        cases += 1;
    }
    for path in ["/api/v1/uploads", "/api/v1/images/import"] {
        for (at, file) in of_files().into_iter().enumerate() {
            refused(
                api.post(path).body(file),
                "body",
                &format!("{path}, file {at}"),
            )
            .await;
            cases += 1;
        }
    }
    println!("{cases} requests were refused");
    assert!(cases >= LEAST, "{cases}");

    let jobs = api.store.counts().await.expect("counts");
    assert_eq!(
        jobs.values().sum::<i64>(),
        0,
        "no job, so nothing for an engine"
    );
    assert_eq!(api.shown("/api/v1/images").await["images"], json!([]));
    assert_eq!(api.shown("/api/v1/models").await["importing"], json!([]));
    let files = api.store.sweep_files(Duration::ZERO).await.expect("swept");
    assert_eq!(files, Vec::<String>::new());
}
