//! The reconcilers on a real Postgres and a real Redis, with workers that do to the store what workers do.

use std::sync::Arc;
use std::time::Duration;

use mystic_domain::{
    DeviceId, EngineKind, Fence, GenerateParams, ImageDefaults, ImageFiles, ImageLimits,
    ImageMemory, ImageModel, JobId, JobParams, JobState, Mib, Model, PhaseTimes, Preset,
    WaitReason, WorkerId, file_path,
};
use mystic_process::config::SecretUrl;
use mystic_process::{Config, Shutdown};
use mystic_queue::RunTicket;
use mystic_scheduler::Hints;
use mystic_scheduler::boot::{self, Services};
use mystic_scheduler::reconcilers::{self, Cleanup, Dispatch, Expire, Reap, Reconcile};
use mystic_store::{
    Beat, DeviceInfo, DeviceTelemetry, JobRecord, NewJob, Outcome, Registration, ServedPreset,
    Store, Submitted,
};
use mystic_testkit::{Postgres, Redis, wait_until};
use tokio::sync::{Mutex, Notify};

struct Stack {
    store: Store,
    services: Services,
    config: Config,
    redis: Option<Redis>,
    outputs: tempfile::TempDir,
    _postgres: Postgres,
}

impl Stack {
    async fn start() -> Self {
        let (postgres, redis) = tokio::join!(Postgres::start(), Redis::start());
        let outputs = tempfile::tempdir().expect("a directory");
        // Workers in these tests beat only where they say so.
        let mut config = Config::from_toml("[scheduler]\ntick_ms = 50\nreap_after_s = 120\n")
            .expect("a valid configuration");
        config.database.url = SecretUrl::new(postgres.url());
        config.redis.url = SecretUrl::new(redis.url());
        config.store.outputs = outputs.path().to_owned();
        let services = boot::connect(&config).await.expect("connected");
        let store = services.store.clone();
        store.upsert_presets(&[preset()]).await.expect("presets");
        Self {
            store,
            services,
            config,
            redis: Some(redis),
            outputs,
            _postgres: postgres,
        }
    }

    /// A worker on a device of its own.
    async fn worker(&self, capacity: i64, turns: i32) -> WorkerId {
        let worker = WorkerId::generate();
        let registration = Registration {
            worker,
            host: worker.to_string(),
            device: DeviceInfo {
                id: DeviceId(format!("{worker}/cpu")),
                kind: "cpu".into(),
                name: "a processor".into(),
                total: Mib(capacity),
                capacity: Mib(capacity),
                turns,
            },
            engine: EngineKind::Sd,
            version: "0".into(),
            pid: 1,
            boot_id: "boot".into(),
            max_children: 4,
            presets: vec![ServedPreset {
                preset: preset().name,
                weights: Mib(10),
                problem: None,
            }],
        };
        self.store
            .register(&registration)
            .await
            .expect("registered");
        worker
    }

    async fn submit(&self) -> JobId {
        let id = JobId::generate();
        let new = NewJob {
            id,
            params: JobParams::Generate(GenerateParams {
                prompt: "a red circle".into(),
                negative_prompt: String::new(),
                width: 128,
                height: 128,
                steps: 4,
                cfg: 1.0,
                seed: 1,
                batch: 1,
                sampler: None,
                scheduler: None,
                tag_preset: None,
            }),
            preset: preset().name,
            owner: "local".into(),
            priority: 0,
            max_attempts: 5,
            not_before: None,
            idempotency: None,
            parent_image: None,
            auto: false,
        };
        let submitted = self.store.submit(&new).await.expect("submitted");
        assert!(matches!(submitted, Submitted::New(_)));
        id
    }

    async fn job(&self, id: JobId) -> JobRecord {
        self.store.job(id).await.expect("read").expect("a job")
    }

    fn dispatch(&self) -> Dispatch {
        let hints = Hints::start(self.services.queue.clone());
        let idle = Duration::from_mins(5);
        Dispatch::new(self.store.clone(), hints, idle, Arc::new(Notify::new()))
    }

    /// All reconcilers, until the answer is cut.
    fn run(&self) -> Shutdown {
        let shutdown = Shutdown::new();
        let (services, config, stop) =
            (self.services.clone(), self.config.clone(), shutdown.clone());
        tokio::spawn(async move { reconcilers::run(services, &config, &stop).await });
        shutdown
    }

    async fn until(&self, job: JobId, state: JobState) {
        let what = format!("the job to be {}", state.as_str());
        wait_until(&what, async || self.job(job).await.state == state).await;
    }

    /// The counters are the sums of their rows, and within what the device has.
    async fn assert_ledger(&self) {
        for device in self.store.devices().await.expect("devices") {
            let booked: Mib = device.residents.iter().map(|model| model.booked).sum();
            let working: Mib = device.leases.iter().map(|lease| lease.working).sum();
            let turns: i32 = device.leases.iter().map(|lease| lease.turns).sum();
            assert_eq!(device.resident, booked);
            assert_eq!(device.working, working);
            assert_eq!(device.turns_taken, turns);
            assert!(booked + working <= device.capacity);
            assert!(turns <= device.turns);
        }
    }
}

