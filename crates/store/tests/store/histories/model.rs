//! The reference: what each call does, said once more without a database. Where it speaks of a job's state it asks the
//! domain's state machine.

use std::collections::BTreeSet;

use mystic_domain::machine::{self, Event};
use mystic_domain::{
    DeviceId, EngineKind, FailureKind, Fence, JobId, JobState, Plan, ResidentId, Tried, Verdict,
    WorkerId, verdict,
};
use mystic_store::{Beat, Committed, Grant, Help, NextPicture, Preload, Seat as On, Settled};

use super::op::How;
use super::state::{Attempt, Device, Job, Lease, Resident, State, Worker};
use super::step::{Answer, Seat, Step, Told};
use crate::support::{OFFERED, PAINTER, TAGGER};

/// What a call that changes nothing answers.
type Refusal = Answer;
type Said = Result<Answer, Refusal>;

#[derive(Clone, Debug, Default)]
pub struct Model {
    pub state: State,
    /// In the order in which they came.
    pub jobs: Vec<Sent>,
    pub workers: Vec<(WorkerId, Seat)>,
    pub models: Vec<(WorkerId, ResidentId)>,
    pub leases: Vec<(WorkerId, JobId, Fence)>,
}

/// What of a job never changes.
#[derive(Clone, Debug)]
pub struct Sent {
    pub job: JobId,
    /// Its idempotency key and what was asked for.
    pub key: Option<(JobId, u8)>,
    pub preset: &'static str,
    pub pictures: i32,
    pub max_attempts: i32,
    /// The picture that it tags.
    pub parent: Option<(JobId, i32)>,
}

impl Model {
    /// Does a step and says what the store has to answer.
    pub fn apply(&mut self, step: &Step) -> Answer {
        let done = match step {
            Step::Submit {
                job,
                key,
                request,
                pictures,
                max_attempts,
            } => self.submit(*job, *key, *request, *pictures, *max_attempts),
            Step::Grant(grant) => self.grant(grant),
            Step::Help(help) => self.help(help),
            Step::Next(worker, job, fence) => {
                Ok(Answer::Next(self.next_picture(*worker, *job, *fence)))
            }
            Step::Claim(worker, job, fence) => self.claim(*worker, *job, *fence),
            Step::Commit {
                worker,
                job,
                fence,
                index,
                files,
            } => self.commit(*worker, *job, *fence, *index, *files),
            Step::Settle {
                worker,
                job,
                fence,
                how,
                alive,
                ..
            } => self.settle(*worker, *job, *fence, *how, *alive),
            Step::Cancel(job) => self.cancel(*job),
            Step::Retry(job) => self.retry(*job),
            Step::Later(job) => {
                self.job(*job).waits = false;
                Ok(Answer::Done)
            }
            Step::Expire(job, fence) => self.expire(*job, *fence),
            Step::Beat(beat) => self.beat(beat),
            Step::Reap(worker, beat) => self.reap(*worker, *beat),
            Step::Gone(worker) => {
                self.gone(*worker);
                Ok(Answer::Done)
            }
            Step::Forget(worker) => {
                let gone = self.worker(*worker).state == "gone";
                if gone {
                    self.unbook(*worker);
                }
                Ok(Answer::Yes(gone))
            }
            Step::Drain(worker) => {
                let worker = self.worker(*worker);
                if worker.state == "ready" {
                    worker.state = "draining".into();
                }
                Ok(Answer::Done)
            }
            Step::Register(worker, seat) => {
                self.register(*worker, seat);
                Ok(Answer::Done)
            }
            Step::Ready(worker, resident) => Ok(Answer::Yes(self.ready(*worker, *resident))),
            Step::ChildGone(worker, resident) => {
                self.child_gone(*worker, *resident);
                Ok(Answer::Done)
            }
            Step::Evict(resident) => self.evict(*resident),
            Step::Preload(preload) => self.preload(preload),
            Step::PreloadEnded(worker, resident, failed) => Ok(Answer::PreloadEnded(
                self.preload_ended(*worker, *resident, *failed),
            )),
            Step::Deposed(step) => Err(match **step {
                Step::Grant(_) | Step::Help(_) => Answer::Fence(None),
                Step::Expire(..) => Answer::Yes(false),
                Step::Reap(..) => Answer::Reaped(None),
                Step::Evict(_) => Answer::Evicted(None),
                Step::Preload(_) => Answer::Preloaded(false),
                _ => unreachable!("not a scheduler's"),
            }),
        };
        for device in self.state.devices.values_mut() {
            device.count();
        }
        done.unwrap_or_else(|refusal| refusal)
    }

