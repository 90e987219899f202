//! The physics: cards, models and jobs in time. It does what a policy orders, refuses what can't be, and knows what the
//! policy does not: the jobs' true memory.
//!
//! Jobs that compute on one card at the same time share it: each of n has an n-th of its speed. Loading takes no
//! compute. Unloading is free for everybody.

use std::collections::{BTreeMap, BinaryHeap};

use mystic_domain::{EngineKind, Plan};

use crate::event::{Event, Timed};
use crate::fleet::{HEADROOM, P99, SIZES, SPEEDS};
use crate::presets::{COUNT, IMAGES, model, slowdown};
use crate::workload::{Job, JobIndex};

/// What a policy orders.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Order {
    /// Unload an idle model.
    Unload {
        /// Where.
        card: usize,
        /// Which resident.
        resident: u64,
    },
    /// Run a job, on its model if that is there, else loading it first.
    Start {
        /// Which.
        job: JobIndex,
        /// Where.
        card: usize,
        /// How.
        plan: Plan,
    },
    /// Draw one picture of a running job that nobody has begun, on its model if that is there, else loading it first.
    Help {
        /// Which.
        job: JobIndex,
        /// Where.
        card: usize,
        /// How.
        plan: Plan,
    },
    /// Load a model for later.
    Load {
        /// What.
        preset: usize,
        /// Where.
        card: usize,
    },
}

/// Decides. Called after each event until it orders nothing more.
pub trait Policy {
    /// What is to be done now.
    fn orders(&mut self, world: &World<'_>) -> Vec<Order>;
    /// A job may be run now.
    fn queued(&mut self, _world: &World<'_>, _job: JobIndex) {}
    /// A job left the queue.
    fn left(&mut self, _job: JobIndex) {}
    /// A job is over.
    fn ended(&mut self, _job: JobIndex) {}
    /// When it wants to be asked again though nothing has happened.
    fn wake_at(&self) -> Option<f64> {
        None
    }
}

/// A model on a card.
#[derive(Clone, Debug)]
pub struct Resident {
    /// Its number, never used again.
    pub number: u64,
    /// What it is.
    pub preset: usize,
    /// When it is loaded.
    pub ready_at: f64,
    /// When a job last began or ended on it.
    pub used_at: f64,
    /// The job on it.
    pub job: Option<JobIndex>,
}

/// A job on a card.
#[derive(Clone, Debug)]
pub struct Run {
    /// Which.
    pub job: JobIndex,
    /// The number of its model.
    pub resident: u64,
    /// How it was fitted.
    pub plan: Plan,
    /// MiB booked.
    pub booked: f64,
    /// Whether its model is loaded.
    pub computing: bool,
    /// Seconds left at speed 1 and alone.
    pub left: f64,
    /// Seconds of one picture at speed 1 and alone.
    pub picture: f64,
    /// Whether it draws one picture of a job that runs elsewhere.
    pub helps: bool,
    /// Whether it has drawn its own pictures, and others draw the rest.
    pub waits: bool,
}

impl Run {
    fn is_drawn(&self) -> bool {
        (self.computing || self.waits) && self.left <= 1e-6
    }
}

/// A card with what is on it.
#[derive(Clone, Debug)]
pub struct Card {
    /// MiB that can be booked.
    pub capacity: f64,
    /// MiB that there are.
    pub total: f64,
    /// How fast it is.
    pub speed: f64,
    /// Models.
    pub residents: Vec<Resident>,
    /// Jobs.
    pub runs: Vec<Run>,
    /// Since when no diffusion job has been on it.
    pub idle_since: f64,
    counted: f64,
    version: u64,
}

/// What happened to a job.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Fate {
    /// When it could first run.
    pub queued: Option<f64>,
    /// When it began to compute.
    pub began: Option<f64>,
    /// When it was over.
    pub ended: Option<f64>,
    /// The card it ran on.
    pub card: usize,
    /// Whether it was cancelled.
    pub cancelled: bool,
    /// The first plan it may have: one lower after it ran out of memory.
    pub floor: usize,
    /// Whether it is helped no more, since a helper ran out of memory.
    pub alone: bool,
}

/// Everything at one moment.
pub struct World<'a> {
    /// Seconds.
    pub now: f64,
    /// As drawn.
    pub jobs: &'a [Job],
    /// What became of each so far.
    pub fates: Vec<Fate>,
    /// The cards.
    pub cards: Vec<Card>,
    /// Jobs that may run, in order of arrival, for each preset.
    pub waiting: Vec<BTreeMap<u64, JobIndex>>,
    /// Loads begun.
    pub loads: u64,
    /// Jobs that ran out of memory.
    pub out_of_memory: u64,
    places: Vec<Option<u64>>,
    events: BinaryHeap<Timed>,
    next: u64,
}