fn preset() -> Preset {
    Preset {
        name: "demo".into(),
        title: "Demo".into(),
        model: Model::Sd(ImageModel {
            files: ImageFiles::default(),
            defaults: ImageDefaults {
                width: 128,
                height: 128,
                steps: 4,
                cfg: 1.0,
                sampler: None,
                scheduler: None,
                negative_prompt: String::new(),
            },
            limits: ImageLimits {
                multiple: 8,
                min_side: 64,
                max_side: 128,
                max_steps: 20,
                max_batch: 4,
            },
            memory: ImageMemory::default(),
        }),
    }
}

#[tokio::test]
async fn a_queued_job_is_granted_told_and_claimed() {
    let stack = Stack::start().await;
    let worker = stack.worker(8192, 1).await;
    let queue = &stack.services.queue;
    let shutdown = stack.run();
    let mut tickets = queue.consume_run(worker, 8, shutdown.drain_token());
    let job = stack.submit().await;
    let ticket = tickets.recv().await.expect("a ticket");
    assert_eq!(ticket.job, job);
    let claimed = stack.store.claim(worker, job, ticket.fence).await;
    assert!(claimed.expect("claimed").is_some());
    stack.assert_ledger().await;
    shutdown.cut();
}

#[tokio::test]
async fn an_unclaimed_lease_goes_back_with_its_booking_and_its_unborn_model() {
    let stack = Stack::start().await;
    stack.worker(8192, 1).await;
    let job = stack.submit().await;
    stack.dispatch().run().await.expect("dispatched");
    assert_eq!(stack.job(job).await.state, JobState::Leased);
    let expire = Mutex::new(Expire::new(stack.store.clone(), Duration::from_millis(100)));
    expire.lock().await.run().await.expect("seen");
    assert_eq!(
        stack.job(job).await.state,
        JobState::Leased,
        "first seen now"
    );
    wait_until("the lease to expire", async || {
        expire.lock().await.run().await.expect("looked");
        stack.job(job).await.state == JobState::Queued
    })
    .await;
    let device = stack.store.devices().await.expect("devices").remove(0);
    assert_eq!(device.resident + device.working, Mib(0));
    assert!(device.residents.is_empty() && device.leases.is_empty());
    assert_eq!(stack.job(job).await.attempt, 0);
}

#[tokio::test]
async fn a_silent_worker_is_reaped_and_what_it_claimed_stays_booked() {
    let stack = Stack::start().await;
    let worker = stack.worker(8192, 1).await;
    let job = stack.submit().await;
    stack.dispatch().run().await.expect("dispatched");
    let fence = stack.job(job).await.fence;
    let claimed = stack.store.claim(worker, job, fence).await;
    assert!(claimed.expect("claimed").is_some());
    let fleet = Arc::new(Notify::new());
    let reap = Mutex::new(Reap::new(
        stack.store.clone(),
        Duration::from_millis(100),
        Arc::clone(&fleet),
    ));
    wait_until("the worker to be given up", async || {
        reap.lock().await.run().await.expect("looked");
        stack.store.beats().await.expect("beats").is_empty()
    })
    .await;
    fleet.notified().await;
    assert_eq!(stack.job(job).await.state, JobState::Queued);
    let device = stack.store.devices().await.expect("devices").remove(0);
    assert_eq!(device.leases[0].state, "quarantined");
    assert!(device.resident > Mib(0) && device.working > Mib(0));
    stack.assert_ledger().await;

    stack.dispatch().run().await.expect("dispatched");
    let reason = stack.job(job).await.wait_reason;
    assert!(matches!(reason, Some(WaitReason::NoWorker { .. })));
    stack.worker(8192, 1).await;
    stack.dispatch().run().await.expect("dispatched");
    assert_eq!(stack.job(job).await.state, JobState::Leased);
}

#[tokio::test]
async fn a_worker_that_beats_is_not_reaped() {
    let stack = Stack::start().await;
    let worker = stack.worker(8192, 1).await;
    let silent = stack.worker(8192, 1).await;
    let beat = Beat {
        worker,
        device: DeviceId(format!("{worker}/cpu")),
        held: Vec::new(),
        telemetry: DeviceTelemetry::default(),
        residents: Vec::new(),
    };
    let limit = Duration::from_millis(100);
    let reap = Mutex::new(Reap::new(
        stack.store.clone(),
        limit,
        Arc::new(Notify::new()),
    ));
    wait_until("the silent one to be given up", async || {
        stack.store.beat(&beat).await.expect("beaten");
        reap.lock().await.run().await.expect("looked");
        let beats = stack.store.beats().await.expect("beats");
        assert!(beats.iter().any(|(live, _)| *live == worker));
        beats.iter().all(|(live, _)| *live != silent)
    })
    .await;
}

