//! Transactions that meet: who waits for whom, and who tries again.

use mystic_domain::{JobState, Mib, ResidentId};
use mystic_store::{Beat, DeviceTelemetry, Granted, Outcome, Spent, Store};
use mystic_testkit::wait_until;
use sqlx::{Postgres, Transaction};

use crate::preload::preload;
use crate::support::{Lease, NEED, PAINTER, TAGGER, Worker, World, load, sit};

/// A transaction that holds a worker's device.
async fn holding(world: &World, worker: &Worker) -> Transaction<'static, Postgres> {
    let mut tx = world.store.pool().begin().await.expect("begun");
    sqlx::query("SELECT FROM devices WHERE id = $1 FOR NO KEY UPDATE")
        .bind(&worker.device.0)
        .execute(&mut *tx)
        .await
        .expect("locked");
    tx
}

/// Waits until somebody waits for a lock.
async fn somebody_waits(world: &World) {
    wait_until("somebody to wait for a lock", async || {
        let waiting: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM pg_stat_activity
                            WHERE datname = current_database() AND wait_event_type = 'Lock')",
        )
        .fetch_one(world.store.pool())
        .await
        .expect("asked");
        waiting
    })
    .await;
}

#[tokio::test]
async fn a_transaction_that_loses_a_conflict_is_tried_again() {
    let world = World::new().await;
    let worker = world.worker().await;
    let job = world.submit().await;
    // A sequence keeps its value through a rollback, so the first try fails and the second does not.
    sqlx::raw_sql(
        "CREATE SEQUENCE tries;
         CREATE FUNCTION lose_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF nextval('tries') = 1 THEN
                 RAISE EXCEPTION 'lost' USING ERRCODE = 'deadlock_detected';
             END IF;
             RETURN NEW;
         END $$;
         CREATE TRIGGER lose_once BEFORE INSERT ON leases FOR EACH ROW EXECUTE FUNCTION lose_once()",
    )
    .execute(world.store.pool())
    .await
    .expect("a trigger");
    world.lease(&worker, job).await;
    assert_eq!(world.state(job).await, JobState::Leased);
    world.assert_ledger().await;
}

/// A transaction that books a model on a worker's device and is not committed.
async fn booking(world: &World, worker: &Worker) -> Transaction<'static, Postgres> {
    let mut booking = holding(world, worker).await;
    sqlx::query(
        "INSERT INTO residents (id, worker_id, device_id, preset, context_plan, state, booked_mib, signature, spec)
         SELECT $1, $2, $3, name, 'another', 'loading', $5, signature, spec FROM presets WHERE name = $4",
    )
    .bind(ResidentId::generate().0)
    .bind(worker.id.0)
    .bind(&worker.device.0)
    .bind(PAINTER)
    .bind(NEED.resident.0)
    .execute(&mut *booking)
    .await
    .expect("booked");
    sqlx::query("UPDATE devices SET resident_mib = $2 WHERE id = $1")
        .bind(&worker.device.0)
        .bind(NEED.resident.0)
        .execute(&mut *booking)
        .await
        .expect("counted");
    booking
}

#[tokio::test]
async fn a_grant_waits_for_whoever_books_on_its_device_and_sees_what_was_booked() {
    let world = World::new().await;
    let one = NEED.resident + NEED.working;
    let worker = world.worker_with(one.0 + NEED.resident.0 - 1, 2).await;
    let booking = booking(&world, &worker).await;
    let (store, grant) = (world.store.clone(), load(&worker, world.submit().await));
    let granting = tokio::spawn(async move { store.grant(&grant).await });
    somebody_waits(&world).await;
    booking.commit().await.expect("committed");
    let granted = granting.await.expect("no panic");
    assert_eq!(granted.expect("answered"), Granted::No);
}