impl<'a> World<'a> {
    /// The fleet before the first job.
    #[must_use]
    pub fn new(jobs: &'a [Job]) -> Self {
        Self::with_cards(jobs, &SIZES, &SPEEDS)
    }

    /// A fleet of cards of these GB and speeds.
    #[must_use]
    pub fn with_cards(jobs: &'a [Job], sizes: &[f64], speeds: &[f64]) -> Self {
        let cards = sizes.iter().zip(speeds).map(|(size, speed)| Card {
            capacity: size * 1024.0 - HEADROOM,
            total: size * 1024.0,
            speed: *speed,
            residents: Vec::new(),
            runs: Vec::new(),
            idle_since: 0.0,
            counted: 0.0,
            version: 0,
        });
        let mut world = Self {
            now: 0.0,
            jobs,
            fates: vec![Fate::default(); jobs.len()],
            cards: cards.collect(),
            waiting: vec![BTreeMap::new(); COUNT],
            loads: 0,
            out_of_memory: 0,
            places: vec![None; jobs.len()],
            events: BinaryHeap::new(),
            next: 0,
        };
        for (index, job) in jobs.iter().enumerate() {
            if let Some(at) = job.at {
                world.events.push(Timed(at, Event::Queued(index)));
            }
        }
        world
    }

    /// Runs until every job is over.
    ///
    /// # Panics
    /// Where a policy orders what can't be, or leaves jobs in the queue with nothing to come.
    pub fn run(&mut self, policy: &mut dyn Policy) {
        while let Some(Timed(at, event)) = self.events.pop() {
            self.now = at;
            self.happens(event, policy);
            if self.events.peek().is_some_and(|next| next.0 <= at) {
                continue;
            }
            loop {
                let orders = policy.orders(self);
                if orders.is_empty() {
                    break;
                }
                for order in orders {
                    self.does(order, policy);
                }
            }
            if let Some(at) = policy.wake_at() {
                self.events.push(Timed(at, Event::Asked));
            }
        }
        let left = self.waiting.iter().map(BTreeMap::len).sum::<usize>();
        assert_eq!(
            left, 0,
            "jobs are left in the queue for good: {:?} {:?}",
            self.cards, self.waiting
        );
    }

    fn happens(&mut self, event: Event, policy: &mut dyn Policy) {
        match event {
            Event::Queued(job) => {
                if let Some(after) = self.jobs[job].cancelled_after {
                    self.events
                        .push(Timed(self.now + after, Event::Cancelled(job)));
                }
                self.fates[job].queued = Some(self.now);
                self.queue(job, policy);
            }
            Event::Loaded(card) => {
                self.advance(card);
                self.begin(card, policy);
                self.schedule(card);
            }
            Event::Ended(card, version) => {
                if self.cards[card].version == version {
                    self.advance(card);
                    self.end(card, policy);
                    self.schedule(card);
                }
            }
            Event::Helped(card) => {
                self.advance(card);
                self.end(card, policy);
                self.schedule(card);
            }
            Event::Cancelled(job) => self.cancel(job, policy),
            Event::Asked => {}
        }
    }

    fn queue(&mut self, job: JobIndex, policy: &mut dyn Policy) {
        self.next += 1;
        self.places[job] = Some(self.next);
        self.waiting[self.jobs[job].preset].insert(self.next, job);
        policy.queued(self, job);
    }

    fn unqueue(&mut self, job: JobIndex, policy: &mut dyn Policy) -> bool {
        let Some(place) = self.places[job].take() else {
            return false;
        };
        self.waiting[self.jobs[job].preset].remove(&place);
        policy.left(job);
        true
    }

    fn cancel(&mut self, job: JobIndex, policy: &mut dyn Policy) {
        if self.fates[job].ended.is_some() {
            return;
        }
        self.fates[job].cancelled = true;
        if self.unqueue(job, policy) {
            self.over(job, policy);
            return;
        }
        let card = self.fates[job].card;
        self.advance(card);
        if let Some(run) = self.cards[card].runs.iter_mut().find(|run| run.job == job) {
            run.left %= run.picture.max(f64::MIN_POSITIVE);
        }
        self.schedule(card);
    }

    /// The job's end, and what it submits.
    fn over(&mut self, job: JobIndex, policy: &mut dyn Policy) {
        policy.ended(job);
        self.fates[job].ended = Some(self.now);
        if let Some(then) = self.jobs[job].then
            && !self.fates[job].cancelled
        {
            self.events.push(Timed(self.now, Event::Queued(then)));
        }
    }

