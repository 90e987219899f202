//! Ratios of ours to theirs: medians over seeds, with intervals from resampled seeds. A seed has nine workloads at each
//! load, three bursts by three popularities; its ratio is their median.

use std::collections::BTreeMap;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value, json};

use crate::grid::{BASELINES, CVS, LOADS, Outcome, ZIPFS};
use crate::measure::{Measured, quantile};
use crate::optimum::Ratios;

/// A figure that is compared.
type Figure = (&'static str, fn(&Measured) -> f64);

const FIGURES: [Figure; 5] = [
    ("p95_image_wait", |run| run.p95_image_wait),
    ("p95_llm_wait", |run| run.p95_llm_wait),
    ("loads", |run| run.loads),
    ("makespan", |run| run.makespan),
    ("max_wait", |run| run.max_wait),
];

/// Resamples for an interval.
const RESAMPLES: usize = 2000;

/// Prints tables, and last one line of JSON.
pub fn print(outcomes: &[Outcome], optimum: &[Ratios]) {
    let mut all = Map::new();
    for load in LOADS {
        let of: Vec<&Outcome> = outcomes
            .iter()
            .filter(|one| same(one.shape.load, load))
            .collect();
        if of.is_empty() {
            continue;
        }
        println!(
            "\nload {load}: ours ÷ theirs, median over seeds of each seed's median over nine workloads [95 % interval]"
        );
        println!(
            "{:12} {}  unstable",
            "",
            FIGURES.map(|(name, _)| format!("{name:>22}")).join("")
        );
        let mut rows = Map::new();
        for (at, name) in BASELINES.iter().enumerate() {
            let (line, row) = row(&of, at);
            println!("{name:12} {line}  {}", unstable(&of, at));
            rows.insert((*name).to_owned(), row);
        }
        absolute(&of);
        all.insert(format!("load_{load}"), Value::Object(rows));
    }
    cells(outcomes);
    let part = |of: fn(&Ratios) -> f64, share: f64| {
        let mut ratios: Vec<f64> = optimum.iter().map(of).collect();
        ratios.sort_unstable_by(f64::total_cmp);
        json!(round(quantile(&ratios, share)))
    };
    let jains = |load: f64| {
        let of = outcomes.iter().filter(|one| same(one.shape.load, load));
        median(of.map(|one| one.ours.jain).collect())
    };
    let (failed, jobs) = outcomes.iter().fold((0, 0), |(failed, jobs), one| {
        (failed + one.ours.out_of_memory, jobs + one.ours.jobs)
    });
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 jobs")]
    let per_100k = failed as f64 * 100_000.0 / jobs.max(1) as f64;
    all.insert("oom_per_100k".into(), json!(round(per_100k)));
    all.insert("jobs".into(), json!(jobs));
    all.insert("jain".into(), json!(round(jains(0.9))));
    all.insert("optimum_ratio".into(), part(|one| one.completion, 0.5));
    all.insert("optimum_ratio_p95".into(), part(|one| one.completion, 0.95));
    all.insert(
        "optimum_makespan_ratio".into(),
        part(|one| one.makespan, 0.5),
    );
    let bound = outcomes.iter().map(|one| one.ours.makespan / one.bound);
    all.insert(
        "makespan_to_bound".into(),
        json!(round(median(bound.collect()))),
    );
    println!("\n{}", Value::Object(all));
}

fn row(of: &[&Outcome], baseline: usize) -> (String, Value) {
    let mut cells = Vec::new();
    let mut row = Map::new();
    for (name, figure) in FIGURES {
        let ratios: Vec<(u64, f64)> = of
            .iter()
            .map(|one| {
                (
                    one.seed,
                    ratio(figure(&one.ours), figure(&one.theirs[baseline])),
                )
            })
            .collect();
        let seeds = by_seed(&ratios);
        let (low, high) = interval(&seeds);
        let middle = median(seeds);
        let cell = format!("{middle:.3} [{low:.3} {high:.3}]");
        cells.push(format!("{cell:>22}"));
        row.insert(name.into(), json!(round(middle)));
    }
    (cells.concat(), Value::Object(row))
}

/// Equal where both are nought.
fn ratio(ours: f64, theirs: f64) -> f64 {
    if same(ours, theirs) {
        1.0
    } else {
        ours / theirs.max(1e-9)
    }
}

/// Each seed's ratio: the median over its workloads.
fn by_seed(ratios: &[(u64, f64)]) -> Vec<f64> {
    let mut seeds: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for (seed, ratio) in ratios {
        seeds.entry(*seed).or_default().push(*ratio);
    }
    seeds.into_values().map(median).collect()
}

/// The 95 % interval of the median when seeds are drawn again.
fn interval(seeds: &[f64]) -> (f64, f64) {
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let mut medians: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let drawn = (0..seeds.len()).map(|_| seeds[random.random_range(0..seeds.len())]);
            median(drawn.collect())
        })
        .collect();
    medians.sort_unstable_by(f64::total_cmp);
    (quantile(&medians, 0.025), quantile(&medians, 0.975))
}

fn unstable(of: &[&Outcome], baseline: usize) -> String {
    let count = of
        .iter()
        .filter(|one| one.theirs[baseline].unstable)
        .count();
    format!("{count} of {}", of.len())
}

/// What the ratios are made of.
fn absolute(of: &[&Outcome]) {
    println!("medians: s, s, loads, s, s; Jain; out of memory");
    let names = ["ours"].into_iter().chain(BASELINES);
    for (at, name) in names.enumerate() {
        let runs: Vec<&Measured> = of
            .iter()
            .map(|one| {
                if at == 0 {
                    &one.ours
                } else {
                    &one.theirs[at - 1]
                }
            })
            .collect();
        let figures = FIGURES.map(|(_, figure)| {
            format!(
                "{:>22.1}",
                median(runs.iter().map(|run| figure(run)).collect())
            )
        });
        let jain = median(runs.iter().map(|run| run.jain).collect());
        let failed: u64 = runs.iter().map(|run| run.out_of_memory).sum();
        println!("{name:12} {}  {jain:.3}  {failed}", figures.join(""));
    }
}

/// Each point of the grid.
fn cells(outcomes: &[Outcome]) {
    println!(
        "\nby point of the grid: load, burstiness, popularity; ours ÷ theirs, medians over seeds"
    );
    for load in LOADS {
        for cv in CVS {
            for zipf in ZIPFS {
                let of: Vec<&Outcome> = outcomes
                    .iter()
                    .filter(|one| {
                        same(one.shape.load, load)
                            && same(one.shape.cv, cv)
                            && same(one.shape.zipf, zipf)
                    })
                    .collect();
                if of.is_empty() {
                    continue;
                }
                for (at, name) in BASELINES.iter().enumerate() {
                    let figures = FIGURES.map(|(_, figure)| {
                        let ratios = of
                            .iter()
                            .map(|one| ratio(figure(&one.ours), figure(&one.theirs[at])));
                        format!("{:>8.3}", median(ratios.collect()))
                    });
                    println!("{load:3} {cv:4} {zipf:3} {name:12}{}", figures.join(""));
                }
            }
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    quantile(&values, 0.5)
}

fn same(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
