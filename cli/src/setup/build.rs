//! Cargo, in the one environment that every build shares.

use std::ffi::OsString;
use std::process::Command;

use mystic_services::find_on_path;

use crate::checkout::Checkout;
use crate::error::Result;
use crate::run::run;

/// Variables that `cargo run` sets for the program it starts, us, beside `CARGO_PKG_…`.
const OF_CARGO_RUN: [&str; 7] = [
    "CARGO",
    "CARGO_BIN_NAME",
    "CARGO_CRATE_NAME",
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_PATH",
    "CARGO_PRIMARY_PACKAGE",
    "OUT_DIR",
];

/// Cargo in the checkout. The native code goes through ccache where it is installed, and paths
/// below the checkout are hashed relative to it, so that another clone finds what this one built.
pub fn cargo(checkout: &Checkout) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(checkout.root());
    // Cargo and its helpers would take themselves for part of the run that started us.
    for name in environment_names() {
        let of_package = name.as_encoded_bytes().starts_with(b"CARGO_PKG_");
        if of_package || OF_CARGO_RUN.iter().any(|of_run| name == *of_run) {
            command.env_remove(name);
        }
    }
    if find_on_path("ccache").is_some() {
        command
            .env("CMAKE_C_COMPILER_LAUNCHER", "ccache")
            .env("CMAKE_CXX_COMPILER_LAUNCHER", "ccache")
            .env("CCACHE_BASEDIR", checkout.root())
            .env("CCACHE_NOHASHDIR", "1");
    }
    command
}

#[expect(
    clippy::disallowed_methods,
    reason = "a child's environment is ours without what is meant for us alone"
)]
fn environment_names() -> impl Iterator<Item = OsString> {
    std::env::vars_os().map(|(name, _)| name)
}

/// Builds every program of the workspace.
///
/// # Errors
/// The build fails.
pub fn build(checkout: &Checkout) -> Result<()> {
    run(
        "the build",
        cargo(checkout).args(["build", "--quiet", "--workspace", "--locked"]),
    )
}
