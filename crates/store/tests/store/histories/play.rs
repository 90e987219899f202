//! Plays a history: small numbers become calls, each is made of the store and of the model.

use std::collections::BTreeMap;
use std::time::Duration;

use mystic_domain::{
    ContextPlan, DeviceId, EngineKind, Fence, JobId, JobState, Mib, Plan, ResidentId, WorkerId,
};
use mystic_store::{Beat, Committed, DeviceTelemetry, Grant, Help, Preload, Seat as On, Store};

use super::model::{Model, Sent};
use super::op::{self, Back, Choice, Op};
use super::real::Real;
use super::state::State;
use super::step::{Answer, Seat, Step};
use crate::support::{NEED, PAINTER, TAGGER};

/// Jobs that clients send in one history.
const JOBS: usize = 4;
/// What strangers take of a device where they take any.
const STRANGERS: Mib = Mib(120);

/// How often each sort of answer was given and each sort of thing was there at the end.
pub type Tally = BTreeMap<String, u64>;

/// Plays a history; an error is what the store did and the model did not.
pub async fn play(
    store: &Store,
    worker: &Store,
    history: &[Op],
    tally: &mut Tally,
) -> Result<(), String> {
    let owner = JobId::generate().to_string();
    let mut play = Play {
        real: Real {
            store,
            worker,
            owner: &owner,
        },
        model: Model::default(),
        seats: seats(&owner),
        tally,
    };
    for (nth, op) in history.iter().enumerate() {
        let played = play.op(op).await;
        played.map_err(|error| format!("step {nth}, {op:?}: {error}"))?;
    }
    let devices: Vec<&str> = play
        .seats
        .iter()
        .map(|seat| seat.device.0.as_str())
        .collect();
    let state = State::read(store.pool(), &owner, &devices).await;
    for word in state.words() {
        *play.tally.entry(word).or_default() += 1;
    }
    if let Some(broken) = state.broken_promise() {
        return Err(format!("{broken}\n{state:#?}"));
    }
    if state != play.model.state {
        let model = play.model.state;
        return Err(format!(
            "the database has\n{state:#?}\nand the model\n{model:#?}"
        ));
    }
    Ok(())
}

/// Two workers that share a device with room for two models and one turn, and one alone that may load only one.
fn seats(owner: &str) -> [Seat; 3] {
    let seat = |host: &str, engine, turns, max_children| Seat {
        host: format!("{owner}-{host}"),
        device: DeviceId(format!("{owner}-{host}/cpu")),
        engine,
        capacity: 2 * (NEED.resident + NEED.working).0 + NEED.working.0,
        turns,
        max_children,
    };
    [
        seat("one", EngineKind::Sd, 1, 3),
        seat("one", EngineKind::Llm, 1, 3),
        seat("two", EngineKind::Sd, 2, 1),
    ]
}

struct Play<'a> {
    real: Real<'a>,
    model: Model,
    seats: [Seat; 3],
    tally: &'a mut Tally,
}

