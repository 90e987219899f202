//! A ledger that is played: it does what `decide` says, refuses what the database would refuse, and lets jobs end.

use mystic_domain::{ContextPlan, EngineKind, JobId, Mib, Need, Plan, ResidentId};
use mystic_placement::{
    Action, Batch, Class, ClassIndex, Device, DeviceIndex, Drawer, Grant, Job, Lease, Millis,
    Model, ModelState, Plans, Policy, Preload, Preset, PresetIndex, Queue, Rung, Served, Snapshot,
    decide, seat,
};
use uuid::Uuid;

/// MiB of the presets: twelve for images, two for text.
pub const SIZES: [i64; 14] = [
    2130, 2130, 2130, 4164, 6713, 6713, 6713, 6713, 3996, 6396, 9796, 10_096, 1606, 5498,
];
/// MiB that a picture takes at each of four sizes, decoded in one piece and in tiles.
const WORKING: [[i64; 2]; 4] = [[1980, 620], [4456, 620], [7921, 780], [11_882, 1170]];
const TEXT: usize = 12;
/// Pictures of a diffusion job.
const PICTURES: u32 = 4;

#[derive(Clone, Debug)]
pub struct Fleet {
    pub presets: Vec<Preset>,
    pub devices: Vec<Device>,
    pub batches: Vec<Batch>,
    pub queue: Queue,
    pub now: Millis,
    capacity: Vec<Mib>,
    on: Vec<(DeviceIndex, ResidentId)>,
    next: u128,
}

impl Fleet {
    /// Cards of 8, 12 and 24 GB in turn, with paces 2, 1.4 and 1.
    pub fn new(devices: usize, policy: Policy) -> Self {
        let presets = SIZES.iter().enumerate().map(|(at, size)| Preset {
            engine: engine(at),
            upcoming: 0,
            resident: Mib(*size),
        });
        let presets: Vec<Preset> = presets.collect();
        let card = |at: usize| {
            let (gib, pace) = [(8, 2.0), (12, 1.4), (24, 1.0)][at % 3];
            let served = SIZES.iter().map(|size| {
                let load = Millis(2000 + size * 1000 / 1536);
                Some(Served {
                    pace,
                    load,
                    plans: Plans::ALL,
                    preload: Some(Preload {
                        context: ContextPlan::default(),
                        resident: Mib(*size),
                    }),
                })
            });
            Device {
                free: Mib(gib * 1024 - 512),
                turns: 1,
                idle_since: Millis(0),
                max_children: [4, 4],
                served: served.collect(),
                models: Vec::new(),
            }
        };
        let devices: Vec<Device> = (0..devices).map(card).collect();
        let mut queue = Queue::new(policy);
        for preset in 0..SIZES.len() {
            let sizes = if preset < TEXT { WORKING.len() } else { 1 };
            for size in 0..sizes {
                queue.class(class(preset, size));
            }
        }
        Self {
            capacity: devices.iter().map(|device| device.free).collect(),
            presets,
            devices,
            batches: Vec::new(),
            queue,
            now: Millis(0),
            on: Vec::new(),
            next: 0,
        }
    }

    pub fn submit(
        &mut self,
        preset: usize,
        size: usize,
        priority: i32,
        work: Millis,
        ahead: Millis,
    ) -> JobId {
        self.next += 1;
        let id = JobId(Uuid::from_u128(self.next));
        let class = if preset < TEXT {
            preset * WORKING.len() + size
        } else {
            TEXT * WORKING.len() + preset - TEXT
        };
        self.queue.push(Job {
            id,
            class: ClassIndex(class),
            priority,
            queued_at: self.now,
            work,
            ahead,
        });
        id
    }

    pub fn decide(&self) -> Vec<Action> {
        let snapshot = Snapshot {
            batches: &self.batches,
            presets: &self.presets,
            devices: &self.devices,
            queue: &self.queue,
        };
        decide(&snapshot, self.now)
    }

