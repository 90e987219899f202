//! A whole API for a test: real Postgres, real Redis, a real socket.

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use mystic_domain::{
    ContextPlan, DeviceId, EngineKind, Failure, FailureKind, Fence, ImageId, JobId, Mib, Need,
    PhaseTimes, Plan, ResidentId, WorkerId, file_path,
};
use mystic_process::config::SecretUrl;
use mystic_process::{Config, Shutdown, Telemetry, telemetry};
use mystic_queue::{Queue, QueueOptions};
use mystic_store::{
    Committed, DeviceInfo, Grant, Granted, NewImage, Outcome, Registration, Seat, ServedPreset,
    Spent, Store,
};
use mystic_testkit::{Postgres, Redis};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::server::{Server, StartError};

pub struct TestApi {
    pub url: String,
    pub store: Store,
    pub queue: Queue,
    pub config: Config,
    pub client: Client,
    pub redis: Option<Redis>,
    _postgres: Postgres,
    shutdown: Shutdown,
    _outputs: tempfile::TempDir,
}

impl Drop for TestApi {
    fn drop(&mut self) {
        self.shutdown.cut();
    }
}

impl TestApi {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// An API whose configuration a test changes.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::prepared(change, async |_| {})
            .await
            .expect("the API starts")
    }

    /// An API whose database a test prepares before it starts.
    pub async fn prepared(
        change: impl FnOnce(&mut Config),
        prepare: impl AsyncFnOnce(&Store),
    ) -> Result<Self, StartError> {
        let (postgres, redis) = tokio::join!(Postgres::start(), Redis::start());
        let outputs = tempfile::tempdir().expect("a directory");
        let mut config = Config::from_toml("").expect("the defaults are valid");
        config.database.url = SecretUrl::new(postgres.url());
        config.redis.url = SecretUrl::new(redis.url());
        config.store.outputs = outputs.path().to_owned();
        config.api.listen = "127.0.0.1:0".parse().expect("an address");
        change(&mut config);
        let store = Store::connect(&postgres.url(), 4).expect("a pool");
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models");
        store
            .upsert_presets(&crate::load_presets(&models).expect("presets"))
            .await
            .expect("presets are stored");
        prepare(&store).await;
        let options = QueueOptions {
            prefix: config.redis.namespace.clone(),
            ..QueueOptions::default()
        };
        let queue = Queue::connect_with(&redis.url(), options).expect("a queue");
        let shutdown = Shutdown::new();
        let server = Server::start(config.clone(), metrics(), shutdown.clone()).await?;
        let port = server.address().port();
        tokio::spawn(server.run());
        let client = Client::builder()
            .timeout(Duration::from_secs(90))
            .build()
            .expect("a client");
        Ok(Self {
            url: format!("http://127.0.0.1:{port}"),
            store,
            queue,
            config,
            client,
            redis: Some(redis),
            _postgres: postgres,
            shutdown,
            _outputs: outputs,
        })
    }

    /// Starts another API over the same database and directories, which ends with this one.
    pub async fn another(&self) {
        let server = Server::start(self.config.clone(), metrics(), self.shutdown.clone()).await;
        tokio::spawn(server.expect("the other API starts").run());
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.url))
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.url))
    }

    pub async fn submit(&self, body: &Value) -> Response {
        self.post("/api/v1/jobs")
            .json(body)
            .send()
            .await
            .expect("an answer")
    }

    /// A job of the demo preset, accepted.
    pub async fn accepted(&self) -> JobId {
        let answer = self.submit(&generate()).await;
        assert_eq!(answer.status(), 202);
        id(&body(answer).await)
    }

    /// A job of the demo preset that has failed by its input.
    pub async fn failed(&self) -> JobId {
        let job = self.accepted().await;
        self.fail(job).await;
        job
    }

    /// A worker refuses a job's input.
    pub async fn fail(&self, job: JobId) {
        let worker = self.worker().await;
        let fence = worker.take(job).await;
        let failure = Failure::new(FailureKind::InvalidInput, "no such sampler");
        worker.settle(job, fence, &Outcome::Failed(failure)).await;
    }

    /// The job of a picture.
    pub async fn drawn(&self) -> JobId {
        let image = self.picture("a red circle").await;
        let image = self.shown(&format!("/api/v1/images/{image}")).await;
        let job = image["job"].as_str().and_then(|id| id.parse().ok());
        JobId(job.expect("of a job"))
    }

    /// A picture of this prompt, whose job has succeeded.
    pub async fn picture(&self, prompt: &str) -> ImageId {
        let mut request = generate();
        request["params"]["prompt"] = json!(prompt);
        let job = id(&body(self.submit(&request).await).await);
        let worker = self.worker().await;
        let fence = worker.take(job).await;
        let image = worker.picture(job, fence, 0, prompt.as_bytes()).await;
        worker.settle(job, fence, &Outcome::Succeeded).await;
        image
    }

    /// The body of a GET that must succeed.
    pub async fn shown(&self, path: &str) -> Value {
        let answer = self.get(path).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
        body(answer).await
    }

    /// A worker for the demo preset, on a device of its own.
    pub async fn worker(&self) -> TestWorker<'_> {
        self.registered(EngineKind::Sd, "demo").await
    }

    /// A worker for the demo's language model, on a device of its own.
    pub async fn writer(&self) -> TestWorker<'_> {
        self.registered(EngineKind::Llm, "demo-tagger").await
    }

    /// A worker for another preset of pictures, on a device of its own.
    pub async fn painter(&self, preset: &'static str) -> TestWorker<'_> {
        self.registered(EngineKind::Sd, preset).await
    }

    async fn registered(&self, engine: EngineKind, preset: &'static str) -> TestWorker<'_> {
        let worker = WorkerId::generate();
        let device = DeviceId(format!("{worker}/cpu"));
        let info = DeviceInfo {
            id: device.clone(),
            kind: "cpu".into(),
            name: "a processor".into(),
            total: Mib(8192),
            capacity: Mib(7680),
            turns: 1,
        };
        let known = self.store.preset(preset).await.expect("presets");
        let registration = Registration {
            worker,
            host: worker.to_string(),
            device: info,
            engine,
            version: "0".into(),
            pid: 1,
            boot_id: "boot".into(),
            max_children: 4,
            presets: vec![ServedPreset {
                preset: preset.into(),
                signature: known.expect("the demo presets").signature(),
                weights: Mib(10).into(),
                plans: Plan::ladder(engine)[..2].to_vec(),
                problem: None,
            }],
        };
        self.store
            .register(&registration)
            .await
            .expect("registered");
        TestWorker {
            api: self,
            worker,
            device,
            engine,
            preset,
        }
    }
}

/// Does to the store what a worker does.
pub struct TestWorker<'a> {
    api: &'a TestApi,
    pub worker: WorkerId,
    /// Its device.
    pub device: DeviceId,
    engine: EngineKind,
    preset: &'static str,
}

