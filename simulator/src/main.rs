//! `make simulate`: the placement against others on the same workloads, seed by seed.

use anyhow::{Context, ensure};
use clap::Parser;
use mystic_placement::Policy;
use mystic_simulator::{grid, optimum, report};

/// Simulates a fleet under the placement and under others. Prints tables, and last one line of JSON.
#[derive(Parser)]
struct Arguments {
    /// Seeds, both ends included: `1..20`.
    #[arg(long, default_value = "1..20")]
    seeds: String,
    /// Only these loads; all by default.
    #[arg(long)]
    load: Vec<f64>,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let seeds = seeds(&arguments.seeds)?;
    let loads = if arguments.load.is_empty() {
        &grid::LOADS[..]
    } else {
        &arguments.load
    };
    let figures = Policy::default();
    let outcomes = grid::run(figures, &seeds, loads);
    let optimum: Vec<_> = seeds
        .iter()
        .flat_map(|seed| optimum::ratios(figures, *seed))
        .collect();
    report::print(&outcomes, &optimum);
    Ok(())
}

fn seeds(text: &str) -> anyhow::Result<Vec<u64>> {
    let allowed = || {
        format!(
            "seeds {text:?}: allowed are two numbers with the first not above the last, as in 1..20"
        )
    };
    let (first, last) = text.split_once("..").with_context(allowed)?;
    let (first, last) = (
        first.parse().with_context(allowed)?,
        last.parse().with_context(allowed)?,
    );
    ensure!(first <= last, allowed());
    Ok((first..=last).collect())
}