    fn does(&mut self, order: Order, policy: &mut dyn Policy) {
        match order {
            Order::Unload { card, resident } => {
                let card = &mut self.cards[card];
                let at = card.residents.iter().position(|on| on.number == resident);
                let at = at.expect("a model that is there");
                assert!(card.residents[at].job.is_none(), "the model is in use");
                card.residents.remove(at);
            }
            Order::Load { preset, card } => {
                self.load(card, preset);
                self.check(card);
            }
            Order::Start { job, card, plan } => {
                assert!(self.unqueue(job, policy), "a job that waits");
                self.fates[job].card = card;
                self.start(job, card, plan, false, policy);
            }
            Order::Help { job, card, plan } => {
                let of = self.fates[job].card;
                self.advance(of);
                let runs = &mut self.cards[of].runs;
                let run = runs.iter_mut().find(|run| run.job == job && !run.helps);
                let run = run.expect("a job that runs");
                assert!(run.left > run.picture, "the picture was begun");
                run.left -= run.picture;
                self.schedule(of);
                self.start(job, card, plan, true, policy);
            }
        }
    }

    /// Pictures of a running job that nobody has begun, and until when each of those at work on it is busy with its own:
    /// the card, and seconds from now.
    #[must_use]
    pub fn unbegun(&self, job: JobIndex) -> (u32, Vec<(usize, &Run, f64)>) {
        let mut unbegun = 0.0;
        let mut busy = Vec::new();
        for (at, card) in self.cards.iter().enumerate() {
            for run in card.runs.iter().filter(|run| run.job == job) {
                let done = if run.computing {
                    (self.now - card.counted) * card.share()
                } else {
                    0.0
                };
                let left = (run.left - done).max(0.0);
                let whole = if run.helps {
                    0.0
                } else {
                    ((left / run.picture - 1e-6).ceil() - 1.0).max(0.0)
                };
                unbegun += whole;
                let loads = card.residents.iter().find(|on| on.number == run.resident);
                let loads = loads.map_or(0.0, |on| (on.ready_at - self.now).max(0.0));
                let own = (left - whole * run.picture) / card.share();
                busy.push((at, run, loads + own));
            }
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most eight"
        )]
        (unbegun as u32, busy)
    }

    fn load(&mut self, card: usize, preset: usize) -> u64 {
        self.next += 1;
        self.loads += 1;
        let ready_at = self.now + model(preset).load_seconds();
        self.events.push(Timed(ready_at, Event::Loaded(card)));
        self.cards[card].residents.push(Resident {
            number: self.next,
            preset,
            ready_at,
            used_at: self.now,
            job: None,
        });
        self.next
    }

    fn start(
        &mut self,
        job: JobIndex,
        card: usize,
        plan: Plan,
        helps: bool,
        policy: &mut dyn Policy,
    ) {
        self.advance(card);
        let preset = self.jobs[job].preset;
        let there = self.cards[card]
            .residents
            .iter()
            .find(|on| on.preset == preset);
        let number = match there {
            Some(resident) => resident.number,
            None => self.load(card, preset),
        };
        let on = &mut self.cards[card];
        let resident = on
            .residents
            .iter_mut()
            .find(|on| on.number == number)
            .expect("there");
        assert!(resident.job.is_none(), "one job a model");
        resident.job = Some(job);
        resident.used_at = self.now;
        let work = self.jobs[job].work * slowdown(plan);
        let picture = work / f64::from(self.jobs[job].pictures);
        on.runs.push(Run {
            job,
            resident: number,
            plan,
            booked: booked(&self.jobs[job], plan),
            computing: false,
            left: if helps { picture } else { work },
            picture,
            helps,
            waits: false,
        });
        self.check(card);
        self.begin(card, policy);
        self.schedule(card);
    }

    fn check(&self, card: usize) {
        let on = &self.cards[card];
        assert!(on.free() >= 0.0, "over-committed: {on:?}");
    }

    /// Starts to compute what is loaded; what the card can't hold in truth goes back.
    fn begin(&mut self, card: usize, policy: &mut dyn Policy) {
        let now = self.now;
        while let Some(at) = self.cards[card].runs.iter().position(|run| {
            !run.computing
                && !run.waits
                && self.cards[card]
                    .residents
                    .iter()
                    .any(|on| on.number == run.resident && on.ready_at <= now)
        }) {
            let on = &mut self.cards[card];
            on.runs[at].computing = true;
            let (job, plan, resident, helps) = {
                let run = &on.runs[at];
                (run.job, run.plan, run.resident, run.helps)
            };
            let truth: f64 = on
                .runs
                .iter()
                .filter(|run| run.computing)
                .map(|run| self.jobs[run.job].peak(run.plan))
                .sum();
            if truth + on.models() > on.total {
                self.out_of_memory += 1;
                on.runs.remove(at);
                // The child is gone with its model.
                on.residents.retain(|on| on.number != resident);
                if self.jobs[job].engine() == EngineKind::Sd {
                    on.idle_since = now;
                }
                if helps {
                    self.give_back(job, policy);
                } else {
                    self.fates[job].floor = usize::from(plan == Plan::Full);
                    self.queue(job, policy);
                }
                continue;
            }
            self.fates[job].began.get_or_insert(now);
        }
    }

    /// A helper could not hold its picture: the job draws it itself, and is helped no more.
    fn give_back(&mut self, job: JobIndex, policy: &mut dyn Policy) {
        let of = self.fates[job].card;
        self.fates[job].alone = true;
        self.advance(of);
        let runs = &mut self.cards[of].runs;
        if let Some(run) = runs.iter_mut().find(|run| run.job == job && !run.helps) {
            run.left = run.left.max(0.0) + run.picture;
            run.waits = false;
        }
        self.begin(of, policy);
        self.schedule(of);
    }

    fn helped(&self, job: JobIndex) -> bool {
        let mut runs = self.cards.iter().flat_map(|card| &card.runs);
        runs.any(|run| run.job == job && run.helps)
    }

    /// Ends the jobs that have nothing left. One whose last pictures are drawn elsewhere waits for them.
    fn end(&mut self, card: usize, policy: &mut dyn Policy) {
        for at in 0..self.cards[card].runs.len() {
            let run = &self.cards[card].runs[at];
            if run.is_drawn() && !run.helps && self.helped(run.job) {
                let run = &mut self.cards[card].runs[at];
                (run.computing, run.waits) = (false, true);
            }
        }
        while let Some(at) = self.cards[card]
            .runs
            .iter()
            .position(|run| run.is_drawn() && (run.helps || !self.helped(run.job)))
        {
            let on = &mut self.cards[card];
            let run = on.runs.remove(at);
            for resident in &mut on.residents {
                if resident.number == run.resident {
                    resident.job = None;
                    resident.used_at = self.now;
                }
            }
            if self.jobs[run.job].engine() == EngineKind::Sd {
                on.idle_since = self.now;
            }
            if run.helps {
                let of = self.fates[run.job].card;
                self.events.push(Timed(self.now, Event::Helped(of)));
            } else {
                self.over(run.job, policy);
            }
        }
    }

    /// Takes off what was computed since the card was last looked at.
    fn advance(&mut self, card: usize) {
        let on = &mut self.cards[card];
        let share = on.share();
        let done = (self.now - on.counted) * share;
        on.counted = self.now;
        for run in &mut on.runs {
            if run.computing {
                run.left -= done;
            }
        }
    }

    fn schedule(&mut self, card: usize) {
        let on = &mut self.cards[card];
        on.version += 1;
        let share = on.share();
        let computing = on.runs.iter().filter(|run| run.computing);
        if let Some(left) = computing.map(|run| run.left).min_by(f64::total_cmp) {
            let at = self.now + left.max(0.0) / share;
            self.events.push(Timed(at, Event::Ended(card, on.version)));
        }
    }

    /// Whether a job may run with this plan.
    #[must_use]
    pub fn allows(&self, job: JobIndex, plan: Plan) -> bool {
        self.fates[job].floor == 0 || plan != Plan::Full
    }
}