impl Play<'_> {
    /// Lets one thing happen. What it speaks of and is not there yet comes first.
    async fn op(&mut self, op: &Op) -> Result<(), String> {
        if self.model.workers.is_empty() && !matches!(op, Op::Submit { .. } | Op::Register { .. }) {
            self.register(0).await?;
        }
        if self.model.jobs.is_empty() && !matches!(op, Op::Submit { .. }) {
            self.submit(1).await?;
        }
        match op {
            Op::Submit { kind } => {
                if self
                    .model
                    .jobs
                    .iter()
                    .filter(|sent| sent.key.is_some())
                    .count()
                    < JOBS
                {
                    self.submit(*kind).await?;
                }
            }
            Op::Grant(grant) => self.grant(grant).await?,
            Op::Run(grant) => {
                let before = self.model.leases.len();
                self.grant(grant).await?;
                if self.model.leases.len() > before {
                    let (worker, job, fence) = self.lease(0).expect("just granted");
                    self.step(Step::Claim(worker, job, fence)).await?;
                }
            }
            Op::Help {
                lease,
                worker,
                claim,
            } => {
                let Some((holder, ..)) = self.lease(*lease) else {
                    return Ok(());
                };
                if self.painters(holder).is_empty() {
                    let theirs = self.model.workers.iter().find(|(id, _)| *id == holder);
                    let elsewhere =
                        theirs.is_some_and(|(_, seat)| seat.device == self.seats[0].device);
                    self.register(if elsewhere { 2 } else { 0 }).await?;
                }
                let Some(help) = self.help(*lease, *worker) else {
                    return Ok(());
                };
                // Only a job that has begun a picture is helped.
                let mut leases = self.model.leases.iter();
                let its = leases.find(|(_, job, fence)| (*job, *fence) == (help.of, help.fence));
                if let Some((worker, job, fence)) = its.copied() {
                    self.step(Step::Next(worker, job, fence)).await?;
                }
                let before = self.model.leases.len();
                self.step(Step::Help(help)).await?;
                if *claim && self.model.leases.len() > before {
                    let (worker, job, fence) = self.lease(0).expect("just granted");
                    self.step(Step::Claim(worker, job, fence)).await?;
                }
            }
            Op::Register { seat } => self.register(usize::from(*seat)).await?,
            other => {
                if let Some(step) = self.resolve(other) {
                    self.step(step).await?;
                }
            }
        }
        Ok(())
    }

    /// The call that these small numbers stand for; nothing where what they speak of is not there.
    fn resolve(&self, op: &Op) -> Option<Step> {
        let model = &self.model;
        let job = |back| nth(&model.jobs, back).expect("there is one").job;
        let worker = |back| nth(&model.workers, back).expect("there is one").0;
        // The lease's own worker, or the newest.
        let held = |back, stranger| {
            let (its, job, fence) = self.lease(back)?;
            Some((if stranger { worker(0) } else { its }, job, fence))
        };
        let loaded = |back, stranger| {
            let (its, resident) = *nth(&model.models, back)?;
            Some((if stranger { worker(0) } else { its }, resident))
        };
        Some(match *op {
            Op::Repeat { job, same } => {
                let keys = model.jobs.iter().filter_map(|sent| Some((sent, sent.key?)));
                let keys: Vec<_> = keys.collect();
                let (sent, (key, request)) = nth(&keys, job)?;
                Step::Submit {
                    job: JobId::generate(),
                    key: *key,
                    request: if same { *request } else { request + 1 },
                    pictures: u32::try_from(sent.pictures).expect("a few"),
                    max_attempts: sent.max_attempts,
                }
            }
            Op::Next { lease, stranger } => {
                let (worker, job, fence) = held(lease, stranger)?;
                Step::Next(worker, job, fence)
            }
            Op::Claim { lease, stranger } => {
                let (worker, job, fence) = held(lease, stranger)?;
                Step::Claim(worker, job, fence)
            }
            Op::Commit {
                lease,
                stranger,
                index,
                files,
            } => {
                let (worker, job, fence) = held(lease, stranger)?;
                Step::Commit {
                    worker,
                    job,
                    fence,
                    index: i32::from(index),
                    files,
                }
            }
            Op::Settle {
                lease,
                stranger,
                how,
                alive,
            } => {
                let (worker, job, fence) = held(lease, stranger)?;
                Step::Settle {
                    worker,
                    job,
                    fence,
                    how,
                    tags: model.sent(job).parent.is_some(),
                    alive,
                }
            }
            Op::Cancel { job: back } => Step::Cancel(job(back)),
            Op::Retry { job: back } => Step::Retry(job(back)),
            Op::Later { job: back } => Step::Later(job(back)),
            Op::Expire { lease } => {
                let (_, job, fence) = self.lease(lease)?;
                Step::Expire(job, fence)
            }
            Op::Beat {
                worker: back,
                leases,
                models,
                strangers,
                lost,
            } => Step::Beat(self.beat(worker(back), leases, models, strangers, lost)),
            Op::Reap { worker: back, late } => {
                let worker = worker(back);
                let beat = model.state.workers.get(&worker).expect("registered").beat;
                Step::Reap(worker, beat - i64::from(late))
            }
            Op::Gone { worker: back } => Step::Gone(worker(back)),
            Op::Forget { worker: back } => Step::Forget(worker(back)),
            Op::Drain { worker: back } => Step::Drain(worker(back)),
            Op::Ready {
                model: back,
                stranger,
            } => {
                let (worker, resident) = loaded(back, stranger)?;
                Step::Ready(worker, resident)
            }
            Op::ChildGone {
                model: back,
                stranger,
            } => {
                let (worker, resident) = loaded(back, stranger)?;
                Step::ChildGone(worker, resident)
            }
            Op::Evict { model: back } => Step::Evict(loaded(back, false)?.1),
            Op::Preload { worker: back, text } => {
                let worker = worker(back);
                Step::Preload(Preload {
                    resident: ResidentId::generate(),
                    worker,
                    device: model.device_of(worker),
                    preset: if text { TAGGER } else { PAINTER }.into(),
                    context: ContextPlan::Default,
                    booked: NEED.resident,
                })
            }
            Op::PreloadEnded {
                model: back,
                stranger,
                failed,
            } => {
                let (worker, resident) = loaded(back, stranger)?;
                Step::PreloadEnded(worker, resident, failed)
            }
            Op::Deposed(ref op) => Step::Deposed(Box::new(match &**op {
                Op::Grant(grant) => Step::Grant(self.decision(grant)),
                Op::Help { lease, worker, .. } => Step::Help(self.help(*lease, *worker)?),
                op => self.resolve(op)?,
            })),
            Op::Submit { .. }
            | Op::Grant(_)
            | Op::Run(_)
            | Op::Help { .. }
            | Op::Register { .. } => return None,
        })
    }

    fn lease(&self, back: Back) -> Option<(WorkerId, JobId, Fence)> {
        nth(&self.model.leases, back).copied()
    }

    fn beat(&self, worker: WorkerId, leases: u8, models: u8, strangers: bool, lost: bool) -> Beat {
        let model = &self.model;
        let held = chosen(&model.leases, leases).map(|(_, job, fence)| (*job, *fence));
        let residents = chosen(&model.models, models).map(|(_, resident)| (*resident, Mib(0)));
        Beat {
            worker,
            device: model.device_of(worker),
            held: held.collect(),
            telemetry: DeviceTelemetry {
                others: if strangers { STRANGERS } else { Mib(0) },
                lost: Some(lost),
                ..DeviceTelemetry::default()
            },
            residents: residents.collect(),
        }
    }

    /// Makes a call of both, and compares.
    async fn step(&mut self, step: Step) -> Result<(), String> {
        let real = self.real.apply(&step).await;
        let expected = self.model.apply(&step);
        let word = match step {
            Step::Deposed(_) => format!("deposed {}", real.word()),
            _ => real.word(),
        };
        *self.tally.entry(word).or_default() += 1;
        if real != expected {
            return Err(format!(
                "{step:?}: the store says {real:?}, the model {expected:?}"
            ));
        }
        if let (Answer::Committed(Committed::New), Step::Commit { job, index, .. }) = (real, &step)
        {
            let of = self.model.of(*job);
            let child = self.real.child(of, *index).await;
            self.model.adopt(child, of, *index);
        }
        Ok(())
    }

    async fn register(&mut self, seat: usize) -> Result<(), String> {
        let seat = self.seats[seat].clone();
        self.step(Step::Register(WorkerId::generate(), seat)).await
    }

    async fn submit(&mut self, kind: u8) -> Result<(), String> {
        let (pictures, max_attempts) = [(0, 5), (1, 5), (2, 2)][usize::from(kind)];
        self.step(Step::Submit {
            job: JobId::generate(),
            key: JobId::generate(),
            request: 0,
            pictures,
            max_attempts,
        })
        .await
    }

    async fn grant(&mut self, grant: &op::Grant) -> Result<(), String> {
        let grant = self.decision(grant);
        self.step(Step::Grant(grant)).await
    }

    /// A helper for a batch under way, or else for the job of any lease, on another painter.
    fn help(&self, lease: Back, worker: Back) -> Option<Help> {
        let (model, state) = (&self.model, &self.model.state);
        let draws = |(_, job, fence): &&(WorkerId, JobId, Fence)| {
            let it = &state.jobs[job];
            let held = (it.state, it.fence, it.helps) == (JobState::Running, *fence, None);
            held && model.sent(*job).pictures > 1
        };
        let batches: Vec<_> = model.leases.iter().filter(draws).copied().collect();
        let (holder, of, fence) = nth(&batches, lease)
            .copied()
            .or_else(|| self.lease(lease))?;
        let painters = self.painters(holder);
        let worker = nth(&painters, worker).copied().unwrap_or(holder);
        let device = model.device_of(worker);
        let mut there = state.devices[&device].residents.iter();
        let there = there.find(|(_, it)| it.worker == worker && it.preset == PAINTER);
        Some(Help {
            grant: Grant {
                job: JobId::generate(),
                worker,
                device,
                preset: PAINTER.into(),
                plan: Plan::Full,
                need: NEED,
                seat: there.map_or_else(
                    || On::Load {
                        resident: ResidentId::generate(),
                        context: ContextPlan::Default,
                    },
                    |(resident, _)| On::Loaded(*resident),
                ),
                turns: 1,
                expected: Duration::from_secs(1),
            },
            of,
            fence,
        })
    }

    /// Workers that could draw beside this one.
    fn painters(&self, than: WorkerId) -> Vec<WorkerId> {
        let workers = self.model.workers.iter();
        let ready = workers.filter(|(id, seat)| {
            let ready = self.model.state.workers[id].state == "ready";
            ready && *id != than && seat.engine == EngineKind::Sd
        });
        ready.map(|(id, _)| *id).collect()
    }

    fn decision(&self, grant: &op::Grant) -> Grant {
        let (model, state) = (&self.model, &self.model.state);
        let wise = matches!(grant.choice, Choice::Wise);
        let queued = |sent: &&Sent| state.jobs[&sent.job].state == JobState::Queued;
        let queued: Vec<&Sent> = model.jobs.iter().filter(queued).collect();
        let sent = match nth(&queued, grant.job) {
            Some(sent) if wise => sent,
            _ => nth(&model.jobs, grant.job).expect("there is one"),
        };
        let ready = model.workers.iter().map(|(worker, _)| *worker);
        let ready: Vec<WorkerId> = ready
            .filter(|worker| state.workers[worker].state == "ready")
            .collect();
        let worker = match nth(&ready, grant.worker) {
            Some(worker) if wise => *worker,
            _ => nth(&model.workers, grant.worker).expect("there is one").0,
        };
        let device = model.device_of(worker);
        let preset = match (sent.preset, grant.choice) {
            (PAINTER, Choice::Other) => TAGGER,
            (_, Choice::Other) => PAINTER,
            (preset, _) => preset,
        };
        let there = match grant.choice {
            Choice::Wise => {
                let mut residents = state.devices[&device].residents.iter();
                let its = residents.find(|(_, it)| it.worker == worker && it.preset == preset);
                its.map(|(resident, _)| *resident)
            }
            Choice::Sit(back) => nth(&model.models, back).map(|(_, resident)| *resident),
            Choice::Load | Choice::Other => None,
        };
        Grant {
            job: sent.job,
            worker,
            device,
            preset: preset.into(),
            plan: state.jobs[&sent.job].plan,
            need: NEED,
            seat: there.map_or_else(
                || On::Load {
                    resident: ResidentId::generate(),
                    context: ContextPlan::Default,
                },
                On::Loaded,
            ),
            turns: i32::from(preset == PAINTER),
            expected: Duration::from_secs(1),
        }
    }
}

/// Counted back from the newest, and round again.
fn nth<T>(list: &[T], back: Back) -> Option<&T> {
    list.iter().rev().cycle().nth(usize::from(back))
}

/// Those of the newest eight whose bit is set.
fn chosen<T>(list: &[T], bits: u8) -> impl Iterator<Item = &T> {
    list.iter()
        .rev()
        .enumerate()
        .take(8)
        .filter(move |(nth, _)| bits & (1 << nth) != 0)
        .map(|(_, one)| one)
}
