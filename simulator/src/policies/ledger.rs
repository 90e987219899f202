//! Ours: what the service does around `decide`, with the simulated ledger.

use std::collections::HashMap;

use mystic_domain::{JobId, Mib, Need, Plan, ResidentId};
use mystic_placement::{
    Action, Batch, Class, ClassIndex, Device, Drawer, Job, Lease, Millis, Model, ModelState, Plans,
    Policy as Figures, Preload, Preset, PresetIndex, Queue, Rung, Served, Snapshot, decide, turns,
};
use uuid::Uuid;

use crate::presets::{COUNT, RUNGS, model, slowdown};
use crate::workload::JobIndex;
use crate::world::{Order, Policy, World, booked};

/// Queue and what is remembered of grants.
pub struct Ledger {
    queue: Queue,
    classes: HashMap<(usize, (u32, u32), usize), ClassIndex>,
    /// Predicted ends of granted jobs, by job and card.
    until: HashMap<(JobIndex, usize), Millis>,
    /// Unfinished work of each user.
    unfinished: HashMap<usize, Millis>,
    work: Vec<Millis>,
    users: Vec<usize>,
    wake_at: Option<f64>,
    /// Decisions made.
    pub decisions: u64,
}

impl Ledger {
    /// An empty queue with these figures.
    #[must_use]
    pub fn new(figures: Figures) -> Self {
        Self {
            queue: Queue::new(figures),
            classes: HashMap::new(),
            until: HashMap::new(),
            unfinished: HashMap::new(),
            work: Vec::new(),
            users: Vec::new(),
            wake_at: None,
            decisions: 0,
        }
    }

    fn class(&mut self, world: &World<'_>, job: JobIndex) -> ClassIndex {
        let drawn = &world.jobs[job];
        let floor = world.fates[job].floor;
        let key = (drawn.preset, drawn.size, floor);
        if let Some(class) = self.classes.get(&key) {
            return *class;
        }
        #[expect(clippy::cast_possible_truncation, reason = "MiB of one job")]
        let rungs = RUNGS.into_iter().skip(floor).map(|plan| Rung {
            plan,
            context: plan.context(),
            need: Need {
                resident: model(drawn.preset).resident(),
                working: Mib(booked(drawn, plan) as i64),
            },
            slowdown: slowdown(plan) / slowdown(RUNGS[floor]),
        });
        let class = self.queue.class(Class {
            preset: PresetIndex(drawn.preset),
            rungs: rungs.collect(),
        });
        self.classes.insert(key, class);
        class
    }

    /// Jobs under way with pictures that nobody has begun.
    fn batches(&mut self, world: &World<'_>) -> Vec<Batch> {
        let runs = world.cards.iter().flat_map(|card| &card.runs);
        let mut batches = Vec::new();
        for run in runs.filter(|run| run.computing && !run.helps) {
            let (unbegun, busy) = world.unbegun(run.job);
            if unbegun == 0 || world.fates[run.job].alone {
                continue;
            }
            let class = self.class(world, run.job);
            let drawn = &world.jobs[run.job];
            let drawers = busy.into_iter().map(|(card, run, seconds)| Drawer {
                free_at: millis(world.now + seconds),
                picture: millis(run.picture / world.cards[card].speed),
            });
            batches.push(Batch {
                job: job_id(run.job),
                class,
                picture: millis(drawn.work / f64::from(drawn.pictures)),
                unbegun,
                drawers: drawers.collect(),
            });
        }
        batches
    }

    fn device(&self, world: &World<'_>, at: usize) -> Device {
        let card = &world.cards[at];
        let models = card.residents.iter().map(|on| Model {
            id: resident_id(on.number),
            preset: PresetIndex(on.preset),
            context: Plan::Full.context(),
            state: if on.ready_at > world.now {
                ModelState::Loading(millis(on.ready_at))
            } else {
                ModelState::Ready
            },
            booked: model(on.preset).resident(),
            used_at: millis(on.used_at),
            lease: on.job.map(|job| self.lease(world, at, job)),
        });
        #[expect(clippy::cast_possible_truncation, reason = "MiB of one card")]
        let free = Mib(card.free().floor() as i64);
        Device {
            free,
            turns: i32::from(!card.draws()),
            idle_since: millis(card.idle_since),
            max_children: [4, 4],
            served: (0..COUNT)
                .map(|preset| {
                    Some(Served {
                        pace: 1.0 / card.speed,
                        load: millis(model(preset).load_seconds()),
                        plans: Plans::ALL,
                        preload: Some(Preload {
                            context: Plan::Full.context(),
                            resident: model(preset).resident(),
                        }),
                    })
                })
                .collect(),
            models: models.collect(),
        }
    }

