//! Promises of the placement, for any queue and any ledger.

use std::collections::{BTreeMap, BTreeSet};

use mystic_domain::{
    ContextPlan, DeviceId, EngineKind, Fence, GenerateParams, ImageDefaults, ImageFiles,
    ImageLimits, ImageMemory, ImageModel, JobId, JobKind, JobParams, Mib, Model, Plan, Preset,
    ResidentId, TagParams, TextModel, WaitReason, WorkerId, need,
};
use mystic_store::{
    DeviceRecord, Grant, LeaseRecord, QueuedJob, ResidentRecord, Seat, Snapshot, SnapshotWorker,
};
use proptest::prelude::*;
use uuid::Uuid;

use super::{Action, decide, idle};

const SD: [&str; 3] = ["anime", "photo", "sketch"];
const LLM: [&str; 2] = ["tagger", "writer"];
const WEIGHTS: Mib = Mib(2000);
const WORKING_512: Mib = Mib(1664);

fn presets() -> Vec<Preset> {
    let image = |name: &&str| Preset {
        name: (*name).into(),
        title: String::new(),
        model: Model::Sd(ImageModel {
            files: ImageFiles::default(),
            defaults: ImageDefaults {
                width: 512,
                height: 512,
                steps: 20,
                cfg: 7.0,
                sampler: None,
                scheduler: None,
                negative_prompt: String::new(),
            },
            limits: ImageLimits {
                multiple: 8,
                min_side: 64,
                max_side: 2048,
                max_steps: 100,
                max_batch: 16,
            },
            memory: ImageMemory::default(),
        }),
    };
    let text = |name: &&str| Preset {
        name: (*name).into(),
        title: String::new(),
        model: Model::Llm(TextModel {
            file: String::new(),
            layers: 30,
            kv_heads: 3,
            head_dim: 64,
            context: 2048,
        }),
    };
    SD.iter().map(image).chain(LLM.iter().map(text)).collect()
}

fn preset(name: &str) -> Preset {
    presets()
        .into_iter()
        .find(|preset| preset.name == name)
        .expect("a known preset")
}

fn booked(name: &str) -> Mib {
    need::resident(&preset(name), WEIGHTS)
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn job(number: u128, preset: &str, side: u32) -> QueuedJob {
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
                sampler: None,
                scheduler: None,
                tag_preset: None,
            })
        },
        plan: Plan::Full,
        wait_reason: None,
    }
}

/// A device with `free` MiB beside what is on it, and a worker of each engine.
#[derive(Debug)]
struct Bench {
    snapshot: Snapshot,
    next: u128,
}

impl Bench {
    fn new() -> Self {
        Self {
            snapshot: Snapshot {
                presets: presets(),
                ..Snapshot::default()
            },
            next: 1000,
        }
    }

    fn fresh(&mut self) -> Uuid {
        self.next += 1;
        id(self.next)
    }

    fn device(&mut self, free: i64, turns: i32) -> usize {
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
            lost_at: None,
            residents: Vec::new(),
            leases: Vec::new(),
        });
        for (engine, names) in [(EngineKind::Sd, &SD[..]), (EngineKind::Llm, &LLM[..])] {
            let worker = SnapshotWorker {
                id: WorkerId(self.fresh()),
                device: device.clone(),
                engine,
                max_children: 2,
                presets: names.iter().map(|name| ((*name).into(), WEIGHTS)).collect(),
            };
            self.snapshot.workers.push(worker);
        }
        index
    }

    /// Puts a model on a device whose capacity grows by what it books.
    fn model(&mut self, device: usize, name: &str, state: &str, idle_s: i64) -> ResidentId {
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
            loaded_at: None,
            used_at: any_time(),
            idle_s,
        });
        on.resident = on.resident + booked(name);
        on.capacity = on.capacity + booked(name);
        resident
    }

    fn lease(&mut self, device: usize, resident: ResidentId, state: &str) {
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
        });
        on.working = on.working + Mib(16);
        on.capacity = on.capacity + Mib(16);
        on.turns_taken += turns;
    }

    fn queue(&mut self, jobs: &[(&str, u32)]) {
        for (preset, side) in jobs {
            let number = self.snapshot.queued.len() as u128 + 1;
            self.snapshot.queued.push(job(number, preset, *side));
        }
    }

    fn decide(&self) -> Vec<Action> {
        decide_named(&self.snapshot)
    }
}

/// A time that no decision looks at.
fn any_time<T: Default>() -> T {
    T::default()
}

