//! The promises, looked for in what clients saw, what the database recorded, and what lies on disk.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use mystic_domain::{JobId, JobKind, JobState, file_path};
use mystic_store::{Bin, ImageFilter, ImageRecord, JobFilter, JobRecord, Store};
use mystic_testkit::Audit;
use sha2::{Digest, Sha256};

use super::client::Entry;
use super::slot::Slot;
use super::stack::Stack;
use super::summary::{Invariant, Violation};
use super::watch::Seen;

/// More than a run has.
const ALL: i64 = 100_000;

/// What is left of a run when all is quiet.
pub(super) struct Remains {
    pub(super) entries: Vec<Entry>,
    pub(super) jobs: BTreeMap<JobId, JobRecord>,
    images: Vec<ImageRecord>,
    audit: Audit,
    journal: String,
    seen: BTreeMap<u32, Seen>,
    /// The role of the worker whose engine is real and keeps no journal.
    unjournaled: Option<&'static str>,
}

impl Remains {
    pub(super) async fn gather(
        stack: &Stack,
        store: &Store,
        entries: Vec<Entry>,
    ) -> anyhow::Result<Self> {
        let all = JobFilter {
            limit: ALL,
            ..JobFilter::default()
        };
        let jobs = store.jobs(&all).await?;
        let anywhere = ImageFilter {
            bin: Bin::Anywhere,
            ..ImageFilter::default()
        };
        Ok(Self {
            entries,
            jobs: jobs.into_iter().map(|job| (job.id, job)).collect(),
            images: store.images(&anywhere, None, ALL).await?,
            audit: Audit::read(&stack.servers.postgres.url(&stack.database)).await,
            journal: std::fs::read_to_string(&stack.journal)?,
            seen: stack.watch.seen(),
            unjournaled: stack.plan.real_engine.then(|| Slot::SdB.role()),
        })
    }

    /// Jobs that a client was told were accepted.
    pub(super) fn accepted(&self) -> BTreeSet<JobId> {
        let accepted = self.entries.iter().filter_map(|entry| match entry {
            Entry::Accepted { job, .. } => Some(*job),
            _ => None,
        });
        accepted.collect()
    }

    /// Everything that is not as it was promised.
    pub(super) fn violations(&self, outputs: &Path) -> Vec<Violation> {
        let mut found = Vec::new();
        let mut note = |invariant, seen| found.push(Violation { invariant, seen });
        self.check_ends(&mut note);
        self.check_pictures(outputs, &mut note);
        self.check_fences(&mut note);
        for wrong in &self.audit.overbookings {
            note(Invariant::Ledger, format!("{wrong:?}"));
        }
        self.check_children(&mut note);
        self.check_keys(&mut note);
        self.check_answers(&mut note);
        found
    }

    /// I1 and I7.
    fn check_ends(&self, note: &mut impl FnMut(Invariant, String)) {
        for id in self.accepted() {
            match self.jobs.get(&id) {
                None => note(
                    Invariant::Ends,
                    format!("job {id} was accepted and is not there"),
                ),
                Some(job) if !job.state.is_terminal() => {
                    note(
                        Invariant::Ends,
                        format!("job {id} is {}", job.state.as_str()),
                    );
                }
                Some(_) => {}
            }
        }
        for entry in &self.entries {
            if let Entry::Cancelled { job, state } = entry
                && state == "cancelled"
                && self
                    .jobs
                    .get(job)
                    .is_some_and(|job| job.state != JobState::Cancelled)
            {
                note(
                    Invariant::Cancels,
                    format!("job {job} was shown as cancelled and is not"),
                );
            }
        }
        let terminal = |state: &str| ["succeeded", "failed", "cancelled"].contains(&state);
        for moved in &self.audit.moves {
            if moved.before == "cancelled" {
                note(Invariant::Cancels, format!("{moved:?}"));
            } else if terminal(&moved.before) {
                note(Invariant::Ends, format!("a second end: {moved:?}"));
            }
        }
    }

