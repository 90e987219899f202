use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;
use mystic_domain::JobId;
use mystic_store::EventCursor;
use tokio::sync::{OwnedSemaphorePermit, broadcast, mpsc};
use tokio::time::sleep;

use super::changes::Changed;
use super::hub::Told;
use super::merged::Merged;
use crate::problem::Problem;
use crate::state::App;

/// Frames that may wait for a slow client; then reading stops until it has caught up.
const WAITING: usize = 64;
/// Events read at a time.
const PAGE: i64 = 200;
/// A silent stream says something this often, so that both ends notice a dead connection.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// How long after a failure the database is asked again.
const RETRY: Duration = Duration::from_secs(1);

/// What a stream shows and the place after which it goes on.
#[derive(Clone, Copy, Debug)]
pub enum Source {
    /// Events of all jobs, in the global order.
    All(EventCursor),
    /// Events of one job, by their number.
    Job(JobId, i32),
}

/// One client's stream of events.
pub struct Feed {
    app: App,
    source: Source,
    live: broadcast::Receiver<Arc<Told>>,
    progress: broadcast::Receiver<Arc<Merged>>,
    changes: broadcast::Receiver<Changed>,
    frames: mpsc::Sender<Event>,
    _permit: OwnedSemaphorePermit,
}

/// The client is gone.
struct Gone;

impl Feed {
    /// Opens a stream. What is live is subscribed to before `begin` looks where to start, so that nothing falls in
    /// between.
    ///
    /// # Errors
    /// Too many streams are open, or `begin`'s.
    pub async fn open(
        app: App,
        begin: impl Future<Output = Result<Source, Problem>>,
    ) -> Result<Response, Problem> {
        let permit = app.streams.clone().try_acquire_owned().map_err(|_| {
            Problem::too_many_streams(
                "This server has as many event streams open as it allows; try again later.",
            )
        })?;
        let live = app.hub.subscribe();
        let progress = app.hub.subscribe_progress();
        let changes = app.hub.subscribe_changes();
        let source = begin.await?;
        let (frames, sent) = mpsc::channel(WAITING);
        let feed = Self {
            app,
            source,
            live,
            progress,
            changes,
            frames,
            _permit: permit,
        };
        tokio::spawn(async move {
            let shutdown = feed.app.shutdown.clone();
            tokio::select! {
                _ = feed.run() => {}
                () = shutdown.draining() => {}
            }
        });
        let sent = stream::unfold(sent, |mut sent| async {
            let frame = sent.recv().await?;
            Some((Ok::<_, Infallible>(frame), sent))
        });
        let sse = Sse::new(sent).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
        Ok(([("x-accel-buffering", "no")], sse).into_response())
    }

    async fn run(mut self) -> Result<(), Gone> {
        self.catch_up().await?;
        loop {
            tokio::select! {
                event = self.live.recv() => match event {
                    Ok(told) => self.show(&told).await?,
                    Err(broadcast::error::RecvError::Lagged(_)) => self.catch_up().await?,
                    Err(broadcast::error::RecvError::Closed) => return Ok(()),
                },
                merged = self.progress.recv() => match merged {
                    Ok(merged) => self.progress(&merged).await?,
                    // Who lags misses old progress, which newer progress replaces anyway.
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return Ok(()),
                },
                changed = self.changes.recv() => match changed {
                    Ok(changed) => self.changed(&changed).await?,
                    Err(broadcast::error::RecvError::Lagged(_)) => self.changed("[]").await?,
                    Err(broadcast::error::RecvError::Closed) => return Ok(()),
                },
                () = self.frames.closed() => return Err(Gone),
            }
        }
    }

    /// Shows everything after our place from the database.
    async fn catch_up(&mut self) -> Result<(), Gone> {
        loop {
            let page = match self.source {
                Source::All(after) => self.app.store.events(after, PAGE).await,
                Source::Job(job, after) => self.app.store.job_events(job, after, PAGE).await,
            };
            match page {
                Ok(page) => {
                    let full = i64::try_from(page.len()).is_ok_and(|len| len == PAGE);
                    for told in page.into_iter().filter_map(Told::of) {
                        self.tell(&told).await?;
                    }
                    if !full {
                        return Ok(());
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "events can't be read");
                    tokio::select! {
                        () = sleep(RETRY) => {}
                        () = self.frames.closed() => return Err(Gone),
                    }
                }
            }
        }
    }

    async fn show(&mut self, told: &Told) -> Result<(), Gone> {
        let event = &told.event;
        match self.source {
            Source::All(last) if event.cursor > last => self.tell(told).await,
            Source::Job(job, last) if event.job == job && event.number == last + 1 => {
                self.tell(told).await
            }
            // The global order is by transaction, so a job's events may come in another order than their numbers.
            Source::Job(job, last) if event.job == job && event.number > last => {
                self.catch_up().await
            }
            Source::All(_) | Source::Job(..) => Ok(()),
        }
    }

    async fn tell(&mut self, Told { event, json }: &Told) -> Result<(), Gone> {
        let frame = match &mut self.source {
            Source::All(last) => {
                *last = event.cursor;
                Event::default().id(event.cursor.to_string())
            }
            Source::Job(_, last) => {
                *last = event.number;
                Event::default().id(event.number.to_string())
            }
        };
        self.frame(frame.event("job").data(json)).await
    }

