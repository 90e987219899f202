//! While Postgres can't be read nobody can show a sign of life, so an outage takes nothing from anybody.

use std::sync::Arc;
use std::time::Duration;

use mystic_domain::JobState;
use mystic_scheduler::reconcilers::{Expire, Reap, Reconcile};
use mystic_store::Store;
use mystic_testkit::PostgresServer;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::support::Stack;

/// What the watched may stand still for.
const LIMIT: Duration = Duration::from_millis(100);

/// A stack on a server that can be stopped.
async fn stack_on(server: &PostgresServer) -> Stack {
    let url = server.url("postgres");
    let store = Store::connect(&url, 1).expect("a URL");
    store.migrate().await.expect("migrated");
    Stack::on(url, None).await
}

/// A look, an outage that lasts longer than the limit with a look in it, and a look after it.
async fn looks_around_an_outage(server: &PostgresServer, reconciler: &mut impl Reconcile) {
    reconciler.run().await.expect("seen");
    let seen = Instant::now();
    server.stop();
    reconciler.run().await.expect_err("nothing can be read");
    // The time has to pass by the reconciler's own clock; nothing else can be waited for.
    sleep_until(seen + LIMIT).await;
    server.again();
    reconciler.run().await.expect("seen again");
}

#[tokio::test]
async fn an_outage_reaps_nobody() {
    let server = PostgresServer::start();
    let stack = stack_on(&server).await;
    let worker = stack.worker(8192, 1).await;
    let mut reap = Reap::new(stack.store.clone(), LIMIT, Arc::new(Notify::new()));
    looks_around_an_outage(&server, &mut reap).await;
    let beats = stack.store.beats().await.expect("beats");
    assert_eq!(beats, [(worker, 0)]);
}

#[tokio::test]
async fn an_outage_expires_no_lease() {
    let server = PostgresServer::start();
    let stack = stack_on(&server).await;
    stack.worker(8192, 1).await;
    let job = stack.submit().await;
    stack.dispatch().run().await.expect("dispatched");
    let mut expire = Expire::new(stack.store.clone(), LIMIT);
    looks_around_an_outage(&server, &mut expire).await;
    assert_eq!(stack.job(job).await.state, JobState::Leased);
}
