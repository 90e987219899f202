use std::time::Duration;

use mystic_domain::{Enhanced, JobState, Lora, MAX_SEED, Mib, Model, UploadId, UploadKind};
use mystic_store::{NewUpload, Outcome};
use mystic_testkit::wait_until;
use serde_json::{Value, json};

use crate::testing::{TestApi, body, generate, id, problem};

#[tokio::test]
async fn without_room_for_pictures_nothing_is_accepted() {
    let api = TestApi::with(|config| config.store.min_free = Mib(i64::MAX)).await;
    let refused = problem(api.submit(&generate()).await, 507).await;
    assert_eq!(refused["type"], "urn:mystic:problem:store_full");
    let counts = api.store.counts().await.expect("counts");
    assert_eq!(counts.values().sum::<i64>(), 0);
}

#[tokio::test]
async fn a_job_is_stored_before_it_is_accepted() {
    let api = TestApi::start().await;
    let answer = api.submit(&generate()).await;
    assert_eq!(answer.status(), 202);
    let location = answer.headers()["location"]
        .to_str()
        .expect("text")
        .to_owned();
    let job = body(answer).await;
    assert_eq!(job["url"], location);
    let row = api.store.job(id(&job)).await.expect("read").expect("there");
    assert_eq!((row.state, row.owner.as_str()), (JobState::Queued, "local"));
    assert_eq!(
        api.shown(&location).await["params"]["prompt"],
        "a red circle"
    );
    let hinted = || async {
        api.queue
            .depths()
            .await
            .is_ok_and(|depths| depths.submitted == 1)
    };
    wait_until("the hint to arrive", hinted).await;
}

#[tokio::test]
async fn what_a_request_leaves_out_comes_from_the_preset_and_the_seed_from_chance() {
    let api = TestApi::start().await;
    let (one, other) = (
        body(api.submit(&generate()).await).await,
        body(api.submit(&generate()).await).await,
    );
    let params = &one["params"];
    assert_eq!(
        (&params["width"], &params["steps"], &params["batch"]),
        (&json!(128), &json!(8), &json!(1))
    );
    assert_eq!(params["sampler"], "euler");
    let seed = params["seed"].as_i64().expect("a number");
    assert!((0..=MAX_SEED).contains(&seed));
    assert_ne!(params["seed"], other["params"]["seed"]);
}

#[tokio::test]
async fn pictures_are_tagged_as_configured_unless_the_request_says_otherwise() {
    let api = TestApi::start().await;
    let mut request = generate();
    let object = request.as_object_mut().expect("an object");
    object.remove("auto_tag");
    let by_default = body(api.submit(&request).await).await;
    assert_eq!(by_default["params"]["tag_preset"], "demo-tagger");
    let refused = body(api.submit(&generate()).await).await;
    assert_eq!(refused["params"].get("tag_preset"), None);
}

/// One change to a request that is accepted, and what the refusal says.
async fn refused(api: &TestApi, at: &str, value: Value, kind: &str, allowed: &str) {
    let mut request = generate();
    let (parent, name) = at
        .rsplit_once('.')
        .map_or(("", at), |(parent, name)| (parent, name));
    let parent = if parent.is_empty() {
        &mut request
    } else {
        &mut request[parent]
    };
    parent[name] = value;
    let problem = problem(api.submit(&request).await, 422).await;
    assert_eq!(problem["field"], at, "{problem}");
    assert_eq!(
        problem["type"],
        format!("urn:mystic:problem:{kind}"),
        "{problem}"
    );
    let said = problem["allowed"].as_str().unwrap_or_default();
    assert!(said.contains(allowed), "{at}: {problem}");
}

#[tokio::test]
async fn unknown_fields_are_refused_by_name() {
    let api = TestApi::start().await;
    refused(&api, "colour", json!("red"), "unknown_field", "priority").await;
    refused(&api, "params.widht", json!(128), "unknown_field", "width").await;
}

