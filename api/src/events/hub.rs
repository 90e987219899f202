use std::sync::Arc;
use std::time::Duration;

use mystic_domain::JobId;
use mystic_process::Shutdown;
use mystic_queue::Queue;
use mystic_store::{EventCursor, EventRecord, Store};
use tokio::sync::{Notify, broadcast};
use tokio::time::{Instant, sleep, sleep_until};

use super::changes::{self, Changed};
use super::merged::{self, Merged};

/// Events that a client may lag behind; past that it reads them from the database itself.
const CAPACITY: usize = 1024;
/// Events read at a time.
const PAGE: i64 = 500;
/// How often the database is asked when nothing wakes us.
const TICK: Duration = Duration::from_secs(1);
/// At most a hundred questions a second, however many transactions commit.
const PAUSE: Duration = Duration::from_millis(10);
/// A transaction that was open at a wake-up hides what committed beside it, and its own end may come without a
/// wake-up: so we look again this long after one.
const AGAIN: [Duration; 3] = [
    Duration::from_millis(20),
    Duration::from_millis(80),
    Duration::from_millis(300),
];

/// An event that all clients are told of.
#[derive(Debug)]
pub struct Told {
    /// The event.
    pub event: EventRecord,
    /// The same as JSON, written once for all clients.
    pub json: String,
}

impl Told {
    /// None where it can't be written down.
    pub fn of(event: EventRecord) -> Option<Self> {
        match serde_json::to_string(&event) {
            Ok(json) => Some(Self { event, json }),
            Err(error) => {
                tracing::error!(%error, "an event can't be written as JSON");
                None
            }
        }
    }
}

/// Hands new events and progress to whoever is subscribed; clones share the pumps.
#[derive(Clone, Debug)]
pub struct Hub {
    sender: broadcast::Sender<Arc<Told>>,
    progress: broadcast::Sender<Arc<Merged>>,
    changes: broadcast::Sender<Changed>,
}

impl Hub {
    /// Starts the pumps; they end with the shutdown.
    pub fn start(store: Store, queue: &Queue, shutdown: &Shutdown) -> Self {
        let (sender, _) = broadcast::channel(CAPACITY);
        let woken = Arc::new(Notify::new());
        let mut wakeups = store.wakeups();
        let (bell, cut) = (woken.clone(), shutdown.cut_token());
        tokio::spawn(cut.run_until_cancelled_owned(async move {
            loop {
                wakeups.next().await;
                bell.notify_one();
            }
        }));
        let changes = changes::start(&store, shutdown);
        let pump = Pump {
            store,
            sender: sender.clone(),
            woken,
        };
        tokio::spawn(shutdown.cut_token().run_until_cancelled_owned(pump.run()));
        Self {
            sender,
            progress: merged::start(queue, shutdown),
            changes,
        }
    }

    /// Events from now on, in the global order. A receiver that lags has to ask the database.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Told>> {
        self.sender.subscribe()
    }

    /// Progress from now on, at most 20 times a second. A receiver that lags misses the oldest.
    pub fn subscribe_progress(&self) -> broadcast::Receiver<Arc<Merged>> {
        self.progress.subscribe()
    }

    /// What people change from now on, at most 20 times a second.
    pub fn subscribe_changes(&self) -> broadcast::Receiver<Changed> {
        self.changes.subscribe()
    }
}

/// Completes when `job` may have changed.
pub async fn changed(live: &mut broadcast::Receiver<Arc<Told>>, job: JobId) {
    loop {
        match live.recv().await {
            Ok(told) if told.event.job != job => {}
            Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => return,
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

struct Pump {
    store: Store,
    sender: broadcast::Sender<Arc<Told>>,
    woken: Arc<Notify>,
}

impl Pump {
    async fn run(self) {
        let mut at = self.begin().await;
        let mut again = 0;
        let mut woken_at = Instant::now();
        loop {
            let next = AGAIN
                .get(again)
                .map_or(Instant::now() + TICK, |delay| woken_at + *delay);
            tokio::select! {
                () = self.woken.notified() => {
                    (again, woken_at) = (0, Instant::now());
                }
                () = sleep_until(next) => again = (again + 1).min(AGAIN.len()),
            }
            if let Err(error) = self.forward(&mut at).await {
                tracing::debug!(%error, "events can't be read");
            }
            sleep(PAUSE).await;
        }
    }

    /// Nobody can be told of what was before the pump: they read it from the database themselves.
    async fn begin(&self) -> EventCursor {
        loop {
            match self.store.newest_event().await {
                Ok(newest) => return newest,
                Err(error) => tracing::debug!(%error, "events can't be read"),
            }
            sleep(TICK).await;
        }
    }

    async fn forward(&self, at: &mut EventCursor) -> mystic_store::Result<()> {
        loop {
            let page = self.store.events(*at, PAGE).await?;
            let full = i64::try_from(page.len()).is_ok_and(|len| len == PAGE);
            for event in page {
                *at = event.cursor;
                if let Some(told) = Told::of(event) {
                    // An error means that nobody listens at the moment.
                    let _ = self.sender.send(Arc::new(told));
                }
            }
            if !full {
                return Ok(());
            }
        }
    }
}
