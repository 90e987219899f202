//! `mystic doctor`: what is wrong here, and how to mend it.

use std::fmt::Display;
use std::net::TcpListener;
use std::path::Path;

use mystic_domain::Mib;
use mystic_library::{State, verify};
use mystic_process::{Config, ConfigArgs, disk};
use mystic_services::{find_on_path, find_postgres, find_redis};

use crate::checkout::{self, Checkout};
use crate::error::{Result, sentence};
use crate::run::output_of;
use crate::setup::models::demo_files;
use crate::setup::{Scope, packages};
use crate::stack::{self, Site, device_ids};

/// Node.js that the page is built with.
const NODE: (u32, u32) = (20, 19);
/// Room that a build from nothing takes.
const BUILD_ROOM: Mib = Mib(8 * 1024);
const PROGRAMS: [&str; 4] = ["api", "scheduler", "worker-sd", "worker-llm"];

/// Counts what it prints.
#[derive(Default)]
struct Findings {
    broken: u32,
}

impl Findings {
    fn good(what: impl Display) {
        println!("ok    {what}");
    }

    fn broken(&mut self, what: impl Display, remedy: impl Display) {
        self.broken += 1;
        println!("BAD   {what}\n      → {remedy}");
    }
}

/// Checks programs, configuration, ports, disk, models and devices.
///
/// # Errors
/// Something is broken.
pub async fn doctor(config: &ConfigArgs) -> Result<()> {
    let checkout = Checkout::find()?;
    let mut findings = Findings::default();
    programs(&mut findings);
    match config.load() {
        Err(error) => findings.broken(error, "correct it; mystic.example.toml has every key"),
        Ok(config) => {
            let site = Site::of(&checkout, config.api.listen);
            built(&mut findings);
            port(&mut findings, &site);
            disk(
                &mut findings,
                &checkout,
                &site.outputs(&checkout, &config),
                &config,
            );
            models(
                &mut findings,
                &checkout,
                &checkout.root().join(&config.models.dir),
            );
            devices(&mut findings, &config).await;
        }
    }
    match findings.broken {
        0 => Ok(()),
        1 => sentence("one thing is broken"),
        n => sentence(format!("{n} things are broken")),
    }
}

fn programs(findings: &mut Findings) {
    let missing = packages::missing(Scope::Test);
    if missing.is_empty() {
        Findings::good("every system package is there");
    } else {
        findings.broken(
            format!("missing packages: {}", missing.join(" ")),
            "`make setup` installs what running needs, `make test` also what tests need",
        );
    }
    match find_postgres(None) {
        Ok(found) => Findings::good(format!("postgres in {}", found.bin.display())),
        Err(error) => findings.broken(&error, "make setup"),
    }
    match find_redis() {
        Ok(found) => Findings::good(format!("redis {}", found.display())),
        Err(error) => findings.broken(&error, "make setup"),
    }
    for (program, remedy) in [
        ("cargo", "install Rust from https://rustup.rs"),
        ("npm", "install npm, which comes with Node.js"),
    ] {
        match find_on_path(program) {
            Some(path) => Findings::good(format!("{program} {}", path.display())),
            None => findings.broken(format!("{program} is missing"), remedy),
        }
    }
    match output_of("node", &["--version"]) {
        Some(version) if node_is_new_enough(&version) => Findings::good(format!("node {version}")),
        Some(version) => findings.broken(
            format!("node {version} is too old"),
            format!("install Node.js {}.{} or newer", NODE.0, NODE.1),
        ),
        None => findings.broken("node is missing", "install Node.js"),
    }
    match output_of("python3", &["-m", "pip", "--version"]) {
        Some(_) => Findings::good("python3 with pip"),
        None => findings.broken(
            "python3 with pip is missing",
            "install Python 3 with pip; it fetches the demo model",
        ),
    }
}

fn node_is_new_enough(version: &str) -> bool {
    let mut parts = version
        .trim_start_matches('v')
        .split('.')
        .map_while(|part| part.parse::<u32>().ok());
    matches!((parts.next(), parts.next()), (Some(major), Some(minor)) if (major, minor) >= NODE)
}

fn built(findings: &mut Findings) {
    let Ok(dir) = checkout::programs() else {
        return;
    };
    let missing: Vec<&str> = PROGRAMS
        .into_iter()
        .filter(|name| !dir.join(name).is_file())
        .collect();
    if missing.is_empty() {
        Findings::good("all programs are built");
    } else {
        findings.broken(format!("not built: {}", missing.join(", ")), "make setup");
    }
}

fn port(findings: &mut Findings, site: &Site) {
    if let Some(running) = stack::running(&site.dir) {
        return Findings::good(format!(
            "the stack runs as process {} at {}",
            running.pid, running.url
        ));
    }
    match TcpListener::bind(site.listen) {
        Ok(_) => Findings::good(format!("{} is free", site.listen)),
        Err(error) => findings.broken(
            format!("the API cannot listen on {}: {error}", site.listen),
            "stop what listens there (`ss -ltnp` names it), or set api.listen",
        ),
    }
}

fn disk(findings: &mut Findings, checkout: &Checkout, outputs: &Path, config: &Config) {
    for (what, path, wanted) in [
        ("pictures", outputs, config.store.min_free),
        ("the build", checkout.root(), BUILD_ROOM),
    ] {
        match disk::free(path) {
            Ok(free) => {
                let line = format!("{free} are free for {what} in {}", path.display());
                if free >= wanted {
                    Findings::good(line);
                } else {
                    findings.broken(line, format!("make room: {wanted} are needed"));
                }
            }
            Err(error) => findings.broken(
                format!("{}: {error}", path.display()),
                "make the directory readable",
            ),
        }
    }
}

fn models(findings: &mut Findings, checkout: &Checkout, dir: &Path) {
    let files = match demo_files(checkout) {
        Ok(files) => files,
        Err(error) => return findings.broken(error, "restore models/catalog.toml with git"),
    };
    for (wanted, _) in files {
        let path = dir.join(&wanted.path);
        match verify(&path, &wanted) {
            Ok(State::Good) => Findings::good(format!("model {}", wanted.path)),
            Ok(State::Missing) => {
                findings.broken(format!("model {} is missing", wanted.path), "make setup");
            }
            Ok(State::Corrupt(why)) => findings.broken(
                format!("model {} is damaged: {why}", wanted.path),
                format!("make setup fetches it again ({})", path.display()),
            ),
            Err(error) => findings.broken(error, "make the file readable"),
        }
    }
}

async fn devices(findings: &mut Findings, config: &Config) {
    match device_ids(config).await {
        Ok(ids) => Findings::good(format!("devices: {}", ids.join(", "))),
        Err(error) => findings.broken(
            error,
            "check the driver (`nvidia-smi`), or set worker.host and gpu.cpu_budget_mib",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_is_compared_by_numbers() {
        for good in ["v20.19.0", "v20.20.2", "v22.1.0", "v100.0.0"] {
            assert!(node_is_new_enough(good), "{good}");
        }
        for bad in ["v18.20.4", "v20.9.0", "v9.99.0", "", "node"] {
            assert!(!node_is_new_enough(bad), "{bad}");
        }
    }
}
