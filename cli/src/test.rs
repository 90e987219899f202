//! `mystic test`: every test there is.

use std::fs;
use std::path::Path;
use std::process::Command;

use mystic_process::{Config, ConfigArgs};
use mystic_services::{Durability, Home, Postgres};

use crate::checkout::Checkout;
use crate::error::{Result, Tried, sentence};
use crate::run::run;
use crate::setup::{self, Scope, frontend::npm, models, tools};
use crate::signals::Signals;
use crate::stack::{Site, Stack, forget_configuration, free_address};

/// Names the server that tests use instead of starting one.
const SERVER: &str = "MYSTIC_TEST_DATABASE_URL";

/// Runs the Rust tests on a private Postgres, then the page's tests, then the end-to-end tests in
/// a real browser against a real stack. With arguments, only `cargo nextest run` with those.
///
/// # Errors
/// Something is missing and cannot be installed, or a test fails.
pub async fn test(arguments: &[String]) -> Result<()> {
    let checkout = Checkout::find()?;
    setup::prepare(&checkout, Scope::Test)?;
    models::fetch_demo(&checkout, &checkout.root().join("models"))?;
    tools::install(&checkout, &[tools::NEXTEST])?;
    // Tests start the programs themselves, and cargo builds with a test only its own package's.
    setup::build::build(&checkout)?;
    rust_tests(&checkout, arguments)?;
    if !arguments.is_empty() {
        return Ok(());
    }
    run(
        "the tests of the page",
        npm(&checkout.frontend()).args(["run", "test"]),
    )?;
    end_to_end(&checkout).await
}

/// Runs `scripts/mutants.py`, whose output is the result, on a private Postgres.
///
/// # Errors
/// Something is missing and cannot be installed, or a mutant is not caught.
pub fn mutants(names: &[String]) -> Result<()> {
    let checkout = Checkout::find()?;
    setup::packages::install(Scope::Test)?;
    tools::install(&checkout, &[tools::NEXTEST])?;
    let home = fresh(&checkout.private().join("mutants-services"))?;
    let server = Postgres::start(&home, Durability::Disposable)?;
    let mut script = tools::with_tools(Command::new("python3"))?;
    forget_configuration(&mut script);
    let status = script
        .arg("scripts/mutants.py")
        .args(names)
        .current_dir(checkout.root())
        .env(SERVER, server.url(Postgres::DATABASE))
        .status()
        .tried(|| "python3 cannot be started")?;
    drop(server);
    home.remove()?;
    if status.success() {
        Ok(())
    } else {
        sentence("not every mutant is caught")
    }
}

fn rust_tests(checkout: &Checkout, arguments: &[String]) -> Result<()> {
    let home = fresh(&checkout.private().join("test"))?;
    let server = Postgres::start(&home, Durability::Disposable)?;
    let mut nextest = tools::cargo_with_tools(checkout)?;
    forget_configuration(&mut nextest);
    nextest
        .args(["nextest", "run", "--locked"])
        .env(SERVER, server.url(Postgres::DATABASE));
    let chosen = |argument: &String| argument == "-p" || argument.starts_with("--package");
    if !arguments.iter().any(chosen) {
        nextest.arg("--workspace");
    }
    let tested = run("the Rust tests", nextest.args(arguments));
    drop(server);
    home.remove()?;
    tested
}

async fn end_to_end(checkout: &Checkout) -> Result<()> {
    let (flags, config) = (ConfigArgs::default(), Config::default());
    let dir = checkout.private().join("e2e");
    if dir.is_dir() {
        fresh(&dir)?.remove()?;
    }
    let site = Site {
        dir,
        listen: free_address()?,
        hermetic: true,
    };
    let mut signals = Signals::take()?;
    let stack = tokio::select! {
        stack = Stack::start(checkout, &flags, &config, &site) => stack?,
        () = signals.next() => return sentence("interrupted"),
    };
    let mut playwright = npm(&checkout.frontend());
    playwright
        .args(["run", "e2e"])
        .env("MYSTIC_URL", stack.url());
    let running = tokio::task::spawn_blocking(move || run("the end-to-end tests", &mut playwright));
    let tested = tokio::select! {
        tested = running => tested.tried(|| "the end-to-end tests").flatten(),
        death = stack.first_death() => sentence(death),
        () = signals.next() => sentence("interrupted"),
    };
    stack.stop(signals.next()).await;
    tested
}

/// An empty directory for services, whatever a run before left in it.
fn fresh(dir: &Path) -> Result<Home> {
    if dir.is_dir() {
        Home::open(dir)?.remove()?;
    }
    fs::create_dir_all(dir).tried(|| format!("cannot make {}", dir.display()))?;
    Ok(Home::open(dir)?)
}
