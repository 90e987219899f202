use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use mystic_store::{NewOperation, OperationBegun, OperationKind, Outcome};
use mystic_testkit::{FileServer, Manners, wait_until};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::testing::{TestApi, body, generate, id, problem};

const PATH: &str = "some/model.safetensors";

/// A small model, as safetensors.
fn model(bytes: usize) -> Vec<u8> {
    let header =
        format!("{{\"a\":{{\"dtype\":\"U8\",\"shape\":[{bytes}],\"data_offsets\":[0,{bytes}]}}}}");
    let length = (header.len() as u64).to_le_bytes();
    let tensor = std::iter::repeat_n(7, bytes);
    length
        .into_iter()
        .chain(header.into_bytes())
        .chain(tensor)
        .collect()
}

/// A models directory, an import directory and an API over both.
struct Library {
    api: TestApi,
    folder: TempDir,
}

impl Library {
    /// Whose catalogue has these models, each with one file at a path.
    async fn new(models: &[(&str, &str, &[u8], &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for dir in ["models", "import"] {
            fs::create_dir(folder.path().join(dir)).expect("made");
        }
        let mut catalogue = String::new();
        for (name, path, content, url) in models {
            let (size, sha256) = (content.len(), hex::encode(Sha256::digest(content)));
            write!(
                catalogue,
                "[[model]]\nname = \"{name}\"\narchitecture = \"\"\nlicence = \"MIT\"\n\
                 [[model.file]]\npath = \"{path}\"\nsize = {size}\nsha256 = \"{sha256}\"\nsource = {{ url = \"{url}\" }}\n"
            )
            .expect("written");
        }
        fs::write(folder.path().join("models/catalog.toml"), catalogue).expect("written");
        let dir = folder.path().to_owned();
        let api = TestApi::with(|config| {
            config.models.dir = dir.join("models");
            config.models.import_dir = Some(dir.join("import"));
        })
        .await;
        Self { api, folder }
    }

    fn there(&self, path: &str) -> PathBuf {
        self.folder.path().join("models").join(path)
    }

    async fn ask(&self, method: Method, path: &str) -> reqwest::Response {
        let url = format!("{}/api/v1/models/{path}", self.api.url);
        let asked = self.api.client.request(method, url).send().await;
        asked.expect("an answer")
    }

    async fn import(&self, request: &Value) -> reqwest::Response {
        let asked = self.api.post("/api/v1/models/import").json(request);
        asked.send().await.expect("an answer")
    }

    /// What the list says of a model's last operation.
    async fn operation(&self, model: &str) -> Value {
        let shown = self.api.shown("/api/v1/models").await;
        let catalogue = shown["catalogue"].as_array().expect("a list");
        let known = catalogue.iter().find(|it| it["name"] == model);
        let importing = shown["importing"].as_array().expect("a list");
        let operation = known.map(|it| &it["operation"]);
        let operation = operation.or_else(|| importing.iter().find(|it| it["model"] == model));
        operation.cloned().unwrap_or_default()
    }

    async fn ended(&self, model: &str) -> Value {
        wait_until("the operation to end", async || {
            let state = self.operation(model).await["state"].clone();
            state.is_string() && state != "running"
        })
        .await;
        self.operation(model).await
    }
}

#[tokio::test]
async fn a_pull_says_how_far_it_is_excludes_others_and_is_cancelled_and_gone_on_with() {
    let content = model(1_000_000);
    let stalling = Manners {
        stalls_after: 400_000,
        ..Manners::KIND
    };
    let server = FileServer::start(content.clone(), stalling);
    let same = ("same", PATH, content.as_slice(), server.url.as_str());
    let library = Library::new(&[("one", PATH, &content, &server.url), same]).await;
    let begun = library.ask(Method::POST, "one/pull").await;
    assert_eq!(begun.status(), 202);
    let begun = body(begun).await;
    assert_eq!(
        (&begun["kind"], &begun["state"], &begun["total"]),
        (&json!("pull"), &json!("running"), &json!(content.len()))
    );
    wait_until("the bytes to come", async || {
        library.operation("one").await["done"] == 400_000
    })
    .await;
    for (method, path) in [
        (Method::POST, "one/pull"),
        (Method::POST, "one/verify"),
        (Method::DELETE, "one"),
        (Method::POST, "same/pull"),
    ] {
        let refused = problem(library.ask(method, path).await, 409).await;
        assert_eq!(refused["type"], "urn:mystic:problem:model_busy", "{path}");
    }
    let cancelled = library.ask(Method::DELETE, "one/pull").await;
    assert_eq!(body(cancelled).await["state"], "cancelled");
    problem(library.ask(Method::DELETE, "one/pull").await, 404).await;
    assert!(!library.there(PATH).exists());

    server.go_on();
    let again = library.ask(Method::POST, "one/pull").await;
    assert_eq!(again.status(), 202);
    let ended = library.ended("one").await;
    assert_eq!(
        (&ended["state"], &ended["done"]),
        (&json!("done"), &ended["total"]),
        "{ended}"
    );
    assert_eq!(fs::read(library.there(PATH)).expect("there"), content);
    // The first may have gone on until it heard of its end.
    let asked = server.asked();
    let from_there = |from: &Option<usize>| from.is_some_and(|from| from >= 400_000);
    assert!(
        asked[0].is_none() && asked[1..].iter().all(from_there),
        "{asked:?}"
    );
}

#[tokio::test]
async fn another_content_than_the_catalogue_names_is_no_model_and_verify_tells_damage() {
    let (content, other) = (model(1000), model(1001));
    let server = FileServer::start(other, Manners::KIND);
    let good = FileServer::start(content.clone(), Manners::KIND);
    let library = Library::new(&[
        ("wrong", "wrong.safetensors", &content, &server.url),
        ("right", PATH, &content, &good.url),
    ])
    .await;
    library.ask(Method::POST, "wrong/pull").await;
    let failed = library.ended("wrong").await;
    assert_eq!(failed["state"], "failed");
    let error = failed["error"].as_str().expect("why");
    assert!(
        error.contains("another file than the catalogue names"),
        "{error}"
    );
    assert!(!library.there("wrong.safetensors").exists());

    library.ask(Method::POST, "right/pull").await;
    assert_eq!(library.ended("right").await["state"], "done");
    library.ask(Method::POST, "right/verify").await;
    let verified = library.ended("right").await;
    assert_eq!(
        (&verified["kind"], &verified["state"]),
        (&json!("verify"), &json!("done"))
    );
    let mut damaged = content.clone();
    *damaged.last_mut().expect("bytes") ^= 1;
    fs::write(library.there(PATH), damaged).expect("written");
    library.ask(Method::POST, "right/verify").await;
    let failed = library.ended("right").await;
    let error = failed["error"].as_str().expect("why");
    assert!(
        error.starts_with(&format!("{PATH} is corrupt: its SHA-256")),
        "{error}"
    );
}

#[tokio::test]
async fn what_an_api_left_running_is_gone_on_with_by_the_next() {
    let content = model(1000);
    let server = FileServer::start(content.clone(), Manners::KIND);
    let library = Library::new(&[("one", PATH, &content, &server.url)]).await;
    // As a process that died leaves it.
    let new = NewOperation {
        model: "one".into(),
        kind: OperationKind::Pull,
        paths: vec![PATH.into()],
        request: None,
        total: content.len() as u64,
    };
    let begun = library
        .api
        .store
        .begin_operation(&new)
        .await
        .expect("begun");
    assert!(matches!(begun, OperationBegun::Yes(_)));
    library.api.another().await;
    assert_eq!(library.ended("one").await["state"], "done");
    assert!(library.there(PATH).exists());
}

#[tokio::test]
async fn only_what_lies_in_the_import_directory_is_imported_under_a_free_name() {
    let library = Library::new(&[]).await;
    let inside = library.folder.path().join("import");
    fs::create_dir(inside.join("a")).expect("made");
    fs::write(inside.join("a/mine.safetensors"), model(1000)).expect("written");
    fs::write(inside.join("pickle.safetensors"), b"\x80\x02}q\x00(X").expect("written");
    fs::write(library.folder.path().join("outside.safetensors"), model(10)).expect("written");
    let shown = library.api.shown("/api/v1/models").await;
    let importable = shown["importable"].as_array().expect("a list");
    assert_eq!(importable.len(), 2, "{shown}");
    assert_eq!(importable[0]["path"], "a/mine.safetensors");

    let wrong = [
        (json!({}), "file"),
        (json!({ "file": 7 }), "file"),
        (json!({ "file": "a/mine.safetensors", "from": "/" }), "from"),
        (json!({ "file": "../outside.safetensors" }), "file"),
        (json!({ "file": "a/../a/mine.safetensors" }), "file"),
        (json!({ "file": "/etc/passwd" }), "file"),
        (json!({ "file": "none.gguf" }), "file"),
        (json!({ "file": "pickle.safetensors" }), "file"),
        (
            json!({ "file": "a/mine.safetensors", "path": "../b.safetensors" }),
            "path",
        ),
        (
            json!({ "file": "a/mine.safetensors", "path": "/b.safetensors" }),
            "path",
        ),
        (
            json!({ "file": "a/mine.safetensors", "path": "b.ckpt" }),
            "path",
        ),
        (
            json!({ "file": "a/mine.safetensors", "path": "b\u{0}.gguf" }),
            "path",
        ),
        (
            json!({ "file": "a/mine.safetensors", "name": "a b" }),
            "name",
        ),
        (json!({ "file": "a/mine.safetensors", "name": "" }), "name"),
        (
            json!({ "file": "a/mine.safetensors", "licence": "\n" }),
            "licence",
        ),
    ];
    for (request, field) in wrong {
        let refused = problem(library.import(&request).await, 422).await;
        assert_eq!(refused["field"], field, "{request}: {refused}");
    }
    let request =
        json!({ "file": "a/mine.safetensors", "path": "b/mine.safetensors", "licence": "MIT" });
    let begun = library.import(&request).await;
    assert_eq!(begun.status(), 202);
    assert_eq!(body(begun).await["model"], "mine");
    assert_eq!(library.ended("mine").await["state"], "done");
    assert_eq!(
        fs::read(library.there("b/mine.safetensors")).expect("there"),
        model(1000)
    );
    let shown = library.api.shown("/api/v1/models").await;
    assert_eq!(shown["catalogue"][0]["files"][0]["state"], "here");
    let taken = problem(library.import(&request).await, 422).await;
    assert_eq!(taken["field"], "name");

    let removed = library.ask(Method::DELETE, "mine").await;
    assert_eq!(removed.status(), 204);
    assert!(!library.there("b/mine.safetensors").exists());
    problem(library.ask(Method::DELETE, "mine").await, 404).await;
    assert_eq!(library.operation("mine").await, Value::Null);

    let api = TestApi::start().await;
    let asked = api
        .post("/api/v1/models/import")
        .json(&request)
        .send()
        .await;
    let refused = problem(asked.expect("an answer"), 422).await;
    assert_eq!(refused["field"], "file");
}

#[tokio::test]
async fn a_model_stays_while_unfinished_jobs_or_engines_need_it() {
    let painter = "demo/demo-painter-q8_0.gguf";
    let content = model(1000);
    let server = FileServer::start(content.clone(), Manners::KIND);
    let library = Library::new(&[("painter", painter, &content, &server.url)]).await;
    let job = id(&body(library.api.submit(&generate()).await).await);
    let refused = problem(library.ask(Method::DELETE, "painter").await, 409).await;
    assert_eq!(refused["type"], "urn:mystic:problem:model_in_use");
    assert!(
        refused["detail"]
            .as_str()
            .expect("why")
            .contains("1 unfinished jobs of preset demo")
    );

    let worker = library.api.worker().await;
    let fence = worker.take(job).await;
    let failure = mystic_domain::Failure::new(mystic_domain::FailureKind::InvalidInput, "no");
    worker.settle(job, fence, &Outcome::Failed(failure)).await;
    let refused = problem(library.ask(Method::DELETE, "painter").await, 409).await;
    assert!(
        refused["detail"]
            .as_str()
            .expect("why")
            .contains("an engine that has preset demo")
    );
    let devices = library.api.store.devices().await.expect("devices");
    let resident = devices[0].residents[0].id;
    let gone = library.api.store.child_gone(worker.worker, resident).await;
    gone.expect("reaped");
    assert_eq!(library.ask(Method::DELETE, "painter").await.status(), 204);
}

#[tokio::test]
async fn a_name_that_is_no_models_is_told() {
    let library = Library::new(&[]).await;
    for name in ["nothing", "%00", "..%2F..%2Fetc"] {
        for (method, path) in [
            (Method::POST, format!("{name}/pull")),
            (Method::DELETE, format!("{name}/pull")),
            (Method::POST, format!("{name}/verify")),
            (Method::DELETE, name.to_owned()),
        ] {
            problem(library.ask(method, &path).await, 404).await;
        }
    }
}
