//! What tests may rely on.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use mystic_testkit::{Postgres, Redis, wait_until, wait_until_within};
use redis::AsyncCommands;
use sqlx::postgres::PgPoolOptions;

#[tokio::test]
async fn two_databases_do_not_see_each_other_and_end_with_their_value() {
    let one = Postgres::start().await;
    let two = Postgres::start().await;
    let pool = one.pool();
    sqlx::query("CREATE TABLE mine (id int)")
        .execute(&pool)
        .await
        .unwrap();
    let other = two.pool();
    let seen: bool = sqlx::query_scalar("SELECT to_regclass('mine') IS NOT NULL")
        .fetch_one(&other)
        .await
        .unwrap();
    assert!(!seen);

    let name: String = sqlx::query_scalar("SELECT current_database()")
        .fetch_one(&pool)
        .await
        .unwrap();
    // A pool that is still open does not keep the database alive.
    drop(one);
    let left: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)")
            .bind(name)
            .fetch_one(&other)
            .await
            .unwrap();
    assert!(!left);
}

#[tokio::test]
async fn started_database_has_every_migration_and_an_empty_one_has_none() {
    let count = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    let migrated = Postgres::start().await;
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations"))
        .unwrap()
        .filter(|entry| {
            let path = entry.as_ref().unwrap().path();
            path.extension().is_some_and(|ending| ending == "sql")
        })
        .count();
    let applied: i64 = sqlx::query_scalar("SELECT count(*) FROM _sqlx_migrations WHERE success")
        .fetch_one(&migrated.pool())
        .await
        .unwrap();
    assert_eq!(usize::try_from(applied).unwrap(), files);

    let empty = Postgres::empty().await;
    let tables: i64 = sqlx::query_scalar(count)
        .fetch_one(&empty.pool())
        .await
        .unwrap();
    assert!(tables <= 1, "nothing but the list of migrations");
}

#[tokio::test]
async fn url_alone_leads_to_the_database() {
    let database = Postgres::start().await;
    let pool = PgPoolOptions::new().connect(&database.url()).await.unwrap();
    let one: i32 = sqlx::query_scalar("SELECT 1")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(one, 1);
}

#[tokio::test]
async fn two_redis_servers_share_nothing() {
    let one = Redis::start().await;
    let two = Redis::start().await;
    let connect = async |url: String| {
        redis::Client::open(url)
            .unwrap()
            .get_multiplexed_async_connection()
            .await
            .unwrap()
    };
    let mut first = connect(one.url()).await;
    let mut second = connect(two.url()).await;
    let () = first.set("key", 1).await.unwrap();
    let seen: Option<u32> = second.get("key").await.unwrap();
    assert_eq!(seen, None);
}

#[tokio::test]
async fn waiting_ends_when_the_condition_holds() {
    let calls = AtomicU32::new(0);
    wait_until("three calls", async || {
        calls.fetch_add(1, Ordering::Relaxed) == 2
    })
    .await;
    assert_eq!(calls.into_inner(), 3);
}

#[tokio::test]
#[should_panic(expected = "for what never happens")]
async fn waiting_in_vain_says_for_what() {
    wait_until_within(Duration::ZERO, "what never happens", async || false).await;
}
