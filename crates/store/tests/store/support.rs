//! A database with two presets, and what a scheduler and a worker do to it.

use std::sync::Arc;
use std::time::Duration;

use mystic_domain::{
    ContextPlan, DeviceId, EngineKind, Failure, FailureKind, Fence, GenerateParams, ImageDefaults,
    ImageFiles, ImageFlags, ImageId, ImageLimits, ImageMemory, ImageModel, JobId, JobParams,
    JobState, Mib, Model, Need, PhaseTimes, Plan, Preset, ResidentId, SchedulerId, TextModel,
    Weights, WorkerId,
};
use mystic_store::{
    DeviceInfo, DeviceRecord, Grant, Granted, JobRecord, Machine, NewImage, NewJob, Outcome,
    Registration, Seat, ServedPreset, Settled, Spent, Store, Submitted,
};
use mystic_testkit::Postgres;

pub const PAINTER: &str = "painter";
pub const TAGGER: &str = "tagger";

/// What each worker of these tests offers for each preset: a painter's second rung, and a tagger's first alone.
pub const OFFERED: [Plan; 2] = [Plan::Full, Plan::VaeTiling];

/// What each of them says of its files.
pub const WEIGHTS: Weights = Weights {
    network: Mib(60),
    text_encoders: Mib(20),
    decoder: Mib(10),
};

/// What every grant of these tests books.
pub const NEED: Need = Need {
    resident: Mib(100),
    working: Mib(10),
};

pub struct World {
    pub store: Store,
    /// None where the server is the test's own.
    postgres: Option<Arc<Postgres>>,
}

/// A registered worker on a device.
#[derive(Clone, Debug)]
pub struct Worker {
    pub id: WorkerId,
    pub device: DeviceId,
}

/// A granted lease.
#[derive(Clone, Copy, Debug)]
pub struct Lease {
    pub job: JobId,
    pub fence: Fence,
    pub resident: ResidentId,
}

impl World {
    pub async fn new() -> Self {
        let postgres = Postgres::start().await;
        let store = Store::connect(&postgres.url(), 8).expect("a URL");
        Self {
            postgres: Some(postgres.into()),
            ..Self::on(store).await
        }
    }

    /// On a migrated database of the test's own.
    pub async fn on(store: Store) -> Self {
        store.upsert_presets(&presets()).await.expect("presets");
        Self {
            store,
            postgres: None,
        }
    }

    fn postgres(&self) -> &Postgres {
        self.postgres.as_ref().expect("a server of the testkit's")
    }