impl TestWorker<'_> {
    /// Takes a job up.
    pub async fn take(&self, job: JobId) -> Fence {
        let store = &self.api.store;
        let grant = Grant {
            job,
            worker: self.worker,
            device: self.device.clone(),
            preset: self.preset.into(),
            plan: Plan::Full,
            need: Need {
                resident: Mib(100),
                working: Mib(100),
            },
            seat: Seat::Load {
                resident: ResidentId::generate(),
                context: ContextPlan::Default,
            },
            turns: i32::from(self.engine == EngineKind::Sd),
            expected: Duration::from_secs(1),
        };
        let Granted::Yes(fence) = store.grant(&grant).await.expect("granted") else {
            panic!("the grant is refused")
        };
        store
            .claim(self.worker, job, fence)
            .await
            .expect("claimed")
            .expect("ours");
        fence
    }

    /// Writes a file and commits it as a picture and as its thumbnail.
    pub async fn picture(&self, job: JobId, fence: Fence, index: i32, bytes: &[u8]) -> ImageId {
        let store = &self.api.store;
        let sha256 = hex::encode(Sha256::digest(bytes));
        assert!(
            store
                .stage_file(&sha256, bytes.len() as u64)
                .await
                .expect("staged")
        );
        let path = self.api.config.store.outputs.join(file_path(&sha256));
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("made");
        std::fs::write(path, bytes).expect("written");
        let new = NewImage {
            id: ImageId::generate(),
            job,
            fence,
            worker: self.worker,
            index,
            seed: 7,
            width: 128,
            height: 128,
            sha256: sha256.clone(),
            thumb_sha256: sha256.clone(),
            pixels_sha256: sha256,
            times: PhaseTimes::default(),
            provenance: mystic_testkit::provenance(),
        };
        assert_eq!(
            store.commit_image(&new).await.expect("committed"),
            Committed::New
        );
        new.id
    }

    /// Ends an attempt.
    pub async fn settle(&self, job: JobId, fence: Fence, outcome: &Outcome) {
        self.api
            .store
            .settle(self.worker, job, fence, outcome, Spent::default(), true)
            .await
            .expect("settled");
    }
}

/// A request that is accepted.
pub fn generate() -> Value {
    json!({"kind": "generate", "preset": "demo", "params": {"prompt": "a red circle"}, "auto_tag": false})
}

pub async fn body(answer: Response) -> Value {
    answer.json().await.expect("JSON")
}

/// The body of a refusal, after checks of what all refusals have in common.
pub async fn problem(answer: Response, status: u16) -> Value {
    assert_eq!(answer.status(), status);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let problem = body(answer).await;
    assert_eq!(problem["status"], status);
    assert!(
        problem["type"]
            .as_str()
            .is_some_and(|kind| kind.starts_with("urn:mystic:problem:")),
        "{problem}"
    );
    assert!(!problem["detail"].as_str().expect("a detail").is_empty());
    problem
}

pub fn id(job: &Value) -> JobId {
    job["id"].as_str().expect("an id").parse().expect("a UUID")
}

/// One recorder for all tests of a process.
pub fn metrics() -> Telemetry {
    static METRICS: OnceLock<Telemetry> = OnceLock::new();
    METRICS
        .get_or_init(|| {
            telemetry::init("api", &Config::default().log).expect("nothing else records metrics")
        })
        .clone()
}
