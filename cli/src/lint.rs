//! `mystic lint`: what must hold of the sources.

use std::process::Command;

use crate::checkout::Checkout;
use crate::error::{Result, sentence};
use crate::run::run;
use crate::setup::{self, Scope, frontend::npm, tools};

/// What cargo checks. Each line is a command.
const CARGO: [&str; 5] = [
    "fmt --all --check",
    "machete",
    "deny --log-level error check bans licenses sources",
    "clippy --quiet --workspace --all-targets --locked -- -D warnings",
    "doc --quiet --workspace --no-deps --locked",
];

/// Formatting, dependencies, clippy, documentation, the container files, the list of mutants and the page. All checks
/// are made, so that one run shows all there is to mend.
///
/// # Errors
/// Some checks fail; their names are in the sentence.
pub fn lint() -> Result<()> {
    let checkout = Checkout::find()?;
    setup::prepare(&checkout, Scope::Run)?;
    tools::install(&checkout, &[tools::DENY, tools::MACHETE])?;
    let mut checks = Vec::new();
    for line in CARGO {
        let mut command = tools::cargo_with_tools(&checkout)?;
        command
            .args(line.split(' '))
            .env("RUSTDOCFLAGS", "-D warnings");
        checks.push((format!("cargo {line}"), command));
    }
    let mut compose = Command::new("scripts/check-compose");
    compose.current_dir(checkout.root());
    checks.push(("scripts/check-compose".to_owned(), compose));
    let mut mutants = Command::new("python3");
    mutants
        .args(["scripts/mutants.py", "--check"])
        .current_dir(checkout.root());
    checks.push(("scripts/mutants.py --check".to_owned(), mutants));
    let mut page = npm(&checkout.frontend());
    page.args(["run", "lint"]);
    checks.push(("npm run lint".to_owned(), page));

    let mut failed = Vec::new();
    for (name, mut command) in checks {
        eprintln!("== {name}");
        if let Err(error) = run(&name, &mut command) {
            eprintln!("{error}");
            failed.push(name);
        }
    }
    if failed.is_empty() {
        Ok(())
    } else {
        sentence(format!("these checks failed: {}", failed.join("; ")))
    }
}