    /// Whether a statement waits for another transaction.
    pub async fn waits_for_a_lock(&self) -> bool {
        let waits = "SELECT EXISTS (SELECT FROM pg_stat_activity
                     WHERE datname = current_database() AND wait_event_type = 'Lock')";
        let waits = sqlx::query_scalar(waits).fetch_one(self.store.pool());
        waits.await.expect("looked")
    }

    /// Takes the lead and returns its epoch.
    pub async fn lead(&self) -> i64 {
        let seen = self.store.leader().await.expect("a row");
        let taken = self.store.take_lead(SchedulerId::generate(), seen).await;
        taken.expect("answered").expect("nobody else takes it")
    }

    /// The same world as a worker on another machine sees it.
    pub async fn let_in(&self) -> (Machine, Self) {
        let (machine, store) = let_in(&self.store, self.postgres()).await;
        let postgres = self.postgres.clone();
        (machine, Self { store, postgres })
    }

    /// The same world as a role sees it.
    pub fn seen_by(&self, role: &str) -> Store {
        Store::connect(&self.postgres().url_as(role), 2).expect("a URL")
    }

    /// A worker on a device of its own, with room for many jobs.
    pub async fn worker(&self) -> Worker {
        self.worker_with(10_000, 100).await
    }

    pub async fn worker_with(&self, capacity: i64, turns: i32) -> Worker {
        let host = WorkerId::generate().to_string();
        self.register(&host, capacity, turns).await
    }

    /// Registers a worker of a host, which ends its predecessor there.
    pub async fn register(&self, host: &str, capacity: i64, turns: i32) -> Worker {
        self.register_engine(host, EngineKind::Sd, capacity, turns)
            .await
    }

    pub async fn register_engine(
        &self,
        host: &str,
        engine: EngineKind,
        capacity: i64,
        turns: i32,
    ) -> Worker {
        let new = registration(host, engine, capacity, turns, &OFFERED);
        self.enter(new).await
    }

    /// A worker with room for many jobs that offers these plans.
    pub async fn offering(&self, plans: &[Plan]) -> Worker {
        let host = WorkerId::generate().to_string();
        let new = registration(&host, EngineKind::Sd, 10_000, 100, plans);
        self.enter(new).await
    }

    async fn enter(&self, new: Registration) -> Worker {
        self.store.register(&new).await.expect("registered");
        Worker {
            id: new.worker,
            device: new.device.id,
        }
    }

    /// A job that is complete without any picture.
    pub async fn submit(&self) -> JobId {
        self.submit_new(new_job(0)).await
    }

    /// A job of so many pictures, each of which is to be tagged.
    pub async fn submit_pictures(&self, batch: u32) -> JobId {
        self.submit_new(new_job(batch)).await
    }

    pub async fn submit_new(&self, new: NewJob) -> JobId {
        let submitted = self.store.submit(&new).await.expect("submitted");
        assert!(matches!(submitted, Submitted::New(_)), "{submitted:?}");
        new.id
    }

    pub async fn grant(&self, grant: &Grant) -> Option<Lease> {
        let (Seat::Loaded(resident) | Seat::Load { resident, .. }) = grant.seat;
        match self.store.grant(grant).await.expect("answered") {
            Granted::Yes(fence) => Some(Lease {
                job: grant.job,
                fence,
                resident,
            }),
            Granted::No => None,
        }
    }

    /// Leases a job to a worker that has to load its model.
    pub async fn lease(&self, worker: &Worker, job: JobId) -> Lease {
        let granted = self.grant(&load(worker, job)).await;
        granted.expect("the grant is made")
    }

    /// Leases a job and claims it.
    pub async fn run(&self, worker: &Worker, job: JobId) -> Lease {
        let lease = self.lease(worker, job).await;
        let claimed = self.store.claim(worker.id, job, lease.fence).await;
        assert!(claimed.expect("answered").is_some());
        lease
    }

    pub async fn settle(
        &self,
        worker: &Worker,
        lease: Lease,
        outcome: &Outcome,
        child_alive: bool,
    ) -> Settled {
        let spent = Spent::default();
        let settled = self.store.settle(
            worker.id,
            lease.job,
            lease.fence,
            outcome,
            spent,
            child_alive,
        );
        settled.await.expect("answered")
    }

    /// Takes a worker for dead.
    pub async fn reap(&self, worker: &Worker) -> Option<Vec<JobId>> {
        let beats = self.store.beats().await.expect("beats");
        let (_, beat) = beats.into_iter().find(|(id, _)| *id == worker.id)?;
        self.store.reap(worker.id, beat).await.expect("answered")
    }

    pub async fn job(&self, id: JobId) -> JobRecord {
        self.store.job(id).await.expect("read").expect("a job")
    }

    pub async fn state(&self, id: JobId) -> JobState {
        self.job(id).await.state
    }

    pub async fn device(&self, worker: &Worker) -> DeviceRecord {
        let devices = self.store.devices().await.expect("devices");
        let device = devices.into_iter().find(|d| d.id == worker.device);
        device.expect("the worker's device")
    }

    /// Every counter is the sum of its rows, and within what its device has.
    pub async fn assert_ledger(&self) {
        for device in self.store.devices().await.expect("devices") {
            let booked: Mib = device.residents.iter().map(|model| model.booked).sum();
            let working: Mib = device.leases.iter().map(|lease| lease.working).sum();
            let turns: i32 = device.leases.iter().map(|lease| lease.turns).sum();
            assert_eq!(
                (device.resident, device.working, device.turns_taken),
                (booked, working, turns),
                "{device:?}"
            );
            assert!(booked + working <= device.capacity && turns <= device.turns);
        }
    }

    /// Puts the files of a picture and returns the picture, ready to be committed.
    pub async fn staged(&self, worker: &Worker, lease: Lease, index: i32) -> NewImage {
        let [file, thumb] = [sha256(), sha256()];
        for sha256 in [&file, &thumb] {
            assert!(self.store.stage_file(sha256, 1).await.expect("staged"));
        }
        NewImage {
            id: ImageId::generate(),
            job: lease.job,
            fence: lease.fence,
            worker: worker.id,
            index,
            seed: i64::from(index),
            width: 8,
            height: 8,
            sha256: file,
            thumb_sha256: thumb,
            pixels_sha256: sha256(),
            times: PhaseTimes::default(),
            provenance: mystic_testkit::provenance(),
        }
    }
}

