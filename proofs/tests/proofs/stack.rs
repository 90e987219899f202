//! A scheduler, an API and as many workers as a proof wants, each a process.

use std::any::Any;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use mystic_domain::{JobId, JobKind, JobState, Mib};
use mystic_services::Kept;
use mystic_store::{AttemptRecord, ImageFilter, ImageRecord, JobFilter, JobRecord, Store};
use mystic_testkit::{Postgres, Redis, program, wait_until_within};
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Two cores that run engines take their time.
pub const PATIENCE: Duration = Duration::from_mins(3);

/// A worker is taken for dead after seconds instead of half a minute.
pub const LEASE_TIMES: [&str; 4] = [
    "scheduler.leader_silence_s=2",
    "worker.heartbeat_s=1",
    "scheduler.lease_s=3",
    "scheduler.reap_after_s=6",
];

/// Places in the list of programs.
pub const API: usize = 0;
pub const FIRST_SCHEDULER: usize = 1;

/// Dropped in this order: first the programs, then what they use.
pub struct Stack {
    programs: Vec<Program>,
    pub store: Store,
    database: String,
    redis: String,
    models: PathBuf,
    folder: TempDir,
    pub url: String,
    pub http: reqwest::Client,
    servers: Box<dyn Any>,
}

struct Program {
    name: String,
    settings: Vec<String>,
    process: Kept,
}

impl Stack {
    /// The API and a scheduler that takes a worker for dead after a few seconds.
    pub async fn start() -> Self {
        Self::with_models(&models()).await
    }

    /// As [`Stack::start`], with models of the test's own.
    pub async fn with_models(models: &Path) -> Self {
        let (postgres, redis) = tokio::join!(Postgres::start(), Redis::start());
        let mut stack = Self::prepare(postgres.url(), redis.url(), models);
        stack.servers = Box::new((postgres, redis));
        stack.api().await;
        stack.scheduler();
        stack
    }

    /// As [`Stack::start`], on servers of the test's own: drop them after it.
    pub async fn on(database: String, redis: String) -> Self {
        let mut stack = Self::prepare(database, redis, &models());
        stack.api().await;
        stack.scheduler();
        stack
    }

    fn prepare(database: String, redis: String, models: &Path) -> Self {
        let stack = Self {
            programs: Vec::new(),
            store: Store::connect(&database, 4).expect("a URL"),
            database,
            redis,
            models: models.to_owned(),
            folder: tempfile::tempdir().expect("a folder"),
            url: String::new(),
            http: reqwest::Client::new(),
            servers: Box::new(()),
        };
        let mut migrate = stack.command("api", &[]);
        let migrated = migrate.arg("migrate").output().expect("it runs");
        assert!(migrated.status.success(), "{migrated:?}");
        stack
    }

    /// Starts an API on an address of its own; its place in the list of programs. The first one is asked by
    /// [`Stack::submit`] and the like.
    pub async fn api(&mut self) -> usize {
        let listen = format!("api.listen={}", mystic_testkit::address());
        let api = self.run("api", &[&listen]);
        if self.url.is_empty() {
            self.url = self.url_of(api);
        }
        self.until_it_serves(api).await;
        api
    }

    /// Where an API listens.
    pub fn url_of(&self, api: usize) -> String {
        let mut settings = self.programs[api].settings.iter();
        let listen = settings.find_map(|setting| setting.strip_prefix("api.listen="));
        format!("http://{}", listen.expect("an API"))
    }

    /// Waits until an API answers that it is well.
    pub async fn until_it_serves(&self, api: usize) {
        let health = format!("{}/health", self.url_of(api));
        self.when("the API", async || {
            let answer = self.http.get(&health).send().await;
            answer.is_ok_and(|answer| answer.status().is_success())
        })
        .await;
    }

    /// Starts the first API again at its address after its end.
    pub async fn restart_api(&mut self) {
        self.again(API);
        self.until_it_serves(API).await;
    }

    /// Starts a program again as it was started before; it has ended.
    pub fn again(&mut self, program: usize) {
        let Program { name, settings, .. } = &self.programs[program];
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        self.programs[program].process = self.start_at(program, name, &settings);
    }

    /// Asks a program to end, waits for that, and starts it again; it must end well.
    pub async fn replace(&mut self, program: usize) {
        self.terminate(program);
        self.until_ended_well(program).await;
        self.again(program);
        if self.programs[program].name == "api" {
            self.until_it_serves(program).await;
        }
    }

    /// Waits until a program has ended of its own will.
    pub async fn until_ended_well(&self, program: usize) {
        self.when("the program to end", async || self.has_ended(program))
            .await;
        let end = self.programs[program].process.ended();
        assert!(end.is_some_and(|status| status.success()), "{end:?}");
    }

