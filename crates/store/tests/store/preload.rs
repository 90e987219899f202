//! Models that are loaded before a job asks for them: booked like any, and freed by proof.

use mystic_domain::{ContextPlan, DeviceId, JobState, Mib, Pause, ResidentId};
use mystic_store::{Beat, DeviceTelemetry, Preload};

use crate::support::{NEED, PAINTER, TAGGER, Worker, World, load, sit};

pub fn preload(worker: &Worker, preset: &str) -> Preload {
    Preload {
        resident: ResidentId::generate(),
        worker: worker.id,
        device: worker.device.clone(),
        preset: preset.into(),
        context: ContextPlan::Default,
        booked: NEED.resident,
    }
}

impl World {
    async fn preloads(&self, preload: &Preload) -> bool {
        self.store.preload(preload).await.expect("answered")
    }

    /// What a worker is told to preload that says it holds these, on a device of which strangers have so much.
    async fn told(&self, worker: &Worker, holds: &[ResidentId], others: Mib) -> Vec<ResidentId> {
        let beat = Beat {
            worker: worker.id,
            device: worker.device.clone(),
            held: Vec::new(),
            telemetry: DeviceTelemetry {
                others,
                ..DeviceTelemetry::default()
            },
            residents: holds.iter().map(|resident| (*resident, Mib(0))).collect(),
        };
        self.store.beat(&beat).await.expect("beaten").preload
    }

    async fn residents(&self, worker: &Worker) -> usize {
        self.assert_ledger().await;
        self.device(worker).await.residents.len()
    }

    /// Whether the scheduler sees that this worker failed to preload a preset.
    async fn sees_failure(&self, worker: &Worker, preset: &str) -> bool {
        let snapshot = self.store.snapshot(10).await.expect("a snapshot");
        let worker = snapshot.workers.into_iter().find(|it| it.id == worker.id);
        let mut presets = worker.expect("a ready worker").presets.into_iter();
        presets.any(|it| it.name == preset && it.preload_failed)
    }
}

#[tokio::test]
async fn a_preload_books_its_model_once_and_only_where_there_is_room() {
    let world = World::new().await;
    let small = world.worker_with(NEED.resident.0 - 1, 1).await;
    assert!(!world.preloads(&preload(&small, TAGGER)).await, "too small");
    let worker = world.worker_with(2 * NEED.resident.0, 1).await;
    world.told(&worker, &[], Mib(NEED.resident.0 + 1)).await;
    let wanted = preload(&worker, TAGGER);
    assert!(!world.preloads(&wanted).await, "strangers have it");
    world.told(&worker, &[], Mib(0)).await;
    assert!(world.preloads(&wanted).await);
    assert!(!world.preloads(&preload(&worker, TAGGER)).await, "twice");
    let device = world.device(&worker).await;
    assert_eq!((device.resident, device.turns_taken), (NEED.resident, 0));
    assert_eq!(device.residents[0].state, "loading");
    assert!(device.leases.is_empty());
    world.assert_ledger().await;
}

#[tokio::test]
async fn nothing_is_preloaded_on_a_device_that_is_lost_or_stopped_or_by_a_worker_that_takes_nothing()
 {
    let world = World::new().await;
    let worker = world.worker().await;
    let wanted = preload(&worker, TAGGER);
    let stopped = Pause::Device(DeviceId(worker.device.0.clone()));
    let paused = world.store.pause(&stopped, false, "local").await;
    paused.expect("stopped");
    assert!(!world.preloads(&wanted).await, "stopped");
    world.store.resume(&stopped).await.expect("resumed");
    let lost = async |lost| {
        let beat = Beat {
            worker: worker.id,
            device: worker.device.clone(),
            held: Vec::new(),
            telemetry: DeviceTelemetry {
                lost: Some(lost),
                ..DeviceTelemetry::default()
            },
            residents: Vec::new(),
        };
        world.store.beat(&beat).await.expect("beaten");
    };
    lost(true).await;
    assert!(!world.preloads(&wanted).await, "lost");
    lost(false).await;
    world.store.drain(worker.id).await.expect("drained");
    assert!(!world.preloads(&wanted).await, "it drains");
    assert_eq!(world.residents(&worker).await, 0);
}

#[tokio::test]
async fn a_worker_is_told_of_a_preload_until_it_holds_it_or_a_job_sits_on_it() {
    let world = World::new().await;
    let worker = world.worker().await;
    let wanted = preload(&worker, PAINTER);
    assert!(world.preloads(&wanted).await);
    let other = world.worker().await;
    assert_eq!(world.told(&other, &[], Mib(0)).await, []);
    assert_eq!(
        world.told(&worker, &[], Mib(0)).await,
        [wanted.resident],
        "once more with each beat"
    );
    assert_eq!(world.told(&worker, &[wanted.resident], Mib(0)).await, []);
    let asked = world.store.preloading(other.id, wanted.resident).await;
    assert_eq!(asked.expect("answered"), None, "another's");
    let asked = world.store.preloading(worker.id, wanted.resident).await;
    let (preset, context) = asked.expect("answered").expect("booked");
    assert_eq!(
        (preset.name.as_str(), context),
        (PAINTER, ContextPlan::Default)
    );

    let grant = sit(&worker, world.submit().await, wanted.resident);
    let lease = world
        .grant(&grant)
        .await
        .expect("a model that loads is a seat");
    assert_eq!(world.told(&worker, &[], Mib(0)).await, []);
    // Nobody claims it: the model may be there, and is not unbooked with the lease.
    let expired = world.store.expire(lease.job, lease.fence).await;
    assert!(expired.expect("answered"));
    assert_eq!(world.told(&worker, &[], Mib(0)).await, [wanted.resident]);
    assert_eq!(world.residents(&worker).await, 1);

    let ready = world.store.resident_ready(worker.id, wanted.resident).await;
    assert!(ready.expect("answered"));
    assert_eq!(world.told(&worker, &[], Mib(0)).await, []);
    let asked = world.store.preloading(worker.id, wanted.resident).await;
    assert_eq!(asked.expect("answered"), None, "it is loaded");
    let evicted = world.store.evict(wanted.resident).await;
    assert_eq!(evicted.expect("answered"), Some(worker.id), "like any");
}