/// Lets a machine in that no other test's is called like, since roles belong to the whole server.
pub async fn let_in(store: &Store, postgres: &Postgres) -> (Machine, Store) {
    assert!(store.grant_rights().await.expect("granted"));
    let name = format!("m{}", WorkerId::generate().0.simple());
    let machine: Machine = name.parse().expect("a name");
    let role = store.grant_access(&machine, "secret", secret(), None).await;
    let url = postgres.url_as(&role.expect("let in"));
    (machine, Store::connect(&url, 1).expect("a URL"))
}

/// Some secret's hash.
pub fn secret() -> [u8; 32] {
    rand::random()
}

/// Some content's hash.
pub fn sha256() -> String {
    let half = || JobId::generate().0.simple().to_string();
    half() + &half()
}

pub fn new_job(batch: u32) -> NewJob {
    NewJob {
        id: JobId::generate(),
        params: JobParams::Generate(GenerateParams {
            prompt: "a red circle".into(),
            negative_prompt: String::new(),
            width: 8,
            height: 8,
            steps: 1,
            cfg: 1.0,
            seed: 1,
            batch,
            tag_preset: Some(TAGGER.into()),
            ..GenerateParams::default()
        }),
        preset: PAINTER.into(),
        owner: "local".into(),
        priority: 0,
        max_attempts: 5,
        not_before: None,
        timeout_s: None,
        idempotency: None,
        parent_image: None,
        auto: false,
    }
}

fn registration(
    host: &str,
    engine: EngineKind,
    capacity: i64,
    turns: i32,
    plans: &[Plan],
) -> Registration {
    let served = |preset: &str| ServedPreset {
        preset: preset.into(),
        signature: signature(preset),
        weights: WEIGHTS,
        plans: plans.to_vec(),
        problem: None,
    };
    Registration {
        worker: WorkerId::generate(),
        host: host.into(),
        device: DeviceInfo {
            id: DeviceId(format!("{host}/cpu")),
            kind: "cpu".into(),
            name: "a processor".into(),
            total: Mib(capacity),
            capacity: Mib(capacity),
            turns,
        },
        engine,
        version: "0".into(),
        pid: 1,
        boot_id: "boot".into(),
        max_children: 3,
        presets: vec![served(PAINTER), served(TAGGER)],
    }
}

/// The signature of one of [`presets`].
pub fn signature(name: &str) -> String {
    let mut presets = presets().into_iter();
    let preset = presets.find(|preset| preset.name == name);
    preset.expect("a known preset").signature()
}

/// A grant on a model that has to be loaded.
pub fn load(worker: &Worker, job: JobId) -> Grant {
    Grant {
        job,
        worker: worker.id,
        device: worker.device.clone(),
        preset: PAINTER.into(),
        plan: Plan::Full,
        need: NEED,
        seat: Seat::Load {
            resident: ResidentId::generate(),
            context: ContextPlan::Default,
        },
        turns: 1,
        expected: Duration::from_secs(1),
    }
}

/// A grant on a model that is booked already.
pub fn sit(worker: &Worker, job: JobId, resident: ResidentId) -> Grant {
    Grant {
        seat: Seat::Loaded(resident),
        ..load(worker, job)
    }
}

pub fn failed(kind: FailureKind) -> Outcome {
    Outcome::Failed(Failure::new(kind, "it broke"))
}

pub fn presets() -> [Preset; 2] {
    let painter = Model::Sd(ImageModel {
        files: ImageFiles::default(),
        flags: ImageFlags::default(),
        defaults: ImageDefaults {
            width: 8,
            height: 8,
            steps: 1,
            steps_by_size: Vec::new(),
            cfg: 1.0,
            sampler: None,
            scheduler: None,
            negative_prompt: String::new(),
        },
        limits: ImageLimits {
            multiple: 8,
            min_side: 8,
            max_side: 8,
            max_hires_side: None,
            max_steps: 1,
            max_batch: 4,
        },
        memory: ImageMemory::default(),
        loras: Vec::new(),
    });
    let tagger = Model::Llm(TextModel {
        file: "tagger.gguf".into(),
        mmproj: None,
        context: 512,
        layers: 1,
        kv_heads: 1,
        head_dim: 8,
    });
    [(PAINTER, painter), (TAGGER, tagger)].map(|(name, model)| Preset {
        name: name.into(),
        title: name.into(),
        model,
    })
}
