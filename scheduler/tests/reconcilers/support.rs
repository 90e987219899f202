//! A database, a Redis, and workers that do to the store what workers do.

use std::sync::Arc;
use std::time::Duration;

use mystic_domain::{
    DeviceId, EngineKind, Fence, GenerateParams, ImageDefaults, ImageFiles, ImageFlags,
    ImageLimits, ImageMemory, ImageModel, JobId, JobParams, JobState, Mib, Model, Plan, Preset,
    WorkerId,
};
use mystic_process::config::SecretUrl;
use mystic_process::{Config, Shutdown};
use mystic_scheduler::Hints;
use mystic_scheduler::boot::{self, Services};
use mystic_scheduler::reconcilers::{self, Dispatch};
use mystic_store::{
    DeviceInfo, JobRecord, NewJob, Outcome, Registration, ServedPreset, Spent, Store, Submitted,
};
use mystic_testkit::{Postgres, Redis, wait_until};
use tokio::sync::Notify;

pub struct Stack {
    pub store: Store,
    pub services: Services,
    pub config: Config,
    pub redis: Option<Redis>,
    pub outputs: tempfile::TempDir,
    _postgres: Option<Postgres>,
}

impl Stack {
    pub async fn start() -> Self {
        let postgres = Postgres::start().await;
        Self::on(postgres.url(), Some(postgres)).await
    }

    /// On a migrated database, which is the stack's own or outlives it.
    pub async fn on(database: String, postgres: Option<Postgres>) -> Self {
        let redis = Redis::start().await;
        let outputs = tempfile::tempdir().expect("a directory");
        // Workers in these tests beat only where they say so.
        let mut config = Config::from_toml("[scheduler]\ntick_ms = 50\nreap_after_s = 120\n")
            .expect("a valid configuration");
        config.database.url = SecretUrl::new(database);
        config.redis.url = SecretUrl::new(redis.url());
        config.store.outputs = outputs.path().to_owned();
        let services = boot::connect(&config).expect("connected");
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
    pub async fn worker(&self, capacity: i64, turns: i32) -> WorkerId {
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
                signature: preset().signature(),
                weights: Mib(10).into(),
                plans: vec![Plan::Full, Plan::VaeTiling],
                problem: None,
            }],
        };
        self.store
            .register(&registration)
            .await
            .expect("registered");
        worker
    }

    pub async fn submit(&self) -> JobId {
        self.submit_pictures(1).await
    }

    pub async fn submit_pictures(&self, batch: u32) -> JobId {
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
                batch,
                ..GenerateParams::default()
            }),
            preset: preset().name,
            owner: "local".into(),
            priority: 0,
            max_attempts: 5,
            not_before: None,
            timeout_s: None,
            idempotency: None,
            parent_image: None,
            auto: false,
        };
        let submitted = self.store.submit(&new).await.expect("submitted");
        assert!(matches!(submitted, Submitted::New(_)));
        id
    }

    pub async fn job(&self, id: JobId) -> JobRecord {
        self.store.job(id).await.expect("read").expect("a job")
    }

    pub fn dispatch(&self) -> Dispatch {
        self.dispatch_by(self.store.clone())
    }

    /// The dispatcher of a leader.
    pub fn dispatch_by(&self, store: Store) -> Dispatch {
        let hints = Hints::start(self.services.queue.clone());
        let idle = Duration::from_mins(5);
        Dispatch::new(store, hints, idle, Arc::new(Notify::new()))
    }

    /// All reconcilers, until the answer is cut.
    pub fn run(&self) -> Shutdown {
        let shutdown = Shutdown::new();
        let (services, config, stop) =
            (self.services.clone(), self.config.clone(), shutdown.clone());
        tokio::spawn(async move { reconcilers::run(services, &config, &stop).await });
        shutdown
    }

    pub async fn until(&self, job: JobId, state: JobState) {
        let what = format!("the job to be {}", state.as_str());
        wait_until(&what, async || self.job(job).await.state == state).await;
    }

    /// The counters are the sums of their rows, and within what the device has.
    pub async fn assert_ledger(&self) {
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

pub fn preset() -> Preset {
    Preset {
        name: "demo".into(),
        title: "Demo".into(),
        model: Model::Sd(ImageModel {
            files: ImageFiles::default(),
            flags: ImageFlags::default(),
            defaults: ImageDefaults {
                width: 128,
                height: 128,
                steps: 4,
                steps_by_size: Vec::new(),
                cfg: 1.0,
                sampler: None,
                scheduler: None,
                negative_prompt: String::new(),
            },
            limits: ImageLimits {
                multiple: 8,
                min_side: 64,
                max_side: 128,
                max_hires_side: None,
                max_steps: 20,
                max_batch: 4,
            },
            memory: ImageMemory::default(),
            loras: Vec::new(),
        }),
    }
}

/// Claims a lease, reports its model ready and ends the job, without a picture: as cancelled.
pub async fn finish(store: &Store, worker: WorkerId, job: JobId, fence: Fence) {
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
            Spent::default(),
            true,
        )
        .await
        .expect("settled");
}
