//! The life of a worker process: take the seat, register, work until told to stop, leave.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use mystic_domain::{EngineKind, Fence, JobId, WorkerId};
use mystic_gpu::host_id;
use mystic_process::config::Config;
use mystic_process::health::Health;
use mystic_process::shutdown::Shutdown;
use mystic_process::telemetry::Telemetry;
use mystic_process::{fault, health, http};
use mystic_queue::{Queue, QueueOptions, Signal};
use mystic_store::{Registration, Store, StoreError};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::WorkerError;
use crate::attempt::{self, AGAIN, Bench};
use crate::catalogue::{self, Catalogue};
use crate::children::Children;
use crate::condition::Condition;
use crate::hashes::Hashes;
use crate::heartbeat::Heartbeat;
use crate::held::{Held, Lease, Stop};
use crate::instructions;
use crate::inventory::Device;
use crate::measure;
use crate::models;
use crate::pace::Paces;
use crate::picture::{Shelf, Uplink, UplinkError};
use crate::seat::Seat;

/// Heartbeats for which a device that reported an error has to be well before it is used again.
const TRIAL: u32 = 6;
/// How long an incarnation that ends tries to say so to a database that is away.
const FAREWELL: Duration = Duration::from_secs(5);
/// How often an incarnation that ends looks whether all work has.
const LOOK: Duration = Duration::from_millis(20);
/// Tickets that may wait to be looked at; what comes on top is told by the next heartbeat.
const TICKETS: usize = 64;

/// Runs a worker until it is told to stop.
///
/// # Errors
/// [`WorkerError`]: it can't start, or can't go on.
pub async fn run(
    service: &'static str,
    engine: EngineKind,
    config: Config,
    telemetry: Telemetry,
    shutdown: Shutdown,
) -> Result<(), WorkerError> {
    measure::describe();
    let health = Health::new(service);
    let listener = http::bind(config.worker.listen).await?;
    let serving = shutdown.clone();
    let router = health::router(health.clone(), telemetry);
    tokio::spawn(async move { http::serve(listener, router, &serving, Duration::ZERO).await });

    let store = Store::connect(
        config.database.url.expose(),
        config.database.max_connections,
    )?;
    let away = |error: &StoreError| health.fail("database", error.to_string());
    if !store.wait_for_schema(shutdown.draining(), away).await? {
        return Ok(());
    }
    let options = QueueOptions {
        prefix: config.redis.namespace.clone(),
        ..QueueOptions::default()
    };
    let queue = Queue::connect_with(config.redis.url.expose(), options)?;
    let host = host_id(config.worker.host.as_deref())?;
    let device = Arc::new(Device::find(&config, &host).await?);
    let outputs = std::path::absolute(&config.store.outputs)
        .map_err(WorkerError::file(&config.store.outputs))?;
    let seat = Seat::take(&outputs, &host, device.id(), engine).await?;
    let program = match &config.worker.engine_binary {
        Some(program) => program.clone(),
        None => {
            std::env::current_exe().map_err(WorkerError::file(PathBuf::from("/proc/self/exe")))?
        }
    };
    let paces = Paces::new(config.worker.hang_timeout);
    let worker = Worker {
        engine,
        config,
        host,
        device,
        store,
        queue,
        outputs,
        seat,
        program,
        paces,
        health,
    };
    while !shutdown.is_draining() {
        worker.incarnation(&shutdown).await?;
    }
    Ok(())
}

/// What outlives an incarnation.
struct Worker {
    engine: EngineKind,
    config: Config,
    host: String,
    device: Arc<Device>,
    store: Store,
    queue: Queue,
    outputs: PathBuf,
    seat: Seat,
    program: PathBuf,
    paces: Paces,
    health: Health,
}

