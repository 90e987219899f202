//! Memory and turns: never more booked than there are, and freed only by proof.

use mystic_domain::{EngineKind, JobState, Mib, ResidentId};
use mystic_store::{Beat, DeviceTelemetry, Grant, Outcome, Seat};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::support::{Lease, NEED, PAINTER, TAGGER, Worker, World, load, sit};

#[tokio::test]
async fn what_does_not_fit_is_not_granted() {
    let world = World::new().await;
    let one = (NEED.resident + NEED.working).0;
    for (capacity, turns, why) in [(one - 1, 1, "memory"), (one, 1, "nothing")] {
        let worker = world.worker_with(capacity, turns).await;
        let granted = world.grant(&load(&worker, world.submit().await)).await;
        assert_eq!(granted.is_some(), why == "nothing", "short of {why}");
    }
    let worker = world.worker_with(10 * one, 1).await;
    let lease = world.lease(&worker, world.submit().await).await;
    let second = Grant {
        preset: TAGGER.into(),
        ..load(&worker, world.submit().await)
    };
    assert!(world.grant(&second).await.is_none(), "short of turns");
    let beside = Grant { turns: 0, ..second };
    assert!(world.grant(&beside).await.is_some(), "text takes no turn");
    let same = sit(&worker, world.submit().await, lease.resident);
    assert!(
        world.grant(&Grant { turns: 0, ..same }).await.is_none(),
        "one lease a model"
    );
    world.assert_ledger().await;
}

#[tokio::test]
async fn memory_of_strangers_is_not_granted() {
    let world = World::new().await;
    let worker = world.worker_with(1000, 1).await;
    let beat = |others| Beat {
        worker: worker.id,
        device: worker.device.clone(),
        held: Vec::new(),
        telemetry: DeviceTelemetry {
            others: Mib(others),
            ..DeviceTelemetry::default()
        },
        residents: Vec::new(),
    };
    let grant = load(&worker, world.submit().await);
    world.store.beat(&beat(900)).await.expect("beaten");
    assert!(world.grant(&grant).await.is_none());
    world.store.beat(&beat(890)).await.expect("beaten");
    assert!(world.grant(&grant).await.is_some());
}

#[tokio::test]
async fn a_lost_device_is_granted_nothing_until_its_worker_says_that_it_is_back() {
    let world = World::new().await;
    let worker = world.register("here", 10_000, 1).await;
    let beat = async |lost: Option<bool>, unread: bool| {
        let telemetry = DeviceTelemetry {
            used: (!unread).then_some(Mib(70)),
            lost,
            unread,
            ..DeviceTelemetry::default()
        };
        let beat = Beat {
            worker: worker.id,
            device: worker.device.clone(),
            held: Vec::new(),
            telemetry,
            residents: Vec::new(),
        };
        world.store.beat(&beat).await.expect("beaten");
        world.device(&worker).await
    };
    assert_eq!(beat(None, false).await.lost_at, None);
    let lost_at = beat(Some(true), true).await.lost_at;
    assert!(lost_at.is_some());
    let grant = load(&worker, world.submit().await);
    assert!(world.grant(&grant).await.is_none());
    // Neither another sign of life nor another worker on the device brings it back.
    let device = beat(None, true).await;
    assert_eq!((device.lost_at, device.used), (lost_at, Some(Mib(70))));
    world
        .register_engine("here", EngineKind::Llm, 10_000, 1)
        .await;
    assert_eq!(beat(Some(true), false).await.lost_at, lost_at);
    assert!(world.grant(&grant).await.is_none());
    assert_eq!(beat(Some(false), false).await.lost_at, None);
    assert!(world.grant(&grant).await.is_some());
}