#[tokio::test]
async fn every_limit_is_said_with_its_field() {
    let api = TestApi::start().await;
    let invalid = "invalid_field";
    refused(&api, "kind", json!("animate"), invalid, "generate").await;
    refused(&api, "preset", json!("missing"), invalid, "one of demo").await;
    refused(&api, "preset", json!("demo-tagger"), invalid, "one of demo").await;
    refused(&api, "params.prompt", json!(""), invalid, "some text").await;
    refused(
        &api,
        "params.prompt",
        json!("x".repeat(8193)),
        invalid,
        "8192 bytes",
    )
    .await;
    refused(&api, "params.prompt", json!("a\0b"), invalid, "without NUL").await;
    refused(&api, "params.prompt", json!(3), invalid, "text").await;
    refused(
        &api,
        "params.negative_prompt",
        json!("x".repeat(8193)),
        invalid,
        "8192 bytes",
    )
    .await;
    refused(&api, "params.width", json!(130), invalid, "multiple of 8").await;
    refused(&api, "params.height", json!(4096), invalid, "from 128 to").await;
    refused(&api, "params.width", json!(-1), invalid, "whole number").await;
    refused(&api, "params.steps", json!(0), invalid, "1 to 50").await;
    refused(&api, "params.batch", json!(65), invalid, "1 to 64").await;
    refused(&api, "params.cfg", json!(1e30), invalid, "0 to 30").await;
    refused(&api, "params.seed", json!(-1), invalid, "0 to").await;
    refused(&api, "params.sampler", json!("magic"), invalid, "euler").await;
    refused(&api, "priority", json!(101), invalid, "-100 to 100").await;
    refused(&api, "max_attempts", json!(0), invalid, "1 to 100").await;
    refused(&api, "timeout_s", json!(0), invalid, "1 to 86400").await;
    refused(&api, "not_before", json!("tomorrow"), invalid, "").await;
    refused(
        &api,
        "not_before",
        json!("+100000-01-01T00:00:00Z"),
        invalid,
        "",
    )
    .await;
}

#[tokio::test]
async fn a_job_that_would_hold_a_card_for_too_long_is_refused() {
    let api = TestApi::with(|config| config.api.max_cost = 1).await;
    let mut request = generate();
    request["params"]["batch"] = json!(64);
    let problem = problem(api.submit(&request).await, 422).await;
    assert_eq!(problem["field"], "params");
    assert!(
        problem["allowed"]
            .as_str()
            .expect("text")
            .contains("megapixel-steps"),
        "{problem}"
    );
}

#[tokio::test]
async fn missing_fields_and_other_bodies_are_refused() {
    let api = TestApi::start().await;
    let missing = problem(
        api.submit(&json!({"kind": "generate", "preset": "demo", "params": {}}))
            .await,
        422,
    )
    .await;
    assert_eq!(missing["field"], "params.prompt");
    assert_eq!(
        problem(api.submit(&json!({})).await, 422).await["field"],
        "kind"
    );
    problem(api.submit(&json!([])).await, 400).await;
    let post = || api.post("/api/v1/jobs");
    let broken = post()
        .header("content-type", "application/json")
        .body("{\"kind\":")
        .send()
        .await;
    problem(broken.expect("an answer"), 400).await;
    problem(
        post()
            .body("kind=generate")
            .send()
            .await
            .expect("an answer"),
        415,
    )
    .await;
    let huge = json!({"kind": "generate", "preset": "x".repeat(1 << 20)});
    problem(api.submit(&huge).await, 413).await;
}

#[tokio::test]
async fn a_repeated_key_makes_one_job_and_another_body_is_a_conflict() {
    let api = TestApi::start().await;
    let send = async |request: &Value, key: &str| {
        let post = api
            .post("/api/v1/jobs")
            .header("idempotency-key", key)
            .json(request);
        post.send().await.expect("an answer")
    };
    let first = send(&generate(), "one").await;
    assert_eq!(first.status(), 202);
    let first = body(first).await;
    let again = send(&generate(), "one").await;
    assert_eq!(again.status(), 200);
    assert_eq!(body(again).await["id"], first["id"]);
    let mut other = generate();
    other["params"]["prompt"] = json!("a blue square");
    let conflict = problem(send(&other, "one").await, 409).await;
    assert_eq!(conflict["value"], "one");
    let fresh = send(&generate(), "two").await;
    assert_eq!(fresh.status(), 202);
    assert_ne!(body(fresh).await["id"], first["id"]);
    problem(send(&generate(), &"x".repeat(256)).await, 422).await;
}

#[tokio::test]
async fn a_job_is_accepted_while_redis_is_down() {
    let mut api = TestApi::start().await;
    drop(api.redis.take());
    for _ in 0..3 {
        let job = api.accepted().await;
        assert!(api.store.job(job).await.expect("read").is_some());
    }
}

