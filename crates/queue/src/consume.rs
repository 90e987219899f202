use std::sync::Arc;
use std::time::Duration;

use apalis::layers::WorkerBuilderExt;
use apalis::prelude::{BackendExt, PollWith, TaskId, WorkerBuilder, WorkerError};
use apalis_redis::RedisStorage;
use futures::FutureExt;
use futures::future::BoxFuture;
use metrics::counter;
use mystic_domain::{JobId, WorkerId};
use redis::aio::ConnectionManager;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::Queue;
use crate::cleanup;
use crate::keys::Line;
use crate::listen::listen;
use crate::submit::RunTicket;
use crate::wake::{Nudged, Wake, WatchedConnection};

/// Handlers only forward, so few suffice; one that waits for Redis to settle does not hold up the next ticket.
const CONCURRENCY: usize = 8;
const SHORTEST_DELAY: Duration = Duration::from_millis(50);
const LONGEST_DELAY: Duration = Duration::from_secs(1);
/// A worker that ran this long before it died starts again without a penalty.
const STEADY_AFTER: Duration = Duration::from_secs(5);
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(1);

impl Queue {
    /// The jobs that were submitted, until `stop` fires or the receiver is dropped.
    ///
    /// At most `capacity` wait in the channel; what comes on top is dropped and found by the tick.
    #[must_use]
    pub fn consume_submitted(
        &self,
        capacity: usize,
        stop: CancellationToken,
    ) -> mpsc::Receiver<JobId> {
        self.consume(Line::Submitted, capacity, stop)
    }

    /// The leases dispatched to `worker`, until `stop` fires or the receiver is dropped.
    ///
    /// At most `capacity` wait in the channel; what comes on top is dropped and told by the heartbeat.
    #[must_use]
    pub fn consume_run(
        &self,
        worker: WorkerId,
        capacity: usize,
        stop: CancellationToken,
    ) -> mpsc::Receiver<RunTicket> {
        self.consume(Line::Run(worker), capacity, stop)
    }

    fn consume<T>(&self, line: Line, capacity: usize, stop: CancellationToken) -> mpsc::Receiver<T>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let (tickets, receiver) = mpsc::channel(capacity);
        let consumer = Consumer {
            queue: self.clone(),
            line,
            tickets,
            wake: Arc::default(),
        };
        tokio::spawn(consumer.supervise(stop));
        receiver
    }
}

struct Consumer<T> {
    queue: Queue,
    line: Line,
    tickets: mpsc::Sender<T>,
    wake: Arc<Wake>,
}