    /// Does what was decided.
    ///
    /// # Panics
    /// Where the database would refuse it.
    pub fn apply(&mut self, actions: &[Action]) {
        for action in actions {
            match action {
                Action::Grant(grant) => self.grant(grant),
                Action::Help(grant) => self.help(grant),
                Action::Evict(id) => {
                    let model = self.model(*id);
                    assert!(
                        matches!(model.state, ModelState::Ready | ModelState::Loading(_)),
                        "only what is there is unloaded"
                    );
                    assert_eq!(model.lease, None, "and not what is in use");
                    model.state = ModelState::Evicting;
                }
                Action::Preload {
                    device,
                    preset,
                    how,
                } => {
                    assert!(
                        self.devices[device.0].turns > 0,
                        "preloads are for idle devices"
                    );
                    self.load(*device, *preset, how.context, how.resident);
                }
                Action::Reserve(_) | Action::Wait(..) => {}
            }
        }
    }

    fn grant(&mut self, grant: &Grant) {
        let job = self.queue.remove(grant.job).expect("a queued job");
        self.lease(job.class, grant);
        if grant.turns > 0 {
            let picture = Millis(job.work.0 / i64::from(PICTURES));
            let busy = grant.until - self.now;
            self.batches.push(Batch {
                job: job.id,
                class: job.class,
                picture,
                unbegun: PICTURES - 1,
                drawers: vec![Drawer {
                    free_at: grant.until - Millis(busy.0 / i64::from(PICTURES) * 3),
                    picture: Millis(busy.0 / i64::from(PICTURES)),
                }],
            });
        }
    }

    /// A picture of a batch goes to a device. What it saves the batch's own is not looked at.
    fn help(&mut self, grant: &Grant) {
        let mut batches = self.batches.iter_mut();
        let batch = batches.find(|batch| batch.job == grant.job);
        let batch = batch.expect("a batch under way");
        assert!(batch.unbegun > 0, "all was begun");
        batch.unbegun -= 1;
        batch.drawers.push(Drawer {
            free_at: grant.until,
            picture: batch.picture,
        });
        let class = batch.class;
        self.lease(class, grant);
    }

    fn lease(&mut self, class: ClassIndex, grant: &Grant) {
        let class = self.queue.class_of(class).clone();
        let rung = class.rungs.iter().find(|rung| rung.plan == grant.plan);
        assert_eq!(rung.expect("a rung of its ladder").need, grant.need);
        let id = grant.seat.unwrap_or_else(|| {
            self.load(
                grant.device,
                class.preset,
                grant.context,
                grant.need.resident,
            )
        });
        let lease = Lease {
            until: grant.until,
            working: grant.need.working,
            turns: grant.turns,
        };
        let model = self.model(id);
        assert_eq!(model.preset, class.preset);
        assert!(!matches!(
            model.state,
            ModelState::Evicting | ModelState::Stranded
        ));
        assert_eq!(model.lease.replace(lease), None, "one job a model");
        let device = &mut self.devices[grant.device.0];
        device.free = device.free - grant.need.working;
        device.turns -= grant.turns;
        assert!(device.turns >= 0, "a turn was given twice");
        assert!(device.free >= Mib(0), "over-committed: {device:?}");
        self.on.push((grant.device, id));
    }

    fn load(
        &mut self,
        at: DeviceIndex,
        preset: PresetIndex,
        context: ContextPlan,
        booked: Mib,
    ) -> ResidentId {
        self.next += 1;
        let id = ResidentId(Uuid::from_u128(self.next));
        let engine = engine(preset.0);
        let device = &mut self.devices[at.0];
        let load = device.served[preset.0]
            .expect("a worker that serves it")
            .load;
        let kin = device
            .models
            .iter()
            .filter(|model| model_engine(model) == engine);
        assert!(
            kin.count() < device.max_children[seat(engine)],
            "too many children"
        );
        assert!(
            device.models.iter().all(|model| model.preset != preset),
            "one copy a device"
        );
        device.free = device.free - booked;
        assert!(device.free >= Mib(0), "over-committed: {device:?}");
        device.models.push(Model {
            id,
            preset,
            context,
            state: ModelState::Loading(self.now + load),
            booked,
            used_at: self.now,
            lease: None,
        });
        id
    }

