//! The worker for language models.

mod engine;

use clap::{Parser, Subcommand};

/// Runs text jobs on a language model.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Owns one model and speaks the engine protocol on its standard streams.
    #[command(hide = true)]
    Engine,
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Engine => {
            engine::wait_without_spinning();
            Ok(mystic_engine::child::serve::<engine::LlmEngine>()?)
        }
    }
}