impl<T: DeserializeOwned + Send + 'static> Consumer<T> {
    /// Runs one apalis worker after the other: any error of the backend ends a worker for good, and a name that is
    /// still registered can't be taken again.
    async fn supervise(self, stop: CancellationToken) {
        let ears = stop.child_token();
        let _deaf_at_the_end = ears.clone().drop_guard();
        let inner = &self.queue.inner;
        let wake = Arc::clone(&self.wake);
        // Also on `Subscribed`: the ticket may have been pushed while nobody listened.
        tokio::spawn(listen(
            inner.client.clone(),
            inner.keys.nudge_channel(self.line),
            ears,
            move |_| wake.nudge(),
        ));

        let boot = WorkerId::generate();
        let mut delay = SHORTEST_DELAY;
        for restart in 0_u64.. {
            let name = format!("{boot}.{restart}");
            let started = Instant::now();
            let ended = tokio::select! {
                ended = self.work(&name) => Some(ended),
                () = stop.cancelled() => None,
                () = self.tickets.closed() => None,
            };
            let Some(ended) = ended else {
                let _ = timeout(FAREWELL_TIMEOUT, self.retire(&name)).await;
                info!(queue = %self.line, "the consumer stopped");
                return;
            };
            counter!("mystic_queue_consumer_restarts_total", "queue" => self.line.label())
                .increment(1);
            warn!(queue = %self.line, consumer = name, reason = ?ended, "the consumer died and starts again");
            if started.elapsed() >= STEADY_AFTER {
                delay = SHORTEST_DELAY;
            }
            let pause = async {
                let _ = timeout(FAREWELL_TIMEOUT, self.retire(&name)).await;
                sleep(delay).await;
            };
            if stop.run_until_cancelled(pause).await.is_none() {
                return;
            }
            delay = (delay * 2).min(LONGEST_DELAY);
        }
    }

    /// One life of an apalis worker; returns when its backend failed.
    async fn work(&self, name: &str) -> Result<(), WorkerError> {
        let inner = &self.queue.inner;
        let mut connection = inner.connection.clone();
        if let Err(error) = cleanup::enlist(&mut connection, &inner.keys, self.line, name).await {
            return Err(WorkerError::BackendError(error.into()));
        }
        let watched = WatchedConnection::new(connection.clone(), Arc::clone(&self.wake));
        let backend = RedisStorage::<Value, _>::new(watched)
            .with_config(inner.keys.config(self.line))
            .poll_with_strategy(Nudged::new(Arc::clone(&self.wake)));
        let hand = Hand {
            connection,
            queue: self.queue.clone(),
            line: self.line,
            consumer: name.to_owned(),
            tickets: self.tickets.clone(),
        };
        apalis_worker(name, backend, hand).await
    }

    async fn retire(&self, name: &str) {
        let inner = &self.queue.inner;
        let mut connection = inner.connection.clone();
        if let Err(error) = cleanup::retire(&mut connection, &inner.keys, self.line, name).await {
            debug!(queue = %self.line, consumer = name, %error, "the consumer's keys stay until the next cleanup");
        }
    }
}

/// Boxed where its type is still known: inside an async block the compiler can't prove the catch-panic layer `Send`.
fn apalis_worker<T: DeserializeOwned + Send + 'static>(
    name: &str,
    backend: PollWith<RedisStorage<Value, WatchedConnection>, Nudged>,
    hand: Hand<T>,
) -> BoxFuture<'static, Result<(), WorkerError>> {
    WorkerBuilder::new(name)
        .backend(backend)
        .enable_tracing()
        .catch_panic()
        .concurrency(CONCURRENCY)
        .build(move |ticket: Value, id: TaskId| {
            let hand = hand.clone();
            async move { hand.over(ticket, &id).await }
        })
        .run()
        .boxed()
}

/// What a handler has in hand to pass a ticket on.
struct Hand<T> {
    connection: ConnectionManager,
    queue: Queue,
    line: Line,
    consumer: String,
    tickets: mpsc::Sender<T>,
}

impl<T> Clone for Hand<T> {
    fn clone(&self) -> Self {
        Self {
            connection: self.connection.clone(),
            queue: self.queue.clone(),
            line: self.line,
            consumer: self.consumer.clone(),
            tickets: self.tickets.clone(),
        }
    }
}

impl<T: DeserializeOwned> Hand<T> {
    /// Forwards the ticket and deletes it. Never fails and never waits for the receiver: the work is done elsewhere,
    /// since apalis drops a running handler when its backend fails.
    async fn over(mut self, ticket: Value, id: &TaskId) {
        let outcome = match T::deserialize(ticket) {
            Ok(ticket) => match self.tickets.try_send(ticket) {
                Ok(()) => "forwarded",
                Err(TrySendError::Full(_) | TrySendError::Closed(_)) => "dropped",
            },
            Err(error) => {
                warn!(queue = %self.line, %error, "a ticket that nobody understands is dropped");
                "malformed"
            }
        };
        counter!("mystic_queue_received_total", "queue" => self.line.label(), "outcome" => outcome)
            .increment(1);
        let keys = &self.queue.inner.keys;
        let id = id.to_string();
        if let Err(error) =
            cleanup::settle(&mut self.connection, keys, self.line, &self.consumer, &id).await
        {
            debug!(queue = %self.line, %error, "the ticket's keys stay until the next cleanup");
        }
    }
}