    fn model(&mut self, id: ResidentId) -> &mut Model {
        let mut models = self
            .devices
            .iter_mut()
            .flat_map(|device| &mut device.models);
        models
            .find(|model| model.id == id)
            .expect("a model that is there")
    }

    /// Takes what was unloaded off the ledger.
    pub fn exits(&mut self) {
        for device in &mut self.devices {
            let free = &mut device.free;
            device.models.retain(|model| {
                let stays = model.state != ModelState::Evicting;
                if !stays {
                    *free = *free + model.booked;
                }
                stays
            });
        }
    }

    /// Lets time pass; jobs end and models are loaded as predicted.
    pub fn pass(&mut self, until: Millis) {
        self.now = until;
        self.batches
            .retain(|batch| batch.drawers.iter().any(|drawer| drawer.free_at > until));
        for (at, device) in self.devices.iter_mut().enumerate() {
            for model in &mut device.models {
                if matches!(model.state, ModelState::Loading(ready) if ready <= until) {
                    model.state = ModelState::Ready;
                }
                if let Some(lease) = model.lease.filter(|lease| lease.until <= until) {
                    model.lease = None;
                    model.used_at = until;
                    device.free = device.free + lease.working;
                    device.turns += lease.turns;
                    if lease.turns > 0 {
                        device.idle_since = until;
                    }
                    self.on.retain(|(on, id)| on.0 != at || *id != model.id);
                }
            }
        }
    }

    /// When the next job ends or the next model is loaded.
    pub fn next_event(&self) -> Option<Millis> {
        let models = self.devices.iter().flat_map(|device| &device.models);
        models
            .filter_map(|model| match (model.lease, model.state) {
                (Some(lease), _) => Some(lease.until),
                (None, ModelState::Loading(ready)) => Some(ready),
                _ => None,
            })
            .min()
    }

    /// Whether an empty device could hold the class.
    pub fn could_hold(&self, class: &Class) -> bool {
        let least = class
            .rungs
            .last()
            .map(|rung| rung.need.resident + rung.need.working);
        self.capacity
            .iter()
            .any(|capacity| least <= Some(*capacity))
    }

    /// Whether this device could hold the class if it were empty.
    pub fn device_could_hold(&self, device: DeviceIndex, class: &Class) -> bool {
        let mut rungs = class.rungs.iter();
        rungs.any(|rung| rung.need.resident + rung.need.working <= self.capacity[device.0])
    }

    /// Whether the ledger adds up.
    pub fn adds_up(&self) -> bool {
        self.devices
            .iter()
            .zip(&self.capacity)
            .all(|(device, capacity)| {
                let booked = device
                    .models
                    .iter()
                    .map(|model| model.booked + model.lease.map_or(Mib(0), |lease| lease.working));
                device.free + booked.sum() == *capacity
            })
    }
}

pub fn engine(preset: usize) -> EngineKind {
    if preset < TEXT {
        EngineKind::Sd
    } else {
        EngineKind::Llm
    }
}

pub fn model_engine(model: &Model) -> EngineKind {
    engine(model.preset.0)
}

fn class(preset: usize, size: usize) -> Class {
    let size_of = Mib(SIZES[preset]);
    // A text model's cache shrinks, and with it what the model holds; a picture's decoder works in tiles.
    let rungs = match engine(preset) {
        EngineKind::Llm => [
            (Plan::Full, size_of, 20, 1.0),
            (Plan::KvQuantised, size_of.parts(9, 10), 20, 1.02),
        ],
        EngineKind::Sd => [
            (Plan::Full, size_of, WORKING[size][0], 1.0),
            (Plan::VaeTiling, size_of, WORKING[size][1], 1.02),
        ],
    };
    let rungs = rungs.map(|(plan, resident, working, slowdown)| Rung {
        plan,
        context: plan.context(),
        need: Need {
            resident,
            working: Mib(working),
        },
        slowdown,
    });
    Class {
        preset: PresetIndex(preset),
        rungs: rungs.to_vec(),
    }
}