#[tokio::test]
async fn a_worker_that_drains_or_a_model_that_goes_gets_nothing_more() {
    let world = World::new().await;
    let worker = world.worker().await;
    let lease = world.run(&worker, world.submit().await).await;
    let ready = world.store.resident_ready(worker.id, lease.resident).await;
    assert!(ready.expect("answered"));
    assert_eq!(
        world.store.evict(lease.resident).await.expect("answered"),
        None,
        "in use"
    );
    world
        .settle(&worker, lease, &Outcome::Succeeded, true)
        .await;
    assert_eq!(
        world.store.evict(lease.resident).await.expect("answered"),
        Some(worker.id)
    );
    let next = world.submit().await;
    assert!(
        world
            .grant(&sit(&worker, next, lease.resident))
            .await
            .is_none()
    );

    let draining = world.worker().await;
    world.store.drain(draining.id).await.expect("drained");
    assert!(world.grant(&load(&draining, next)).await.is_none());
    assert_eq!(world.state(next).await, JobState::Queued);
    world.assert_ledger().await;
}

#[tokio::test]
async fn of_many_grants_at_once_as_many_as_fit_are_made() {
    let world = World::new().await;
    let three = 3 * (NEED.resident + NEED.working).0;
    let worker = world.worker_with(three + NEED.working.0, 16).await;
    let mut grants = Vec::new();
    for nth in 0..16 {
        let mut grant = load(&worker, world.submit().await);
        // One model of each preset and one worker: two may be loaded, however many ask.
        grant.preset = if nth % 2 == 0 { PAINTER } else { TAGGER }.into();
        let store = world.store.clone();
        grants.push(tokio::spawn(async move { store.grant(&grant).await }));
    }
    let mut made = 0;
    for grant in grants {
        let granted = grant.await.expect("no panic").expect("answered");
        made += i32::from(matches!(granted, mystic_store::Granted::Yes(_)));
    }
    assert_eq!(made, 2);
    let device = world.device(&worker).await;
    assert_eq!(device.turns_taken, 2);
    assert_eq!(device.resident, Mib(2 * NEED.resident.0));
    world.assert_ledger().await;
}

#[tokio::test]
async fn memory_of_a_dead_child_is_free_when_its_supervisor_says_so() {
    let world = World::new().await;
    let worker = world.worker().await;
    let lease = world.run(&worker, world.submit().await).await;
    world
        .settle(&worker, lease, &Outcome::Succeeded, false)
        .await;
    let device = world.device(&worker).await;
    assert_eq!(device.leases[0].state, "quarantined");
    assert_eq!(
        (device.resident, device.working),
        (NEED.resident, NEED.working)
    );
    for _ in 0..2 {
        let gone = world.store.child_gone(worker.id, lease.resident).await;
        gone.expect("heard");
        let device = world.device(&worker).await;
        assert_eq!(device.resident + device.working, Mib(0));
    }
}

#[tokio::test]
async fn a_job_whose_engine_died_unsettled_goes_back_with_its_memory() {
    let world = World::new().await;
    let worker = world.worker().await;
    let running = world.run(&worker, world.submit().await).await;
    child_gone(&world, &worker, running).await;
    let leased = world.lease(&worker, world.submit().await).await;
    child_gone(&world, &worker, leased).await;
    for job in [running.job, leased.job] {
        assert_eq!(world.state(job).await, JobState::Queued);
    }
    let attempts = world.store.attempts(running.job).await.expect("attempts");
    assert_eq!(attempts[0].outcome.as_deref(), Some("lost"));
    let device = world.device(&worker).await;
    assert!(device.residents.is_empty() && device.leases.is_empty());
    world.assert_ledger().await;
}

#[tokio::test]
async fn cancelling_a_queued_job_frees_nothing_of_its_lost_attempt() {
    let world = World::new().await;
    let silent = world.worker().await;
    let lease = world.run(&silent, world.submit().await).await;
    world.reap(&silent).await.expect("it was silent");
    world.store.cancel(lease.job).await.expect("cancelled");
    let device = world.device(&silent).await;
    assert_eq!(device.leases[0].state, "quarantined");
    assert_eq!(device.working, NEED.working);
    world.assert_ledger().await;
}

#[tokio::test]
async fn memory_of_a_silent_worker_is_free_when_its_successor_has_its_seat() {
    let world = World::new().await;
    let silent = world.register("host", 10_000, 1).await;
    let lease = world.run(&silent, world.submit().await).await;
    world.reap(&silent).await.expect("it was silent");
    assert!(world.device(&silent).await.resident > Mib(0));
    let elsewhere = world.worker().await;
    world.lease(&elsewhere, lease.job).await;

    let successor = world.register("host", 10_000, 1).await;
    let device = world.device(&successor).await;
    assert_eq!(device.resident + device.working, Mib(0));
    assert_eq!(world.state(lease.job).await, JobState::Leased);
    world.assert_ledger().await;
}

