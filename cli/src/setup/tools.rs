//! Cargo's helpers, built from source where they are missing and kept for every checkout.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use mystic_services::find_on_path;

use crate::checkout::{self, Checkout};
use crate::error::{Result, Tried};
use crate::run::run;
use crate::setup::build::cargo;

/// A helper of cargo at the version that this project is tested with.
#[derive(Debug, Clone, Copy)]
pub struct Tool {
    name: &'static str,
    version: &'static str,
}

/// Runs the tests.
pub const NEXTEST: Tool = Tool {
    name: "cargo-nextest",
    version: "0.9.143",
};
/// Checks licences, sources and who depends on whom.
pub const DENY: Tool = Tool {
    name: "cargo-deny",
    version: "0.20.2",
};
/// Finds dependencies that nothing uses.
pub const MACHETE: Tool = Tool {
    name: "cargo-machete",
    version: "0.9.2",
};

/// Installs those of `tools` that are missing. They are built without optimisation and its long
/// wait: what they do takes seconds either way.
///
/// # Errors
/// One does not build.
pub fn install(checkout: &Checkout, tools: &[Tool]) -> Result<()> {
    let root = root()?;
    for tool in tools {
        let own = root.join("bin").join(tool.name);
        if own.is_file() || find_on_path(tool.name).is_some() {
            continue;
        }
        eprintln!("Building {} {}", tool.name, tool.version);
        run(
            &format!("the installation of {}", tool.name),
            cargo(checkout)
                .args(["install", "--quiet", "--locked", "--debug", "--no-track"])
                .args(["--version", tool.version])
                .arg("--root")
                .arg(&root)
                .arg("--target-dir")
                .arg(root.join("target"))
                .arg(tool.name)
                .env("CARGO_PROFILE_DEV_DEBUG", "0")
                .env("CARGO_INCREMENTAL", "0"),
        )?;
    }
    Ok(())
}

/// Cargo with the installed helpers on its path.
///
/// # Errors
/// The path cannot be put together.
pub fn cargo_with_tools(checkout: &Checkout) -> Result<Command> {
    with_tools(cargo(checkout))
}

/// A command with the installed helpers on its path.
///
/// # Errors
/// The path cannot be put together.
pub fn with_tools(mut command: Command) -> Result<Command> {
    command.env("PATH", path()?);
    Ok(command)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a child finds programs where its parent does, and in one more place"
)]
fn path() -> Result<OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = std::env::split_paths(&path).chain([root()?.join("bin")]);
    std::env::join_paths(all).tried(|| "PATH cannot be extended")
}

fn root() -> Result<PathBuf> {
    Ok(checkout::cache()?.join("tools"))
}
