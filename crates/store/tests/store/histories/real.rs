//! The store under a history: each step is one of its calls.

use mystic_domain::{Failure, ImageId, JobId, JobState, Mib, PhaseTimes};
use mystic_store::{
    Cancelled, Committed, DeviceInfo, Granted, NewImage, NewJob, Outcome, Registration, Result,
    Retried, ServedPreset, Settled, Spent, Store, Submitted,
};

use super::op::How;
use super::step::{Answer, Seat, Step, Told};
use crate::support::{OFFERED, PAINTER, TAGGER, new_job, sha256, signature};

/// A lead that is over, since each lane took the next.
const PAST_LEAD: i64 = 0;

pub struct Real<'a> {
    /// The leader's.
    pub store: &'a Store,
    /// The same as a worker sees it: under a role that may do what workers do, and nothing else.
    pub worker: &'a Store,
    /// Whose jobs these are.
    pub owner: &'a str,
}

impl Real<'_> {
    pub async fn apply(&self, step: &Step) -> Answer {
        match self.call(step).await {
            Ok(answer) => answer,
            Err(error) => {
                assert!(!error.is_unavailable(), "{error}");
                Answer::Refused
            }
        }
    }

    async fn call(&self, step: &Step) -> Result<Answer> {
        let store = self.store;
        Ok(match step {
            Step::Submit {
                job,
                key,
                request,
                pictures,
                max_attempts,
            } => {
                let new = NewJob {
                    id: *job,
                    owner: self.owner.to_owned(),
                    max_attempts: *max_attempts,
                    idempotency: Some((key.to_string(), [*request; 32])),
                    ..new_job(*pictures)
                };
                match store.submit(&new).await? {
                    Submitted::New(_) => Answer::Accepted,
                    Submitted::Same(job) => Answer::SameAs(job.id),
                    Submitted::Other => Answer::OtherRequest,
                    Submitted::Retired(_) => Answer::Refused,
                    Submitted::InputGone => panic!("these jobs read no files"),
                }
            }
            Step::Grant(grant) => Answer::Fence(match store.grant(grant).await? {
                Granted::Yes(fence) => Some(fence),
                Granted::No => None,
            }),
            Step::Help(help) => Answer::Fence(match store.help(help).await? {
                Granted::Yes(fence) => Some(fence),
                Granted::No => None,
            }),
            Step::Next(worker, job, fence) => {
                Answer::Next(self.worker.next_picture(*worker, *job, *fence).await?)
            }
            Step::Claim(worker, job, fence) => {
                let claimed = self.worker.claim(*worker, *job, *fence).await?;
                Answer::Claimed(claimed.map(|it| (it.job.attempt, it.resident)))
            }
            Step::Commit { .. } => Answer::Committed(self.commit(step).await?),
            Step::Settle { .. } => Answer::Settled(self.settle(step).await?),
            Step::Cancel(job) => match store.cancel(*job).await? {
                Cancelled::NotFound => Answer::Refused,
                Cancelled::Noted { job, tell } => Answer::Cancelled(job.state, tell),
            },
            Step::Retry(job) => match store.retry(*job).await? {
                Retried::NotFound | Retried::PresetRetired(_) => Answer::Refused,
                Retried::Queued(job) => Answer::Retried(true, job.state),
                Retried::NotFailed(state) => Answer::Retried(false, state),
            },
            Step::Later(job) => {
                self.set_back_off(*job, "now() - interval '1 day'").await?;
                Answer::Done
            }
            Step::Expire(job, fence) => Answer::Yes(store.expire(*job, *fence).await?),
            Step::Beat(beat) => {
                let reply = self.worker.beat(beat).await?;
                Answer::Beaten(Box::new(Told {
                    known: reply.known,
                    draining: reply.draining,
                    lost: reply.lost.into_iter().collect(),
                    cancel: reply.cancel.into_iter().collect(),
                    assigned: reply.assigned.into_iter().collect(),
                    evict: reply.evict.into_iter().collect(),
                    preload: reply.preload.into_iter().collect(),
                }))
            }
            Step::Reap(worker, beat) => {
                let jobs = store.reap(*worker, *beat).await?;
                Answer::Reaped(jobs.map(|jobs| jobs.into_iter().collect()))
            }
            Step::Gone(worker) => {
                self.worker.gone(*worker).await?;
                Answer::Done
            }
            Step::Forget(worker) => Answer::Yes(store.forget(*worker).await?),
            Step::Drain(worker) => {
                self.worker.drain(*worker).await?;
                Answer::Done
            }
            Step::Register(worker, seat) => {
                self.worker.register(&registration(*worker, seat)).await?;
                Answer::Done
            }
            Step::Ready(worker, resident) => {
                Answer::Yes(self.worker.resident_ready(*worker, *resident).await?)
            }
            Step::ChildGone(worker, resident) => {
                self.worker.child_gone(*worker, *resident).await?;
                Answer::Done
            }
            Step::Evict(resident) => Answer::Evicted(store.evict(*resident).await?),
            Step::Preload(preload) => Answer::Preloaded(store.preload(preload).await?),
            Step::PreloadEnded(worker, resident, failed) => {
                let ended = self.worker.preload_ended(*worker, *resident, *failed);
                Answer::PreloadEnded(ended.await?)
            }
            Step::Deposed(step) => {
                let store = &store.leading(PAST_LEAD);
                let deposed = Real { store, ..*self };
                Box::pin(deposed.call(step)).await?
            }
        })
    }

    async fn commit(&self, step: &Step) -> Result<Committed> {
        let Step::Commit {
            worker,
            job,
            fence,
            index,
            files,
        } = step
        else {
            unreachable!("a commit")
        };
        let file = sha256();
        if *files {
            assert!(self.worker.stage_file(&file, 1).await?);
        }
        let new = NewImage {
            id: ImageId::generate(),
            job: *job,
            fence: *fence,
            worker: *worker,
            index: *index,
            seed: i64::from(*index),
            width: 8,
            height: 8,
            sha256: file.clone(),
            thumb_sha256: file.clone(),
            pixels_sha256: file,
            times: PhaseTimes::default(),
            provenance: mystic_testkit::provenance(),
        };
        self.worker.commit_image(&new).await
    }

    async fn settle(&self, step: &Step) -> Result<Settled> {
        let Step::Settle {
            worker,
            job,
            fence,
            how,
            tags,
            alive,
        } = step
        else {
            unreachable!("a settle")
        };
        let outcome = match how {
            How::Succeeded if *tags => Outcome::Tagged(vec![("circle".into(), 0.5)]),
            How::Succeeded => Outcome::Succeeded,
            How::Failed(kind) => Outcome::Failed(Failure::new(*kind, "it broke")),
            How::Stopped => Outcome::Stopped,
            How::HandedBack => Outcome::HandedBack,
        };
        let settled = self
            .worker
            .settle(*worker, *job, *fence, &outcome, Spent::default(), *alive)
            .await?;
        if settled == Settled::Done(JobState::Queued) {
            // A back-off never ends by itself here, however slow the machine is: only `Later` ends it.
            self.set_back_off(*job, "not_before + interval '1 day'")
                .await?;
        }
        Ok(settled)
    }

    /// Sets the end of a back-off that has begun and has not been ended.
    async fn set_back_off(&self, job: JobId, to: &'static str) -> Result<()> {
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "UPDATE jobs SET not_before = {to} WHERE id = $1 AND not_before > now() - interval '1 hour'"
        )))
        .bind(job.0)
        .execute(self.store.pool())
        .await?;
        Ok(())
    }

    /// The tagging job that came with a picture.
    pub async fn child(&self, job: JobId, index: i32) -> JobId {
        let child = sqlx::query_scalar(
            "SELECT jobs.id FROM jobs JOIN images ON images.id = jobs.parent_image
             WHERE images.job_id = $1 AND images.index = $2",
        );
        let child = child.bind(job.0).bind(index);
        JobId(
            child
                .fetch_one(self.store.pool())
                .await
                .expect("a tagging job"),
        )
    }
}

fn registration(worker: mystic_domain::WorkerId, seat: &Seat) -> Registration {
    let served = |preset: &str| ServedPreset {
        preset: preset.into(),
        signature: signature(preset),
        weights: Mib(90).into(),
        plans: OFFERED.to_vec(),
        problem: None,
    };
    Registration {
        worker,
        host: seat.host.clone(),
        device: DeviceInfo {
            id: seat.device.clone(),
            kind: "cpu".into(),
            name: "a processor".into(),
            total: Mib(seat.capacity),
            capacity: Mib(seat.capacity),
            turns: seat.turns,
        },
        engine: seat.engine,
        version: "0".into(),
        pid: 1,
        boot_id: "boot".into(),
        max_children: seat.max_children,
        presets: vec![served(PAINTER), served(TAGGER)],
    }
}
