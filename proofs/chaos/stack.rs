//! A stack in the hand of a fault harness: every process behind proxies of its own and started again when it ends.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mystic_store::Store;
use mystic_testkit::{FakeEngine, Proxy, library, program};
use tempfile::TempDir;

use super::clock::{self, Clock};
use super::disk::{Disk, MIN_FREE_MIB};
use super::plan::{Ground, Mishap, Pace, Plan, SlowDisk};
use super::program::{End, Program};
use super::servers::Servers;
use super::slot::{Host, Service, Slot};
use super::watch::Watch;

const SLOW_FSYNC: &str = "libslow_fsync.so";
const KEPT_EVERY: Duration = Duration::from_millis(20);

/// A running stack.
pub(super) struct Stack {
    pub(super) plan: Plan,
    pub(super) servers: Arc<Servers>,
    pub(super) proxies: BTreeMap<(Slot, Service), Proxy>,
    pub(super) programs: Vec<Program>,
    pub(super) disk: Disk,
    pub(super) clock: Option<Clock>,
    pub(super) watch: Watch,
    /// What the children of the fake engine did.
    pub(super) journal: PathBuf,
    /// What happened to processes that we did not do.
    pub(super) ends: Mutex<Vec<String>>,
    pub(super) database: String,
    engine: FakeEngine,
    real_engine: PathBuf,
    listen: String,
    over: AtomicBool,
    pub(super) folder: TempDir,
}

impl Stack {
    /// Everything but the processes, which [`Stack::keep_running`] starts.
    pub(super) async fn prepare(
        servers: &Arc<Servers>,
        plan: Plan,
        seed: u64,
        ground: Ground,
    ) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("mystic-chaos-").tempdir()?;
        let clock = plan.clock.map(|host| {
            // Where Postgres' own user can read it.
            let file = match host {
                Host::Postgres => servers.postgres.directory().join("clock"),
                _ => folder.path().join("clock"),
            };
            Clock::new(file)
        });
        let database = format!("run_{seed}");
        servers.create(&database).await;
        start_servers(servers, &plan, clock.as_ref()).await?;
        let mut proxies = BTreeMap::new();
        for slot in Slot::ALL {
            let (postgres, redis) = (servers.postgres.socket(), servers.redis.socket());
            proxies.insert((slot, Service::Postgres), Proxy::to(&postgres).await?);
            proxies.insert((slot, Service::Redis), Proxy::to(&redis).await?);
        }
        let engine = FakeEngine::new(plan.script)?;
        for (when, then) in &plan.engine_faults {
            engine.fail(*when, then.clone())?;
        }
        let real_engine = folder.path().join("worker-sd");
        std::os::unix::fs::symlink(program("worker-sd")?, &real_engine)?;
        let listen = mystic_testkit::address().to_string();
        std::fs::write(folder.path().join("empty.toml"), "")?;
        let log = |slot: Slot| folder.path().join(format!("{}.log", slot.role()));
        Ok(Self {
            programs: Slot::ALL.map(|slot| Program::new(slot, log(slot))).into(),
            disk: Disk::open(folder.path().join("outputs"), ground.small_disk),
            watch: Watch::start(vec![engine.program(), real_engine.clone()]),
            journal: engine.keep_journal()?,
            servers: Arc::clone(servers),
            ends: Mutex::default(),
            over: AtomicBool::new(false),
            plan,
            proxies,
            clock,
            database,
            engine,
            real_engine,
            listen,
            folder,
        })
    }

    /// Where the API is.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.listen)
    }

    /// The database, past any proxy.
    pub(super) fn store(&self) -> anyhow::Result<Store> {
        Ok(Store::connect(
            &self.servers.postgres.url(&self.database),
            3,
        )?)
    }

    pub(super) fn program(&self, slot: Slot) -> &Program {
        let program = self.programs.iter().find(|program| program.slot == slot);
        program.expect("a program for each slot")
    }

    /// Starts every process, and again whenever it ends, until [`Stack::end`].
    pub(super) async fn keep_running(&self) {
        while !self.over.load(Ordering::Relaxed) {
            for program in &self.programs {
                let slot = program.slot;
                let command = |life| self.command(slot, life);
                let end = program.look_after(command, |pid| self.watch.adopt(pid));
                let name = match end {
                    None => continue,
                    Some(End::Killed) => format!("die_at:{}", self.death_of(slot)),
                    Some(End::Other(status)) => format!("ended:{}:{status}", slot.program()),
                };
                self.ends.lock().expect("no panic").push(name);
            }
            tokio::time::sleep(KEPT_EVERY).await;
        }
    }

    fn death_of(&self, slot: Slot) -> &'static str {
        let mishap = self.plan.mishaps.iter().find(|(of, _)| *of == slot);
        match mishap {
            Some((_, Mishap::Death(point, _))) => point.as_str(),
            Some((_, Mishap::Fsync(_))) => "fsync",
            Some((_, Mishap::Silence(..))) | None => "unknown",
        }
    }

    /// Kills every process for good.
    pub(super) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
        for program in &self.programs {
            program.end();
        }
    }

    fn command(&self, slot: Slot, life: u32) -> Command {
        let mut command = Command::new(program(slot.program()).expect("built"));
        command.env_clear();
        command.env("MYSTIC_CONFIG", self.folder.path().join("empty.toml"));
        let address = |service| self.proxies[&(slot, service)].address();
        let postgres = address(Service::Postgres);
        let database = format!("postgres://{}@{postgres}/{}", slot.role(), self.database);
        command.env("DATABASE_URL", database);
        command.env("REDIS_URL", format!("redis://{}", address(Service::Redis)));
        for setting in self.settings(slot) {
            command.args(["--set", &setting]);
        }
        let mishap = self
            .plan
            .mishaps
            .iter()
            .find(|(of, _)| *of == slot && life == 0);
        let mut preloaded = Vec::new();
        match mishap {
            Some((_, Mishap::Death(point, passage))) => {
                command.env("MYSTIC_FAULT_AT", format!("{}:{passage}", point.as_str()));
            }
            Some((_, Mishap::Silence(point, passage, lasts))) => {
                let fault = format!("{}:{passage}:{}", point.as_str(), lasts.as_millis());
                command.env("MYSTIC_FAULT_AT", fault);
            }
            Some((_, Mishap::Fsync(number))) => {
                command.env("SLOW_FSYNC_DIE_AT", number.to_string());
                preloaded.push(library(SLOW_FSYNC).expect("built"));
            }
            None => {}
        }
        if let Some(SlowDisk::Worker(of, by)) = self.plan.slow_disk
            && of == slot
        {
            command.env("SLOW_FSYNC_MS", by.to_string());
            preloaded.push(library(SLOW_FSYNC).expect("built"));
        }
        if self.plan.clock == Some(slot.host())
            && let Some(clock) = &self.clock
        {
            command.envs(clock.environment());
            preloaded.extend(clock::library());
        }
        preload(&preloaded).map(|(name, value)| command.env(name, value));
        command
    }

    fn settings(&self, slot: Slot) -> Vec<String> {
        let mut settings = vec![
            format!("models.dir={}", models().display()),
            format!("store.outputs={}", self.disk.path.display()),
            format!("store.min_free_mib={MIN_FREE_MIB}"),
            format!(
                "worker.idle_unload_s={}",
                self.plan.idle_unload.as_secs_f64()
            ),
            "log.filter=info,mystic_worker=debug,mystic_store=debug".into(),
        ];
        if self.plan.pace == Pace::Tenth {
            let times = [
                "worker.heartbeat_s=0.5",
                "worker.offline_grace_s=60",
                "worker.hang_timeout_s=2",
                "scheduler.lease_s=2",
                "scheduler.reap_after_s=2.5",
                "scheduler.unclaimed_lease_s=0.5",
                "scheduler.leader_silence_s=1.5",
                "scheduler.tick_ms=100",
                "shutdown.deadline_s=30",
            ];
            settings.extend(times.map(str::to_owned));
        } else {
            // A hang heals when it is noticed: with the default of two minutes that would be long after all else.
            settings.push("worker.hang_timeout_s=20".into());
        }
        if slot == Slot::Api {
            settings.push(format!("api.listen={}", self.listen));
        }
        if let Some(host) = slot.host_name() {
            let real = self.plan.real_engine && slot == Slot::SdB;
            let engine = if real {
                self.real_engine.clone()
            } else {
                self.engine.program()
            };
            settings.push(format!("worker.host={host}"));
            settings.push(format!("worker.engine_binary={}", engine.display()));
            settings.push(format!("gpu.cpu_budget_mib={}", self.plan.budget_mib));
            settings.push("gpu.headroom_mib=0".into());
        }
        settings
    }
}