#[tokio::test]
async fn a_dry_run_tells_what_would_come_and_stores_nothing() {
    let api = TestApi::start().await;
    let dry = async |request: &Value| {
        let post = api.post("/api/v1/jobs?dry_run=true").json(request);
        post.send().await.expect("an answer")
    };
    let nobody = dry(&generate()).await;
    assert_eq!(nobody.status(), 200);
    let nobody = body(nobody).await;
    assert_eq!(nobody["outlook"]["wait_reason"]["reason"], "no_worker");
    assert_eq!(nobody["outlook"]["estimate"], Value::Null);
    assert_eq!(nobody["params"]["prompt"], "a red circle");
    let worker = api.worker().await;
    let told = || async {
        let told = body(dry(&generate()).await).await;
        told["outlook"]["wait_reason"].is_null()
            && told["outlook"]["estimate"]["device"] == json!(worker.device)
            && told["outlook"]["estimate"]["start_in_s"] == json!(0.0)
            && told["outlook"]["estimate"]["run_s"].as_f64() > Some(0.0)
    };
    wait_until("the worker to be seen", told).await;
    let mut wrong = generate();
    wrong["params"]["width"] = json!(1);
    problem(dry(&wrong).await, 422).await;
    let maybe = api.post("/api/v1/jobs?dry_run=maybe").json(&generate());
    let refused = problem(maybe.send().await.expect("an answer"), 422).await;
    assert_eq!(
        (&refused["field"], &refused["value"]),
        (&json!("dry_run"), &json!("maybe"))
    );
    assert_eq!(api.shown("/api/v1/queue").await["counts"]["queued"], 0);
}

#[tokio::test]
async fn a_picture_is_tagged_on_request_and_a_missing_one_is_not() {
    let api = TestApi::start().await;
    let job = api.accepted().await;
    let worker = api.worker().await;
    let fence = worker.take(job).await;
    let image = worker.picture(job, fence, 0, b"picture").await;
    let answer = api
        .submit(&json!({"kind": "tag", "params": {"image": image}}))
        .await;
    assert_eq!(answer.status(), 202);
    let tag = body(answer).await;
    assert_eq!(
        (&tag["preset"], &tag["params"]["prompt"]),
        (&json!("demo-tagger"), &json!("a red circle"))
    );
    let shown = api.shown(&format!("/api/v1/jobs/{job}")).await;
    assert_eq!(shown["tag_jobs"][0]["id"], tag["id"]);
    assert_eq!(shown["images"][0]["tags_state"], "pending");
    let nothing = json!({"kind": "tag", "params": {"image": job}});
    assert_eq!(
        problem(api.submit(&nothing).await, 422).await["field"],
        "params.image"
    );
}

#[tokio::test]
async fn a_prompt_is_written_out_and_stays_as_it_was() {
    let api = TestApi::start().await;
    let request = json!({"kind": "enhance", "params": {"prompt": "a rabbit", "seed": 7}});
    let job = id(&body(api.submit(&request).await).await);
    let worker = api.writer().await;
    let fence = worker.take(job).await;
    let outcome = Outcome::Enhanced(Enhanced {
        prompt: "a rabbit, white fur".to_owned(),
    });
    worker.settle(job, fence, &outcome).await;
    let shown = api.shown(&format!("/api/v1/jobs/{job}")).await;
    assert_eq!(shown["state"], "succeeded");
    assert_eq!(shown["params"]["prompt"], "a rabbit");
    assert_eq!(shown["result"]["prompt"], "a rabbit, white fur");
    for (at, value) in [
        ("prompt", json!(" ")),
        ("seed", json!(-1)),
        ("width", json!(1)),
    ] {
        let mut wrong = request.clone();
        wrong["params"][at] = value;
        let refused = problem(api.submit(&wrong).await, 422).await;
        assert_eq!(refused["field"], format!("params.{at}"));
    }
    let painter = json!({"kind": "enhance", "preset": "demo", "params": {"prompt": "a rabbit"}});
    let refused = problem(api.submit(&painter).await, 422).await;
    assert_eq!(refused["allowed"], "one of demo-tagger");
}