fn decide_named(snapshot: &Snapshot) -> Vec<Action> {
    let mut next = 1_000_000;
    decide(snapshot, || {
        next += 1;
        ResidentId(id(next))
    })
}

fn grants(actions: &[Action]) -> Vec<&Grant> {
    actions
        .iter()
        .filter_map(|action| match action {
            Action::Grant(grant) => Some(grant),
            _ => None,
        })
        .collect()
}

fn evicted(actions: &[Action]) -> Vec<ResidentId> {
    actions
        .iter()
        .filter_map(|action| match action {
            Action::Evict(resident) => Some(*resident),
            _ => None,
        })
        .collect()
}

fn reason(actions: &[Action], number: u128) -> Option<&WaitReason> {
    actions.iter().find_map(|action| match action {
        Action::Wait(job, reason) if *job == JobId(id(number)) => Some(reason),
        _ => None,
    })
}

#[test]
fn a_loaded_model_is_used_before_another_is_loaded() {
    let mut bench = Bench::new();
    bench.device(20_000, 1);
    let there = bench.device(20_000, 1);
    let model = bench.model(there, "anime", "ready", 0);
    bench.queue(&[("anime", 512)]);
    let actions = bench.decide();
    assert_eq!(grants(&actions)[0].seat, Seat::Loaded(model));
    assert_eq!(grants(&actions)[0].need.working, WORKING_512);
}

#[test]
fn a_model_that_is_loading_is_not_loaded_again() {
    let mut bench = Bench::new();
    let device = bench.device(20_000, 2);
    let model = bench.model(device, "anime", "loading", 0);
    bench.lease(device, model, "granted");
    bench.queue(&[("anime", 512), ("anime", 512)]);
    let actions = bench.decide();
    assert_eq!(reason(&actions, 1), Some(&WaitReason::Behind { n: 1 }));
    assert_eq!(reason(&actions, 2), Some(&WaitReason::Behind { n: 2 }));
}

#[test]
fn two_jobs_spread_over_two_devices() {
    let mut bench = Bench::new();
    bench.device(20_000, 1);
    bench.device(20_000, 1);
    bench.queue(&[("anime", 512), ("anime", 512), ("anime", 512)]);
    let actions = bench.decide();
    let devices: BTreeSet<_> = grants(&actions).iter().map(|g| g.device.clone()).collect();
    assert_eq!(devices.len(), 2);
    assert_eq!(reason(&actions, 3), Some(&WaitReason::Behind { n: 2 }));
}

#[test]
fn the_ladder_is_tried_before_anything_is_unloaded() {
    let mut bench = Bench::new();
    let device = bench.device(5_000, 1);
    bench.model(device, "photo", "ready", 100);
    bench.model(device, "tagger", "ready", 100);
    // 2,096 MiB resident; 6,656 MiB to decode in one piece, 2,622 MiB to sample.
    bench.queue(&[("anime", 1024)]);
    let actions = bench.decide();
    assert_eq!(
        grants(&actions).first().map(|grant| grant.plan),
        Some(Plan::VaeTiling),
        "{actions:?}"
    );
    assert_eq!(evicted(&actions), []);
}

#[test]
fn the_longest_idle_model_makes_room_and_the_one_with_queued_work_stays() {
    let mut bench = Bench::new();
    let device = bench.device(1_000, 1);
    bench.snapshot.workers[0].max_children = 4;
    bench.model(device, "photo", "ready", 900);
    let idle = bench.model(device, "sketch", "ready", 10);
    let busy = bench.model(device, "tagger", "ready", 5_000);
    bench.lease(device, busy, "claimed");
    bench.queue(&[("anime", 256), ("photo", 256)]);
    let actions = bench.decide();
    assert_eq!(evicted(&actions), [idle]);
    assert_eq!(
        reason(&actions, 1),
        Some(&WaitReason::VramShort {
            device: DeviceId("host/0".into()),
            need: Mib(2096 + 416),
            free: Mib(1_000),
        })
    );
    // The turn is kept for the first job, which would otherwise wait for the whole of the second.
    assert_eq!(reason(&actions, 2), Some(&WaitReason::Behind { n: 1 }));
}

#[test]
fn nothing_more_is_unloaded_while_enough_memory_is_on_its_way() {
    let mut bench = Bench::new();
    let device = bench.device(1_000, 1);
    bench.model(device, "photo", "evicting", 0);
    bench.model(device, "tagger", "ready", 5_000);
    bench.queue(&[("anime", 256), ("writer", 0)]);
    let actions = bench.decide();
    assert_eq!(evicted(&actions), []);
    assert!(grants(&actions).is_empty());
}