    /// Takes up the tagging job that came with a picture.
    pub fn adopt(&mut self, child: JobId, parent: JobId, index: i32) {
        let max_attempts = self.sent(parent).max_attempts;
        self.jobs.push(Sent {
            job: child,
            key: None,
            preset: TAGGER,
            pictures: 0,
            max_attempts,
            parent: Some((parent, index)),
        });
        self.state.jobs.insert(child, Job::new());
    }

    /// Whose pictures it draws: its own, or those of the job that it helps.
    pub fn of(&self, job: JobId) -> JobId {
        self.state.jobs[&job].helps.unwrap_or(job)
    }

    pub fn sent(&self, job: JobId) -> &Sent {
        let sent = self.jobs.iter().find(|sent| sent.job == job);
        sent.expect("a job of the history")
    }

    pub fn device_of(&self, worker: WorkerId) -> DeviceId {
        let seat = self.workers.iter().find(|(id, _)| *id == worker);
        seat.expect("a worker of the history").1.device.clone()
    }

    fn job(&mut self, job: JobId) -> &mut Job {
        self.state.jobs.get_mut(&job).expect("a job of the history")
    }

    fn worker(&mut self, worker: WorkerId) -> &mut Worker {
        let worker = self.state.workers.get_mut(&worker);
        worker.expect("a worker of the history")
    }

    fn device(&mut self, worker: WorkerId) -> &mut Device {
        let device = self.device_of(worker);
        let device = self.state.devices.get_mut(&device);
        device.expect("a device of the history")
    }

    /// The job, where this worker holds it under this fence in this state.
    fn held(
        &mut self,
        worker: WorkerId,
        job: JobId,
        fence: Fence,
        state: JobState,
    ) -> Option<&mut Job> {
        let job = self.job(job);
        ((job.worker, job.fence, job.state) == (Some(worker), fence, state)).then_some(job)
    }

    fn submit(
        &mut self,
        job: JobId,
        key: JobId,
        request: u8,
        pictures: u32,
        max_attempts: i32,
    ) -> Said {
        for sent in &self.jobs {
            match sent.key {
                Some((there, asked)) if there == key => {
                    return if asked == request {
                        Ok(Answer::SameAs(sent.job))
                    } else {
                        Err(Answer::OtherRequest)
                    };
                }
                _ => {}
            }
        }
        self.jobs.push(Sent {
            job,
            key: Some((key, request)),
            preset: PAINTER,
            pictures: i32::try_from(pictures).expect("a few"),
            max_attempts,
            parent: None,
        });
        self.state.jobs.insert(job, Job::new());
        Ok(Answer::Accepted)
    }

    fn grant(&mut self, grant: &Grant) -> Said {
        let no = Answer::Fence(None);
        let seated = self.seated(grant);
        let job = self.job(grant.job);
        let next = machine::next(job.state, job.cancel, Event::Grant);
        let (Some(resident), Ok(state), false) = (seated, next, job.waits) else {
            return Err(no);
        };
        let fence = Fence(job.fence.0 + 1);
        (job.state, job.fence, job.plan) = (state, fence, grant.plan);
        (job.worker, job.resident) = (Some(grant.worker), Some(resident));
        job.happens("leased");
        self.book(grant, resident, fence);
        Ok(Answer::Fence(Some(fence)))
    }

