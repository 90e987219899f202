//! What will come of a queued job, foretold by playing the same decisions forward.

use std::time::Duration;

use mystic_domain::{DeviceId, JobId, Mib, Plan, ResidentId};
use mystic_placement::{
    Action, Device, Grant, Lease, Millis, Model, ModelState, Queue, Snapshot, decide,
};
use uuid::Uuid;

use crate::Ledger;

/// Decisions that are played at most: what lies further ahead is not worth its price.
const HORIZON: usize = 400;

/// The queue as it will be worked off, if nothing comes between.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Who starts, in that order: a loaded model may move a job before others that are due earlier.
    pub starts: Vec<(JobId, Start)>,
    /// Whose start lies too far ahead, or whom nothing that is known of lets start, in the order of their turns.
    pub rest: Vec<JobId>,
}

impl Line {
    /// All of them, first one first.
    pub fn order(&self) -> impl Iterator<Item = JobId> {
        let starts = self.starts.iter().map(|(job, _)| job);
        starts.chain(&self.rest).copied()
    }
}

/// What is expected of a queued job, if nothing comes between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// Queued jobs that start before it.
    pub position: usize,
    /// Its start; none where it lies too far ahead, or nothing that is known of lets it start.
    pub start: Option<Start>,
}

/// Where, how and when a job is expected to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The device.
    pub device: DeviceId,
    /// The plan.
    pub plan: Plan,
    /// MiB of model and job together.
    pub need: Mib,
    /// From now to its start.
    pub after: Duration,
    /// From its start to its end, the model's load included.
    pub runs: Duration,
}

impl Ledger<'_> {
    /// Foretells a queued job's start; none where it is not queued.
    #[must_use]
    pub fn forecast(&self, job: JobId) -> Option<Forecast> {
        self.queue.get(job)?;
        let here = |starts: &[(JobId, Start)]| starts.iter().any(|(started, _)| *started == job);
        let line = Play::of(self).until(here);
        let position = line.order().position(|other| other == job)?;
        let start = line.starts.into_iter().nth(position);
        Some(Forecast {
            position,
            start: start.map(|(_, start)| start),
        })
    }

    /// Foretells the first starts, at least so many where the queue has them and they don't lie too far ahead.
    #[must_use]
    pub fn line(&self, starts: usize) -> Line {
        Play::of(self).until(|foretold| foretold.len() >= starts)
    }

    fn start(&self, grant: &Grant, at: Millis) -> Start {
        Start {
            device: self.records[grant.device.0].id.clone(),
            plan: grant.plan,
            need: grant.need.resident + grant.need.working,
            after: length(at - self.now),
            runs: length(grant.until - at),
        }
    }
}

fn length(millis: Millis) -> Duration {
    Duration::from_millis(u64::try_from(millis.0).unwrap_or_default())
}

/// The ledger as it goes on.
struct Play<'a> {
    ledger: &'a Ledger<'a>,
    now: Millis,
    devices: Vec<Device>,
    queue: Queue,
    unload: Millis,
    /// When models that are on their way out are gone.
    leaving: Vec<(Millis, ResidentId)>,
    loaded: u128,
}

impl<'a> Play<'a> {
    fn of(ledger: &'a Ledger<'a>) -> Self {
        let unload = ledger.queue.policy().unload;
        let evicting = |model: &&Model| model.state == ModelState::Evicting;
        let models = ledger.devices.iter().flat_map(|device| &device.models);
        Self {
            leaving: models
                .filter(evicting)
                .map(|model| (ledger.now + unload, model.id))
                .collect(),
            now: ledger.now,
            devices: ledger.devices.clone(),
            queue: ledger.queue.clone(),
            unload,
            loaded: 0,
            ledger,
        }
    }

