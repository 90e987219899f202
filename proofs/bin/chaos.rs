//! `make chaos`: runs with faults; the last line says in JSON what came of them.

use std::process::ExitCode;

use clap::Parser;
use mystic_proofs::chaos::{self, Options};

/// Runs whole stacks under faults and looks whether every promise was kept.
#[derive(Parser)]
struct Args {
    /// Runs at a tenth of production times
    #[arg(long, default_value_t = 12)]
    runs: u32,
    /// Runs at production times [default: 3 from 100 runs on]
    #[arg(long)]
    production: Option<u32>,
    /// The first run's seed; the next ones count up
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let Args {
        runs,
        production,
        seed,
    } = Args::parse();
    let production = production.unwrap_or(if runs >= 100 { 3 } else { 0 });
    let summary = chaos::run(Options {
        runs,
        production,
        seed,
    })
    .await?;
    println!("{}", summary.to_json());
    // What broke was told on the way: the summary stays the last line.
    Ok(if summary.violations.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