#[tokio::test]
async fn two_schedulers_at_once_never_over_commit() {
    let stack = Stack::start().await;
    let workers = [
        stack.worker(8192, 1).await,
        stack.worker(8192, 1).await,
        stack.worker(8192, 1).await,
    ];
    let mut jobs = Vec::new();
    for _ in 0..30 {
        jobs.push(stack.submit().await);
    }
    let schedulers = [stack.run(), stack.run()];
    wait_until("all jobs to succeed", async || {
        stack.assert_ledger().await;
        for (job, fence, worker) in stack.store.unclaimed().await.expect("leases") {
            finish(&stack.store, worker, job, fence).await;
        }
        let counts = stack.store.counts().await.expect("counts");
        counts.get(&JobState::Cancelled) == Some(&30)
    })
    .await;
    for scheduler in schedulers {
        scheduler.cut();
    }
    for job in jobs {
        let done = stack.job(job).await;
        assert_eq!((done.attempt, done.images_done), (1, 0), "run once");
        assert!(workers.contains(&stack.store.attempts(job).await.expect("attempts")[0].worker));
    }
    let devices = stack.store.devices().await.expect("devices");
    assert!(devices.iter().all(|device| device.leases.is_empty()));
    assert!(devices.iter().all(|device| device.residents.len() == 1));
    stack.assert_ledger().await;
}

/// Claims a lease, reports its model ready and ends the job, without a picture: as cancelled.
async fn finish(store: &Store, worker: WorkerId, job: JobId, fence: Fence) {
    let Some(claimed) = store.claim(worker, job, fence).await.expect("claimed") else {
        return;
    };
    let ready = store.resident_ready(worker, claimed.resident).await;
    assert!(ready.expect("ready"));
    store.cancel(job).await.expect("cancelled");
    store
        .settle(
            worker,
            job,
            fence,
            &Outcome::Stopped,
            PhaseTimes::default(),
            true,
        )
        .await
        .expect("settled");
}

#[tokio::test]
async fn without_redis_the_tick_still_grants() {
    let mut stack = Stack::start().await;
    stack.worker(8192, 1).await;
    stack.redis = None;
    let shutdown = stack.run();
    let job = stack.submit().await;
    stack.until(job, JobState::Leased).await;
    shutdown.cut();
}

#[tokio::test]
async fn an_idle_model_is_unloaded_in_time() {
    let stack = Stack::start().await;
    let worker = stack.worker(8192, 1).await;
    let job = stack.submit().await;
    stack.dispatch().run().await.expect("dispatched");
    let fence = stack.job(job).await.fence;
    finish(&stack.store, worker, job, fence).await;
    let state = async || {
        let device = stack.store.devices().await.expect("devices").remove(0);
        device.residents[0].state.clone()
    };
    stack.dispatch().run().await.expect("dispatched");
    assert_eq!(state().await, "ready");
    let hints = Hints::start(stack.services.queue.clone());
    let granted = Arc::new(Notify::new());
    let mut dispatch = Dispatch::new(stack.store.clone(), hints, Duration::ZERO, granted);
    dispatch.run().await.expect("dispatched");
    assert_eq!(state().await, "evicting");
}

#[tokio::test]
async fn cleanup_deletes_files_without_a_picture_and_queues_without_a_worker() {
    let stack = Stack::start().await;
    let worker = stack.worker(8192, 1).await;
    let queue = &stack.services.queue;
    let ticket = RunTicket {
        job: JobId::generate(),
        fence: Fence(1),
    };
    for to in [worker, WorkerId::generate()] {
        assert!(queue.dispatch(to, ticket).await.expect("sent"));
    }
    let [left, never_written] = ["a".repeat(64), "b".repeat(64)];
    for sha256 in [&left, &never_written] {
        assert!(stack.store.stage_file(sha256, 3).await.expect("staged"));
    }
    let path = stack.outputs.path().join(file_path(&left));
    std::fs::create_dir_all(path.parent().expect("a directory")).expect("made");
    std::fs::write(&path, "png").expect("written");
    let cleanup = |staged| {
        Cleanup::new(
            stack.store.clone(),
            queue.clone(),
            Arc::clone(&stack.services.files),
            staged,
        )
    };
    cleanup(Duration::from_hours(1))
        .run()
        .await
        .expect("cleaned");
    assert_eq!(queue.depths().await.expect("depths").run, [(worker, 1)]);
    assert!(path.exists(), "it may be on its way");
    cleanup(Duration::ZERO).run().await.expect("cleaned");
    assert!(!path.exists());
    let again = stack.store.sweep_files(Duration::ZERO).await;
    assert_eq!(again.expect("swept"), Vec::<String>::new());
}
