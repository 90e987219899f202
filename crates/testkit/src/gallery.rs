use sqlx::{AssertSqlSafe, PgConnection, PgPool};

/// The functions that draw pictures, and what these refer to.
const DRAW: &str = include_str!("gallery.sql");
/// Pictures that are added at a time: as in life their tags come soon after them, so that both lie in the order of time.
const AT_ONCE: usize = 2000;

/// Fills a migrated database with so many pictures of five tags each, always the same ones, and lets the planner know.
///
/// # Panics
/// When the database refuses.
pub async fn seed_gallery(pool: &PgPool, pictures: i32) {
    let mut line = pool.acquire().await.expect("a connection");
    // What comes is more than a program's statement may take.
    sqlx::raw_sql("SET statement_timeout = 0")
        .execute(&mut *line)
        .await
        .expect("set");
    sqlx::raw_sql(DRAW)
        .execute(&mut *line)
        .await
        .expect("the functions are made");
    let indexes = drop_searches(&mut line).await;
    for first in (1..=pictures).step_by(AT_ONCE) {
        let last = pictures.min(first + i32::try_from(AT_ONCE).unwrap_or(i32::MAX) - 1);
        sqlx::query("SELECT pg_temp.add_pictures($1, $2)")
            .bind(first)
            .bind(last)
            .execute(&mut *line)
            .await
            .expect("the pictures are added");
    }
    for index in indexes {
        sqlx::raw_sql(AssertSqlSafe(index))
            .execute(&mut *line)
            .await
            .expect("the index is made");
    }
    sqlx::raw_sql("VACUUM ANALYZE")
        .execute(&mut *line)
        .await
        .expect("the tables are analysed");
    line.close().await.expect("closed");
}

/// Drops what pictures are searched by, which takes far longer to grow than to be made at once, and returns what makes
/// it again.
async fn drop_searches(line: &mut PgConnection) -> Vec<String> {
    let searches: Vec<(String, String)> = sqlx::query_as(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'images' AND indexdef LIKE '% USING gin %'",
    )
    .fetch_all(&mut *line)
    .await
    .expect("the indexes are read");
    for (name, _) in &searches {
        sqlx::raw_sql(AssertSqlSafe(format!("DROP INDEX {name}")))
            .execute(&mut *line)
            .await
            .expect("dropped");
    }
    searches.into_iter().map(|(_, made)| made).collect()
}