    fn help(&mut self, help: &Help) -> Said {
        let no = Answer::Fence(None);
        let grant = &help.grant;
        let seated = self.seated(grant);
        let of = &self.state.jobs[&help.of];
        let runs = (of.state, of.fence, of.cancel, of.helps)
            == (JobState::Running, help.fence, false, None);
        let last = self.unbegun(help.of).last().copied();
        let (Some(resident), Some(picture), true) = (seated, last, runs && of.picture.is_some())
        else {
            return Err(no);
        };
        let fence = Fence(1);
        self.jobs.push(Sent {
            job: grant.job,
            key: None,
            preset: PAINTER,
            pictures: 1,
            max_attempts: 1,
            parent: None,
        });
        let helper = Job {
            state: JobState::Leased,
            fence,
            helps: Some(help.of),
            picture: Some(picture),
            worker: Some(grant.worker),
            resident: Some(resident),
            events: vec!["leased".into()],
            ..Job::new()
        };
        self.state.jobs.insert(grant.job, helper);
        self.job(help.of).happens("helped");
        self.book(grant, resident, fence);
        Ok(Answer::Fence(Some(fence)))
    }

    /// The places of a job's pictures that neither exist nor were begun.
    fn unbegun(&self, id: JobId) -> Vec<i32> {
        let job = &self.state.jobs[&id];
        let jobs = self.state.jobs.values();
        let live = jobs.filter(|other| other.helps == Some(id) && !other.state.is_terminal());
        let begun: BTreeSet<i32> = live
            .filter_map(|it| it.picture)
            .chain(job.picture)
            .collect();
        let there = |place: &i32| job.images.iter().any(|(index, ..)| index == place);
        let places = 0..self.sent(id).pictures;
        places
            .filter(|it| !there(it) && !begun.contains(it))
            .collect()
    }

    fn next_picture(&mut self, worker: WorkerId, id: JobId, fence: Fence) -> NextPicture {
        let (of, unbegun) = (self.of(id), self.unbegun(id));
        let images = self.job(of).images.clone();
        let (pictures, made) = (self.sent(of).pictures, images.len());
        let Some(job) = self.held(worker, id, fence, JobState::Running) else {
            return NextPicture::Stale;
        };
        match (job.picture, unbegun.first()) {
            (Some(begun), _) if images.iter().all(|(index, ..)| *index != begun) => {
                NextPicture::Draw(begun)
            }
            _ if job.helps.is_some() => NextPicture::Complete,
            (_, Some(next)) => {
                job.picture = Some(*next);
                NextPicture::Draw(*next)
            }
            _ if usize::try_from(pictures) == Ok(made) => NextPicture::Complete,
            _ => NextPicture::DrawnElsewhere,
        }
    }

    /// The model that a grant sits on, where its worker, device and model are as it says.
    fn seated(&mut self, grant: &Grant) -> Option<ResidentId> {
        let (worker_id, seat) = self
            .workers
            .iter()
            .find(|(id, _)| *id == grant.worker)
            .cloned()
            .expect("a worker of the history");
        let ready = self.worker(worker_id).state == "ready";
        let device = self.device(worker_id);
        let load = match grant.seat {
            On::Load { .. } => grant.need.resident.0,
            On::Loaded(_) => 0,
        };
        let memory = device.resident_mib + device.working_mib + device.others;
        let fits = memory + load + grant.need.working.0 <= device.capacity
            && device.turns_taken + grant.turns <= device.turns;
        if device.lost || !fits || !ready {
            return None;
        }
        let mut its = device.residents.values().filter(|m| m.worker == worker_id);
        let (resident, seated) = match grant.seat {
            On::Loaded(resident) => {
                let free = device.leases.iter().all(|lease| lease.resident != resident);
                let fits = device.residents.get(&resident).is_some_and(|model| {
                    model.worker == worker_id
                        && model.preset == grant.preset
                        && model.state != "evicting"
                });
                (resident, free && fits)
            }
            On::Load { resident, .. } => {
                let children = i32::try_from(its.clone().count()).expect("a few");
                let another = its.all(|model| model.preset != grant.preset);
                (resident, another && children < seat.max_children)
            }
        };
        seated.then_some(resident)
    }