    /// What a program has written so far, in all its lives.
    pub fn log(&self, program: usize) -> String {
        let log = self.log_of(program, &self.programs[program].name);
        std::fs::read_to_string(log).expect("a log")
    }

    fn log_of(&self, program: usize, name: &str) -> PathBuf {
        self.folder.path().join(format!("{program}-{name}.log"))
    }

    /// Starts a scheduler; its place in the list of programs.
    pub fn scheduler(&mut self) -> usize {
        self.run("scheduler", &[])
    }

    /// Starts a worker of a host; its place in the list of programs.
    pub fn worker(&mut self, name: &str, host: &str, settings: &[&str]) -> usize {
        let host = format!("worker.host={host}");
        let common = ["gpu.cpu_budget_mib=4096", &host];
        self.run(name, &[&common, settings].concat())
    }

    /// Starts a worker whose engine children are fake.
    pub fn fake_worker(
        &mut self,
        name: &str,
        host: &str,
        engine: &mystic_testkit::FakeEngine,
    ) -> usize {
        self.fake_worker_with(name, host, engine, &[])
    }

    /// As [`Stack::fake_worker`], with settings.
    pub fn fake_worker_with(
        &mut self,
        name: &str,
        host: &str,
        engine: &mystic_testkit::FakeEngine,
        settings: &[&str],
    ) -> usize {
        let engine = engine.setting();
        let common = [engine.as_str(), "worker.hang_timeout_s=2"];
        self.worker(name, host, &[&common, settings].concat())
    }

    fn run(&mut self, name: &str, settings: &[&str]) -> usize {
        let place = self.programs.len();
        self.programs.push(Program {
            name: name.to_owned(),
            settings: settings.iter().map(|&setting| setting.into()).collect(),
            process: self.start_at(place, name, settings),
        });
        place
    }

    fn start_at(&self, place: usize, name: &str, settings: &[&str]) -> Kept {
        let mut log = std::fs::File::options();
        let log = log.create(true).append(true).open(self.log_of(place, name));
        let log = log.expect("a log");
        let mut command = self.command(name, settings);
        command.stdout(log.try_clone().expect("a second handle"));
        command.stderr(log);
        Kept::start(command, Signal::SIGKILL).expect("it starts")
    }

    fn command(&self, name: &str, settings: &[&str]) -> Command {
        let mut command = Command::new(program(name).expect("built"));
        command.env_clear();
        let nothing = self.folder.path().join("empty.toml");
        std::fs::write(&nothing, "").expect("written");
        command.env("MYSTIC_CONFIG", nothing);
        command.env("DATABASE_URL", &self.database);
        command.env("REDIS_URL", &self.redis);
        let paths = [
            format!("models.dir={}", self.models.display()),
            format!("store.outputs={}", self.outputs().display()),
        ];
        // The last one counts.
        let settings = LEASE_TIMES.into_iter().chain(settings.iter().copied());
        for setting in settings.chain(paths.iter().map(String::as_str)) {
            command.args(["--set", setting]);
        }
        command
    }

    /// The database's URL.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// Where the pictures are.
    pub fn outputs(&self) -> PathBuf {
        self.folder.path().join("outputs")
    }

    /// Ends a program as `kill -9` does.
    pub fn kill(&self, program: usize) {
        self.signal(program, Signal::SIGKILL);
    }

    /// Asks a program to end.
    pub fn terminate(&self, program: usize) {
        self.signal(program, Signal::SIGTERM);
    }

    /// Sends a signal to a program.
    pub fn signal(&self, program: usize, signal: Signal) {
        self.programs[program].process.signal(signal);
    }

    /// Whether a program has ended.
    pub fn has_ended(&self, program: usize) -> bool {
        self.programs[program].process.ended().is_some()
    }

    /// Submits a job for the demo model.
    pub async fn submit(&self, params: Value, auto_tag: bool) -> JobId {
        self.submit_with(json!({ "params": params, "auto_tag": auto_tag }))
            .await
    }

    /// Submits a job with these members of the request; a picture of the demo model where they name no kind.
    pub async fn submit_with(&self, mut request: Value) -> JobId {
        if request.get("kind").is_none() {
            request["kind"] = "generate".into();
            if request.get("preset").is_none() {
                request["preset"] = "demo".into();
            }
        }
        let answer = self.http.post(format!("{}/api/v1/jobs", self.url));
        let answer = answer.json(&request).send().await.expect("an answer");
        assert_eq!(answer.status(), 202, "{:?}", answer.text().await);
        let job: Value = answer.json().await.expect("JSON");
        let id = job["id"].as_str().expect("an id");
        id.parse().expect("a job's id")
    }

