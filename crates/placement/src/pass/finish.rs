//! What is left when all turns are given: reservations, preloads and reasons.

use mystic_domain::Mib;

use super::{Head, Pass};
use crate::slot::{Life, Slot};
use crate::snapshot::turns;
use crate::{Action, DeviceIndex, Hold, Preload, PresetIndex, Reason, Reservation};

impl Pass<'_> {
    pub(super) fn finish(&mut self) {
        for slot in 0..self.slots.len() {
            if self.snapshot.devices[slot].turns > 0 && !self.granted(slot) {
                match self.reservation(slot) {
                    Some(reservation) => self.actions.push(Action::Reserve(reservation)),
                    None => self.preload(slot),
                }
            }
        }
        self.help();
        for at in 0..self.heads.len() {
            let head = &self.heads[at];
            if head.first().is_some() {
                let reason = self.reason(head);
                let index = head.index;
                self.actions.push(Action::Wait(index, reason));
            }
        }
    }

    fn granted(&self, slot: usize) -> bool {
        let device = DeviceIndex(slot);
        self.actions
            .iter()
            .any(|action| matches!(action, Action::Grant(grant) if grant.device == device && grant.turns > 0))
    }

    /// For whom a device with a free turn stays idle, and why.
    fn reservation(&self, slot: usize) -> Option<Reservation> {
        let device = DeviceIndex(slot);
        let until = self.snapshot.devices[slot].idle_since + self.policy.affinity;
        let pictures = || {
            self.heads
                .iter()
                .filter(|head| turns(head.engine) > 0)
                .filter_map(|head| Some((head, head.first()?)))
        };
        if let Some((job, why)) = self.slots[slot].held {
            let until = match why {
                Hold::Unloading => self.now + self.policy.unload,
                _ => until,
            };
            return Some(Reservation {
                device,
                job,
                why,
                until,
            });
        }
        let on = &self.slots[slot];
        let weighing = self.weighing();
        let fitting = pictures().filter(|(head, (place, job))| {
            let fit = weighing.fit(on, head.class, job, place.due);
            fit.is_some_and(|fit| fit.is_immediate())
        });
        if let Some((head, (_, job))) = fitting.min_by_key(|(_, (place, _))| *place) {
            let elsewhere = head.promised.map(|(_, _, on, _)| DeviceIndex(on));
            return Some(Reservation {
                device,
                job: job.id,
                why: elsewhere.map_or(Hold::MemoryHeld, Hold::SoonerOn),
                until,
            });
        }
        // A text model that comes first may have what is being unloaded here.
        let first = pictures()
            .filter(|(head, _)| on.leaving > 0 && on.holds_ever(head.class))
            .min_by_key(|(_, (place, _))| *place);
        first.map(|(_, (_, job))| Reservation {
            device,
            job: job.id,
            why: Hold::Unloading,
            until: self.now + self.policy.unload,
        })
    }

    /// Loads what will be asked for next, where it takes nothing from anybody.
    fn preload(&mut self, slot: usize) {
        let on = &self.slots[slot];
        if on.claimed
            || on
                .models
                .iter()
                .any(|model| matches!(model.life, Life::Loading(_)))
        {
            return;
        }
        let wanted = |preset: PresetIndex| {
            let upcoming = self.snapshot.presets[preset.0].upcoming as usize;
            upcoming.saturating_sub(self.demand.copies(preset))
        };
        let next = (0..self.snapshot.presets.len())
            .map(PresetIndex)
            .filter(|preset| wanted(*preset) > 0)
            .filter_map(|preset| Some((preset, self.room(on, preset)?)))
            .max_by_key(|(preset, _)| (wanted(*preset), std::cmp::Reverse(*preset)));
        if let Some((preset, how)) = next {
            let load = on.served(preset).map_or(0, |served| served.load.0);
            self.slots[slot].free -= how.resident.0;
            self.load(slot, preset, how.context, how.resident, load);
            self.actions.push(Action::Preload {
                device: DeviceIndex(slot),
                preset,
                how,
            });
        }
    }

    /// How a model is loaded that nobody asked for yet, where memory is free for it.
    fn room(&self, slot: &Slot<'_>, preset: PresetIndex) -> Option<Preload> {
        let engine = self.snapshot.presets[preset.0].engine;
        let how = slot.served(preset)?.preload?;
        // One that is on its way out may still be in the way.
        let mut models = slot.models.iter();
        let there = models.any(|it| it.preset == preset && it.life != Life::Stranded);
        let room = !there && !slot.full(engine) && slot.free >= how.resident.0;
        room.then_some(how)
    }

    fn reason(&self, head: &Head<'_>) -> Reason {
        if let Some((_, _, slot, fit)) = head.promised {
            let device = DeviceIndex(slot);
            let free = self.snapshot.devices[slot].free;
            if Mib(fit.ask) > free {
                return Reason::VramShort {
                    device,
                    need: Mib(fit.ask),
                    free: free.max(Mib(0)),
                };
            }
            let loading = fit
                .seat
                .is_some_and(|seat| matches!(self.slots[slot].models[seat].life, Life::Loading(_)));
            if loading {
                return Reason::ModelLoading(device);
            }
            return Reason::Behind;
        }
        if head.able > 0 {
            return Reason::Behind;
        }
        self.too_large(head).unwrap_or(Reason::NoWorker)
    }

    /// The device that comes nearest, where not even an empty one could hold the class.
    fn too_large(&self, head: &Head<'_>) -> Option<Reason> {
        let serving = self.slots.iter().enumerate();
        let offered = serving.filter_map(|(at, slot)| {
            let needs = slot
                .offers(head.class)
                .map(|rung| rung.need.resident + rung.need.working);
            needs.min().map(|need| (at, need, slot.reachable))
        });
        let (device, need, most) = offered.max_by_key(|(_, need, reachable)| reachable - need.0)?;
        Some(Reason::TooLarge {
            device: DeviceIndex(device),
            need,
            most: Mib(most.max(0)),
        })
    }
}
