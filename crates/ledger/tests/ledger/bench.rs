//! Ledgers and queues to decide on.

use mystic_domain::{
    ContextPlan, DeviceId, EngineKind, Fence, GenerateParams, ImageDefaults, ImageFiles,
    ImageFlags, ImageLimits, ImageMemory, ImageModel, JobId, JobKind, JobParams, Mib, Model, Plan,
    Preset, ResidentId, TagParams, TextModel, WaitReason, WorkerId, need,
};
use mystic_store::{
    Batch, BatchDrawer, DeviceRecord, Grant, HeldJob, Help, LeaseRecord, Preload, QueuedJob,
    ResidentRecord, Snapshot, SnapshotPreset, SnapshotWorker, Wait,
};
use uuid::Uuid;

use chrono::{DateTime, TimeDelta, Utc};
use mystic_ledger::{Action, Ledger};

pub const SD: [&str; 3] = ["anime", "photo", "sketch"];
pub const LLM: [&str; 2] = ["tagger", "writer"];
pub const WEIGHTS: Mib = Mib(2000);
pub const WORKING_512: Mib = Mib(1664);

pub fn presets() -> Vec<Preset> {
    let image = |name: &&str| Preset {
        name: (*name).into(),
        title: String::new(),
        model: Model::Sd(ImageModel {
            files: ImageFiles::default(),
            flags: ImageFlags::default(),
            defaults: ImageDefaults {
                width: 512,
                height: 512,
                steps: 20,
                steps_by_size: Vec::new(),
                cfg: 7.0,
                sampler: None,
                scheduler: None,
                negative_prompt: String::new(),
            },
            limits: ImageLimits {
                multiple: 8,
                min_side: 64,
                max_side: 2048,
                max_hires_side: None,
                max_steps: 100,
                max_batch: 16,
            },
            memory: ImageMemory::default(),
            loras: Vec::new(),
        }),
    };
    let text = |name: &&str| Preset {
        name: (*name).into(),
        title: String::new(),
        model: Model::Llm(TextModel {
            file: String::new(),
            mmproj: None,
            layers: 30,
            kv_heads: 3,
            head_dim: 64,
            context: 2048,
        }),
    };
    SD.iter().map(image).chain(LLM.iter().map(text)).collect()
}

pub fn preset(name: &str) -> Preset {
    presets()
        .into_iter()
        .find(|preset| preset.name == name)
        .expect("a known preset")
}

/// What a worker says of a preset: it can be loaded in one way.
pub fn served(name: &str) -> SnapshotPreset {
    SnapshotPreset {
        name: name.into(),
        weights: WEIGHTS.into(),
        plans: vec![Plan::Full, Plan::VaeTiling],
        preload_failed: false,
    }
}

pub fn booked(name: &str) -> Mib {
    need::resident(&preset(name), &WEIGHTS.into(), ContextPlan::Default)
}

pub fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

pub fn job(number: u128, preset: &str, side: u32) -> QueuedJob {
    let text = LLM.contains(&preset);
    QueuedJob {
        id: JobId(id(number)),
        kind: if text {
            JobKind::Tag
        } else {
            JobKind::Generate
        },
        preset: preset.into(),
        owner: "local".into(),
        params: if text {
            JobParams::Tag(TagParams {
                image: mystic_domain::ImageId(id(0)),
                prompt: String::new(),
            })
        } else {
            JobParams::Generate(GenerateParams {
                prompt: String::new(),
                negative_prompt: String::new(),
                width: side,
                height: side,
                steps: 20,
                cfg: 7.0,
                seed: 1,
                batch: 1,
                ..GenerateParams::default()
            })
        },
        priority: 0,
        queued_at: now(),
        ahead_ms: None,
        images_left: u32::from(!text),
        plan: Plan::Full,
        wait_reason: None,
    }
}

/// A device with `free` MiB beside what is on it, and a worker of each engine.
#[derive(Debug)]
pub struct Bench {
    pub snapshot: Snapshot,
    next: u128,
}

impl Bench {
    pub fn new() -> Self {
        Self {
            snapshot: Snapshot {
                now: now(),
                presets: presets(),
                ..Snapshot::default()
            },
            next: 1000,
        }
    }

    pub fn fresh(&mut self) -> Uuid {
        self.next += 1;
        id(self.next)
    }

    pub fn device(&mut self, free: i64, turns: i32) -> usize {
        let index = self.snapshot.devices.len();
        let device = DeviceId(format!("host/{index}"));
        self.snapshot.devices.push(DeviceRecord {
            id: device.clone(),
            host: "host".into(),
            kind: "cuda".into(),
            name: String::new(),
            total: Mib(free),
            capacity: Mib(free),
            resident: Mib(0),
            working: Mib(0),
            used: None,
            others: Mib(0),
            others_estimated: false,
            turns,
            turns_taken: 0,
            utilisation: None,
            temperature: None,
            power: None,
            idle_since: Some(now()),
            lost_at: None,
            paused: false,
            residents: Vec::new(),
            leases: Vec::new(),
        });
        for (engine, names) in [(EngineKind::Sd, &SD[..]), (EngineKind::Llm, &LLM[..])] {
            let worker = SnapshotWorker {
                id: WorkerId(self.fresh()),
                device: device.clone(),
                engine,
                max_children: 2,
                presets: names.iter().map(|name| served(name)).collect(),
            };
            self.snapshot.workers.push(worker);
        }
        index
    }

