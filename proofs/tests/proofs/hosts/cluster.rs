//! The programs on machines of their own: databases, scheduler and API on one, workers on others, which share nothing
//! with it but the network.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use mystic_domain::{EngineKind, JobId, JobState};
use mystic_services::{Exposure, Kept, Postgres};
use mystic_store::{ImageFilter, ImageRecord, JobRecord, Store, WorkerRecord};
use mystic_testkit::{FakeEngine, PostgresServer, RedisServer, Script, program, wait_until_within};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::network::Network;
use crate::stack::{LEASE_TIMES, PATIENCE, ShownUnless, models};

const API: &str = "http://127.0.0.1:8787";
/// What a worker's survey reads the headers of. A fake engine reads none of it.
const MODELS: [&str; 2] = [
    "demo/demo-painter-q8_0.gguf",
    "demo-tagger/smollm2-135m-instruct-q4_1.gguf",
];

/// What a machine was let in with.
struct Access {
    database: String,
    join_key: String,
}

/// Dropped in this order: first the programs, then what they use.
pub struct Cluster {
    programs: Vec<Kept>,
    engines: Vec<FakeEngine>,
    access: BTreeMap<String, Access>,
    pub store: Store,
    _redis: RedisServer,
    postgres: PostgresServer,
    pub network: Network,
    folder: TempDir,
    key: String,
    http: reqwest::Client,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for program in &self.programs {
            program.stop(Signal::SIGKILL, Duration::ZERO);
        }
    }
}

impl Cluster {
    /// Everything but workers, on the machine in the middle, where the calling thread is.
    pub async fn start(network: Network) -> Self {
        let (postgres, redis) = tokio::task::spawn_blocking(|| {
            let postgres = PostgresServer::exposed(Exposure::Network);
            (postgres, RedisServer::exposed(Exposure::Network))
        })
        .await
        .expect("servers");
        let url = postgres.url(Postgres::DATABASE);
        let mut cluster = Self {
            programs: Vec::new(),
            engines: Vec::new(),
            access: BTreeMap::new(),
            store: Store::connect(&url, 4).expect("a URL"),
            _redis: redis,
            postgres,
            network,
            folder: tempfile::tempdir().expect("a folder"),
            key: String::new(),
            http: reqwest::Client::builder()
                .no_proxy()
                .build()
                .expect("a client"),
        };
        let empty = cluster.folder.path().join("empty.toml");
        std::fs::write(empty, "").expect("written");
        cluster.errand(&["migrate"]);
        let key = cluster.errand(&["keys", "create", "me"]);
        key.trim().clone_into(&mut cluster.key);
        let mut api = cluster.central("api");
        api.args(["--set", "api.listen=0.0.0.0:8787"]);
        // So short that no picture but the first is sent under a worker's first token.
        api.args(["--set", "api.worker_token_s=2"]);
        cluster.keep("api", api);
        cluster.keep("scheduler", cluster.central("scheduler"));
        cluster
            .when("the API", async || {
                let health = cluster.http.get(format!("{API}/health")).send().await;
                health.is_ok_and(|answer| answer.status().is_success())
            })
            .await;
        cluster
    }

    /// A program on the machine in the middle.
    fn central(&self, name: &str) -> Command {
        let mut command = Command::new(program(name).expect("built"));
        self.configure(&mut command);
        command.env("DATABASE_URL", self.postgres.url(Postgres::DATABASE));
        command.env("REDIS_URL", "redis://127.0.0.1:6379");
        let outputs = self.outputs("main");
        command.args(["--set", &format!("store.outputs={}", outputs.display())]);
        command.args(["--set", &format!("models.dir={}", models().display())]);
        command
    }

    fn configure(&self, command: &mut Command) {
        command.env_clear();
        command.env("MYSTIC_CONFIG", self.folder.path().join("empty.toml"));
        for setting in LEASE_TIMES {
            command.args(["--set", setting]);
        }
    }

    /// An errand of `api`, and what it prints.
    pub fn errand(&self, arguments: &[&str]) -> String {
        let done = self.central("api").args(arguments).output();
        let done = done.expect("it runs");
        assert!(done.status.success(), "{arguments:?}: {done:?}");
        String::from_utf8(done.stdout).expect("text")
    }

    /// Lets a machine in.
    pub fn let_in(&mut self, host: &str) {
        let at = format!("{}:5432", self.network.main_from(host));
        let printed = self.errand(&["worker-access", "grant", host, "--database", &at]);
        let value = |name: &str| {
            let mut lines = printed.lines();
            let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            value.expect("printed").to_owned()
        };
        let access = Access {
            database: value("DATABASE_URL"),
            join_key: value("MYSTIC_JOIN_KEY"),
        };
        self.access.insert(host.to_owned(), access);
    }

