use sqlx::PgPool;

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
    for first in (1..=pictures).step_by(AT_ONCE) {
        let last = pictures.min(first + i32::try_from(AT_ONCE).unwrap_or(i32::MAX) - 1);
        sqlx::query("SELECT pg_temp.add_pictures($1, $2)")
            .bind(first)
            .bind(last)
            .execute(&mut *line)
            .await
            .expect("the pictures are added");
    }
    sqlx::raw_sql("VACUUM ANALYZE")
        .execute(&mut *line)
        .await
        .expect("the tables are analysed");
    line.close().await.expect("closed");
}