impl Worker {
    /// Registers, works until the drain or until the scheduler gives this incarnation up, and leaves.
    async fn incarnation(&self, shutdown: &Shutdown) -> Result<(), WorkerError> {
        let Some(worker) = self.register(shutdown).await? else {
            return Ok(());
        };
        fault::point(fault::Point::Registered);
        tracing::info!(%worker, device = %self.device.id(), engine = self.engine.as_str(), "registered");
        let bench = Arc::new(self.bench(worker, shutdown)?);
        let held = Held::default();
        let stop = CancellationToken::new();
        let soon = Arc::new(Notify::new());
        let (assigned, assignments) = mpsc::channel(TICKETS);
        let presets = Arc::new(Notify::new());
        let catalogue = Catalogue {
            bench: Arc::clone(&bench),
            engine: self.engine,
            changed: Arc::clone(&presets),
        };
        let _looking = AbortOnDropHandle::new(tokio::spawn(catalogue.run()));
        let heartbeat = Heartbeat {
            bench: Arc::clone(&bench),
            held: held.clone(),
            health: self.health.clone(),
            every: self.config.lease_times().heartbeat(),
            answer: self.config.lease_times().answer(),
            condition: Condition::new(self.config.lease_times().heartbeat() * TRIAL),
            offline_grace: self.config.worker.offline_grace,
            soon: Arc::clone(&soon),
            presets,
            assigned,
        };
        let mut beating = tokio::spawn(heartbeat.run(stop.clone()));
        let let_in = join(&bench.shelf).await;
        let given_up = let_in.is_ok()
            && tokio::select! {
                _ = &mut beating => true,
                () = self.work(&bench, &held, assignments, &soon, shutdown, &stop) => false,
            };
        // The first reason counts, so work that was being cancelled still ends as cancelled.
        let why = if given_up { Stop::Lost } else { Stop::HandBack };
        held.stop_all(why);
        bench.preloads.stop_all(why);
        // Where the database is away the last settles can't be made: whoever takes over finds what is left.
        let patience = tokio::time::sleep(FAREWELL);
        tokio::pin!(patience);
        while !(held.is_empty() && bench.preloads.is_empty()) {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = &mut patience, if !bench.leaving.is_cancelled() => bench.leaving.cancel(),
            }
        }
        stop.cancel();
        for (resident, _) in bench.children.all() {
            bench.preloads.stop(resident, why);
            let place = bench.children.place(resident);
            if let Some(mut child) = place.lock().await.take() {
                child.kill().await;
                child.reaped().await;
            }
            bench.children.forget(resident);
        }
        let told = timeout(FAREWELL, async {
            while let Err(error) = self.store.gone(worker).await {
                if !error.is_unavailable() {
                    return Err(error);
                }
                tokio::time::sleep(AGAIN).await;
            }
            Ok(())
        });
        match told.await {
            Ok(Ok(())) => tracing::info!(%worker, "left"),
            Ok(Err(error)) => return Err(error.into()),
            // The seat is free: a successor on it proves that all children are dead.
            Err(_) => tracing::warn!(%worker, "left, and the database does not know it yet"),
        }
        let_in
    }

    /// Registers, however long the database is away; nothing where the drain comes first.
    async fn register(&self, shutdown: &Shutdown) -> Result<Option<WorkerId>, WorkerError> {
        loop {
            // Another at each try: one whose answer was lost may have registered.
            let worker = WorkerId::generate();
            let registered = async {
                let registration = self.registration(worker).await?;
                self.store.register(&registration).await?;
                Ok(())
            };
            match registered.await {
                Ok(()) => return Ok(Some(worker)),
                Err(WorkerError::Store(error)) if error.is_unavailable() => {
                    self.health.fail("database", error.to_string());
                }
                Err(error) => return Err(error),
            }
            tokio::select! {
                () = tokio::time::sleep(AGAIN) => {}
                () = shutdown.draining() => return Ok(None),
            }
        }
    }

    /// Takes tickets up until the drain, then waits for what runs; returns when nothing runs, or at the cut.
    async fn work(
        &self,
        bench: &Arc<Bench>,
        held: &Held<Lease>,
        mut assignments: mpsc::Receiver<(JobId, Fence)>,
        soon: &Notify,
        shutdown: &Shutdown,
        stop: &CancellationToken,
    ) {
        let mut tickets = self.queue.consume_run(bench.worker, TICKETS, stop.clone());
        let mut signals = self.queue.signals(bench.worker);
        let mut drained = false;
        loop {
            let (job, fence) = tokio::select! {
                Some(ticket) = tickets.recv() => (ticket.job, ticket.fence),
                Some(lease) = assignments.recv() => lease,
                Some(signal) = signals.recv() => {
                    match signal {
                        Signal::Cancel(job) => held.stop_job(job, Stop::Cancel),
                        Signal::Beat => soon.notify_one(),
                    }
                    continue;
                }
                () = shutdown.cutting() => return,
                () = shutdown.draining(), if !drained => {
                    drained = true;
                    bench.preloads.stop_all(Stop::HandBack);
                    if let Err(error) = self.store.drain(bench.worker).await {
                        tracing::warn!(%error, "the drain isn't noted; leases that still come are taken up");
                    }
                    continue;
                }
                () = tokio::time::sleep(LOOK), if drained => {
                    if held.is_empty() {
                        return;
                    }
                    continue;
                }
            };
            if let Some(holding) = held.take(Lease { job, fence }) {
                tokio::spawn(attempt::run(Arc::clone(bench), holding));
            }
        }
    }

    async fn registration(&self, worker: WorkerId) -> Result<Registration, WorkerError> {
        let presets = self.store.presets_of(self.engine).await?;
        let presets = models::survey(&self.config.models.dir, &self.device.info, &presets);
        for served in &presets {
            catalogue::tell(served);
        }
        let boot = PathBuf::from("/proc/sys/kernel/random/boot_id");
        let boot_id = std::fs::read_to_string(&boot).map_err(WorkerError::file(boot))?;
        Ok(Registration {
            worker,
            host: self.host.clone(),
            device: self.device.info.clone(),
            engine: self.engine,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: i32::try_from(std::process::id()).unwrap_or_default(),
            boot_id: boot_id.trim().to_owned(),
            max_children: i32::try_from(self.config.worker.max_children).unwrap_or(i32::MAX),
            presets,
        })
    }

    fn bench(&self, worker: WorkerId, shutdown: &Shutdown) -> Result<Bench, WorkerError> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Bench {
            worker,
            store: self.store.clone(),
            queue: self.queue.clone(),
            device: Arc::clone(&self.device),
            children: Children::new(self.program.clone()),
            preloads: Held::default(),
            paces: self.paces.clone(),
            shelf: self.shelf(worker)?,
            scratch: self.seat.scratch().to_owned(),
            models: self.config.models.dir.clone(),
            hashes: Hashes::start(
                self.store.clone(),
                self.host.clone(),
                self.config.models.dir.clone(),
            ),
            host: self.host.clone(),
            tagging: instructions::tagging(&self.config.tagging),
            seeing: instructions::seeing(&self.config.tagging),
            enhancing: instructions::enhancing(&self.config.prompts),
            threads: u32::try_from(threads).unwrap_or(1),
            previews: self.config.worker.previews,
            lost: AtomicBool::new(false),
            shutdown: shutdown.clone(),
            heard: watch::Sender::new(Instant::now()),
            leaving: CancellationToken::new(),
        })
    }

    fn shelf(&self, worker: WorkerId) -> Result<Shelf, WorkerError> {
        let configured = &self.config.worker;
        let uplink = match (&configured.api_url, &configured.join_key) {
            (Some(api), Some(key)) => Some(
                Uplink::new(api, key.clone(), worker)
                    .map_err(|error| WorkerError::NotLetIn(error.to_string()))?,
            ),
            _ => None,
        };
        let min_free = self.config.store.min_free;
        Shelf::open(self.store.clone(), &self.outputs, min_free, uplink)
    }
}

/// Asks to be let in where pictures are sent. An API that is away is asked again with the first picture.
async fn join(shelf: &Shelf) -> Result<(), WorkerError> {
    match shelf.join().await {
        Err(error @ (UplinkError::Shut(_) | UplinkError::Refused { .. })) => {
            Err(WorkerError::NotLetIn(error.to_string()))
        }
        Err(error) => {
            tracing::warn!(%error, "pictures can't be sent yet");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}