    /// Starts a worker on a machine that was let in, with fake engines and a disk of its own.
    pub fn worker(&mut self, name: &str, host: &str, script: Script) {
        let engine = FakeEngine::new(script).expect("an engine");
        let disk = self.folder.path().join(host);
        for model in MODELS {
            let file = disk.join("models").join(model);
            std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
            if !file.exists() {
                std::os::unix::fs::symlink(models().join(model), file).expect("linked");
            }
        }
        let main = self.network.main_from(host);
        let access = &self.access[host];
        let program = program(name).expect("built");
        let mut command = self.network.command(host, &program);
        self.configure(&mut command);
        command.env("DATABASE_URL", &access.database);
        command.env("REDIS_URL", format!("redis://{main}:6379"));
        command.env("MYSTIC_WORKER__JOIN_KEY", &access.join_key);
        for setting in [
            format!("worker.api_url=http://{main}:8787"),
            format!("worker.host={host}"),
            engine.setting(),
            format!("store.outputs={}", self.outputs(host).display()),
            format!("models.dir={}", disk.join("models").display()),
            "gpu.cpu_budget_mib=4096".to_owned(),
        ] {
            command.args(["--set", &setting]);
        }
        self.engines.push(engine);
        self.keep(&format!("{host}-{name}"), command);
    }

    fn keep(&mut self, name: &str, mut command: Command) {
        let log = self.folder.path().join(format!("{name}.log"));
        let log = std::fs::File::create(log).expect("a log");
        command.stdout(log.try_clone().expect("a second handle"));
        command.stderr(log);
        let kept = Kept::start(command, Signal::SIGKILL).expect("it starts");
        self.programs.push(kept);
    }

    /// Where a machine keeps pictures, if it does.
    pub fn outputs(&self, host: &str) -> PathBuf {
        self.folder.path().join(host).join("outputs")
    }

    /// Submits a job of so many pictures to be tagged.
    pub async fn submit(&self, batch: u32, seed: u32) -> JobId {
        let params = json!({ "prompt": "a red house", "seed": seed, "batch": batch });
        let request =
            json!({ "kind": "generate", "preset": "demo", "params": params, "auto_tag": true });
        let sent = self.http.post(format!("{API}/api/v1/jobs")).json(&request);
        let answer = sent.bearer_auth(&self.key).send().await.expect("an answer");
        assert_eq!(answer.status(), 202, "{:?}", answer.text().await);
        let job: Value = answer.json().await.expect("JSON");
        job["id"].as_str().expect("an id").parse().expect("a UUID")
    }

    pub async fn job(&self, job: JobId) -> JobRecord {
        self.store.job(job).await.expect("read").expect("a job")
    }

    pub async fn images(&self) -> Vec<ImageRecord> {
        let all = ImageFilter::default();
        self.store.images(&all, None, 1000).await.expect("images")
    }

    /// The first living worker of a machine that draws.
    pub async fn painter(&self, host: &str) -> Option<WorkerRecord> {
        let workers = self.store.workers(100).await.expect("workers");
        workers.into_iter().find(|worker| {
            worker.host == host && worker.state != "gone" && worker.engine == EngineKind::Sd
        })
    }

    pub async fn until_all_ended(&self) {
        self.when("every job to end", async || {
            let counts = self.store.counts().await.expect("counts");
            let open = counts.iter().filter(|(state, _)| !state.is_terminal());
            open.map(|(_, count)| count).sum::<i64>() == 0
        })
        .await;
    }

    /// Waits for a condition, and shows what the programs wrote where it does not come.
    pub async fn when(&self, what: &str, condition: impl AsyncFn() -> bool) {
        let shown = ShownUnless(self.folder.path());
        wait_until_within(PATIENCE, what, || condition()).await;
        std::mem::forget(shown);
    }

    /// Each of these jobs has every picture once, tagged, and its files come from the API with the right hashes.
    pub async fn assert_pictures(&self, jobs: &[JobId]) {
        let images = self.images().await;
        for &job in jobs {
            let record = self.job(job).await;
            assert_eq!(record.state, JobState::Succeeded, "{record:?}");
            let mut of_job: Vec<&ImageRecord> =
                images.iter().filter(|i| i.job == Some(job)).collect();
            of_job.sort_by_key(|image| image.index);
            let indexes: Vec<i32> = of_job.iter().map(|image| image.index).collect();
            assert_eq!(indexes, (0..record.images_total).collect::<Vec<_>>());
            for image in of_job {
                assert_eq!(image.tags_state, "done", "{image:?}");
                for (part, sha256) in [("file", &image.sha256), ("thumb", &image.thumb_sha256)] {
                    let url = format!("{API}/api/v1/images/{}/{part}", image.id);
                    let asked = self.http.get(url).bearer_auth(&self.key);
                    let answer = asked.send().await.expect("an answer");
                    let file = answer.bytes().await.expect("a file");
                    assert_eq!(&hex::encode(Sha256::digest(&file)), sha256);
                }
            }
        }
    }
}