    /// Plays until enough has started, or nothing more will happen.
    fn until(mut self, enough: impl Fn(&[(JobId, Start)]) -> bool) -> Line {
        let mut starts = Vec::new();
        for _ in 0..HORIZON {
            let snapshot = Snapshot {
                devices: &self.devices,
                queue: &self.queue,
                ..self.ledger.placement()
            };
            let actions = decide(&snapshot, self.now);
            let mut wakes: Option<Millis> = None;
            for action in actions {
                match action {
                    Action::Grant(grant) => {
                        starts.push((grant.job, self.ledger.start(&grant, self.now)));
                        self.grant(&grant);
                    }
                    Action::Evict(resident) => self.evict(resident),
                    Action::Reserve(kept) => {
                        wakes = Some(wakes.map_or(kept.until, |at| at.min(kept.until)));
                    }
                    Action::Preload { .. } | Action::Help(_) | Action::Wait(..) => {}
                }
            }
            if enough(&starts) || self.pass(wakes.filter(|at| *at > self.now)).is_none() {
                break;
            }
        }
        let rest = self.queue.in_order().into_iter();
        Line {
            starts,
            rest: rest.map(|job| job.id).collect(),
        }
    }

    fn grant(&mut self, grant: &Grant) {
        self.queue.remove(grant.job);
        let device = &mut self.devices[grant.device.0];
        let lease = Lease {
            until: grant.until,
            working: grant.need.working,
            turns: grant.turns,
        };
        device.turns -= grant.turns;
        device.free = device.free - grant.need.working;
        let seat = device
            .models
            .iter_mut()
            .find(|model| Some(model.id) == grant.seat);
        if let Some(model) = seat {
            model.lease = Some(lease);
            return;
        }
        let Some(preset) = self.ledger.preset_of(grant.job) else {
            return;
        };
        self.loaded += 1;
        device.free = device.free - grant.need.resident;
        let load = device.served[preset.0].map_or(Millis(0), |served| served.load);
        device.models.push(Model {
            id: ResidentId(Uuid::from_u128(self.loaded)),
            preset,
            context: grant.context,
            state: ModelState::Loading(self.now + load),
            booked: grant.need.resident,
            used_at: self.now,
            lease: Some(lease),
        });
    }

    fn evict(&mut self, resident: ResidentId) {
        let models = self
            .devices
            .iter_mut()
            .flat_map(|device| &mut device.models);
        for model in models.filter(|model| model.id == resident) {
            model.state = ModelState::Evicting;
        }
        self.leaving.push((self.now + self.unload, resident));
    }

    /// Goes on to the next end of a job, exit of a model or deadline; none where nothing more will happen.
    fn pass(&mut self, wakes: Option<Millis>) -> Option<()> {
        let models = self.devices.iter().flat_map(|device| &device.models);
        let ends = models.filter_map(|model| model.lease.map(|lease| lease.until));
        let exits = self.leaving.iter().map(|(at, _)| *at);
        let next = ends.chain(exits).chain(wakes).min()?;
        // What should have ended already ends soon.
        self.now = next.max(self.now + Millis(1));
        let now = self.now;
        for device in &mut self.devices {
            let had_turn = device.turns > 0;
            for model in &mut device.models {
                if let ModelState::Loading(until) = model.state
                    && until <= now
                {
                    model.state = ModelState::Ready;
                }
                if let Some(lease) = model.lease
                    && lease.until <= now
                {
                    model.lease = None;
                    model.used_at = now;
                    device.free = device.free + lease.working;
                    device.turns += lease.turns;
                }
            }
            if !had_turn && device.turns > 0 {
                device.idle_since = now;
            }
            let gone = |model: &Model| {
                let left = |(at, id): &(Millis, _)| *id == model.id && *at <= now;
                self.leaving.iter().any(left)
            };
            for model in device.models.extract_if(.., |model| gone(model)) {
                device.free = device.free + model.booked;
            }
        }
        self.leaving.retain(|(at, _)| *at > now);
        Some(())
    }
}
