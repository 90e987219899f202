//! A database that is away, and connections that are dead without a word.

use std::net::TcpListener;

use mystic_services::Postgres;
use mystic_store::{Store, StoreError};
use mystic_testkit::{PostgresServer, Proxy, wait_until};
use tokio::task::block_in_place;

use crate::support::World;

#[tokio::test]
async fn a_refused_connection_is_told_and_not_waited_out() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let store = Store::connect(&format!("postgres://nobody@{address}/none"), 1).expect("a URL");
    let refused = store.ping().await.expect_err("nobody listens");
    assert!(
        matches!(&refused, StoreError::Unavailable(sqlx::Error::Io(why))
            if why.kind() == std::io::ErrorKind::ConnectionRefused),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_on_a_dead_connection_fails_and_leaves_neither_its_place_nor_its_locks_taken() {
    let server = block_in_place(PostgresServer::start);
    let proxy = Proxy::to(&server.socket()).await.expect("a port");
    let (user, database) = (Postgres::USER, Postgres::DATABASE);
    let url = format!("postgres://{user}@{}/{database}", proxy.address());
    // One connection: a call that leaves its place taken is the last one.
    let store = Store::connect(&url, 1).expect("a URL");
    store.migrate().await.expect("migrated");
    let direct = Store::connect(&server.url(database), 4).expect("a URL");
    let world = World::on(direct).await;
    let worker = world.worker().await;

    // The connection dies in the middle of a transaction that holds the device and waits for the worker.
    let mut other = world.store.pool().begin().await.expect("a transaction");
    sqlx::query("SELECT FROM workers FOR UPDATE")
        .execute(&mut *other)
        .await
        .expect("locked");
    let caught = {
        let store = store.clone();
        tokio::spawn(async move { store.gone(worker.id).await })
    };
    wait_until("the call to wait for the lock", || async {
        let waiting = sqlx::query_scalar(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'",
        );
        let waiting: i64 = waiting.fetch_one(world.store.pool()).await.expect("read");
        waiting == 1
    })
    .await;
    proxy.strand();
    drop(other);
    let lost = caught.await.expect("no panic").expect_err("no answer");
    assert!(lost.is_unavailable(), "{lost:?}");
    wait_until("a call on a new connection", || async {
        store.beats().await.is_ok()
    })
    .await;
    wait_until("the device to be free again", || async {
        world.store.gone(worker.id).await.is_ok()
    })
    .await;

    // The connection dies while it is idle.
    proxy.strand();
    wait_until("a call on a new connection", || async {
        store.beats().await.is_ok()
    })
    .await;
}
