//! `worker-llm` runs text jobs; its hidden subcommand `engine` is the child that owns the native library.

mod engine;

use clap::{Parser, Subcommand};
use mystic_domain::EngineKind;
use mystic_process::{ConfigArgs, Shutdown, telemetry};

/// Runs text jobs on a language model.
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
        Some(Command::Engine) => {
            engine::wait_without_spinning();
            Ok(mystic_engine::child::serve::<engine::LlmEngine>()?)
        }
        None => supervise(&arguments.config),
    }
}

#[tokio::main]
async fn supervise(config: &ConfigArgs) -> anyhow::Result<()> {
    let config = config.load()?;
    let telemetry = telemetry::init("worker-llm", &config.log)?;
    let shutdown = Shutdown::on_signals(config.shutdown.deadline)?;
    Ok(mystic_worker::run("worker-llm", EngineKind::Llm, config, telemetry, shutdown).await?)
}