/// Starts the servers as this run wants them; Postgres anew where its environment is another than before.
async fn start_servers(
    servers: &Arc<Servers>,
    plan: &Plan,
    clock: Option<&Clock>,
) -> anyhow::Result<()> {
    let mut environment: Vec<(OsString, OsString)> = Vec::new();
    let mut preloaded = Vec::new();
    if plan.clock == Some(Host::Postgres)
        && let Some(clock) = clock
    {
        environment.extend(clock.environment());
        preloaded.extend(clock::library());
    }
    if let Some(SlowDisk::Postgres(by)) = plan.slow_disk {
        environment.push(("SLOW_FSYNC_MS".into(), by.to_string().into()));
        preloaded.push(readable(
            &library(SLOW_FSYNC)?,
            &servers.postgres.directory(),
        )?);
    }
    environment.extend(preload(&preloaded));
    servers.start_again(environment).await
}

/// A copy that Postgres' own user can read: a checkout may lie where only its owner can.
fn readable(library: &Path, directory: &Path) -> std::io::Result<PathBuf> {
    let copy = directory.join(SLOW_FSYNC);
    std::fs::copy(library, &copy)?;
    Ok(copy)
}

fn preload(libraries: &[PathBuf]) -> Option<(OsString, OsString)> {
    let paths: Vec<&std::ffi::OsStr> = libraries.iter().map(|path| path.as_os_str()).collect();
    (!paths.is_empty()).then(|| ("LD_PRELOAD".into(), paths.join(":".as_ref())))
}

/// The models of this checkout.
pub(super) fn models() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../models")
}