#[tokio::test]
async fn a_preload_that_failed_is_freed_and_made_again_only_after_a_job_has_loaded_the_model() {
    let world = World::new().await;
    let worker = world.worker().await;
    let wanted = preload(&worker, PAINTER);
    assert!(world.preloads(&wanted).await);
    for _ in 0..2 {
        let ended = world.store.preload_ended(worker.id, wanted.resident, true);
        assert!(ended.await.expect("heard"), "its memory is free");
        assert_eq!(world.residents(&worker).await, 0);
    }
    assert!(world.sees_failure(&worker, PAINTER).await);
    assert!(!world.sees_failure(&worker, TAGGER).await);
    assert!(!world.preloads(&preload(&worker, PAINTER)).await);
    assert!(world.preloads(&preload(&worker, TAGGER)).await, "another");

    let lease = world.run(&worker, world.submit().await).await;
    let ready = world.store.resident_ready(worker.id, lease.resident).await;
    assert!(ready.expect("answered"));
    assert!(!world.sees_failure(&worker, PAINTER).await);
    let gone = world.store.child_gone(worker.id, lease.resident).await;
    gone.expect("heard");
    assert!(world.preloads(&preload(&worker, PAINTER)).await);
}

#[tokio::test]
async fn a_preload_that_was_stopped_is_no_failure() {
    let world = World::new().await;
    let worker = world.worker().await;
    let wanted = preload(&worker, PAINTER);
    assert!(world.preloads(&wanted).await);
    let ended = world.store.preload_ended(worker.id, wanted.resident, false);
    assert!(ended.await.expect("heard"));
    assert!(world.preloads(&preload(&worker, PAINTER)).await);
}

#[tokio::test]
async fn a_job_that_was_leased_on_a_preload_keeps_the_booking_when_that_fails() {
    let world = World::new().await;
    let worker = world.worker().await;
    let wanted = preload(&worker, PAINTER);
    assert!(world.preloads(&wanted).await);
    let grant = sit(&worker, world.submit().await, wanted.resident);
    let lease = world.grant(&grant).await.expect("granted");
    for _ in 0..2 {
        let ended = world.store.preload_ended(worker.id, wanted.resident, true);
        assert!(!ended.await.expect("heard"), "the booking is the job's");
    }
    assert_eq!(world.state(lease.job).await, JobState::Leased);
    assert_eq!(world.residents(&worker).await, 1);
    // From now on it is a model like any that is booked for a lease.
    let expired = world.store.expire(lease.job, lease.fence).await;
    assert!(expired.expect("answered"));
    assert_eq!(world.residents(&worker).await, 0);
    assert!(world.grant(&load(&worker, lease.job)).await.is_some());
}

#[tokio::test]
async fn what_a_silent_worker_was_preloading_stays_booked_until_its_successor_is_there() {
    let world = World::new().await;
    let worker = world.register("here", 10_000, 1).await;
    assert!(world.preloads(&preload(&worker, PAINTER)).await);
    assert_eq!(world.reap(&worker).await, Some(Vec::new()));
    assert_eq!(world.residents(&worker).await, 1);
    let successor = world.register("here", 10_000, 1).await;
    assert_eq!(world.residents(&successor).await, 0);
}

#[tokio::test]
async fn a_preload_is_unloaded_for_another_model_while_it_loads_but_not_under_a_job() {
    let world = World::new().await;
    let worker = world.worker().await;
    let wanted = preload(&worker, PAINTER);
    assert!(world.preloads(&wanted).await);
    let evicts = async |resident| world.store.evict(resident).await.expect("answered");
    let grant = sit(&worker, world.submit().await, wanted.resident);
    let lease = world.grant(&grant).await.expect("granted");
    assert_eq!(evicts(wanted.resident).await, None, "it is a job's");
    let expired = world.store.expire(lease.job, lease.fence).await;
    assert!(expired.expect("answered"));
    assert_eq!(evicts(wanted.resident).await, Some(worker.id));
    assert_eq!(world.told(&worker, &[], Mib(0)).await, [], "no longer");
    assert!(world.grant(&grant).await.is_none(), "it is on its way out");
    // The load was over before that was heard: it goes all the same.
    let ready = world.store.resident_ready(worker.id, wanted.resident).await;
    assert!(ready.expect("answered"));
    assert!(world.grant(&grant).await.is_none());
    let ended = world.store.preload_ended(worker.id, wanted.resident, false);
    assert!(ended.await.expect("heard"), "its memory is free");
    assert_eq!(world.residents(&worker).await, 0);

    let lease = world.grant(&load(&worker, lease.job)).await;
    let lease = lease.expect("granted");
    assert_eq!(evicts(lease.resident).await, None, "loaded for a job");
}
