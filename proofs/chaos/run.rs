//! One run: a stack, its clients, its faults, and what is left.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use mystic_store::Store;
use tokio::time::{Instant, sleep, timeout};

use super::check::{Remains, unrest};
use super::client::{Clients, History};
use super::faults;
use super::plan::{Ground, Mishap, Pace, Plan, SlowDisk};
use super::servers::Servers;
use super::stack::Stack;
use super::summary::{Invariant, Summary, Violation};

/// What the queue has to drain in, after healing.
const DRAINED_WITHIN: Duration = Duration::from_mins(1);
/// A ledger that is not at rest by then is worth a look, whatever the reason.
const SLOW: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(50);

/// Runs one seed and says what came of it; keeps the logs where a promise was not kept.
pub(super) async fn run(
    servers: &Arc<Servers>,
    seed: u64,
    pace: Pace,
    ground: Ground,
) -> anyhow::Result<Summary> {
    let plan = Plan::draw(seed, pace, ground);
    let stack = Arc::new(Stack::prepare(servers, plan, seed, ground).await?);
    let keeper = tokio::spawn({
        let stack = Arc::clone(&stack);
        async move { stack.keep_running().await }
    });
    let file = File::create(stack.folder.path().join("history"))?;
    let history = Arc::new(History::new(file));
    let store = stack.store()?;
    let mut violations = Vec::new();
    let recovery = weather(&stack, &store, &history, &mut violations).await?;
    let remains = Remains::gather(&stack, &store, history.entries()).await?;
    let ending = Arc::clone(&stack);
    tokio::task::spawn_blocking(move || ending.end()).await?;
    keeper.await?;
    violations.extend(remains.violations(&stack.disk.path));
    check_orphans(&stack, &mut violations).await;
    store.pool().close().await;
    let summary = Summary {
        runs: 1,
        accepted: remains.accepted().len(),
        ended: count(remains.accepted().iter().filter_map(|id| {
            let job = remains.jobs.get(id)?;
            Some(job.state.as_str().to_owned())
        })),
        violations,
        max_recovery_s: recovery.as_secs_f64(),
        faults: faults_of(&stack),
    };
    finish(stack, &remains, seed, pace, &summary).await?;
    Ok(summary)
}

/// Lets clients work while faults happen, heals, and waits for the end of it all; how long that took.
async fn weather(
    stack: &Arc<Stack>,
    store: &Store,
    history: &Arc<History>,
    violations: &mut Vec<Violation>,
) -> anyhow::Result<Duration> {
    let clients = Clients::new(stack, Arc::clone(history))?;
    anyhow::ensure!(
        clients.wait_for_api().await,
        "the API does not start: {:?}",
        stack.ends
    );
    let working = tokio::spawn({
        let (clients, requests) = (clients.clone(), stack.plan.requests.clone());
        async move { clients.work(&requests).await }
    });
    faults::all(stack).await;
    sleep_out(stack).await;
    faults::heal(stack).await;
    let healed = Instant::now();
    let left = |healed: Instant| DRAINED_WITHIN.saturating_sub(healed.elapsed());
    let answered = async { timeout(left(healed), working).await };
    if answered.await.is_err() {
        clients.stop();
        violations.push(Violation {
            invariant: Invariant::Drains,
            seen: "a request is not answered".into(),
        });
    }
    let recovery = loop {
        let open: i64 = match store.counts().await {
            Ok(counts) => counts
                .iter()
                .filter(|(state, _)| !state.is_terminal())
                .map(|(_, n)| n)
                .sum(),
            Err(_) => 1,
        };
        if open == 0 {
            break healed.elapsed();
        }
        if healed.elapsed() > DRAINED_WITHIN {
            let seen = format!("{open} jobs have not ended: {:?}", open_jobs(store).await?);
            violations.push(Violation {
                invariant: Invariant::Drains,
                seen,
            });
            break healed.elapsed();
        }
        sleep(LOOK).await;
    };
    let rest = Instant::now();
    let mut slow = None;
    loop {
        match unrest(store, stack).await {
            Ok(None) => break,
            Ok(Some(seen)) if rest.elapsed() > DRAINED_WITHIN => {
                violations.push(Violation {
                    invariant: Invariant::Ledger,
                    seen,
                });
                break;
            }
            Ok(Some(seen)) => slow = Some(seen).filter(|_| rest.elapsed() > SLOW).or(slow),
            Err(_) => {}
        }
        sleep(LOOK).await;
    }
    if let Some(seen) = slow {
        let took = rest.elapsed().as_secs_f64();
        eprintln!(
            "chaos: {}: at rest only after {took:.1} s: {seen}",
            stack.database
        );
    }
    Ok(recovery)
}

