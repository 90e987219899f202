//! Of several schedulers one works and the others wait. What makes two at once harmless is not here: every grant is one
//! transaction that books or refuses.

use std::time::Duration;

use mystic_domain::SchedulerId;
use mystic_process::Shutdown;
use mystic_store::{Leader, Store};
use tokio::time::{Instant, sleep};

/// Signs of life in the time after which a silent leader is replaced.
const BEATS: u32 = 6;

/// This scheduler's part in the choice of a leader.
#[derive(Debug)]
pub struct Leadership {
    store: Store,
    scheduler: SchedulerId,
    silence: Duration,
}

impl Leadership {
    /// A leader that was silent for `silence` is replaced.
    #[must_use]
    pub fn new(store: Store, silence: Duration) -> Self {
        Self {
            store,
            scheduler: SchedulerId::generate(),
            silence,
        }
    }

    fn pause(&self) -> Duration {
        self.silence / BEATS
    }

    /// Waits until this scheduler leads and returns its epoch; nothing where the drain comes first.
    pub async fn acquire(&self, shutdown: &Shutdown) -> Option<i64> {
        let mut seen: Option<(Leader, Instant)> = None;
        let mut told = false;
        while !shutdown.is_draining() {
            match self.store.leader().await {
                Ok(leader) => {
                    let now = Instant::now();
                    let since = match seen {
                        Some((before, since)) if before == leader => since,
                        _ => now,
                    };
                    seen = Some((leader, since));
                    let silent = now.duration_since(since) >= self.silence;
                    if (leader.holder.is_none() || silent)
                        && let Ok(Some(epoch)) = self.store.take_lead(self.scheduler, leader).await
                    {
                        tracing::info!(scheduler = %self.scheduler, epoch, "leads");
                        metrics::gauge!("mystic_scheduler_leads").set(1.0);
                        return Some(epoch);
                    }
                    if !told {
                        tracing::info!(scheduler = %self.scheduler, "waits for the lead");
                        metrics::gauge!("mystic_scheduler_leads").set(0.0);
                        told = true;
                    }
                }
                // An outage proves nothing of the leader: the watch starts anew.
                Err(error) => {
                    tracing::debug!(%error, "who leads is not known");
                    seen = None;
                }
            }
            tokio::select! {
                () = sleep(self.pause()) => {}
                () = shutdown.draining() => {}
            }
        }
        None
    }

    /// Leads until another took over, nothing was heard of the database for as long as the others wait, or the drain.
    /// Then `term` is drained too.
    pub async fn hold(&self, epoch: i64, term: &Shutdown, shutdown: &Shutdown) {
        let mut kept = Instant::now();
        while !shutdown.is_draining() && !term.is_draining() {
            match self.store.keep_lead(epoch).await {
                Ok(true) => kept = Instant::now(),
                Ok(false) => {
                    tracing::warn!(epoch, "another scheduler leads");
                    break;
                }
                Err(error) if kept.elapsed() < self.silence => {
                    tracing::debug!(%error, "no sign of life could be given");
                }
                Err(error) => {
                    tracing::warn!(%error, epoch, "no sign of life for too long: another may lead");
                    break;
                }
            }
            tokio::select! {
                () = sleep(self.pause()) => {}
                () = shutdown.draining() => {}
                () = term.draining() => {}
            }
        }
        term.drain();
    }

    /// Lets another lead at once.
    pub async fn resign(&self, epoch: i64) {
        metrics::gauge!("mystic_scheduler_leads").set(0.0);
        if let Err(error) = self.store.resign(epoch).await {
            tracing::debug!(%error, "the lead isn't given up; the others wait for it");
        }
    }
}
