use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use mystic_process::Shutdown;
use mystic_store::{Store, Wakeups};
use tokio::sync::broadcast;
use tokio::time::{Instant, timeout_at};

/// Frames that a client may lag behind; who misses one looks at everything anew.
const CAPACITY: usize = 64;
/// What changes meanwhile is told of together.
const FRAME: Duration = Duration::from_millis(50);

/// Names of tables that were changed by hand, as a JSON list; an empty one where anything may have been.
pub type Changed = Arc<str>;

/// Tells all clients what people change, at most 20 times a second; ends with the shutdown.
pub fn start(store: &Store, shutdown: &Shutdown) -> broadcast::Sender<Changed> {
    let (sender, _) = broadcast::channel(CAPACITY);
    let pump = Pump {
        heard: store.changes(),
        sender: sender.clone(),
    };
    tokio::spawn(shutdown.cut_token().run_until_cancelled_owned(pump.run()));
    sender
}

struct Pump {
    heard: Wakeups,
    sender: broadcast::Sender<Changed>,
}

impl Pump {
    async fn run(mut self) {
        loop {
            let mut tables = BTreeSet::new();
            let mut anything = self.heard.next().await.is_none_or(|table| {
                tables.insert(table);
                false
            });
            let tell_at = Instant::now() + FRAME;
            while let Ok(table) = timeout_at(tell_at, self.heard.next()).await {
                match table {
                    Some(table) => drop(tables.insert(table)),
                    None => anything = true,
                }
            }
            if anything {
                tables.clear();
            }
            match serde_json::to_string(&tables) {
                // An error means that nobody listens at the moment.
                Ok(json) => drop(self.sender.send(json.into())),
                Err(error) => tracing::error!(%error, "names can't be written as JSON"),
            }
        }
    }
}