#[tokio::test]
async fn a_device_that_became_smaller_registers_and_its_other_worker_keeps_what_it_booked() {
    let world = World::new().await;
    let sd = world.register("host", 10_000, 1).await;
    world.run(&sd, world.submit().await).await;
    let sd = world.register("host", 50, 1).await;
    let device = world.device(&sd).await;
    assert_eq!((device.capacity, device.resident), (Mib(50), Mib(0)));

    let llm = world
        .register_engine("host", EngineKind::Llm, 1000, 1)
        .await;
    let lease = world.run(&llm, world.submit().await).await;
    let sd = world.register("host", 50, 1).await;
    let device = world.device(&sd).await;
    assert_eq!(device.capacity, NEED.resident + NEED.working);
    assert_eq!(world.state(lease.job).await, JobState::Running);
    world.assert_ledger().await;
}

/// Whatever happens in whatever order at once, no counter drifts and nothing is booked at rest.
#[tokio::test]
async fn the_ledger_is_the_sum_of_its_rows_after_any_history() {
    let world = std::sync::Arc::new(World::new().await);
    let workers = [
        world.worker_with(250, 2).await,
        world.worker_with(500, 3).await,
    ];
    let tasks = (0..6).map(|seed| {
        let (world, workers) = (std::sync::Arc::clone(&world), workers.clone());
        tokio::spawn(async move {
            let mut random = StdRng::seed_from_u64(seed);
            for _ in 0..25 {
                let worker = &workers[random.random_range(0..workers.len())];
                history(&world, worker, &mut random).await;
                world.assert_ledger().await;
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.expect("no panic");
    }
    for worker in &workers {
        let device = world.device(worker).await;
        assert!(device.leases.is_empty(), "{device:?}");
        for model in device.residents {
            let gone = world.store.child_gone(worker.id, model.id).await;
            gone.expect("heard");
        }
        let device = world.device(worker).await;
        assert_eq!(
            (device.resident, device.working, device.turns_taken),
            (Mib(0), Mib(0), 0)
        );
    }
}

/// One job's way, with a random turn at each fork; nothing of its own is booked at its end.
async fn history(world: &World, worker: &Worker, random: &mut StdRng) {
    let store = &world.store;
    let job = world.submit().await;
    let mut models = world.device(worker).await.residents.into_iter();
    let seat = match models.find(|model| model.state == "ready") {
        Some(model) if random.random_bool(0.7) => Seat::Loaded(model.id),
        _ => load(worker, job).seat,
    };
    let preset = if random.random_bool(0.5) {
        PAINTER
    } else {
        TAGGER
    };
    let grant = Grant {
        preset: preset.into(),
        seat,
        ..load(worker, job)
    };
    let Some(lease) = world.grant(&grant).await else {
        store.cancel(job).await.expect("cancelled");
        return;
    };
    match random.random_range(0..4) {
        0 => assert!(store.expire(job, lease.fence).await.expect("answered")),
        1 => drop(store.cancel(job).await.expect("cancelled")),
        turn => {
            let claimed = store.claim(worker.id, job, lease.fence).await;
            assert!(claimed.expect("answered").is_some());
            let known = store.resident_ready(worker.id, lease.resident).await;
            assert!(known.expect("answered"));
            let alive = turn == 2;
            world
                .settle(worker, lease, &Outcome::Succeeded, alive)
                .await;
            if !alive || (random.random_bool(0.3) && evicted(world, lease.resident).await) {
                child_gone(world, worker, lease).await;
            }
        }
    }
    // A job that went back to the queue is nobody's: end it, so that no later history meets it.
    store.cancel(job).await.expect("cancelled");
}

async fn evicted(world: &World, resident: ResidentId) -> bool {
    world
        .store
        .evict(resident)
        .await
        .expect("answered")
        .is_some()
}

async fn child_gone(world: &World, worker: &Worker, lease: Lease) {
    let gone = world.store.child_gone(worker.id, lease.resident).await;
    gone.expect("heard");
}
