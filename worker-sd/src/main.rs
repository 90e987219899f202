//! `worker-sd` runs diffusion jobs; its hidden subcommand `engine` is the child that owns the native library.

use clap::{Parser, Subcommand};
use mystic_domain::EngineKind;
use mystic_process::{ConfigArgs, Shutdown, telemetry};
use worker_sd::engine::SdChild;

/// Runs diffusion jobs on one device.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Owns one model and speaks the engine protocol on its standard streams.
    #[command(hide = true)]
    Engine,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    match arguments.command {
        Some(Command::Engine) => Ok(mystic_engine::child::serve::<SdChild>()?),
        None => supervise(&arguments.config),
    }
}

#[tokio::main]
async fn supervise(config: &ConfigArgs) -> anyhow::Result<()> {
    let config = config.load()?;
    let telemetry = telemetry::init("worker-sd", &config.log)?;
    let shutdown = Shutdown::on_signals(config.shutdown.deadline)?;
    Ok(mystic_worker::run("worker-sd", EngineKind::Sd, config, telemetry, shutdown).await?)
}