    async fn progress(&self, merged: &Merged) -> Result<(), Gone> {
        let frame = Event::default().event("progress");
        match self.source {
            Source::All(_) => self.frame(frame.data(&merged.json)).await,
            Source::Job(job, _) => {
                let mut ours = merged.jobs.iter().filter(|said| said.job == job);
                match ours.next().map(|said| frame.json_data([said])) {
                    Some(Ok(frame)) => self.frame(frame).await,
                    Some(Err(error)) => {
                        tracing::error!(%error, "progress can't be written as JSON");
                        Ok(())
                    }
                    None => Ok(()),
                }
            }
        }
    }

    /// What people change is nothing of one job.
    async fn changed(&self, tables: &str) -> Result<(), Gone> {
        match self.source {
            Source::All(_) => {
                let frame = Event::default().event("changed").data(tables);
                self.frame(frame).await
            }
            Source::Job(..) => Ok(()),
        }
    }

    async fn frame(&self, frame: Event) -> Result<(), Gone> {
        self.frames.send(frame).await.map_err(|_| Gone)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures::StreamExt;
    use mystic_domain::{JobParams, TagParams};
    use mystic_process::Shutdown;
    use mystic_store::NewJob;
    use object_store::local::LocalFileSystem;
    use tokio::sync::Semaphore;

    use super::*;
    use crate::events::Hub;
    use crate::guard::Guard;
    use crate::hints::Hints;
    use crate::outlook::Outlooks;
    use crate::testing::TestApi;

    /// More than the hub keeps for a client that lags.
    const MANY: usize = 1500;

    fn app(api: &TestApi, streams: usize) -> App {
        let shutdown = Shutdown::new();
        App {
            hub: Hub::start(api.store.clone(), &api.queue, &shutdown),
            hints: Hints::start(api.queue.clone()),
            guard: Arc::new(Guard::new(api.config.api.listen, &api.config.api)),
            files: Arc::new(
                LocalFileSystem::new_with_prefix(&api.config.store.outputs).expect("a directory"),
            ),
            outlooks: Outlooks::default(),
            config: Arc::new(api.config.clone()),
            decoders: Arc::new(Semaphore::new(1)),
            streams: Arc::new(Semaphore::new(streams)),
            store: api.store.clone(),
            queue: api.queue.clone(),
            shutdown,
        }
    }

    fn job(params: JobParams) -> NewJob {
        NewJob {
            id: JobId::generate(),
            params,
            preset: "demo-tagger".into(),
            owner: "local".into(),
            priority: 0,
            max_attempts: 1,
            not_before: None,
            timeout_s: None,
            idempotency: None,
            parent_image: None,
            auto: false,
        }
    }

    #[tokio::test]
    async fn a_client_that_lags_behind_the_hub_gets_every_event_once() {
        let api = TestApi::start().await;
        let app = app(&api, 1);
        let hub = app.hub.subscribe();
        let params = JobParams::Tag(TagParams {
            image: mystic_domain::ImageId::generate(),
            prompt: String::new(),
        });
        let begin = async {
            // Nobody reads the feed's receiver until this has ended.
            while hub.len() < MANY {
                api.store
                    .submit(&job(params.clone()))
                    .await
                    .expect("accepted");
            }
            Ok(Source::All(EventCursor::default()))
        };
        let answer = Feed::open(app.clone(), begin).await.expect("a stream");
        let mut body = answer.into_body().into_data_stream();
        let last = api
            .store
            .submit(&job(params.clone()))
            .await
            .expect("accepted");
        let mystic_store::Submitted::New(last) = last else {
            panic!("{last:?}")
        };
        let mut text = String::new();
        while !text.contains(&last.id.to_string()) {
            let chunk = body
                .next()
                .await
                .expect("the stream goes on")
                .expect("a chunk");
            text.push_str(std::str::from_utf8(&chunk).expect("text"));
        }
        let ids: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("id: "))
            .collect();
        let all = api
            .store
            .events(EventCursor::default(), 100_000)
            .await
            .expect("read");
        assert_eq!(
            ids,
            all.iter()
                .map(|event| event.cursor.to_string())
                .collect::<Vec<_>>()
        );
        app.shutdown.cut();
    }

    #[tokio::test]
    async fn streams_are_bounded_and_a_closed_one_makes_room() {
        let api = TestApi::start().await;
        let app = app(&api, 1);
        let begin = || async { Ok(Source::All(EventCursor::default())) };
        let first = Feed::open(app.clone(), begin()).await.expect("a stream");
        let Err(problem) = Feed::open(app.clone(), begin()).await else {
            panic!("two streams")
        };
        assert_eq!(problem.status, 503);
        drop(first);
        let room = || async { app.streams.available_permits() == 1 };
        mystic_testkit::wait_until("the stream to be closed", room).await;
        app.shutdown.cut();
    }

    #[tokio::test]
    async fn a_drain_ends_every_stream() {
        let api = TestApi::start().await;
        let app = app(&api, 1);
        let begin = async { Ok(Source::All(EventCursor::default())) };
        let mut body = Feed::open(app.clone(), begin)
            .await
            .expect("a stream")
            .into_body()
            .into_data_stream();
        app.shutdown.drain();
        assert!(body.next().await.is_none());
        app.shutdown.cut();
    }
}