#[tokio::test]
async fn a_preload_waits_for_whoever_books_on_its_device_and_sees_what_was_booked() {
    let world = World::new().await;
    let worker = world.worker_with(2 * NEED.resident.0 - 1, 2).await;
    let booking = booking(&world, &worker).await;
    let (store, ahead) = (world.store.clone(), preload(&worker, TAGGER));
    let preloading = tokio::spawn(async move { store.preload(&ahead).await });
    somebody_waits(&world).await;
    booking.commit().await.expect("committed");
    let booked = preloading.await.expect("no panic");
    assert!(!booked.expect("answered"));
}

/// Makes a call while its device is locked: until the device is free, no row is locked that comes after it in the order
/// of locks.
async fn waits_with_empty_hands<T>(
    world: &World,
    worker: &Worker,
    call: impl AsyncFnOnce(Store) -> mystic_store::Result<T>,
) -> T {
    let mut holder = holding(world, worker).await;
    let calling = call(world.store.clone());
    let watching = async {
        somebody_waits(world).await;
        for free in [
            "SELECT FROM workers FOR NO KEY UPDATE NOWAIT",
            "SELECT FROM residents FOR NO KEY UPDATE NOWAIT",
            "SELECT FROM jobs FOR NO KEY UPDATE NOWAIT",
            "SELECT FROM leases FOR NO KEY UPDATE NOWAIT",
        ] {
            let locked = sqlx::query(free).execute(&mut *holder).await;
            locked.expect("nobody holds any");
        }
        holder.commit().await.expect("committed");
    };
    let (answer, ()) = tokio::join!(calling, watching);
    answer.expect("answered")
}

#[tokio::test]
async fn whoever_waits_for_a_device_holds_nothing_that_is_locked_after_it() {
    let world = World::new().await;
    let worker = world.register("here", 10_000, 100).await;
    let (on, id, submit) = (&worker, worker.id, || world.submit());

    let Lease { job, fence, .. } = world.lease(on, submit().await).await;
    let expire = async |store: Store| store.expire(job, fence).await;
    assert!(waits_with_empty_hands(&world, on, expire).await);

    let job = world.lease(on, submit().await).await.job;
    waits_with_empty_hands(&world, on, async |store| store.cancel(job).await).await;

    let lease = world.run(on, submit().await).await;
    let settle = async |store: Store| {
        let (done, spent) = (Outcome::Succeeded, Spent::default());
        let settled = store.settle(id, lease.job, lease.fence, &done, spent, true);
        settled.await
    };
    waits_with_empty_hands(&world, on, settle).await;

    let grant = sit(on, submit().await, lease.resident);
    let granted = waits_with_empty_hands(&world, on, async |store| store.grant(&grant).await).await;
    assert!(matches!(granted, Granted::Yes(_)));

    let beat = Beat {
        worker: id,
        device: on.device.clone(),
        held: Vec::new(),
        telemetry: DeviceTelemetry::default(),
        residents: vec![(lease.resident, Mib(1))],
    };
    let reply = waits_with_empty_hands(&world, on, async |store| store.beat(&beat).await).await;
    assert_eq!(reply.assigned.len(), 1);

    let child_gone = async |store: Store| store.child_gone(id, lease.resident).await;
    waits_with_empty_hands(&world, on, child_gone).await;
    assert_eq!(world.state(grant.job).await, JobState::Queued);

    let lost = world.run(on, submit().await).await;
    let ahead = preload(on, TAGGER);
    assert!(waits_with_empty_hands(&world, on, async |store| store.preload(&ahead).await).await);
    let ended = async |store: Store| store.preload_ended(id, ahead.resident, true).await;
    assert!(waits_with_empty_hands(&world, on, ended).await);

    let reaped = waits_with_empty_hands(&world, on, async |store| store.reap(id, 1).await).await;
    assert_eq!(reaped, Some(vec![lost.job]));
    assert!(waits_with_empty_hands(&world, on, async |store| store.forget(id).await).await);

    let register = async |_| Ok(world.register("here", 10_000, 100).await);
    let successor = waits_with_empty_hands(&world, on, register).await;
    world.run(&successor, lost.job).await;
    waits_with_empty_hands(&world, on, async |store| store.gone(successor.id).await).await;
    world.assert_ledger().await;
}