    /// I2 and I10.
    fn check_pictures(&self, outputs: &Path, note: &mut impl FnMut(Invariant, String)) {
        let mut places = BTreeSet::new();
        let mut files = BTreeMap::new();
        for image in &self.images {
            let Some(job) = image.job.and_then(|job| self.jobs.get(&job)) else {
                note(
                    Invariant::Pictures,
                    format!("picture {} of no job", image.id),
                );
                continue;
            };
            let within = (0..job.images_total).contains(&image.index);
            if !places.insert((image.job, image.index)) || !within {
                note(
                    Invariant::Pictures,
                    format!("picture {} of {job:?}", image.index),
                );
            }
            for sha256 in [&image.sha256, &image.thumb_sha256] {
                files.entry(sha256.as_str()).or_insert(image.id);
            }
        }
        for job in self.jobs.values() {
            let made = self
                .images
                .iter()
                .filter(|image| image.job == Some(job.id))
                .count();
            let complete = job.state != JobState::Succeeded || job.images_done == job.images_total;
            if i32::try_from(made) != Ok(job.images_done) || !complete {
                note(Invariant::Pictures, format!("{made} pictures of {job:?}"));
            }
        }
        for (sha256, image) in files {
            match std::fs::read(outputs.join(file_path(sha256))) {
                Err(error) => note(
                    Invariant::Files,
                    format!("{sha256} of picture {image}: {error}"),
                ),
                Ok(file) if hex::encode(Sha256::digest(&file)) != sha256 => {
                    note(
                        Invariant::Pictures,
                        format!("{sha256} of picture {image} has another content"),
                    );
                }
                Ok(_) => {}
            }
        }
    }

    /// I3: whoever writes as a worker is the one that holds the lease, and what it writes was made under that lease: a
    /// seat can hold an old and a new lease of one job, and its role tells them not apart.
    fn check_fences(&self, note: &mut impl FnMut(Invariant, String)) {
        let done = self.done();
        for effect in &self.audit.effects {
            let live =
                effect.state == "running" && effect.claimed && effect.attempt == effect.of_job;
            if !live || effect.holder.as_ref() != Some(&effect.writer) {
                note(Invariant::Fences, format!("{effect:?}"));
            }
            let order = format!("{}-{}-{}", effect.job_id, effect.fence, effect.index);
            if Some(effect.writer.as_str()) != self.unjournaled && !done.contains(order.as_str()) {
                note(
                    Invariant::Fences,
                    format!("no engine made {order}: {effect:?}"),
                );
            }
        }
        let worker = |role: &str| {
            ["sd_", "llm_"]
                .iter()
                .any(|engine| role.starts_with(engine))
        };
        for moved in &self.audit.moves {
            if worker(&moved.writer) && moved.holder.as_ref() != Some(&moved.writer) {
                note(Invariant::Fences, format!("{moved:?}"));
            }
            let job = self.jobs.get(&JobId(moved.job_id));
            let tagged =
                moved.after == "succeeded" && job.is_some_and(|job| job.kind == JobKind::Tag);
            let order = format!("{}-{}-tags", moved.job_id, moved.fence);
            if tagged && !done.contains(order.as_str()) {
                note(
                    Invariant::Fences,
                    format!("no engine made {order}: {moved:?}"),
                );
            }
        }
    }

    /// What children of the fake engine finished: `<job>-<fence>-<index>` or `<job>-<fence>-tags`.
    fn done(&self) -> BTreeSet<&str> {
        let lines = self.journal.lines();
        lines
            .filter_map(|line| {
                let mut words = line.split(' ').skip(2);
                (words.next() == Some("end")).then(|| words.next())?
            })
            .collect()
    }

