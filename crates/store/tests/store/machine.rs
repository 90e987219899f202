//! Every state × event, in the database and in the state machine: they make the same moves.

use mystic_domain::machine::{self, Event};
use mystic_domain::{FailureKind, Fence, JobState, ResidentId, WorkerId};
use mystic_store::Outcome;

use crate::support::{Lease, Worker, World, failed, load};

/// A job in a state, with its newest lease, or one that was never granted.
async fn job_in(world: &World, worker: &Worker, state: JobState) -> Lease {
    let job = world.submit().await;
    let fail = failed(FailureKind::InvalidInput);
    match state {
        JobState::Queued => Lease {
            job,
            fence: Fence(0),
            resident: ResidentId::generate(),
        },
        JobState::Leased => world.lease(worker, job).await,
        JobState::Running => world.run(worker, job).await,
        JobState::Succeeded => {
            let lease = world.run(worker, job).await;
            world.settle(worker, lease, &Outcome::Succeeded, true).await;
            lease
        }
        JobState::Failed => {
            let lease = world.run(worker, job).await;
            world.settle(worker, lease, &fail, true).await;
            lease
        }
        JobState::Cancelled => {
            let lease = world.lease(worker, job).await;
            world.store.cancel(job).await.expect("cancelled");
            lease
        }
    }
}

/// Lets the event happen, as the part that causes it would. What it answers is tested elsewhere.
async fn happen(world: &World, worker: &Worker, lease: Lease, event: Event) {
    let store = &world.store;
    let settle = async |outcome: Outcome| {
        let spent = mystic_store::Spent::default();
        // An illegal move is an error here; that it changes nothing is what counts.
        let _ = store
            .settle(worker.id, lease.job, lease.fence, &outcome, spent, true)
            .await;
    };
    match event {
        Event::Grant => {
            let other = world.worker().await;
            world.grant(&load(&other, lease.job)).await;
        }
        Event::Claim => {
            let claimed = store.claim(worker.id, lease.job, lease.fence).await;
            claimed.expect("answered");
        }
        Event::Expire => {
            let expired = store.expire(lease.job, lease.fence).await;
            expired.expect("answered");
        }
        Event::Succeed => settle(Outcome::Succeeded).await,
        Event::Retry => {
            settle(failed(FailureKind::Internal)).await;
        }
        Event::Fail => settle(failed(FailureKind::InvalidInput)).await,
        Event::Stopped => settle(Outcome::Stopped).await,
        Event::Reap => {
            world.reap(worker).await.expect("it was not gone");
        }
        Event::Again => {
            store.retry(lease.job).await.expect("answered");
        }
        Event::Cancel => {
            store.cancel(lease.job).await.expect("answered");
        }
    }
}

#[tokio::test]
async fn the_database_makes_the_moves_of_the_state_machine_and_no_other() {
    let world = World::new().await;
    for state in JobState::ALL {
        for event in Event::ALL {
            for cancel_requested in [false, true] {
                let worker = world.worker().await;
                let lease = job_in(&world, &worker, state).await;
                assert_eq!(world.state(lease.job).await, state);
                if cancel_requested {
                    sqlx::query("UPDATE jobs SET cancel_requested_at = now() WHERE id = $1")
                        .bind(lease.job.0)
                        .execute(world.store.pool())
                        .await
                        .expect("requested");
                }
                // A worker that vanishes before its claim leaves nothing behind but an unclaimed lease.
                let moved = match (state, event) {
                    (JobState::Leased, Event::Reap) => Event::Expire,
                    _ => event,
                };
                let before = world.job(lease.job).await;
                happen(&world, &worker, lease, event).await;
                let after = world.job(lease.job).await;
                let case = format!("{state:?}, {event:?}, cancel requested: {cancel_requested}");
                match machine::next(state, cancel_requested, moved) {
                    Ok(next) => assert_eq!(after.state, next, "{case}"),
                    Err(_) => assert_eq!(after, before, "{case}"),
                }
                world.assert_ledger().await;
                end(&world, &worker).await;
            }
        }
    }
}

/// Ends a worker, so that the next case has the ledger for itself.
async fn end(world: &World, worker: &Worker) {
    world.store.gone(worker.id).await.expect("gone");
    let device = world.device(worker).await;
    assert!(device.residents.is_empty() && device.leases.is_empty());
}

#[tokio::test]
async fn an_unknown_job_or_worker_moves_nothing() {
    let world = World::new().await;
    let worker = world.worker().await;
    let (nobody, job) = (WorkerId::generate(), world.submit().await);
    let claimed = world.store.claim(nobody, job, Fence(1)).await;
    assert_eq!(claimed.expect("answered"), None);
    assert!(!world.store.expire(job, Fence(1)).await.expect("answered"));
    let stranger = Worker {
        id: nobody,
        ..worker
    };
    assert!(world.grant(&load(&stranger, job)).await.is_none());
    assert_eq!(world.job(job).await.fence, Fence(0));
}