    fn book(&mut self, grant: &Grant, resident: ResidentId, fence: Fence) {
        let worker_id = grant.worker;
        let booked = match grant.seat {
            On::Load { .. } => grant.need.resident.0,
            On::Loaded(_) => 0,
        };
        let device = self.device(worker_id);
        device.residents.entry(resident).or_insert(Resident {
            worker: worker_id,
            preset: grant.preset.clone(),
            state: "loading".into(),
            booked,
            preload: false,
        });
        device.leases.push(Lease {
            job: grant.job,
            fence,
            worker: worker_id,
            resident,
            state: "granted".into(),
            working: grant.need.working.0,
            turns: grant.turns,
        });
        self.models.push((worker_id, resident));
        self.leases.push((worker_id, grant.job, fence));
    }

    fn claim(&mut self, worker: WorkerId, id: JobId, fence: Fence) -> Said {
        if let Some(job) = self.held(worker, id, fence, JobState::Leased)
            && let Ok(state) = machine::next(job.state, job.cancel, Event::Claim)
        {
            job.state = state;
            job.attempt += 1;
            job.picture = job.picture.filter(|_| job.helps.is_some());
            job.attempts.push(Attempt {
                fence,
                worker,
                outcome: None,
                error: None,
            });
            job.happens("running");
            let lease = self.device(worker).lease(id, fence);
            lease.expect("a held job's lease").state = "claimed".into();
        }
        let Some(job) = self.held(worker, id, fence, JobState::Running) else {
            return Err(Answer::Claimed(None));
        };
        let resident = job.resident.expect("a held job's model");
        Ok(Answer::Claimed(Some((job.attempt, resident))))
    }

    fn commit(
        &mut self,
        worker: WorkerId,
        id: JobId,
        fence: Fence,
        index: i32,
        files: bool,
    ) -> Said {
        let of = self.of(id);
        let (sent, its) = (self.sent(of).clone(), self.sent(id).clone());
        let Some(drawer) = self.held(worker, id, fence, JobState::Running) else {
            return Err(Answer::Committed(Committed::Stale));
        };
        let drawer = drawer.clone();
        let job = self.job(of);
        if job.state.is_terminal() {
            return Err(Answer::Committed(Committed::Unwanted));
        }
        if sent.parent.is_some() {
            return Err(Answer::Refused);
        }
        if job.images.iter().any(|(there, ..)| *there == index) {
            return Err(Answer::Committed(Committed::Already));
        }
        if !files {
            return Err(Answer::Committed(Committed::FilesGone));
        }
        if job.images_done == sent.pictures || drawer.images_done == its.pictures {
            return Err(Answer::Refused);
        }
        let by = drawer.helps.map(|_| id);
        job.images
            .push((index, drawer.attempt, "pending".into(), by));
        job.images.sort_unstable();
        job.images_done += 1;
        job.happens("image");
        if by.is_some() {
            self.job(id).images_done += 1;
        }
        Ok(Answer::Committed(Committed::New))
    }

    fn settle(&mut self, worker: WorkerId, id: JobId, fence: Fence, how: How, alive: bool) -> Said {
        let Some(job) = self.held(worker, id, fence, JobState::Running) else {
            let mut attempts = self.job(id).attempts.iter();
            let first = attempts.find(|a| (a.worker, a.fence) == (worker, fence));
            return Err(Answer::Settled(
                match first.and_then(|attempt| attempt.outcome.as_deref()) {
                    Some("succeeded") => Settled::Done(JobState::Succeeded),
                    Some("failed") => Settled::Done(JobState::Failed),
                    Some("cancelled") => Settled::Done(JobState::Cancelled),
                    Some("retried") => Settled::Done(JobState::Queued),
                    _ => Settled::Stale,
                },
            ));
        };
        if matches!(how, How::Stopped) && !job.cancel {
            return Err(Answer::Refused);
        }
        let state = self.conclude(id, how);
        let device = self.device(worker);
        if alive {
            device.free(id, fence);
        } else {
            device.quarantine(id, fence);
        }
        Ok(Answer::Settled(Settled::Done(state)))
    }