    fn lease(&self, world: &World<'_>, at: usize, job: JobIndex) -> Lease {
        let booked = world.cards[at]
            .runs
            .iter()
            .find(|run| run.job == job)
            .map_or(0.0, |run| run.booked);
        #[expect(clippy::cast_possible_truncation, reason = "MiB of one job")]
        let working = Mib(booked as i64);
        Lease {
            until: self.until.get(&(job, at)).copied().unwrap_or_default(),
            working,
            turns: turns(world.jobs[job].engine()),
        }
    }
}

impl Policy for Ledger {
    fn orders(&mut self, world: &World<'_>) -> Vec<Order> {
        let mut upcoming = [0; COUNT];
        let runs = world.cards.iter().flat_map(|card| &card.runs);
        for run in runs.filter(|run| !run.helps) {
            if let Some(then) = world.jobs[run.job].then {
                upcoming[world.jobs[then].preset] += 1;
            }
        }
        let presets: Vec<Preset> = (0..COUNT)
            .map(|preset| Preset {
                engine: model(preset).engine,
                upcoming: upcoming[preset],
                resident: model(preset).resident(),
            })
            .collect();
        let devices: Vec<Device> = (0..world.cards.len())
            .map(|at| self.device(world, at))
            .collect();
        let batches = self.batches(world);
        let snapshot = Snapshot {
            presets: &presets,
            devices: &devices,
            batches: &batches,
            queue: &self.queue,
        };
        self.decisions += 1;
        let now = millis(world.now);
        let mut orders = Vec::new();
        self.wake_at = None;
        for action in decide(&snapshot, now) {
            match action {
                Action::Grant(grant) => {
                    let job = job_index(grant.job);
                    self.until.insert((job, grant.device.0), grant.until);
                    orders.push(Order::Start {
                        job,
                        card: grant.device.0,
                        plan: grant.plan,
                    });
                }
                Action::Help(grant) => {
                    let job = job_index(grant.job);
                    self.until.insert((job, grant.device.0), grant.until);
                    orders.push(Order::Help {
                        job,
                        card: grant.device.0,
                        plan: grant.plan,
                    });
                }
                Action::Evict(id) => {
                    let number = resident_number(id);
                    let card = world
                        .cards
                        .iter()
                        .position(|card| card.residents.iter().any(|on| on.number == number));
                    orders.push(Order::Unload {
                        card: card.expect("a model that is there"),
                        resident: number,
                    });
                }
                Action::Preload { device, preset, .. } => orders.push(Order::Load {
                    preset: preset.0,
                    card: device.0,
                }),
                Action::Reserve(reservation) => {
                    let until = seconds(reservation.until);
                    if until > world.now {
                        self.wake_at = Some(self.wake_at.map_or(until, |at| at.min(until)));
                    }
                }
                Action::Wait(..) => {}
            }
        }
        // A timer, as the service has.
        if orders.is_empty()
            && !self.queue.is_empty()
            && world.cards.iter().any(|card| !card.draws())
        {
            let tick = world.now + 5.0;
            self.wake_at = Some(self.wake_at.map_or(tick, |at| at.min(tick)));
        }
        orders
    }

    fn queued(&mut self, world: &World<'_>, job: JobIndex) {
        let class = self.class(world, job);
        let drawn = &world.jobs[job];
        if self.work.is_empty() {
            self.work = world.jobs.iter().map(|job| millis(job.work)).collect();
            self.users = world.jobs.iter().map(|job| job.user).collect();
        }
        let unfinished = self.unfinished.entry(drawn.user).or_default();
        let ahead = *unfinished;
        *unfinished = *unfinished + self.work[job];
        self.queue.push(Job {
            id: job_id(job),
            class,
            priority: drawn.priority,
            queued_at: millis(world.now),
            work: self.work[job],
            ahead,
        });
    }

    fn left(&mut self, job: JobIndex) {
        self.queue.remove(job_id(job));
    }

    fn ended(&mut self, job: JobIndex) {
        self.until.retain(|(of, _), _| *of != job);
        if let Some(unfinished) = self.unfinished.get_mut(&self.users[job]) {
            *unfinished = *unfinished - self.work[job];
        }
    }

    fn wake_at(&self) -> Option<f64> {
        self.wake_at
    }
}

#[expect(clippy::cast_possible_truncation, reason = "times of one run")]
fn millis(seconds: f64) -> Millis {
    Millis((seconds * 1000.0).round() as i64)
}

#[expect(clippy::cast_precision_loss, reason = "times of one run")]
fn seconds(millis: Millis) -> f64 {
    millis.0 as f64 / 1000.0
}

fn job_id(job: JobIndex) -> JobId {
    JobId(Uuid::from_u128(job as u128))
}

fn job_index(id: JobId) -> JobIndex {
    id.0.as_u128() as usize
}

fn resident_id(number: u64) -> ResidentId {
    ResidentId(Uuid::from_u128(u128::from(number)))
}

#[expect(clippy::cast_possible_truncation, reason = "made from a number")]
fn resident_number(id: ResidentId) -> u64 {
    id.0.as_u128() as u64
}
