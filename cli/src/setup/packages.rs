//! Debian packages, and elsewhere the programs that stand for them.

use std::process::Command;

use mystic_services::{find_on_path, find_postgres, find_redis};
use nix::unistd::Uid;

use crate::error::{Result, sentence};
use crate::run::run;
use crate::setup::Scope;

const BUILD: &str = include_str!("../../../packages/build.txt");
const RUN: &str = include_str!("../../../packages/run.txt");
const TEST: &str = include_str!("../../../packages/test.txt");
const VULKAN: [&str; 2] = [
    include_str!("../../../packages/build-vulkan.txt"),
    include_str!("../../../packages/image-vulkan.txt"),
];

/// Programs that a machine brings along itself, and where to get them.
const GIVEN: [(&str, &str); 4] = [
    ("cargo", "install Rust from https://rustup.rs"),
    ("python3", "install Python 3 with pip"),
    ("node", "install Node.js 20.19 or newer"),
    ("npm", "install npm, which comes with Node.js"),
];

/// Installs the packages of `scope` that are missing, saying which. On a system without apt it
/// names what is missing instead.
///
/// # Errors
/// Something is missing and cannot be installed.
pub fn install(scope: Scope) -> Result<()> {
    let missing = missing(scope);
    if !missing.is_empty() {
        if !on_debian() {
            return sentence(format!(
                "please install what Debian calls {}, then run this again",
                missing.join(", ")
            ));
        }
        eprintln!("Installing Debian packages: {}", missing.join(" "));
        run("the update of the package lists", apt().arg("update"))?;
        run(
            "the installation of packages",
            apt()
                .args(["install", "--yes", "--no-install-recommends"])
                .args(&missing),
        )?;
    }
    for (program, remedy) in GIVEN {
        if find_on_path(program).is_none() {
            return sentence(format!("{program} was not found: {remedy}"));
        }
    }
    Ok(())
}

/// The packages of `scope` that are not installed.
pub fn missing(scope: Scope) -> Vec<&'static str> {
    let wanted = [BUILD, RUN]
        .into_iter()
        .chain((scope == Scope::Test).then_some(TEST))
        .flat_map(names);
    lacking(wanted)
}

/// The packages that `make test-vulkan` needs beside those and that are not installed.
pub fn missing_for_vulkan() -> Vec<&'static str> {
    lacking(VULKAN.into_iter().flat_map(names))
}

fn lacking(wanted: impl Iterator<Item = &'static str>) -> Vec<&'static str> {
    if on_debian() {
        let wanted: Vec<&str> = wanted.collect();
        let installed = installed(&wanted);
        wanted
            .into_iter()
            .filter(|name| !installed.iter().any(|have| have == name))
            .filter(|name| !programs_of(name).is_some_and(|found| found))
            .collect()
    } else {
        wanted
            .filter(|name| programs_of(name) == Some(false))
            .collect()
    }
}

fn names(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.lines()
        .map(|line| line.split('#').next().unwrap_or("").trim())
        .filter(|name| !name.is_empty())
}

fn on_debian() -> bool {
    find_on_path("apt-get").is_some() && find_on_path("dpkg-query").is_some()
}

fn installed(wanted: &[&str]) -> Vec<String> {
    let output = Command::new("dpkg-query")
        .args(["--show", "--showformat=${db:Status-Status} ${Package}\\n"])
        .args(wanted)
        .output();
    // It ends with 1 when one of the packages is unknown and still lists the others.
    let listed = output.map_or_else(|_| Vec::new(), |output| output.stdout);
    String::from_utf8_lossy(&listed)
        .lines()
        .filter_map(|line| line.strip_prefix("installed "))
        .map(str::to_owned)
        .collect()
}

/// Whether the programs of a package are there, however they came; `None` where it has none.
fn programs_of(package: &str) -> Option<bool> {
    let all = |programs: &[&str]| programs.iter().all(|name| find_on_path(name).is_some());
    match package {
        "build-essential" => Some(all(&["cc", "c++", "make"])),
        "chromium" => Some(all(&["chromium"])),
        "iproute2" => Some(all(&["tc"])),
        "ninja-build" => Some(all(&["ninja"])),
        "glslc" => Some(all(&["glslc"])),
        "postgresql" => Some(find_postgres(None).is_ok()),
        "redis-server" => Some(find_redis().is_ok()),
        "ccache" | "clang" | "cmake" | "git" | "pkg-config" => Some(all(&[package])),
        _ => None,
    }
}

/// `apt-get` without questions, through sudo where that is needed. The run level keeps packages
/// from starting services of the system: ours are private.
fn apt() -> Command {
    let settings = ["DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1"];
    let mut command = if Uid::effective().is_root() {
        Command::new("env")
    } else {
        let mut command = Command::new("sudo");
        command.arg("env");
        command
    };
    command.args(settings).arg("apt-get").arg("--quiet");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_hold_names_without_comments() {
        for list in [BUILD, RUN, TEST, VULKAN[0], VULKAN[1]] {
            let names: Vec<&str> = names(list).collect();
            assert!(!names.is_empty());
            for name in names {
                assert!(
                    name.bytes()
                        .all(|byte| byte.is_ascii_lowercase() || b"0123456789+-.".contains(&byte)),
                    "{name}"
                );
            }
        }
    }

    #[test]
    fn a_program_that_nobody_has_counts_as_missing() {
        assert_eq!(programs_of("git"), Some(find_on_path("git").is_some()));
        assert_eq!(programs_of("libgomp1"), None);
    }
}