impl Card {
    /// MiB that models take.
    #[must_use]
    pub fn models(&self) -> f64 {
        self.residents.iter().map(|on| size(on.preset)).sum()
    }

    /// MiB that are not booked.
    #[must_use]
    pub fn free(&self) -> f64 {
        let working: f64 = self.runs.iter().map(|run| run.booked).sum();
        self.capacity - self.models() - working
    }

    /// The copy of a model.
    #[must_use]
    pub fn resident(&self, preset: usize) -> Option<&Resident> {
        self.residents.iter().find(|on| on.preset == preset)
    }

    /// Whether a diffusion job is on it.
    #[must_use]
    pub fn draws(&self) -> bool {
        self.residents
            .iter()
            .any(|on| on.preset < IMAGES.len() && on.job.is_some())
    }

    /// The speed that each computing job has.
    fn share(&self) -> f64 {
        let computing = self.runs.iter().filter(|run| run.computing).count();
        #[expect(clippy::cast_precision_loss, reason = "a handful of jobs")]
        let computing = computing.max(1) as f64;
        self.speed / computing
    }
}

/// MiB of a loaded model.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
pub fn size(preset: usize) -> f64 {
    model(preset).resident().0 as f64
}

/// MiB that are booked for a job beside its model.
#[must_use]
pub fn booked(job: &Job, plan: Plan) -> f64 {
    (model(job.preset).working(job.size, plan) * P99).ceil()
}