/// Until the last request is out, however early the last fault is over.
async fn sleep_out(stack: &Stack) {
    let last = stack.plan.requests.iter().map(|request| request.at).max();
    let faults = stack
        .plan
        .faults
        .iter()
        .map(|timed| timed.at + timed.lasts)
        .max();
    let left = last
        .unwrap_or_default()
        .saturating_sub(faults.unwrap_or_default());
    sleep(left).await;
}

async fn open_jobs(store: &Store) -> anyhow::Result<Vec<String>> {
    let mut open = store.waiting(&[], 10).await?;
    open.extend(store.held(10).await?);
    Ok(open.iter().map(|job| format!("{job:?}")).collect())
}

/// I5, the rest: nobody outlives the worker that it belongs to.
async fn check_orphans(stack: &Stack, violations: &mut Vec<Violation>) {
    let ended = Instant::now();
    while !stack.watch.living().is_empty() && ended.elapsed() < Duration::from_secs(5) {
        sleep(LOOK).await;
    }
    let mut orphans = stack.watch.living();
    orphans.extend(stack.watch.orphans());
    orphans.sort_unstable();
    orphans.dedup();
    for pid in orphans {
        violations.push(Violation {
            invariant: Invariant::Children,
            seen: format!("process {pid} outlived its worker"),
        });
    }
}

fn faults_of(stack: &Stack) -> BTreeMap<String, u32> {
    let plan = &stack.plan;
    let drawn = plan.faults.iter().map(|timed| timed.fault.name());
    let slow = plan.slow_disk.map(|slow| match slow {
        SlowDisk::Worker(..) => "slow_fsync:worker".to_owned(),
        SlowDisk::Postgres(_) => "slow_fsync:postgres".to_owned(),
    });
    let engines = plan.engine_faults.iter().map(|(_, then)| {
        let name = format!("{then:?}");
        let name = name
            .split([' ', '{'])
            .next()
            .unwrap_or_default()
            .to_lowercase();
        format!("engine:{name}")
    });
    let silences = plan.mishaps.iter().filter_map(|(_, mishap)| match mishap {
        Mishap::Silence(point, ..) => Some(format!("stop_at:{}", point.as_str())),
        _ => None,
    });
    let ends = stack.ends.lock().expect("no panic");
    let deaths = ends
        .iter()
        .filter(|end| end.starts_with("die_at:"))
        .cloned();
    count(
        drawn
            .chain(slow)
            .chain(engines)
            .chain(silences)
            .chain(deaths),
    )
}

fn count<N: TryFrom<usize> + Default + std::ops::AddAssign<N> + From<u8>>(
    names: impl Iterator<Item = String>,
) -> BTreeMap<String, N> {
    let mut counts = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_insert_with(N::default) += N::from(1);
    }
    counts
}

/// Says what broke and keeps what explains it, or removes everything.
async fn finish(
    stack: Arc<Stack>,
    remains: &Remains,
    seed: u64,
    pace: Pace,
    summary: &Summary,
) -> anyhow::Result<()> {
    let servers = Arc::clone(&stack.servers);
    let database = stack.database.clone();
    let mut stack = Arc::into_inner(stack).expect("nobody else holds it");
    if summary.violations.is_empty() {
        return servers.delete(&database).await;
    }
    for Violation { invariant, seen } in &summary.violations {
        eprintln!("chaos: seed {seed}: {}: {seen}", invariant.name());
    }
    let repeat = match pace {
        Pace::Tenth => format!("make chaos RUNS=1 SEED={seed}"),
        Pace::Production => format!("make chaos RUNS=0 PRODUCTION=1 SEED={seed}"),
    };
    std::fs::write(
        stack.folder.path().join("plan"),
        format!("{:#?}\n", stack.plan),
    )?;
    let jobs: Vec<String> = remains
        .jobs
        .values()
        .map(|job| format!("{job:#?}\n"))
        .collect();
    std::fs::write(stack.folder.path().join("jobs"), jobs.concat())?;
    std::fs::copy(&stack.journal, stack.folder.path().join("journal"))?;
    let ends = stack.ends.lock().expect("no panic").join("\n");
    std::fs::write(stack.folder.path().join("ends"), ends)?;
    stack.folder.disable_cleanup(true);
    let kept = stack.folder.path().to_owned();
    stack.disk.keep(&kept.join("pictures"));
    eprintln!("chaos: again: {repeat}; logs: {}", kept.display());
    servers.delete(&database).await
}