    /// Ends the attempt of a running job.
    fn conclude(&mut self, id: JobId, how: How) -> JobState {
        let sent = self.sent(id).clone();
        let engine = match sent.preset {
            PAINTER => EngineKind::Sd,
            _ => EngineKind::Llm,
        };
        let job = self.job(id);
        let how = match how {
            How::Succeeded if job.images_done < sent.pictures => How::Failed(FailureKind::Internal),
            how => how,
        };
        let (mut waits, mut plan, mut failure) = (false, job.plan, None);
        let event = match how {
            How::Succeeded => Event::Succeed,
            How::Stopped => Event::Stopped,
            How::HandedBack => Event::Reap,
            How::Failed(kind) => {
                failure = Some(kind);
                let deaths = job.engine_deaths + i32::from(kind.is_engine_death());
                let tried = Tried {
                    attempt: job.attempt - job.attempts_before,
                    max_attempts: sent.max_attempts,
                    engine_deaths: deaths,
                    plan: job.plan,
                    lower: job.plan.lower(engine, &OFFERED),
                };
                job.engine_deaths = deaths;
                match verdict(kind, tried, 0.0) {
                    Verdict::Retry {
                        after_ms,
                        plan: next,
                    } => {
                        (waits, plan) = (after_ms > 0, next);
                        Event::Retry
                    }
                    Verdict::Fail => Event::Fail,
                }
            }
        };
        let once = job.helps.is_some() && matches!(event, Event::Retry | Event::Reap);
        let ends = job.cancel || once;
        let state = machine::next(job.state, ends, event).expect("a move of a running job");
        let word = match state {
            JobState::Queued => {
                (job.waits, job.plan) = (waits, plan);
                "retried"
            }
            terminal => terminal.as_str(),
        };
        let lost = failure == Some(FailureKind::WorkerLost);
        let attempt = job.attempts.last_mut().expect("a running job's attempt");
        attempt.outcome = Some(if lost { "lost" } else { word }.into());
        attempt.error = failure;
        job.rest(state, failure, word);
        if state == JobState::Succeeded && sent.parent.is_some() {
            self.tags(id, "done");
        } else {
            self.untagged(id, state);
        }
        state
    }

    /// Says what became of the tags that a job should have brought, and asks for the end of its helpers.
    fn untagged(&mut self, id: JobId, state: JobState) {
        for helper in self.state.jobs.values_mut() {
            if helper.helps == Some(id) && state.is_terminal() && !helper.state.is_terminal() {
                helper.cancel = true;
            }
        }
        let word = match state {
            JobState::Failed => "failed",
            JobState::Cancelled => "none",
            _ => return,
        };
        if self.tags_are(id, "pending") {
            self.tags(id, word);
        }
    }

    fn tags_are(&mut self, id: JobId, word: &str) -> bool {
        let Some((parent, index)) = self.sent(id).parent else {
            return false;
        };
        let mut images = self.job(parent).images.iter();
        images.any(|(there, _, tags, _)| *there == index && tags == word)
    }

    fn tags(&mut self, id: JobId, word: &str) {
        let Some((parent, index)) = self.sent(id).parent else {
            return;
        };
        let parent = self.job(parent);
        for (there, _, tags, _) in &mut parent.images {
            if *there == index {
                *tags = word.into();
            }
        }
        if word == "done" {
            parent.happens("tagged");
        }
    }

