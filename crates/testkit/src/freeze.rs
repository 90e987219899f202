use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, Postgres, Transaction};

use crate::wait_until;

/// Keeps the first transaction that deletes from a table standing still right there, until it thaws.
pub struct Freeze {
    pool: PgPool,
    ice: Transaction<'static, Postgres>,
}

impl Freeze {
    /// Lies in wait on a table.
    ///
    /// # Panics
    /// When the database refuses.
    pub async fn deletion_from(pool: &PgPool, table: &str) -> Self {
        // Whoever gets lock 2 is the first, and waits for lock 1.
        let trigger = format!(
            "CREATE FUNCTION stand_still() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN
                 IF pg_try_advisory_xact_lock(2) THEN PERFORM pg_advisory_xact_lock(1); END IF;
                 RETURN OLD;
             END $$;
             CREATE TRIGGER stand_still BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION stand_still()"
        );
        let made = sqlx::raw_sql(AssertSqlSafe(trigger)).execute(pool).await;
        made.expect("the trigger is made");
        let mut ice = pool.begin().await.expect("a transaction begins");
        sqlx::query("SELECT pg_advisory_xact_lock(1)")
            .execute(&mut *ice)
            .await
            .expect("the lock is free");
        let pool = pool.clone();
        Self { pool, ice }
    }

    /// Waits until a transaction stands still.
    ///
    /// # Panics
    /// When none does.
    pub async fn until_frozen(&self) {
        let stands = "SELECT EXISTS (SELECT FROM pg_stat_activity
                      WHERE datname = current_database() AND wait_event = 'advisory')";
        wait_until("a transaction to stand still", async || {
            let stands = sqlx::query_scalar(stands).fetch_one(&self.pool);
            stands.await.expect("the database answers")
        })
        .await;
    }

    /// Lets it go on.
    ///
    /// # Panics
    /// When the database is away.
    pub async fn thaw(self) {
        self.ice.rollback().await.expect("the lock is freed");
    }
}