    /// Asks for a job's end.
    pub async fn cancel(&self, job: JobId) {
        self.post(&format!("jobs/{job}/cancel")).await;
    }

    /// A request without a body that succeeds.
    pub async fn post(&self, path: &str) {
        let url = format!("{}/api/v1/{path}", self.url);
        let answer = self.http.post(url).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{:?}", answer.text().await);
    }

    pub async fn job(&self, job: JobId) -> JobRecord {
        let record = self.store.job(job).await.expect("read");
        record.expect("a job")
    }

    pub async fn attempts(&self, job: JobId) -> Vec<AttemptRecord> {
        self.store.attempts(job).await.expect("attempts")
    }

    pub async fn images(&self) -> Vec<ImageRecord> {
        let all = ImageFilter::default();
        self.store.images(&all, None, 1000).await.expect("images")
    }

    /// Waits until a job is in a state.
    pub async fn until(&self, job: JobId, state: JobState) {
        self.when(&format!("the job to be {}", state.as_str()), async || {
            self.job(job).await.state == state
        })
        .await;
    }

    /// Waits until every job has ended.
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
        let waiting = wait_until_within(PATIENCE, what, || condition());
        let shown = ShownUnless(self.folder.path());
        waiting.await;
        std::mem::forget(shown);
    }

    /// The jobs that tag pictures.
    pub async fn tag_jobs(&self) -> Vec<JobRecord> {
        let filter = JobFilter {
            kind: Some(JobKind::Tag),
            limit: 100,
            ..JobFilter::default()
        };
        self.store.jobs(&filter).await.expect("jobs")
    }

    /// The engine child of a worker that has one.
    pub fn child_of(&self, program: usize) -> Pid {
        let children = self.children_of(program);
        assert_eq!(children.len(), 1, "one engine child");
        children[0]
    }

    /// The engine children of a worker.
    pub fn children_of(&self, program: usize) -> Vec<Pid> {
        let parent = self.programs[program].process.pid().to_string();
        let processes = std::fs::read_dir("/proc").expect("processes").flatten();
        let children = processes.filter_map(|process| {
            let stat = std::fs::read_to_string(process.path().join("stat")).ok()?;
            // `pid (name) state parent …`, and a name may hold anything.
            let (_, after_name) = stat.rsplit_once(") ")?;
            let of_parent = after_name.split(' ').nth(1)? == parent;
            let pid = process.file_name().to_str()?.parse().ok()?;
            of_parent.then_some(Pid::from_raw(pid))
        });
        children.collect()
    }

    /// The counters of every device are the sums of their rows, and no job holds anything.
    pub async fn assert_ledger_at_rest(&self) {
        for device in self.store.devices().await.expect("devices") {
            let booked: Mib = device.residents.iter().map(|model| model.booked).sum();
            assert_eq!(device.resident, booked, "{device:?}");
            assert_eq!(device.working, Mib(0), "{device:?}");
            assert_eq!(
                (device.turns_taken, device.leases.len()),
                (0, 0),
                "{device:?}"
            );
        }
    }

    /// Every job has all its pictures, each once, each with its file.
    pub async fn assert_pictures(&self, jobs: &[JobId]) {
        let images = self.images().await;
        let places: HashSet<_> = images.iter().map(|i| (i.job, i.index)).collect();
        assert_eq!(places.len(), images.len(), "none twice");
        for job in jobs {
            let job = self.job(*job).await;
            assert_eq!(job.state, JobState::Succeeded, "{job:?}");
            let made = images
                .iter()
                .filter(|image| image.job == Some(job.id))
                .count();
            assert_eq!(i32::try_from(made), Ok(job.images_total));
        }
        for image in images {
            let path = self.outputs().join(mystic_domain::file_path(&image.sha256));
            assert!(path.is_file(), "{}", path.display());
        }
    }
}

/// The models of this checkout.
pub fn models() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../models")
}

/// Shows the programs' logs when it is dropped: a wait has ended in a panic.
pub struct ShownUnless<'a>(pub &'a Path);

impl Drop for ShownUnless<'_> {
    fn drop(&mut self) {
        let files = std::fs::read_dir(self.0).into_iter().flatten().flatten();
        for file in files.map(|file| file.path()) {
            if file.extension().is_some_and(|end| end == "log") {
                let text = std::fs::read_to_string(&file).unwrap_or_default();
                eprintln!("== {}\n{text}", file.display());
            }
        }
    }
}
