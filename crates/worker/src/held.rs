//! What this worker has in hand, leases and preloads, and how each is told to stop.

use std::collections::HashMap;
use std::hash::Hash;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mystic_domain::{Fence, JobId};
use tokio::sync::watch;

use crate::condition::Cause;

/// Why an attempt or a preload has to stop before its end.
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

/// A grant of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Lease {
    /// The job.
    pub(crate) job: JobId,
    /// The grant.
    pub(crate) fence: Fence,
}

/// What can be held.
pub(crate) trait Key: Copy + Eq + Hash {}
impl<K: Copy + Eq + Hash> Key for K {}

type Stops<K> = HashMap<K, watch::Sender<Option<Stop>>>;

/// What this worker holds of one sort.
#[derive(Clone, Debug)]
pub(crate) struct Held<K>(Arc<Mutex<Stops<K>>>);

impl<K> Default for Held<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Key> Held<K> {
    fn map(&self) -> MutexGuard<'_, Stops<K>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes something up; `None` where it is held already. The guard lets go of it when it is dropped.
    pub(crate) fn take(&self, key: K) -> Option<Holding<K>> {
        let (sender, stop) = watch::channel(None);
        let mut map = self.map();
        if map.contains_key(&key) {
            return None;
        }
        map.insert(key, sender);
        Some(Holding {
            held: self.clone(),
            key,
            stop,
        })
    }

    /// What is held, for the heartbeat.
    pub(crate) fn keys(&self) -> Vec<K> {
        self.map().keys().copied().collect()
    }

    /// Whether nothing is held.
    pub(crate) fn is_empty(&self) -> bool {
        self.map().is_empty()
    }

    /// Stops one thing. The first reason counts.
    pub(crate) fn stop(&self, key: K, why: Stop) {
        self.stop_each(|held| held == key, why);
    }

    /// Stops everything. The first reason counts.
    pub(crate) fn stop_all(&self, why: Stop) {
        self.stop_each(|_| true, why);
    }

    fn stop_each(&self, which: impl Fn(K) -> bool, why: Stop) {
        for (key, stop) in self.map().iter() {
            if which(*key) {
                stop.send_if_modified(|now| {
                    let first = now.is_none();
                    now.get_or_insert(why);
                    first
                });
            }
        }
    }
}

impl Held<Lease> {
    /// Stops every attempt at a job. The first reason counts.
    pub(crate) fn stop_job(&self, job: JobId, why: Stop) {
        self.stop_each(|held| held.job == job, why);
    }
}

/// Something in hand.
#[derive(Debug)]
pub(crate) struct Holding<K: Key> {
    held: Held<K>,
    key: K,
    stop: watch::Receiver<Option<Stop>>,
}

impl<K: Key> Holding<K> {
    /// Whether and why to stop.
    pub(crate) fn stopped(&self) -> Option<Stop> {
        *self.stop.borrow()
    }

    /// A call that stops this, for somebody who does not hold it.
    pub(crate) fn stopper(&self) -> impl FnOnce(Stop) + Send + use<K>
    where
        K: Send,
    {
        let (held, key) = (self.held.clone(), self.key);
        move |why| held.stop(key, why)
    }

    /// Completes when it has to stop.
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

impl<K: Key> Deref for Holding<K> {
    type Target = K;

    fn deref(&self) -> &K {
        &self.key
    }
}

impl<K: Key> Drop for Holding<K> {
    fn drop(&mut self) {
        self.held.map().remove(&self.key);
    }
}