    /// Lets each worker offer the whole of its engine's ladder.
    pub fn offer_all(&mut self) {
        for worker in &mut self.snapshot.workers {
            for served in &mut worker.presets {
                served.plans = Plan::ladder(worker.engine).to_vec();
            }
        }
    }

    /// Puts a model on a device whose capacity grows by what it books.
    pub fn model(&mut self, device: usize, name: &str, state: &str, idle_s: i64) -> ResidentId {
        let resident = ResidentId(self.fresh());
        let worker = self.snapshot.workers[device * 2 + usize::from(LLM.contains(&name))].id;
        let on = &mut self.snapshot.devices[device];
        on.residents.push(ResidentRecord {
            id: resident,
            worker,
            preset: name.into(),
            context: ContextPlan::Default,
            state: state.into(),
            booked: booked(name),
            observed: None,
            created_at: now(),
            loaded_at: None,
            used_at: now() - TimeDelta::seconds(idle_s),
            idle_s,
            outdated: false,
        });
        on.resident = on.resident + booked(name);
        on.capacity = on.capacity + booked(name);
        resident
    }

    pub fn lease(&mut self, device: usize, resident: ResidentId, state: &str) {
        let job = JobId(self.fresh());
        let on = &mut self.snapshot.devices[device];
        let model = on
            .residents
            .iter()
            .find(|model| model.id == resident)
            .expect("a model");
        let turns = i32::from(SD.contains(&model.preset.as_str()));
        on.leases.push(LeaseRecord {
            job,
            fence: Fence(1),
            worker: model.worker,
            resident,
            working: Mib(16),
            turns,
            state: state.into(),
            granted_at: now(),
            expected_ms: 10_000,
        });
        on.working = on.working + Mib(16);
        on.capacity = on.capacity + Mib(16);
        on.turns_taken += turns;
    }

    /// A batch under way on a device of its own model, with so many pictures of 512² that nobody has begun.
    pub fn batch(&mut self, device: usize, preset: &str, unbegun: u32) -> JobId {
        let model = self.model(device, preset, "ready", 0);
        self.lease(device, model, "claimed");
        let id = self.snapshot.devices[device]
            .leases
            .last()
            .expect("one")
            .job;
        self.snapshot.batches.push(Batch {
            job: id,
            fence: Fence(1),
            preset: preset.into(),
            params: job(0, preset, 512).params,
            plan: Plan::Full,
            unbegun,
            drawers: vec![BatchDrawer {
                device: self.snapshot.devices[device].id.clone(),
                plan: Plan::Full,
                began_at: now(),
            }],
        });
        id
    }

    pub fn queue(&mut self, jobs: &[(&str, u32)]) {
        for (preset, side) in jobs {
            let number = self.snapshot.queued.len() as u128 + 1;
            self.snapshot.queued.push(job(number, preset, *side));
        }
    }

    /// A job under way whose pictures are to be tagged.
    pub fn draws(&mut self, owner: &str, pictures: u32) {
        let mut params = job(0, "photo", 512).params;
        if let JobParams::Generate(params) = &mut params {
            params.tag_preset = Some("tagger".into());
        }
        self.snapshot.held.push(HeldJob {
            preset: "photo".into(),
            owner: owner.into(),
            params,
            images_left: pictures,
        });
    }

    pub fn decide(&self) -> Vec<Action> {
        decide(&self.snapshot)
    }
}

/// The moment of every ledger here.
pub fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
}

pub fn decide(snapshot: &Snapshot) -> Vec<Action> {
    let mut next = 1_000_000;
    Ledger::of(snapshot).decide(|| {
        next += 1;
        id(next)
    })
}

pub fn grants(actions: &[Action]) -> Vec<&Grant> {
    actions
        .iter()
        .filter_map(|action| match action {
            Action::Grant(grant) => Some(grant),
            _ => None,
        })
        .collect()
}

pub fn helps(actions: &[Action]) -> Vec<&Help> {
    let helps = actions.iter().filter_map(|action| match action {
        Action::Help(help) => Some(help),
        _ => None,
    });
    helps.collect()
}

pub fn evicted(actions: &[Action]) -> Vec<ResidentId> {
    actions
        .iter()
        .filter_map(|action| match action {
            Action::Evict(resident) => Some(*resident),
            _ => None,
        })
        .collect()
}

pub fn preloaded(actions: &[Action]) -> Vec<Preload> {
    actions
        .iter()
        .filter_map(|action| match action {
            Action::Preload(preload) => Some(preload.clone()),
            _ => None,
        })
        .collect()
}

pub fn reason(actions: &[Action], number: u128) -> Option<&WaitReason> {
    actions.iter().find_map(|action| match action {
        Action::Wait(Wait { job, reason, .. }) if *job == JobId(id(number)) => Some(reason),
        _ => None,
    })
}