    fn cancel(&mut self, id: JobId) -> Said {
        let job = self.job(id);
        let (held, tell, state) = ((job.resident, job.fence), job.worker, job.state);
        let Ok(next) = machine::next(state, false, Event::Cancel) else {
            return Err(Answer::Cancelled(state, None));
        };
        if state.is_terminal() {
            return Err(Answer::Cancelled(state, None));
        }
        let first = !job.cancel;
        job.cancel = true;
        if !next.is_terminal() {
            if first {
                job.happens("cancel_requested");
            }
            return Ok(Answer::Cancelled(next, tell));
        }
        job.rest(next, None, "cancelled");
        self.untagged(id, next);
        if state == JobState::Leased {
            self.unlease(id, held.0, held.1);
        }
        Ok(Answer::Cancelled(next, None))
    }

    /// Frees a lease that was never claimed, and the model that was booked for it alone.
    fn unlease(&mut self, job: JobId, resident: Option<ResidentId>, fence: Fence) {
        for device in self.state.devices.values_mut() {
            device.free(job, fence);
            let leases = &device.leases;
            device.residents.retain(|id, model| {
                Some(*id) != resident
                    || model.state != "loading"
                    || model.preload
                    || leases.iter().any(|lease| lease.resident == *id)
            });
        }
    }

    fn retry(&mut self, id: JobId) -> Said {
        let job = self.job(id);
        if job.helps.is_some() {
            return Err(Answer::Retried(false, job.state));
        }
        let Ok(state) = machine::next(job.state, false, Event::Again) else {
            return Err(Answer::Retried(false, job.state));
        };
        job.state = state;
        (job.error, job.cancel, job.waits) = (None, false, false);
        (job.plan, job.engine_deaths, job.attempts_before) = (Plan::Full, 0, job.attempt);
        job.happens("queued");
        if self.tags_are(id, "failed") {
            self.tags(id, "pending");
        }
        Ok(Answer::Retried(true, state))
    }

    fn expire(&mut self, id: JobId, fence: Fence) -> Said {
        let job = self.job(id);
        if (job.state, job.fence) != (JobState::Leased, fence) {
            return Err(Answer::Yes(false));
        }
        self.give_back(id);
        Ok(Answer::Yes(true))
    }

    /// Takes a leased job back.
    fn give_back(&mut self, id: JobId) {
        let job = self.job(id);
        let (resident, fence) = (job.resident, job.fence);
        let state = machine::next(job.state, job.cancel || job.helps.is_some(), Event::Expire)
            .expect("a leased job");
        job.waits = false;
        let word = if state == JobState::Queued {
            "expired"
        } else {
            "cancelled"
        };
        job.rest(state, None, word);
        self.untagged(id, state);
        self.unlease(id, resident, fence);
    }

    fn beat(&mut self, beat: &Beat) -> Said {
        let worker = self.worker(beat.worker);
        if worker.state == "gone" {
            return Err(Answer::Beaten(Box::default()));
        }
        worker.beat += 1;
        let draining = worker.state == "draining";
        let device = self.device(beat.worker);
        device.others = beat.telemetry.others.0;
        device.lost = beat.telemetry.lost.unwrap_or(device.lost);
        let its = |resident: &ResidentId| {
            let model = device.residents.get(resident);
            model.filter(|model| model.worker == beat.worker)
        };
        let claimed = beat.residents.iter().map(|(resident, _)| *resident);
        let mut evict: BTreeSet<ResidentId> = claimed.filter(|id| its(id).is_none()).collect();
        let leaving = device
            .residents
            .keys()
            .filter(|id| its(id).is_some_and(|m| m.state == "evicting"));
        evict.extend(leaving);
        let claimed: BTreeSet<ResidentId> = beat.residents.iter().map(|(id, _)| *id).collect();
        let preload = device.residents.iter().filter(|(id, model)| {
            let free = device.leases.iter().all(|lease| lease.resident != **id);
            let loads = model.preload && model.state == "loading";
            model.worker == beat.worker && loads && free && !claimed.contains(id)
        });
        let preload = preload.map(|(id, _)| *id).collect();
        let sent: BTreeSet<(JobId, Fence)> = beat.held.iter().copied().collect();
        let held = |job: &Job| job.worker == Some(beat.worker);
        let jobs = self.state.jobs.iter().filter(|(_, job)| held(job));
        let ours: BTreeSet<(JobId, Fence)> =
            jobs.clone().map(|(id, job)| (*id, job.fence)).collect();
        let cancel = jobs.filter(|(_, job)| job.cancel).map(|(id, _)| *id);
        Ok(Answer::Beaten(Box::new(Told {
            known: true,
            draining,
            lost: sent.difference(&ours).copied().collect(),
            cancel: cancel.collect(),
            assigned: ours.difference(&sent).copied().collect(),
            evict,
            preload,
        })))
    }

