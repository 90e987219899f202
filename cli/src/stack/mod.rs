//! Everything that makes pictures, on one machine: private services and our programs.

mod backing;
mod devices;
mod note;
mod processes;

use std::ffi::OsString;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use mystic_process::{Config, ConfigArgs};
use nix::sys::signal::Signal;
use tokio::time::Instant;

pub use backing::Backing;
pub use devices::device_ids;
use note::Note;
pub use note::running;
use processes::Process;

use crate::checkout::{self, Checkout};
use crate::error::{Result, Tried, sentence};

const HEALTHY_WITHIN: Duration = Duration::from_mins(1);
const WORKERS_DRAINED_WITHIN: Duration = Duration::from_mins(1);
const SERVICES_STOPPED_WITHIN: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(20);

/// Where a stack keeps what it makes, and where its API listens.
#[derive(Debug, Clone)]
pub struct Site {
    /// Its directory: data, logs, pictures.
    pub dir: PathBuf,
    /// The API's address.
    pub listen: SocketAddr,
    /// Whether it takes nothing from the user's configuration.
    pub hermetic: bool,
}

impl Site {
    /// The stack that users run in a checkout.
    pub fn of(checkout: &Checkout, listen: SocketAddr) -> Self {
        Self {
            dir: checkout.private(),
            listen,
            hermetic: false,
        }
    }

    /// The configured directory of pictures, or one of our own.
    pub fn outputs(&self, checkout: &Checkout, config: &Config) -> PathBuf {
        let configured = &config.store.outputs;
        if *configured == Config::default().store.outputs {
            self.dir.join("outputs")
        } else {
            checkout.root().join(configured)
        }
    }
}

/// A running stack. Dropping it kills what [`Stack::stop`] has not stopped.
pub struct Stack {
    workers: Vec<Process>,
    services: Vec<Process>,
    url: String,
    /// Stops after our programs, which use it.
    backing: Backing,
    _note: Note,
}

impl Stack {
    /// Starts everything and waits until the API answers.
    ///
    /// # Errors
    /// Something does not start; what had started is stopped.
    pub async fn start(
        checkout: &Checkout,
        flags: &ConfigArgs,
        config: &Config,
        site: &Site,
    ) -> Result<Self> {
        let programs = checkout::programs()?;
        let backing = Backing::start(&site.dir, config).await?;
        let environment = backing.environment();
        let outputs = site.outputs(checkout, config);
        let logs = site.dir.join("logs");
        let nothing = site.dir.join("empty.toml");
        if site.hermetic {
            std::fs::write(&nothing, "").tried(|| format!("cannot write {}", nothing.display()))?;
        }
        let prepare = |program: &str| {
            let mut command = Command::new(programs.join(program));
            if site.hermetic {
                forget_configuration(&mut command);
                command.env("MYSTIC_CONFIG", &nothing);
            }
            command
                .current_dir(checkout.root())
                .args(arguments(flags))
                .args(["--set", &format!("api.listen={}", site.listen)])
                .args(["--set", &format!("store.outputs={}", outputs.display())])
                .envs(environment.clone());
            command
        };
        migrate(prepare("api"), &logs)?;

        let url = format!("http://{}", site.listen);
        let mut stack = Self {
            workers: Vec::new(),
            services: Vec::new(),
            _note: Note::write(&site.dir, &url, backing.private_database_url())?,
            url,
            backing,
        };
        for program in ["api", "scheduler"] {
            let process = Process::start(program, prepare(program), &logs, Signal::SIGTERM)?;
            stack.services.push(process);
        }
        for device in device_ids(config).await? {
            for program in ["worker-sd", "worker-llm"] {
                let name = format!("{program}-{}", device.replace(['/', ' '], "-"));
                let mut command = prepare(program);
                command.args(["--set", &format!("worker.device={device}")]);
                // Nothing of a worker may outlive us unwatched, and it is made to survive this.
                let process = Process::start(&name, command, &logs, Signal::SIGKILL)?;
                stack.workers.push(process);
            }
        }
        stack.wait_healthy().await?;
        Ok(stack)
    }

    /// The API's address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Waits until one of the processes ends by itself and says which, with its last lines.
    pub async fn first_death(&self) -> String {
        loop {
            if let Some(death) = self.death() {
                return death;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Stops everything in order: the workers finish what they run, then the rest goes. `hurry`
    /// ends the wait for the workers.
    pub async fn stop(mut self, hurry: impl Future<Output = ()>) {
        for worker in &self.workers {
            worker.signal(Signal::SIGTERM);
        }
        let drained = async {
            while self.workers.iter().any(|worker| !worker.has_ended()) {
                tokio::time::sleep(POLL).await;
            }
        };
        tokio::select! {
            () = drained => {}
            () = tokio::time::sleep(WORKERS_DRAINED_WITHIN) => {}
            () = hurry => {}
        }
        self.workers.clear();
        for service in &self.services {
            service.signal(Signal::SIGTERM);
        }
        let deadline = Instant::now() + SERVICES_STOPPED_WITHIN;
        while self.services.iter().any(|service| !service.has_ended()) && Instant::now() < deadline
        {
            tokio::time::sleep(POLL).await;
        }
    }

    fn death(&self) -> Option<String> {
        // A worker that an operator drained has ended as it should.
        let workers = self
            .workers
            .iter()
            .filter(|worker| !worker.has_ended_well());
        self.services
            .iter()
            .chain(workers)
            .find_map(Process::death)
            .or_else(|| self.backing.death())
    }

    async fn wait_healthy(&self) -> Result<()> {
        let deadline = Instant::now() + HEALTHY_WITHIN;
        let health = format!("{}/health", self.url);
        loop {
            if let Some(death) = self.death() {
                return sentence(death);
            }
            if reqwest::get(&health)
                .await
                .is_ok_and(|answer| answer.status().is_success())
            {
                return Ok(());
            }
            if Instant::now() > deadline {
                return sentence(format!(
                    "the API did not answer on {health} within {} s; see .mystic/logs/api.log",
                    HEALTHY_WITHIN.as_secs()
                ));
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

/// A loopback address with a port that is free now.
///
/// # Errors
/// No port is free.
pub fn free_address() -> Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .tried(|| "no port is free on 127.0.0.1")
}

/// Takes every variable that configures us out of a child's environment.
#[expect(
    clippy::disallowed_methods,
    reason = "a test's stack must not follow what its user has configured"
)]
pub fn forget_configuration(command: &mut Command) {
    let ours = std::env::vars_os().map(|(name, _)| name).filter(|name| {
        let name = name.as_encoded_bytes();
        name.starts_with(b"MYSTIC_") || name == b"DATABASE_URL" || name == b"REDIS_URL"
    });
    for name in ours {
        command.env_remove(name);
    }
}

/// Our own configuration flags again, for a child.
fn arguments(flags: &ConfigArgs) -> Vec<OsString> {
    let file = flags.config.iter().flat_map(|file| {
        let file = std::path::absolute(file).unwrap_or_else(|_| file.clone());
        ["--config".into(), file.into_os_string()]
    });
    let set = flags
        .set
        .iter()
        .flat_map(|set| ["--set".into(), set.into()]);
    file.chain(set).collect()
}

fn migrate(mut api: Command, logs: &Path) -> Result<()> {
    let output = api
        .arg("migrate")
        .env("RUST_LIB_BACKTRACE", "0")
        .output()
        .tried(|| "api cannot be started")?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let log = logs.join("migrate.log");
    let _ = std::fs::write(&log, said.as_bytes());
    sentence(format!(
        "the database could not be brought up to date: {}",
        said.trim().trim_start_matches("Error: ")
    ))
}
