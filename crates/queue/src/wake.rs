//! Wakes an idle apalis worker: by our nudge at once, by a slow poll when a nudge was lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use apalis::prelude::{PollSnapshot, PollStrategy};
use futures::FutureExt;
use futures::task::AtomicWaker;
use redis::aio::{ConnectionLike, ConnectionManager};
use redis::{Cmd, Pipeline, RedisFuture, Value};
use tokio::time::{Interval, MissedTickBehavior, interval};

/// How late a ticket whose nudge was lost is found.
const SLOW_POLL: Duration = Duration::from_secs(1);

/// Shared by the subscriber that hears nudges and the worker that fetches.
#[derive(Debug, Default)]
pub(crate) struct Wake {
    nudged: AtomicBool,
    in_flight: AtomicUsize,
    worker: AtomicWaker,
}

impl Wake {
    pub(crate) fn nudge(&self) {
        self.nudged.store(true, Ordering::SeqCst);
        self.worker.wake();
    }
}

/// The strategy of one worker. A nudge that comes while a fetch is under way is kept until that fetch has returned: the
/// fetch may have looked before the ticket was pushed, and apalis would otherwise go to sleep on its empty answer.
pub(crate) struct Nudged {
    wake: Arc<Wake>,
    slow_poll: Interval,
}

impl Nudged {
    pub(crate) fn new(wake: Arc<Wake>) -> Self {
        let mut slow_poll = interval(SLOW_POLL);
        slow_poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { wake, slow_poll }
    }
}

impl PollStrategy for Nudged {
    fn poll_drive(&mut self, cx: &mut Context<'_>, _: &PollSnapshot) -> Poll<Option<()>> {
        self.wake.worker.register(cx.waker());
        if self.wake.in_flight.load(Ordering::SeqCst) == 0 {
            // apalis asks Redis right after this call.
            self.wake.nudged.store(false, Ordering::SeqCst);
        }
        while self.slow_poll.poll_tick(cx).is_ready() {}
        Poll::Pending
    }

    fn on_poll(&mut self, _: &PollSnapshot) {
        if self.wake.nudged.load(Ordering::SeqCst)
            && self.wake.in_flight.load(Ordering::SeqCst) == 0
        {
            self.wake.worker.wake();
        }
    }
}

/// The worker's connection, which knows whether one of its commands is under way.
#[derive(Clone)]
pub(crate) struct WatchedConnection {
    connection: ConnectionManager,
    wake: Arc<Wake>,
}

impl WatchedConnection {
    pub(crate) fn new(connection: ConnectionManager, wake: Arc<Wake>) -> Self {
        Self { connection, wake }
    }
}

struct InFlight(Arc<Wake>);

impl InFlight {
    fn begin(wake: &Arc<Wake>) -> Self {
        wake.in_flight.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(wake))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}

impl ConnectionLike for WatchedConnection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        async move {
            let _in_flight = InFlight::begin(&self.wake);
            self.connection.send_packed_command(command).await
        }
        .boxed()
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        async move {
            let _in_flight = InFlight::begin(&self.wake);
            self.connection
                .send_packed_commands(pipeline, offset, count)
                .await
        }
        .boxed()
    }

    fn get_db(&self) -> i64 {
        self.connection.get_db()
    }
}