/// An upload of this owner's.
async fn upload(api: &TestApi, owner: &str) -> UploadId {
    let new = NewUpload {
        id: UploadId::generate(),
        owner: owner.into(),
        kind: UploadKind::Picture,
        width: 8,
        height: 8,
        sha256: "ab".repeat(32),
    };
    assert!(api.store.stage_file(&new.sha256, 1).await.expect("staged"));
    let added = api.store.add_upload(&new).await.expect("added");
    added.expect("its file is there").id
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of refusals")]
async fn what_a_picture_can_not_start_from_or_be_drawn_with_is_refused_by_name_and_reaches_no_engine()
 {
    let api = TestApi::prepared(
        |config| config.api.max_cost = 10,
        async |store| {
            let mut presets = store.presets().await.expect("presets").into_iter();
            let demo = presets.find(|record| record.preset.name == "demo");
            let mut demo = demo.expect("the demo").preset;
            let Model::Sd(model) = &mut demo.model else {
                panic!("it draws")
            };
            model.limits.max_hires_side = Some(256);
            let lora = |name: &str| Lora {
                name: name.into(),
                file: format!("loras/{name}.safetensors"),
                trigger: None,
            };
            model.loras = ["ink", "wool", "glass", "clay", "neon"].map(lora).into();
            store.upsert_presets(&[demo]).await.expect("stored");
        },
    )
    .await
    .expect("the API starts");
    let (mine, theirs) = (upload(&api, "local").await, upload(&api, "somebody").await);
    let nothing = UploadId::generate();
    let init = |more: Value| {
        let mut params = json!({ "init": { "upload": mine } });
        let more = more.as_object().expect("an object").clone();
        params.as_object_mut().expect("an object").extend(more);
        params
    };
    let loras = |names: &[&str]| {
        let loras: Vec<Value> = names.iter().map(|name| json!({ "name": name })).collect();
        json!({ "loras": loras })
    };
    let hires = |more: Value| {
        let mut hires = json!({ "scale": 2.0 });
        let more = more.as_object().expect("an object").clone();
        hires.as_object_mut().expect("an object").extend(more);
        json!({ "hires": hires })
    };
    let wrong = [
        (json!({ "init": {} }), "params.init", "either"),
        (
            json!({ "init": { "upload": mine, "image": nothing } }),
            "params.init",
            "either",
        ),
        (
            json!({ "init": { "upload": nothing } }),
            "params.init",
            "still kept",
        ),
        (
            json!({ "init": { "upload": theirs } }),
            "params.init",
            "of yours",
        ),
        (
            json!({ "init": { "image": nothing } }),
            "params.init",
            "is there",
        ),
        (
            json!({ "init": { "upload": "../../etc/passwd" } }),
            "params.init.upload",
            "",
        ),
        (
            json!({ "init": { "file": "a.png" } }),
            "params.init.file",
            "upload or image",
        ),
        (json!({ "init": "a.png" }), "params.init", ""),
        (json!({ "strength": 0.5 }), "params.strength", "params.init"),
        (
            json!({ "mask": { "upload": mine } }),
            "params.mask",
            "params.init",
        ),
        (
            init(json!({ "strength": -0.01 })),
            "params.strength",
            "0 to 1",
        ),
        (
            init(json!({ "strength": 1.01 })),
            "params.strength",
            "0 to 1",
        ),
        (
            init(json!({ "strength": 1e39 })),
            "params.strength",
            "0 to 1",
        ),
        (
            init(json!({ "strength": "half" })),
            "params.strength",
            "a number",
        ),
        (init(json!({ "mask": {} })), "params.mask.upload", ""),
        (
            init(json!({ "mask": { "image": mine } })),
            "params.mask.image",
            "upload",
        ),
        (
            init(json!({ "mask": { "upload": nothing } })),
            "params.mask",
            "still kept",
        ),
        (
            init(json!({ "mask": { "upload": theirs } })),
            "params.mask",
            "of yours",
        ),
        (
            loras(&["../../secret"]),
            "params.loras[0].name",
            "one of ink, wool",
        ),
        (
            loras(&["ink", "/etc/passwd"]),
            "params.loras[1].name",
            "one of ink",
        ),
        (
            loras(&["ink.safetensors"]),
            "params.loras[0].name",
            "one of ink",
        ),
        (loras(&["loras/ink"]), "params.loras[0].name", "one of ink"),
        (loras(&[""]), "params.loras[0].name", "one of ink"),
        (
            loras(&["ink", "ink"]),
            "params.loras[1].name",
            "each name once",
        ),
        (
            loras(&["ink", "wool", "glass", "clay", "neon"]),
            "params.loras",
            "up to 4",
        ),
        (
            json!({ "loras": [{ "name": "ink", "weight": 4.5 }] }),
            "params.loras[0].weight",
            "-4 to 4",
        ),
        (
            json!({ "loras": [{ "name": "ink", "weight": 1e39 }] }),
            "params.loras[0].weight",
            "-4 to 4",
        ),
        (
            json!({ "loras": [{ "name": "ink", "weight": "1" }] }),
            "params.loras[0].weight",
            "a number",
        ),
        (
            json!({ "loras": [{ "name": "ink", "path": "x" }] }),
            "params.loras[0].path",
            "name or weight",
        ),
        (
            json!({ "loras": [{ "weight": 1 }] }),
            "params.loras[0].name",
            "",
        ),
        (json!({ "loras": "ink" }), "params.loras", ""),
        (json!({ "hires": {} }), "params.hires.scale", ""),
        (json!({ "hires": 2 }), "params.hires", ""),
        (
            hires(json!({ "scale": 0.5 })),
            "params.hires.scale",
            "128 × 128 to 256 × 256",
        ),
        (
            hires(json!({ "scale": 2.1 })),
            "params.hires.scale",
            "to 256 × 256",
        ),
        (
            hires(json!({ "scale": -2.0 })),
            "params.hires.scale",
            "to 256 × 256",
        ),
        (
            hires(json!({ "scale": 1e30 })),
            "params.hires.scale",
            "to 256 × 256",
        ),
        (
            hires(json!({ "scale": 1e39 })),
            "params.hires.scale",
            "to 256 × 256",
        ),
        (
            hires(json!({ "strength": 0.0 })),
            "params.hires.strength",
            "0.01 to 1",
        ),
        (
            hires(json!({ "strength": 1.1 })),
            "params.hires.strength",
            "0.01 to 1",
        ),
        (
            hires(json!({ "steps": 0 })),
            "params.hires.steps",
            "1 to 50",
        ),
        (
            hires(json!({ "steps": 51 })),
            "params.hires.steps",
            "1 to 50",
        ),
        (
            hires(json!({ "steps": 4_294_967_296_u64 })),
            "params.hires.steps",
            "whole number",
        ),
        (
            hires(json!({ "upscaler": "Lanczos" })),
            "params.hires.upscaler",
            "Latent (bicubic)",
        ),
        (
            hires(json!({ "upscaler": "Model" })),
            "params.hires.upscaler",
            "Latent",
        ),
        (
            hires(json!({ "model": "../x" })),
            "params.hires.model",
            "scale",
        ),
        (
            json!({ "hires": { "scale": 2.0, "steps": 50 }, "batch": 3 }),
            "params",
            "megapixel-steps",
        ),
        (
            json!({ "width": 4_294_967_296_u64 }),
            "params.width",
            "whole number",
        ),
        (json!({ "height": 0 }), "params.height", "128"),
        (json!({ "steps": 2.5 }), "params.steps", "whole number"),
        (json!({ "batch": 0 }), "params.batch", "1 to 64"),
        (json!({ "cfg": -1 }), "params.cfg", "0 to 30"),
        (
            json!({ "cfg": null, "seed": 9_007_199_254_740_992_u64 }),
            "params.seed",
            "0 to",
        ),
        (
            json!({ "scheduler": "../karras" }),
            "params.scheduler",
            "karras",
        ),
    ];
    for (changes, field, allowed) in wrong {
        let mut request = generate();
        let changed = changes.as_object().expect("an object").clone();
        let params = request["params"].as_object_mut().expect("an object");
        params.extend(changed);
        let refused = problem(api.submit(&request).await, 422).await;
        assert_eq!(refused["field"], field, "{changes}: {refused}");
        let said = refused["allowed"].as_str().unwrap_or_default();
        assert!(said.contains(allowed), "{changes}: {refused}");
    }
    let counts = api.store.counts().await.expect("counts");
    assert_eq!(counts.values().sum::<i64>(), 0);

    let mut request = generate();
    let params = request["params"].as_object_mut().expect("an object");
    let right = init(json!({ "loras": [{ "name": "ink" }], "hires": { "scale": 1.5 } }));
    params.extend(right.as_object().expect("an object").clone());
    let job = body(api.submit(&request).await).await;
    let params = &job["params"];
    assert_eq!(
        (&params["strength"], &params["loras"][0]["weight"]),
        (&json!(0.75), &json!(1.0))
    );
    assert_eq!(
        (&params["hires"]["width"], &params["hires"]["steps"]),
        (&json!(192), &json!(8))
    );
    assert_eq!(params["init"]["sha256"], "ab".repeat(32));
    let forgotten = api.store.sweep_uploads(Duration::ZERO).await;
    assert_eq!(forgotten.expect("swept"), 0, "a job reads it");
    let swept = api.store.sweep_files(Duration::ZERO).await;
    assert_eq!(swept.expect("swept"), Vec::<String>::new());
}
