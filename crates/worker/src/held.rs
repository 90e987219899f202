//! The leases that this worker holds, and how each is told to stop.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mystic_domain::{Fence, JobId};
use tokio::sync::watch;

use crate::condition::Cause;

/// Why an attempt has to stop before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Somebody asked for the job's end.
    Cancel,
    /// The lease is somebody else's, or could not be renewed for too long.
    Lost,
    /// The worker is told to end now.
    HandBack,
    /// The job's own time limit is over.
    Timeout,
    /// The engine child can't go on on its device.
    Device(Cause),
}

type Stops = HashMap<(JobId, Fence), watch::Sender<Option<Stop>>>;

/// The leases that this worker holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Held(Arc<Mutex<Stops>>);

impl Held {
    fn map(&self) -> MutexGuard<'_, Stops> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a lease up; `None` where it is held already. The guard lets go of it when it is dropped.
    pub(crate) fn take(&self, job: JobId, fence: Fence) -> Option<Holding> {
        let (sender, stop) = watch::channel(None);
        let mut map = self.map();
        if map.contains_key(&(job, fence)) {
            return None;
        }
        map.insert((job, fence), sender);
        Some(Holding {
            held: self.clone(),
            job,
            fence,
            stop,
        })
    }

    /// The leases, for the heartbeat.
    pub(crate) fn pairs(&self) -> Vec<(JobId, Fence)> {
        self.map().keys().copied().collect()
    }

    /// Whether nothing is held.
    pub(crate) fn is_empty(&self) -> bool {
        self.map().is_empty()
    }

    /// Stops every attempt at a job. The first reason counts.
    pub(crate) fn stop_job(&self, job: JobId, why: Stop) {
        self.stop(|held, _| held == job, why);
    }

    /// Stops one attempt. The first reason counts.
    pub(crate) fn stop_lease(&self, job: JobId, fence: Fence, why: Stop) {
        self.stop(
            |held_job, held_fence| (held_job, held_fence) == (job, fence),
            why,
        );
    }

    /// Stops everything. The first reason counts.
    pub(crate) fn stop_all(&self, why: Stop) {
        self.stop(|_, _| true, why);
    }

    fn stop(&self, which: impl Fn(JobId, Fence) -> bool, why: Stop) {
        for ((job, fence), stop) in self.map().iter() {
            if which(*job, *fence) {
                stop.send_if_modified(|now| {
                    let first = now.is_none();
                    now.get_or_insert(why);
                    first
                });
            }
        }
    }
}

/// A lease in hand.
#[derive(Debug)]
pub(crate) struct Holding {
    held: Held,
    /// The job.
    pub(crate) job: JobId,
    /// The grant.
    pub(crate) fence: Fence,
    stop: watch::Receiver<Option<Stop>>,
}

impl Holding {
    /// Whether and why to stop.
    pub(crate) fn stopped(&self) -> Option<Stop> {
        *self.stop.borrow()
    }

    /// A call that stops this attempt, for somebody who does not hold it.
    pub(crate) fn stopper(&self) -> impl FnOnce(Stop) + Send + use<> {
        let (held, job, fence) = (self.held.clone(), self.job, self.fence);
        move |why| held.stop_lease(job, fence, why)
    }

    /// Completes when the attempt has to stop.
    pub(crate) async fn stopping(&self) -> Stop {
        let mut stop = self.stop.clone();
        loop {
            if let Some(why) = *stop.borrow_and_update() {
                return why;
            }
            if stop.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        self.held.map().remove(&(self.job, self.fence));
    }
}