    fn reap(&mut self, id: WorkerId, beat: i64) -> Said {
        let worker = self.worker(id);
        if worker.state == "gone" || worker.beat != beat {
            return Err(Answer::Reaped(None));
        }
        worker.state = "gone".into();
        Ok(Answer::Reaped(Some(self.release(id, None))))
    }

    /// Takes a worker's jobs back, or those on one of its models.
    fn release(&mut self, worker: WorkerId, on: Option<ResidentId>) -> BTreeSet<JobId> {
        let jobs = self.state.jobs.iter();
        let its = jobs
            .filter(|(_, job)| job.worker == Some(worker) && (on.is_none() || job.resident == on));
        let its: BTreeSet<JobId> = its.map(|(id, _)| *id).collect();
        for id in &its {
            let job = self.job(*id);
            if job.state == JobState::Leased {
                self.give_back(*id);
            } else {
                let fence = job.fence;
                self.conclude(*id, How::Failed(FailureKind::WorkerLost));
                self.device(worker).quarantine(*id, fence);
            }
        }
        its
    }

    fn gone(&mut self, worker: WorkerId) {
        self.worker(worker).state = "gone".into();
        self.release(worker, None);
        self.unbook(worker);
    }

    fn unbook(&mut self, worker: WorkerId) {
        let device = self.device(worker);
        device.residents.retain(|_, model| model.worker != worker);
        device.leases.retain(|lease| lease.worker != worker);
    }

    fn register(&mut self, worker: WorkerId, seat: &Seat) {
        let before: Vec<WorkerId> = self
            .workers
            .iter()
            .filter(|(_, sat)| (&sat.device, sat.engine) == (&seat.device, seat.engine))
            .map(|(before, _)| *before)
            .collect();
        for before in before {
            self.gone(before);
        }
        let others_live = self.workers.iter().any(|(other, sat)| {
            sat.device == seat.device && self.state.workers[other].state != "gone"
        });
        self.workers.push((worker, seat.clone()));
        let here = Worker {
            state: "ready".into(),
            beat: 0,
            failed: [].into(),
        };
        self.state.workers.insert(worker, here);
        let device = self.state.devices.entry(seat.device.clone());
        let device = device.or_insert(Device {
            capacity: seat.capacity,
            turns: seat.turns,
            resident_mib: 0,
            working_mib: 0,
            turns_taken: 0,
            others: 0,
            lost: false,
            residents: [].into(),
            leases: Vec::new(),
        });
        device.lost &= others_live;
    }

    fn ready(&mut self, worker: WorkerId, resident: ResidentId) -> bool {
        let model = self.device(worker).residents.get_mut(&resident);
        let Some(model) = model.filter(|model| model.worker == worker) else {
            return false;
        };
        if model.state == "loading" {
            model.state = "ready".into();
        }
        let preset = model.preset.clone();
        self.worker(worker).failed.remove(&preset);
        true
    }

    fn child_gone(&mut self, worker: WorkerId, resident: ResidentId) {
        let model = self.device(worker).residents.get(&resident);
        if model.is_none_or(|model| model.worker != worker) {
            return;
        }
        self.release(worker, Some(resident));
        let device = self.device(worker);
        device.residents.remove(&resident);
        device.leases.retain(|lease| lease.resident != resident);
    }

