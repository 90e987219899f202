//! What a run is judged by.

use std::collections::BTreeMap;

use mystic_domain::EngineKind;

use crate::workload::Job;
use crate::world::{Fate, World};

/// One run's figures; seconds.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// 95th percentile of the wait of image jobs, from when they could run to when they compute.
    pub p95_image_wait: f64,
    /// The same of text jobs.
    pub p95_llm_wait: f64,
    /// Models loaded.
    pub loads: f64,
    /// From the first arrival to the last end.
    pub makespan: f64,
    /// The longest wait of all.
    pub max_wait: f64,
    /// Out-of-memory failures.
    pub out_of_memory: u64,
    /// Jobs that were queued.
    pub jobs: u64,
    /// Jain's index of the users' shares while they compete.
    pub jain: f64,
    /// Whether waits grew to the end: the mean of the last third of arrivals is more than twice that of the middle.
    pub unstable: bool,
}

/// Judges a finished run.
#[must_use]
pub fn measure(world: &World<'_>) -> Measured {
    let waits = |engine: EngineKind| {
        let mut waits: Vec<f64> = world
            .jobs
            .iter()
            .zip(&world.fates)
            .filter(|(job, fate)| job.engine() == engine && !fate.cancelled)
            .filter_map(|(job, fate)| {
                let alone = job.work / world.cards[fate.card].speed;
                Some(fate.ended? - fate.queued? - alone)
            })
            .collect();
        waits.sort_unstable_by(f64::total_cmp);
        waits
    };
    let (images, texts) = (waits(EngineKind::Sd), waits(EngineKind::Llm));
    let longest = |waits: &[f64]| waits.last().copied().unwrap_or(0.0);
    let ends = world.fates.iter().filter_map(|fate| fate.ended);
    let starts = world.jobs.iter().filter_map(|job| job.at);
    Measured {
        p95_image_wait: quantile(&images, 0.95),
        p95_llm_wait: quantile(&texts, 0.95),
        #[expect(clippy::cast_precision_loss, reason = "some thousand loads")]
        loads: world.loads as f64,
        makespan: ends.fold(0.0, f64::max) - starts.fold(f64::INFINITY, f64::min),
        max_wait: longest(&images).max(longest(&texts)),
        out_of_memory: world.out_of_memory,
        jobs: world
            .fates
            .iter()
            .filter(|fate| fate.queued.is_some())
            .count() as u64,
        jain: jain(world.jobs, &world.fates),
        unstable: unstable(world),
    }
}

/// The value below which this share of sorted values lies.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "an index of a list"
)]
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = (sorted.len() as f64 * share) as usize;
    sorted
        .get(at.min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or(0.0)
}

/// Users with less to claim than this many seconds of work tell nothing of fairness.
const CLAIM: f64 = 60.0;

/// Jain's index, (Σx)² ÷ (n·Σx²), over users; x is the work that a user was given while he had image jobs waiting, as
/// a share of what was his by right: at each moment an equal part of what all users in that state were given.
fn jain(jobs: &[Job], fates: &[Fate]) -> f64 {
    let users = jobs
        .iter()
        .map(|job| job.user)
        .max()
        .map_or(0, |user| user + 1);
    let mut changes: Vec<(f64, usize, f64, i32)> = Vec::new();
    for (job, fate) in jobs.iter().zip(fates) {
        let Some(queued) = fate.queued.filter(|_| job.engine() == EngineKind::Sd) else {
            continue;
        };
        let left = fate.began.or(fate.ended).unwrap_or(queued);
        changes.push((queued, job.user, 0.0, 1));
        changes.push((left, job.user, 0.0, -1));
        if let (Some(began), Some(ended)) = (fate.began, fate.ended)
            && ended > began
        {
            let rate = job.work / (ended - began);
            changes.push((began, job.user, rate, 0));
            changes.push((ended, job.user, -rate, 0));
        }
    }
    changes.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let (mut waiting, mut rate) = (vec![0; users], vec![0.0; users]);
    let (mut given, mut claim) = (vec![0.0; users], vec![0.0; users]);
    let mut at = 0.0;
    for (time, user, change, count) in changes {
        let competing: Vec<usize> = (0..users).filter(|user| waiting[*user] > 0).collect();
        if competing.len() > 1 && time > at {
            #[expect(clippy::cast_precision_loss, reason = "two dozen users")]
            let part =
                competing.iter().map(|user| rate[*user]).sum::<f64>() / competing.len() as f64;
            for user in competing {
                given[user] += rate[user] * (time - at);
                claim[user] += part * (time - at);
            }
        }
        at = time;
        rate[user] += change;
        waiting[user] += count;
    }
    let shares: Vec<f64> = (0..users)
        .filter(|user| claim[*user] > CLAIM)
        .map(|user| given[user] / claim[user])
        .collect();
    #[expect(clippy::cast_precision_loss, reason = "two dozen users")]
    let n = shares.len() as f64;
    let total: f64 = shares.iter().sum();
    let squares: f64 = shares.iter().map(|x| x * x).sum();
    if squares > 0.0 {
        total * total / (n * squares)
    } else {
        1.0
    }
}

fn unstable(world: &World<'_>) -> bool {
    let mut arrivals: BTreeMap<u64, f64> = BTreeMap::new();
    for (job, fate) in world.jobs.iter().zip(&world.fates) {
        if let (EngineKind::Sd, Some(queued), Some(began)) = (job.engine(), fate.queued, fate.began)
        {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "milliseconds"
            )]
            arrivals.insert((queued * 1e6) as u64, began - queued);
        }
    }
    let waits: Vec<f64> = arrivals.into_values().collect();
    let third = waits.len() / 3;
    let mean = |part: &[f64]| {
        #[expect(clippy::cast_precision_loss, reason = "some thousand jobs")]
        let n = part.len().max(1) as f64;
        part.iter().sum::<f64>() / n
    };
    mean(&waits[third * 2..]) > 2.0 * mean(&waits[third..third * 2])
        && mean(&waits[third * 2..]) > 60.0
}
