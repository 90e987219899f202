//! Calls that an attempt makes of a database that is away.

use mystic_domain::JobId;
use mystic_testkit::PostgresServer;
use tokio::sync::Notify;

use crate::held::Held;

use super::*;

/// Asks for a sign of life, and says when there was an answer.
async fn ask(store: &Store, answered: &Notify) -> mystic_store::Result<()> {
    let answer = store.ping().await;
    answered.notify_one();
    answer
}

#[tokio::test]
async fn a_call_is_made_again_until_the_database_is_back() {
    let server = PostgresServer::start();
    let store = Store::connect(&server.url("postgres"), 1).expect("a URL");
    server.stop();
    let holding = Held::default()
        .take(JobId::generate())
        .expect("held by nobody");
    let answered = Notify::new();
    let leaving = CancellationToken::new();
    let calls = async { persist!(leaving, holding, "ping", ask(&store, &answered)) };
    tokio::pin!(calls);
    tokio::select! {
        biased;
        _ = &mut calls => panic!("given up"),
        () = answered.notified() => {}
    }
    server.again();
    assert_eq!(calls.await, Some(()));
}

#[tokio::test]
async fn no_call_is_made_again_for_a_lease_that_is_lost() {
    let nowhere = tempfile::tempdir().expect("a directory");
    let url = format!(
        "postgres://nobody@localhost/none?host={}",
        nowhere.path().display()
    );
    let store = Store::connect(&url, 1).expect("a URL");
    let held = Held::default();
    let holding = held.take(JobId::generate()).expect("held by nobody");
    held.stop_all(Stop::Lost);
    let (leaving, mut calls) = (CancellationToken::new(), 0);
    let given_up = persist!(leaving, holding, "ping", {
        calls += 1;
        assert_eq!(calls, 1, "made again");
        store.ping()
    });
    assert_eq!(given_up, None);
}