    fn preload(&mut self, preload: &Preload) -> Said {
        let no = Answer::Preloaded(false);
        let mut seats = self.workers.iter();
        let seat = seats.find(|(id, _)| *id == preload.worker);
        let max_children = seat.expect("a worker of the history").1.max_children;
        let worker = self.worker(preload.worker);
        let failed = worker.failed.contains(&preload.preset);
        if worker.state != "ready" || failed {
            return Err(no);
        }
        let device = self.device(preload.worker);
        let booked = preload.booked.0;
        let memory = device.resident_mib + device.working_mib + device.others;
        let residents = device.residents.values();
        let its = residents.filter(|model| model.worker == preload.worker);
        let children = i32::try_from(its.clone().count()).expect("a few");
        let there = its.clone().any(|model| model.preset == preload.preset);
        if device.lost || memory + booked > device.capacity || children >= max_children || there {
            return Err(no);
        }
        let model = Resident {
            worker: preload.worker,
            preset: preload.preset.clone(),
            state: "loading".into(),
            booked,
            preload: true,
        };
        device.residents.insert(preload.resident, model);
        self.models.push((preload.worker, preload.resident));
        Ok(Answer::Preloaded(true))
    }

    /// Whether its booking is free.
    fn preload_ended(&mut self, worker: WorkerId, resident: ResidentId, failed: bool) -> bool {
        let device = self.device(worker);
        let model = device.residents.get_mut(&resident);
        let Some(model) = model.filter(|model| model.worker == worker) else {
            return true;
        };
        let mut leases = device.leases.iter();
        let live = leases.any(|it| it.resident == resident && it.state != "quarantined");
        let free = model.preload && !live;
        model.preload = false;
        let preset = model.preset.clone();
        if free {
            device.residents.remove(&resident);
            device.leases.retain(|lease| lease.resident != resident);
        }
        if failed {
            self.worker(worker).failed.insert(preset);
        }
        free
    }

    fn evict(&mut self, resident: ResidentId) -> Said {
        for device in self.state.devices.values_mut() {
            let free = device.leases.iter().all(|lease| lease.resident != resident);
            if let Some(model) = device.residents.get_mut(&resident)
                && free
                && (model.state == "ready" || model.preload && model.state == "loading")
            {
                model.state = "evicting".into();
                return Ok(Answer::Evicted(Some(model.worker)));
            }
        }
        Err(Answer::Evicted(None))
    }
}

impl Job {
    fn new() -> Self {
        Self {
            state: JobState::Queued,
            fence: Fence(0),
            attempt: 0,
            attempts_before: 0,
            engine_deaths: 0,
            plan: Plan::Full,
            images_done: 0,
            helps: None,
            picture: None,
            worker: None,
            resident: None,
            cancel: false,
            waits: false,
            error: None,
            events: vec!["queued".into()],
            last_event: 1,
            attempts: Vec::new(),
            images: Vec::new(),
        }
    }

    fn happens(&mut self, event: &str) {
        self.events.push(event.into());
        self.last_event += 1;
    }

    /// Leaves its worker: queued again, or ended.
    fn rest(&mut self, state: JobState, failure: Option<FailureKind>, event: &str) {
        self.state = state;
        self.error = failure.or(self.error);
        (self.worker, self.resident) = (None, None);
        self.happens(event);
    }
}

impl Device {
    fn lease(&mut self, job: JobId, fence: Fence) -> Option<&mut Lease> {
        let mut leases = self.leases.iter_mut();
        leases.find(|lease| (lease.job, lease.fence) == (job, fence))
    }

    fn free(&mut self, job: JobId, fence: Fence) {
        self.leases
            .retain(|lease| (lease.job, lease.fence) != (job, fence));
    }

    fn quarantine(&mut self, job: JobId, fence: Fence) {
        if let Some(lease) = self.lease(job, fence) {
            lease.state = "quarantined".into();
        }
    }

    fn count(&mut self) {
        self.leases.sort_by_key(|lease| (lease.job, lease.fence));
        self.resident_mib = self.residents.values().map(|model| model.booked).sum();
        self.working_mib = self.leases.iter().map(|lease| lease.working).sum();
        self.turns_taken = self.leases.iter().map(|lease| lease.turns).sum();
    }
}
