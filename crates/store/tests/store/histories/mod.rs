//! Any history: the store and a model of it in memory say the same to every call, and hold the same at its end.
//!
//! `HISTORIES` is how many are tried (10,000), `HISTORIES_SEED` the seed of the first; the next has the next number.
//! A failure prints the seed of its own history and the shortest one that fails like it, looked for among
//! `HISTORIES_SHRINK` (2,000).

mod model;
mod op;
mod play;
mod real;
mod state;
mod step;

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};

use mystic_domain::SchedulerId;
use mystic_store::Store;
use mystic_testkit::Postgres;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use tokio::runtime::Builder;

use crate::support::{let_in, presets};
use play::Tally;

const HISTORIES: u64 = 10_000;
/// Histories run at a time, each lane in a database of its own: a lane waits for Postgres half of its time.
const LANES: usize = 4;
/// A lane empties its tables after so many, since no history needs what another left and every scan sees it.
const CLEAN: usize = 100;
/// Histories tried on the way from a failing one to the shortest.
const SHRINK: u64 = 2_000;

#[test]
fn the_store_and_its_model_agree_on_any_history() {
    let histories = number("HISTORIES").unwrap_or(HISTORIES);
    let first = number("HISTORIES_SEED").unwrap_or_else(rand::random);
    let shrink = number("HISTORIES_SHRINK").unwrap_or(SHRINK);
    let shrink = u32::try_from(shrink).expect("fewer than there is time for");
    println!("{histories} histories from seed {first}");
    let stop = AtomicBool::new(false);
    let mut tally = Tally::new();
    std::thread::scope(|scope| {
        let lane = |lane: usize| {
            let seeds = (0..histories).skip(lane).step_by(LANES);
            let seeds = seeds.map(|n| first.wrapping_add(n));
            scope.spawn(|| run(seeds, shrink, &stop))
        };
        for ended in (0..LANES).map(lane).collect::<Vec<_>>() {
            match ended.join().expect("a lane ends") {
                Ok(counted) => {
                    for (word, times) in counted {
                        *tally.entry(word).or_default() += times;
                    }
                }
                Err(failure) => panic!("{failure}"),
            }
        }
    });
    println!("{tally:?}");
    if histories >= HISTORIES {
        for word in step::WORTH {
            assert!(tally.contains_key(word), "{word}: in no history");
        }
    }
}

/// Plays a lane's histories; an error is the failure of one.
fn run(seeds: impl Iterator<Item = u64>, shrink: u32, stop: &AtomicBool) -> Result<Tally, String> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime starts");
    let postgres = runtime.block_on(Postgres::start());
    let (store, machine, worker) = runtime.block_on(async {
        let store = Store::connect(&postgres.url(), 1).expect("a URL");
        store.upsert_presets(&presets()).await.expect("presets");
        let seen = store.leader().await.expect("a row");
        let lead = store.take_lead(SchedulerId::generate(), seen).await;
        let (machine, worker) = let_in(&store, &postgres).await;
        let leading = store.leading(lead.expect("answered").expect("nobody leads yet"));
        (leading, machine, worker)
    });
    let tally = RefCell::new(Tally::new());
    for (n, seed) in (0..).zip(seeds) {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        if n % CLEAN == CLEAN - 1 {
            runtime.block_on(clean(&store));
        }
        let mut runner = TestRunner::new_with_rng(
            Config {
                cases: 1,
                failure_persistence: None,
                max_shrink_iters: shrink,
                ..Config::default()
            },
            rng(seed),
        );
        let played = runner.run(&op::history(), |history| {
            let said = runtime.block_on(play::play(
                &store,
                &worker,
                &history,
                &mut tally.borrow_mut(),
            ));
            said.map_err(TestCaseError::fail)
        });
        if let Err(error) = played {
            stop.store(true, Ordering::Relaxed);
            let TestError::Fail(why, history) = error else {
                return Err(error.to_string());
            };
            return Err(format!(
                "HISTORIES=1 HISTORIES_SEED={seed}\n{why}\nshortest history: {history:#?}"
            ));
        }
    }
    runtime.block_on(async {
        worker.pool().close().await;
        store.revoke_access(&machine).await.expect("sent away");
        store.pool().close().await;
    });
    Ok(tally.into_inner())
}

fn rng(seed: u64) -> TestRng {
    let bytes: Vec<u8> = (0..4)
        .flat_map(|part: u64| (seed ^ part).to_le_bytes())
        .collect();
    TestRng::from_seed(RngAlgorithm::ChaCha, &bytes)
}

async fn clean(store: &Store) {
    sqlx::query("TRUNCATE devices, jobs, image_files CASCADE")
        .execute(store.pool())
        .await
        .expect("emptied");
}

fn number(name: &str) -> Option<u64> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test has no configuration but its environment"
    )]
    let value = std::env::var(name).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name}={value} is no number")),
    )
}
