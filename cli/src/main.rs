//! `mystic`: sets up, runs, tests and asks `MystiCanvas`.

mod checkout;
mod client;
mod demo;
mod doctor;
mod error;
mod follow;
mod import;
mod lint;
mod models;
mod remote;
mod request;
mod run;
mod setup;
mod signals;
mod stack;
mod test;
mod up;
mod verify;
mod vulkan;

use std::error::Error as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use mystic_process::ConfigArgs;

use crate::checkout::Checkout;
use crate::error::{Error, Result};
use crate::setup::Scope;

#[derive(Parser)]
#[command(version, about = "Sets up, runs, tests and asks MystiCanvas.")]
struct Cli {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Set up and run everything until Ctrl-C
    Up(up::Up),
    /// Set up, draw one picture, show it with its tags
    Demo(demo::Demo),
    /// Install what is missing, build everything, fetch the demo models
    Setup,
    /// Set up and run all tests
    Test {
        /// Arguments of `cargo nextest run`; with any, only that is run
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Build the workers for Vulkan and run every plan of the demo models on a driver without a card
    TestVulkan(vulkan::TestVulkan),
    /// Take one fence, condition, lock or sync away at a time: does a test notice?
    Mutants {
        /// Only these; all where none is named
        names: Vec<String>,
    },
    /// Check formatting, code, dependencies and documentation
    Lint,
    /// Find what is wrong here and say how to mend it
    Doctor,
    /// Submit a job
    Submit(remote::Submit),
    /// Show how far a job is, until it is done
    Watch(remote::Watch),
    /// List jobs
    Jobs(remote::Jobs),
    /// List pictures, or import some
    Images(remote::Images),
    /// Draw a picture again: is it the same?
    Verify(verify::Verify),
    /// List, fetch, import, verify and delete models
    #[command(subcommand)]
    Models(models::Models),
    /// Manage API keys
    #[command(subcommand)]
    Keys(remote::Keys),
    /// Let machines in that share no directory with the API, or send them away
    WorkerAccess(remote::WorkerAccess),
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mystic: {}", with_reasons(&error));
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<()> {
    match cli.command {
        Command::Up(up) => up::up(&cli.config, &up).await,
        Command::Demo(demo) => demo::demo(&cli.config, &demo).await,
        Command::Setup => {
            let checkout = Checkout::find()?;
            let models = checkout.root().join(cli.config.load()?.models.dir);
            setup::set_up(&checkout, &models, Scope::Run)
        }
        Command::Test { arguments } => test::test(&arguments).await,
        Command::TestVulkan(asked) => vulkan::test(&asked),
        Command::Mutants { names } => test::mutants(&names),
        Command::Lint => lint::lint(),
        Command::Doctor => doctor::doctor(&cli.config).await,
        Command::Submit(submit) => remote::submit(submit).await,
        Command::Watch(watch) => remote::watch(watch).await,
        Command::Jobs(jobs) => remote::jobs(jobs).await,
        Command::Images(mut images) => match images.errand.take() {
            Some(remote::ImagesErrand::Import(asked)) => import::import(asked).await,
            None => remote::images(images).await,
        },
        Command::Verify(asked) => verify::verify(asked).await,
        Command::Models(asked) => {
            let checkout = Checkout::find().ok();
            let dir = cli.config.load()?.models.dir;
            let dir = match &checkout {
                Some(checkout) => checkout.root().join(dir),
                None => dir,
            };
            models::models(checkout.as_ref(), &dir, asked).await
        }
        Command::Keys(keys) => remote::keys(&cli.config.load()?, &keys),
        Command::WorkerAccess(access) => remote::worker_access(&cli.config.load()?, access),
    }
}

/// The error with what lies below it, as far as it is not said already.
fn with_reasons(error: &Error) -> String {
    let mut text = error.to_string();
    let mut reason = error.source();
    while let Some(below) = reason {
        let more = below.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        reason = below.source();
    }
    text
}