    /// I5: two children that work on one lease at once. A child that does not note its end has died.
    fn check_children(&self, note: &mut impl FnMut(Invariant, String)) {
        struct Work<'a> {
            pid: u32,
            lease: &'a str,
            begin: f64,
            end: f64,
        }
        let mut work: Vec<Work<'_>> = Vec::new();
        for line in self.journal.lines() {
            let mut words = line.split(' ');
            let (Some(at), Some(pid), Some(what), Some(order)) =
                (words.next(), words.next(), words.next(), words.next())
            else {
                continue;
            };
            let (Ok(at), Ok(pid)) = (at.parse::<f64>(), pid.parse::<u32>()) else {
                continue;
            };
            // Of `<job>-<fence>-<index>` and `<job>-<fence>-tags` alike.
            let Some((lease, _)) = order.rsplit_once('-') else {
                continue;
            };
            if what == "begin" {
                let end = self.seen.get(&pid).map_or(at, |seen| seen.last);
                work.push(Work {
                    pid,
                    lease,
                    begin: at,
                    end,
                });
            } else if let Some(begun) = work.iter_mut().rev().find(|work| work.pid == pid) {
                begun.end = at;
            }
        }
        for (number, one) in work.iter().enumerate() {
            let at_once = |other: &&Work<'_>| {
                other.lease == one.lease
                    && other.pid != one.pid
                    && other.begin < one.end
                    && one.begin < other.end
            };
            if let Some(other) = work[..number].iter().find(at_once) {
                let (pids, lease) = ((other.pid, one.pid), one.lease);
                note(
                    Invariant::Children,
                    format!("{pids:?} work on {lease} at once"),
                );
            }
        }
    }

    /// I6.
    fn check_keys(&self, note: &mut impl FnMut(Invariant, String)) {
        let mut jobs: BTreeMap<&String, BTreeSet<JobId>> = BTreeMap::new();
        let mut accepted: BTreeMap<JobId, u32> = BTreeMap::new();
        for entry in &self.entries {
            if let Entry::Accepted { job, key, status } = entry {
                if let Some(key) = key {
                    jobs.entry(key).or_default().insert(*job);
                }
                *accepted.entry(*job).or_default() += u32::from(*status == 202);
            }
        }
        for (key, jobs) in jobs.iter().filter(|(_, jobs)| jobs.len() > 1) {
            note(Invariant::Keys, format!("{key}: {jobs:?}"));
        }
        for (job, times) in accepted.iter().filter(|(_, times)| **times > 1) {
            note(Invariant::Keys, format!("{job} was accepted {times} times"));
        }
    }

    /// I9. Nor is any of these requests one to refuse.
    fn check_answers(&self, note: &mut impl FnMut(Invariant, String)) {
        for entry in &self.entries {
            if let Entry::Status { what, status, body } = entry
                && ![503, 507].contains(status)
            {
                note(
                    Invariant::Answers,
                    format!("{what} was answered with {status}: {body}"),
                );
            }
        }
    }
}

/// I4 at rest: what is not what is there; and what ended attempts left lying. Nothing, if all is well.
pub(super) async fn unrest(store: &Store, stack: &Stack) -> anyhow::Result<Option<String>> {
    let workers = store.workers(ALL).await?;
    let mut models = 0;
    for device in store.devices().await? {
        let booked: i64 = device.residents.iter().map(|model| model.booked.0).sum();
        let at_rest = device.leases.is_empty() && device.working.0 == 0 && device.turns_taken == 0;
        if !at_rest || device.resident.0 != booked {
            return Ok(Some(format!("{device:?}")));
        }
        for resident in &device.residents {
            let lives = workers
                .iter()
                .any(|worker| worker.id == resident.worker && worker.state != "gone");
            if !lives {
                return Ok(Some(format!("{resident:?} of a worker that is gone")));
            }
        }
        models += device.residents.len();
    }
    let living = stack.watch.living();
    if living.len() != models {
        return Ok(Some(format!(
            "{models} models are booked, and {living:?} live"
        )));
    }
    let unfinished = unfinished(&stack.disk.path)?;
    Ok((!unfinished.is_empty()).then(|| format!("{unfinished:?} are left of ended attempts")))
}

/// Pixels in the scratch of any seat.
fn unfinished(outputs: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for seat in std::fs::read_dir(outputs.join(".scratch"))? {
        for file in std::fs::read_dir(seat?.path())? {
            found.push(file?.path());
        }
    }
    Ok(found)
}
