//! What the placement says, in the store's terms.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use mystic_domain::{EngineKind, JobId, Mib, Pause, ResidentId, WaitReason};
use mystic_placement::{
    self as placement, ClassIndex, DeviceIndex, PresetIndex, Reason, decide, seat,
};
use mystic_store::{DeviceRecord, Grant, Help, Preload, Seat, Wait};
use uuid::Uuid;

use crate::{Ledger, fleet};

/// What the scheduler does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Lease the job.
    Grant(Grant),
    /// Lease a picture of a job that runs elsewhere.
    Help(Help),
    /// Unload an idle model.
    Evict(ResidentId),
    /// Load a model that no job has asked for yet.
    Preload(Preload),
    /// Leave the job in the queue, and say why.
    Wait(Wait),
}

impl Ledger<'_> {
    /// Decides. One [`Action::Grant`] or one [`Action::Wait`] for each queued job, with the evictions that jobs wait
    /// for, and the preloads and the help that take nothing from any; `new_id` names the models that have to be loaded
    /// and the helpers.
    #[must_use]
    pub fn decide(&self, mut new_id: impl FnMut() -> Uuid) -> Vec<Action> {
        let mut actions = Vec::new();
        let mut granted = HashSet::new();
        let mut reasons = HashMap::new();
        for action in decide(&self.placement(), self.now) {
            match action {
                placement::Action::Grant(grant) => {
                    granted.insert(grant.job);
                    let job = self.jobs.get(&grant.job).map(|job| job.record);
                    let granted = job.and_then(|job| {
                        self.grant(&grant, job.id, &job.preset, job.kind.engine(), &mut new_id)
                    });
                    actions.extend(granted.map(Action::Grant));
                }
                placement::Action::Help(grant) => {
                    actions.extend(self.help(&grant, &mut new_id).map(Action::Help));
                }
                placement::Action::Evict(resident) => actions.push(Action::Evict(resident)),
                placement::Action::Preload {
                    device,
                    preset,
                    how,
                } => {
                    let preload = self.preload(device, preset, how, &mut new_id);
                    actions.extend(preload.map(Action::Preload));
                }
                placement::Action::Reserve(kept) => {
                    let device = &self.records[kept.device.0].id;
                    tracing::debug!(%device, job = %kept.job, why = ?kept.why, "device kept");
                }
                placement::Action::Wait(class, reason) => {
                    reasons.insert(class, reason);
                }
            }
        }
        actions.extend(self.waits(&granted, &reasons).into_iter().map(Action::Wait));
        actions
    }

    fn grant(
        &self,
        grant: &placement::Grant,
        job: JobId,
        preset: &str,
        engine: EngineKind,
        new_id: &mut impl FnMut() -> Uuid,
    ) -> Option<Grant> {
        let worker = self.workers[grant.device.0][seat(engine)]?;
        Some(Grant {
            job,
            worker: worker.id,
            device: worker.device.clone(),
            preset: preset.to_owned(),
            plan: grant.plan,
            need: grant.need,
            seat: match grant.seat {
                Some(resident) => Seat::Loaded(resident),
                None => Seat::Load {
                    resident: ResidentId(new_id()),
                    context: grant.context,
                },
            },
            turns: grant.turns,
            expected: Duration::from_millis(
                u64::try_from((grant.until - self.now).0).unwrap_or_default(),
            ),
        })
    }

    fn help(&self, grant: &placement::Grant, new_id: &mut impl FnMut() -> Uuid) -> Option<Help> {
        let mut batches = self.snapshot.batches.iter();
        let batch = batches.find(|batch| batch.job == grant.job)?;
        let helper = JobId(new_id());
        Some(Help {
            grant: self.grant(grant, helper, &batch.preset, EngineKind::Sd, new_id)?,
            of: batch.job,
            fence: batch.fence,
        })
    }

    fn preload(
        &self,
        device: DeviceIndex,
        preset: PresetIndex,
        how: placement::Preload,
        new_id: &mut impl FnMut() -> Uuid,
    ) -> Option<Preload> {
        let preset = &self.snapshot.presets[preset.0];
        let worker = self.workers[device.0][seat(preset.engine())]?;
        Some(Preload {
            resident: ResidentId(new_id()),
            worker: worker.id,
            device: worker.device.clone(),
            preset: preset.name.clone(),
            context: how.context,
            booked: how.resident,
        })
    }

    /// Why each job waits that is not granted. What holds for a class's first job need not hold for the next: those
    /// wait for the jobs before them.
    fn waits(&self, granted: &HashSet<JobId>, reasons: &HashMap<ClassIndex, Reason>) -> Vec<Wait> {
        let mut waits = Vec::new();
        let mut told = HashSet::new();
        let mut taken: BTreeMap<EngineKind, u32> = BTreeMap::new();
        for job in granted.iter().filter_map(|job| self.jobs.get(job)) {
            *taken.entry(job.record.kind.engine()).or_default() += 1;
        }
        let mut before: BTreeMap<EngineKind, u32> = BTreeMap::new();
        // Of a class all jobs have the same, and a queue has many jobs of few classes.
        let mut held: HashMap<ClassIndex, u32> = HashMap::new();
        for job in self.queue.in_order() {
            let Some(queued) = self.jobs.get(&job.id) else {
                continue;
            };
            if granted.contains(&job.id) {
                continue;
            }
            let engine = queued.record.kind.engine();
            let preset = &queued.record.preset;
            let first = told.insert(job.class);
            let before = before.entry(engine).or_default();
            let held = *held
                .entry(job.class)
                .or_insert_with(|| self.held(engine, preset));
            let behind = WaitReason::Behind {
                n: *before + held + taken.get(&engine).copied().unwrap_or(0),
            };
            let reason = match reasons.get(&job.class) {
                Some(Reason::NoWorker) => self.barred(engine, preset),
                Some(Reason::TooLarge { device, need, most }) => {
                    let record = self.records[device.0];
                    let device = record.id.clone();
                    let need = *need;
                    if need <= record.capacity {
                        // Strangers, or engines of workers that are gone, have what it could have one day.
                        let free = fleet::free(record).max(Mib(0));
                        WaitReason::VramShort { device, need, free }
                    } else {
                        let most = *most;
                        WaitReason::TooLarge { device, need, most }
                    }
                }
                Some(Reason::VramShort { device, need, free }) if first => WaitReason::VramShort {
                    device: self.records[device.0].id.clone(),
                    need: *need,
                    free: *free,
                },
                Some(Reason::ModelLoading(device)) if first => WaitReason::ModelLoading {
                    device: self.records[device.0].id.clone(),
                    preset: preset.clone(),
                    percent: None,
                },
                _ => behind,
            };
            if !matches!(
                reason,
                WaitReason::NoWorker { .. } | WaitReason::TooLarge { .. }
            ) {
                *before += 1;
            }
            waits.push(Wait {
                job: job.id,
                reason,
                ahead_ms: queued.ahead.0.max(0),
            });
        }
        waits
    }

    /// Jobs of this engine on devices that serve the preset.
    fn held(&self, engine: EngineKind, preset: &str) -> u32 {
        let serving = self
            .records
            .iter()
            .zip(&self.workers)
            .filter(|(_, workers)| {
                workers[seat(engine)].is_some_and(|worker| fleet::served(worker, preset).is_some())
            });
        let held = serving.map(|(device, workers)| {
            let worker = workers[seat(engine)].map(|worker| worker.id);
            let leases = device.leases.iter();
            leases
                .filter(|lease| Some(lease.worker) == worker && lease.state != "quarantined")
                .count()
        });
        u32::try_from(held.sum::<usize>()).unwrap_or(u32::MAX)
    }

    /// Why a preset runs nowhere: the devices that could are stopped or lost, or there is none.
    fn barred(&self, engine: EngineKind, preset: &str) -> WaitReason {
        let serving =
            self.snapshot.workers.iter().filter(|worker| {
                worker.engine == engine && fleet::served(worker, preset).is_some()
            });
        let devices = serving.filter_map(|worker| {
            let on = |device: &&DeviceRecord| device.id == worker.device;
            self.snapshot.devices.iter().find(on)
        });
        let reasons = devices.filter_map(|device| {
            if device.paused {
                Some(WaitReason::Paused {
                    by: Pause::Device(device.id.clone()),
                })
            } else {
                device.lost_at.map(|_| WaitReason::DeviceLost {
                    device: device.id.clone(),
                })
            }
        });
        let none = || WaitReason::NoWorker {
            preset: preset.to_owned(),
        };
        reasons.into_iter().next().unwrap_or_else(none)
    }
}
