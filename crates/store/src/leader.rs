//! Which scheduler leads. No clock of the database decides: a holder's counter grows, and whoever wants to take over
//! watches on its own clock that it stands still.

use mystic_domain::SchedulerId;
use uuid::Uuid;

use crate::{Result, Store};

/// The leader's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leader {
    /// Grows with each new holder.
    pub epoch: i64,
    /// Grows with each sign of life of the holder.
    pub beat: i64,
    /// The scheduler that leads; none after one has resigned.
    pub holder: Option<SchedulerId>,
}

impl Store {
    /// The same database for the scheduler that leads in this epoch: what only a leader does (grant, preload, evict,
    /// expire, reap, delete files) is done while no other leads, and refused from then on. Each statement that decides
    /// looks at the leader's row itself. It takes no lock on it: a leader that is frozen inside a transaction must not keep
    /// the others from taking the lead.
    #[must_use]
    pub fn leading(&self, epoch: i64) -> Self {
        Self {
            epoch: Some(epoch),
            ..self.clone()
        }
    }

    /// Who leads.
    ///
    /// # Errors
    /// The database's.
    pub async fn leader(&self) -> Result<Leader> {
        let (epoch, beat, holder): (i64, i64, Option<Uuid>) =
            sqlx::query_as("SELECT epoch, beat, holder FROM leader")
                .fetch_one(&self.pool)
                .await?;
        Ok(Leader {
            epoch,
            beat,
            holder: holder.map(SchedulerId),
        })
    }

    /// Takes the lead from whom `seen` shows, if that is still as it was; returns the new epoch.
    ///
    /// # Errors
    /// The database's.
    #[tracing::instrument(name = "db.leader.take", skip_all, fields(%scheduler), err(level = "debug"))]
    pub async fn take_lead(&self, scheduler: SchedulerId, seen: Leader) -> Result<Option<i64>> {
        Ok(sqlx::query_scalar(
            "UPDATE leader SET holder = $1, epoch = epoch + 1, beat = beat + 1
             WHERE epoch = $2 AND beat = $3 RETURNING epoch",
        )
        .bind(scheduler.0)
        .bind(seen.epoch)
        .bind(seen.beat)
        .fetch_optional(&self.pool)
        .await?)
    }

    /// Shows that the leader of this epoch lives; false where another leads.
    ///
    /// # Errors
    /// The database's.
    pub async fn keep_lead(&self, epoch: i64) -> Result<bool> {
        let kept = sqlx::query("UPDATE leader SET beat = beat + 1 WHERE epoch = $1")
            .bind(epoch)
            .execute(&self.pool)
            .await?;
        Ok(kept.rows_affected() == 1)
    }

    /// Gives the lead up, so that another need not wait.
    ///
    /// # Errors
    /// The database's; then the others wait until the beat has stood still.
    pub async fn resign(&self, epoch: i64) -> Result<()> {
        sqlx::query("UPDATE leader SET holder = NULL, beat = beat + 1 WHERE epoch = $1")
            .bind(epoch)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
