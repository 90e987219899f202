//! What holds for any queue and any ledger.

use std::collections::{BTreeMap, BTreeSet};

use mystic_domain::{ContextPlan, JobId, ResidentId, WorkerId};
use mystic_ledger::Action;
use mystic_store::{Seat, Snapshot};
use proptest::prelude::*;

use crate::bench::*;

/// Any ledger on up to three devices, any queue.
fn any_bench() -> impl Strategy<Value = Bench> {
    let device = (
        0..9_000_i64,
        1..3_i32,
        prop::collection::btree_map(0..5_usize, (0..4_u8, 0..1_000_i64), 0..5),
    );
    (
        prop::collection::vec(device, 1..4),
        prop::collection::vec((0..5_usize, 0..4_usize), 0..14),
        0..4_u32,
        prop::collection::vec(1..5_u32, 0..3),
    )
        .prop_map(|(devices, jobs, pictures, batches)| {
            let mut bench = Bench::new();
            for (free, turns, models) in devices {
                let device = bench.device(free, turns);
                for (name, (state, idle_s)) in models {
                    let name = SD.iter().chain(&LLM).nth(name).expect("a name");
                    let states = ["loading", "ready", "ready", "evicting"];
                    let model = bench.model(device, name, states[usize::from(state)], idle_s);
                    let on = &bench.snapshot.devices[device];
                    if state == 2 && (LLM.contains(name) || on.turns_taken < on.turns) {
                        bench.lease(device, model, "claimed");
                    }
                }
            }
            for unbegun in batches {
                let device = bench.device(0, 1);
                bench.batch(device, "anime", unbegun);
            }
            bench.offer_all();
            bench.draws("local", pictures);
            for (name, side) in jobs {
                let name = SD.iter().chain(&LLM).nth(name).expect("a name");
                bench.queue(&[(name, [256, 512, 1024, 2048][side])]);
            }
            bench
        })
}

/// Does the grants on the ledger and checks each as the database would.
fn replay(snapshot: &Snapshot, actions: &[Action]) -> Result<(), TestCaseError> {
    let mut devices: BTreeMap<_, _> = snapshot
        .devices
        .iter()
        .map(|device| {
            let booked = device.resident + device.working + device.others;
            (&device.id, (device, booked, device.turns_taken))
        })
        .collect();
    let mut leased: BTreeSet<ResidentId> = BTreeSet::new();
    let mut models: BTreeSet<(WorkerId, String, ContextPlan)> = BTreeSet::new();
    let mut children: BTreeMap<WorkerId, i32> = BTreeMap::new();
    for device in &snapshot.devices {
        leased.extend(device.leases.iter().map(|lease| lease.resident));
        for model in &device.residents {
            models.insert((model.worker, model.preset.clone(), model.context));
            *children.entry(model.worker).or_default() += 1;
        }
    }
    let gone: BTreeSet<ResidentId> = evicted(actions).into_iter().collect();
    prop_assert!(gone.is_disjoint(&leased));
    for preload in preloaded(actions) {
        let (record, booked, turns) = devices.get_mut(&preload.device).expect("a device");
        prop_assert!(*turns < record.turns, "an idle device");
        *booked = *booked + preload.booked;
        prop_assert!(*booked <= record.capacity, "over-committed");
        let key = (preload.worker, preload.preset.clone(), preload.context);
        prop_assert!(models.insert(key), "twice");
        let count = children.entry(preload.worker).or_default();
        *count += 1;
        let worker = snapshot.workers.iter().find(|w| w.id == preload.worker);
        prop_assert!(*count <= worker.expect("a worker").max_children);
    }
    for help in helps(actions) {
        let of = snapshot.batches.iter().find(|batch| batch.job == help.of);
        prop_assert!(of.is_some_and(|batch| batch.unbegun > 0 && batch.fence == help.fence));
    }
    let helps = helps(actions);
    let helpers = helps.iter().map(|help| &help.grant);
    for grant in grants(actions).into_iter().chain(helpers) {
        let (record, booked, turns) = devices.get_mut(&grant.device).expect("a device");
        let resident = match grant.seat {
            Seat::Loaded(resident) => {
                let model = record.residents.iter().find(|model| model.id == resident);
                let model = model.expect("a model of this device");
                prop_assert_eq!(&model.preset, &grant.preset);
                prop_assert_eq!(model.worker, grant.worker);
                prop_assert_eq!(model.context, grant.plan.context());
                prop_assert!(model.state != "evicting" && !gone.contains(&resident));
                resident
            }
            Seat::Load { resident, context } => {
                prop_assert_eq!(context, grant.plan.context());
                *booked = *booked + grant.need.resident;
                prop_assert!(models.insert((grant.worker, grant.preset.clone(), context)));
                let count = children.entry(grant.worker).or_default();
                *count += 1;
                let worker = snapshot.workers.iter().find(|w| w.id == grant.worker);
                prop_assert!(*count <= worker.expect("a worker").max_children);
                resident
            }
        };
        prop_assert!(leased.insert(resident), "two jobs on one model");
        *booked = *booked + grant.need.working;
        *turns += grant.turns;
        prop_assert!(*booked <= record.capacity, "over-committed");
        prop_assert!(*turns <= record.turns, "too many turns");
    }
    Ok(())
}

proptest! {
    #[test]
    fn no_pass_books_more_memory_turns_models_or_children_than_there_are(bench in any_bench()) {
        replay(&bench.snapshot, &bench.decide())?;
    }

    #[test]
    fn each_queued_job_gets_one_answer(bench in any_bench()) {
        let mut answered: Vec<JobId> = bench.decide().iter().filter_map(|action| match action {
            Action::Grant(grant) => Some(grant.job),
            Action::Wait(wait) => Some(wait.job),
            Action::Help(_) | Action::Evict(_) | Action::Preload(_) => None,
        }).collect();
        answered.sort();
        let queued: Vec<JobId> = bench.snapshot.queued.iter().map(|job| job.id).collect();
        prop_assert_eq!(answered, queued);
    }

    #[test]
    fn the_same_snapshot_has_the_same_answer(bench in any_bench()) {
        prop_assert_eq!(bench.decide(), decide(&bench.snapshot.clone()));
    }
}
