//! `mystic lint`: what must hold of the sources.

use std::process::Command;

use crate::checkout::Checkout;
use crate::error::Result;
use crate::run::run;
use crate::setup::{self, Scope, frontend::npm, tools};

/// Formatting, clippy, dependencies, documentation, the container files and the page.
///
/// # Errors
/// The first check that fails.
pub fn lint() -> Result<()> {
    let checkout = Checkout::find()?;
    setup::prepare(&checkout, Scope::Run)?;
    tools::install(&checkout, &[tools::DENY, tools::MACHETE])?;
    let cargo = |arguments: &[&str]| -> Result<()> {
        eprintln!("cargo {}", arguments.join(" "));
        run(
            "a check",
            tools::cargo_with_tools(&checkout)?
                .args(arguments)
                .env("RUSTDOCFLAGS", "-D warnings"),
        )
    };
    cargo(&["fmt", "--all", "--check"])?;
    cargo(&["machete"])?;
    cargo(&[
        "deny",
        "--log-level",
        "error",
        "check",
        "bans",
        "licenses",
        "sources",
    ])?;
    cargo(&[
        "clippy",
        "--quiet",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ])?;
    cargo(&[
        "doc",
        "--quiet",
        "--workspace",
        "--no-deps",
        "--locked",
        "--document-private-items",
    ])?;
    eprintln!("scripts/check-compose");
    run(
        "the check of the container files",
        Command::new("scripts/check-compose").current_dir(checkout.root()),
    )?;
    eprintln!("npm run lint");
    run(
        "the check of the page",
        npm(&checkout.frontend()).args(["run", "lint"]),
    )
}