#[test]
fn a_worker_with_all_its_children_unloads_one() {
    let mut bench = Bench::new();
    let device = bench.device(20_000, 1);
    bench.model(device, "photo", "ready", 5);
    let idle = bench.model(device, "sketch", "ready", 50);
    bench.queue(&[("anime", 512), ("tagger", 0)]);
    assert_eq!(evicted(&bench.decide()), [idle]);
}

#[test]
fn a_job_that_no_device_can_hold_stops_nobody() {
    let mut bench = Bench::new();
    let device = bench.device(1_000, 1);
    bench.model(device, "tagger", "ready", 5_000);
    bench.snapshot.devices[0].others = Mib(1_000);
    bench.queue(&[("anime", 2048), ("tagger", 0)]);
    bench.snapshot.devices[0].others = Mib(900);
    let actions = bench.decide();
    assert!(matches!(
        reason(&actions, 1),
        Some(WaitReason::VramShort { .. })
    ));
    assert_eq!(evicted(&actions), []);
    assert_eq!(grants(&actions).len(), 1);
}

#[test]
fn nobody_waits_for_memory_in_quarantine() {
    let mut bench = Bench::new();
    let device = bench.device(1_000, 1);
    let model = bench.model(device, "anime", "ready", 0);
    bench.lease(device, model, "quarantined");
    bench.snapshot.devices[0].turns = 2;
    bench.snapshot.workers.remove(0);
    bench.snapshot.workers.push(SnapshotWorker {
        id: WorkerId(id(77)),
        device: DeviceId("host/0".into()),
        engine: EngineKind::Sd,
        max_children: 2,
        presets: vec![("anime".into(), WEIGHTS)],
    });
    bench.queue(&[("anime", 512), ("tagger", 0)]);
    bench.snapshot.devices[0].capacity = bench.snapshot.devices[0].capacity + Mib(1_300);
    let actions = bench.decide();
    assert!(matches!(
        reason(&actions, 1),
        Some(WaitReason::VramShort { .. })
    ));
    assert_eq!(grants(&actions).len(), 1, "the tagger is loaded");
}

#[test]
fn a_lost_device_gets_nothing() {
    let mut bench = Bench::new();
    let device = bench.device(20_000, 1);
    bench.snapshot.devices[device].lost_at = Some(any_time());
    bench.queue(&[("anime", 512)]);
    let gone = WaitReason::NoWorker {
        preset: "anime".into(),
    };
    assert_eq!(reason(&bench.decide(), 1), Some(&gone));
}

#[test]
fn only_idle_models_that_nobody_asks_for_are_unloaded_in_time() {
    let mut bench = Bench::new();
    let device = bench.device(0, 1);
    let old = bench.model(device, "photo", "ready", 300);
    bench.model(device, "sketch", "ready", 299);
    bench.model(device, "anime", "ready", 900);
    let used = bench.model(device, "tagger", "ready", 900);
    bench.lease(device, used, "claimed");
    bench.queue(&[("anime", 512)]);
    let limit = std::time::Duration::from_mins(5);
    assert_eq!(idle(&bench.snapshot, limit), [old]);
}

/// Any ledger on up to three devices, any queue.
fn any_bench() -> impl Strategy<Value = Bench> {
    let device = (
        0..9_000_i64,
        1..3_i32,
        prop::collection::btree_map(0..5_usize, (0..4_u8, 0..1_000_i64), 0..5),
    );
    (
        prop::collection::vec(device, 1..4),
        prop::collection::vec((0..5_usize, 0..4_usize), 0..14),
    )
        .prop_map(|(devices, jobs)| {
            let mut bench = Bench::new();
            for (free, turns, models) in devices {
                let device = bench.device(free, turns);
                for (name, (state, idle_s)) in models {
                    let name = SD.iter().chain(&LLM).nth(name).expect("a name");
                    let states = ["loading", "ready", "ready", "evicting"];
                    let model = bench.model(device, name, states[usize::from(state)], idle_s);
                    let on = &bench.snapshot.devices[device];
                    if state == 2 && (LLM.contains(name) || on.turns_taken < on.turns) {
                        bench.lease(device, model, "claimed");
                    }
                }
            }
            for (name, side) in jobs {
                let name = SD.iter().chain(&LLM).nth(name).expect("a name");
                bench.queue(&[(name, [256, 512, 1024, 2048][side])]);
            }
            bench
        })
}

/// Does the grants on the ledger and checks each as the database would.
fn replay(snapshot: &Snapshot, actions: &[Action]) -> Result<(), TestCaseError> {
    let mut devices: BTreeMap<_, _> = snapshot
        .devices
        .iter()
        .map(|device| {
            let booked = device.resident + device.working + device.others;
            (&device.id, (device, booked, device.turns_taken))
        })
        .collect();
    let mut leased: BTreeSet<ResidentId> = BTreeSet::new();
    let mut models: BTreeSet<(WorkerId, String)> = BTreeSet::new();
    let mut children: BTreeMap<WorkerId, i32> = BTreeMap::new();
    for device in &snapshot.devices {
        leased.extend(device.leases.iter().map(|lease| lease.resident));
        for model in &device.residents {
            models.insert((model.worker, model.preset.clone()));
            *children.entry(model.worker).or_default() += 1;
        }
    }
    let gone: BTreeSet<ResidentId> = evicted(actions).into_iter().collect();
    prop_assert!(gone.is_disjoint(&leased));
    for grant in grants(actions) {
        let (record, booked, turns) = devices.get_mut(&grant.device).expect("a device");
        let resident = match grant.seat {
            Seat::Loaded(resident) => {
                let model = record.residents.iter().find(|model| model.id == resident);
                let model = model.expect("a model of this device");
                prop_assert_eq!(&model.preset, &grant.preset);
                prop_assert_eq!(model.worker, grant.worker);
                prop_assert!(model.state != "evicting" && !gone.contains(&resident));
                resident
            }
            Seat::Load { resident, .. } => {
                *booked = *booked + grant.need.resident;
                prop_assert!(models.insert((grant.worker, grant.preset.clone())));
                let count = children.entry(grant.worker).or_default();
                *count += 1;
                let worker = snapshot.workers.iter().find(|w| w.id == grant.worker);
                prop_assert!(*count <= worker.expect("a worker").max_children);
                resident
            }
        };
        prop_assert!(leased.insert(resident), "two jobs on one model");
        *booked = *booked + grant.need.working;
        *turns += grant.turns;
        prop_assert!(*booked <= record.capacity, "over-committed");
        prop_assert!(*turns <= record.turns, "too many turns");
    }
    Ok(())
}

proptest! {
    #[test]
    fn no_pass_books_more_memory_turns_models_or_children_than_there_are(bench in any_bench()) {
        replay(&bench.snapshot, &bench.decide())?;
    }

    #[test]
    fn each_queued_job_gets_one_answer(bench in any_bench()) {
        let mut answered: Vec<JobId> = bench.decide().iter().filter_map(|action| match action {
            Action::Grant(grant) => Some(grant.job),
            Action::Wait(job, _) => Some(*job),
            Action::Evict(_) => None,
        }).collect();
        answered.sort();
        let queued: Vec<JobId> = bench.snapshot.queued.iter().map(|job| job.id).collect();
        prop_assert_eq!(answered, queued);
    }

    #[test]
    fn the_same_snapshot_has_the_same_answer(bench in any_bench()) {
        prop_assert_eq!(bench.decide(), decide_named(&bench.snapshot.clone()));
    }

    /// With one device, one turn and equal needs, whatever is loaded: no later job runs before an earlier one.
    #[test]
    fn an_earlier_job_is_never_passed_over(
        free in 0..6_000_i64,
        models in prop::collection::btree_map(0..3_usize, (0..3_usize, 0..1_000_i64), 0..3),
        leased in any::<bool>(),
        jobs in prop::collection::vec(0..3_usize, 1..6),
    ) {
        let mut bench = Bench::new();
        let device = bench.device(free, 1);
        for (name, (state, idle_s)) in models {
            let model = bench.model(device, SD[name], ["loading", "ready", "evicting"][state], idle_s);
            if leased && state == 1 && bench.snapshot.devices[device].turns_taken == 0 {
                bench.lease(device, model, "claimed");
            }
        }
        for name in jobs {
            bench.queue(&[(SD[name], 512)]);
        }
        let mut waits = false;
        for action in bench.decide() {
            match action {
                Action::Wait(..) => waits = true,
                Action::Grant(grant) => prop_assert!(!waits, "{} ran first", grant.job),
                Action::Evict(_) => {}
            }
        }
    }
}
