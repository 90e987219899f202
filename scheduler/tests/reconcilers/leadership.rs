//! One of several schedulers leads.

use std::time::Duration;

use mystic_domain::JobState;
use mystic_process::Shutdown;
use mystic_scheduler::leadership::Leadership;
use mystic_scheduler::reconcilers::Reconcile;

use crate::support::Stack;

const SILENCE: Duration = Duration::from_millis(300);

#[tokio::test]
async fn another_leads_when_the_leader_resigns() {
    let stack = Stack::start().await;
    let [first, second] = [(); 2].map(|()| Leadership::new(stack.store.clone(), SILENCE));
    let shutdown = Shutdown::new();
    let epoch = first.acquire(&shutdown).await.expect("nobody leads yet");
    let term = Shutdown::new();
    let holding = first.hold(epoch, &term, &shutdown);
    tokio::select! {
        () = holding => panic!("nobody took the lead"),
        _ = second.acquire(&shutdown) => panic!("the leader lives"),
        () = tokio::time::sleep(SILENCE * 4) => {}
    }
    first.resign(epoch).await;
    let next = second.acquire(&shutdown).await.expect("nobody leads");
    assert!(next > epoch);
}

#[tokio::test]
async fn a_silent_leader_is_replaced_and_learns_of_it() {
    let stack = Stack::start().await;
    let [silent, other] = [(); 2].map(|()| Leadership::new(stack.store.clone(), SILENCE));
    let shutdown = Shutdown::new();
    let epoch = silent.acquire(&shutdown).await.expect("nobody leads yet");
    let next = other
        .acquire(&shutdown)
        .await
        .expect("the leader is silent");
    assert!(next > epoch);
    let kept = stack.store.keep_lead(epoch).await;
    assert!(!kept.expect("answered"), "its time is over");
    let term = Shutdown::new();
    silent.hold(epoch, &term, &shutdown).await;
    assert!(term.is_draining());
    // What the old leader does in its last moment takes nothing from the new one.
    silent.resign(epoch).await;
    assert!(stack.store.keep_lead(next).await.expect("answered"));
    let leader = stack.store.leader().await.expect("a row");
    assert!(leader.epoch == next && leader.holder.is_some());
}

#[tokio::test]
async fn of_two_that_see_the_same_silence_one_leads() {
    let stack = Stack::start().await;
    let seen = stack.store.leader().await.expect("a row");
    let [one, two] = [(); 2].map(|()| mystic_domain::SchedulerId::generate());
    let (one, two) = tokio::join!(
        stack.store.take_lead(one, seen),
        stack.store.take_lead(two, seen)
    );
    let taken = [one, two].map(|taken| taken.expect("answered").is_some());
    assert!(taken[0] != taken[1]);
}

#[tokio::test]
async fn a_leader_that_beat_meanwhile_is_not_replaced() {
    let stack = Stack::start().await;
    let [leader, other] = [(); 2].map(|()| mystic_domain::SchedulerId::generate());
    let nobody = stack.store.leader().await.expect("a row");
    let epoch = stack.store.take_lead(leader, nobody).await;
    let epoch = epoch.expect("answered").expect("nobody leads yet");
    let seen = stack.store.leader().await.expect("a row");
    assert!(stack.store.keep_lead(epoch).await.expect("answered"));
    let taken = stack.store.take_lead(other, seen).await;
    assert_eq!(taken.expect("answered"), None);
}

#[tokio::test]
async fn a_drain_ends_the_wait_for_the_lead() {
    let stack = Stack::start().await;
    let [first, second] =
        [(); 2].map(|()| Leadership::new(stack.store.clone(), Duration::from_hours(1)));
    let shutdown = Shutdown::new();
    first.acquire(&shutdown).await.expect("nobody leads yet");
    let waiting = second.acquire(&shutdown);
    let drained = async { shutdown.drain() };
    let (led, ()) = tokio::join!(waiting, drained);
    assert_eq!(led, None);
}

#[tokio::test]
async fn a_deposed_leader_grants_nothing() {
    let stack = Stack::start().await;
    stack.worker(8192, 1).await;
    let job = stack.submit().await;
    let [deposed, leader] = [(); 2].map(|()| Leadership::new(stack.store.clone(), SILENCE));
    let shutdown = Shutdown::new();
    let mut epochs = Vec::new();
    for leadership in [&deposed, &leader] {
        epochs.push(leadership.acquire(&shutdown).await.expect("a silent lead"));
    }
    for (epoch, state) in epochs.into_iter().zip([JobState::Queued, JobState::Leased]) {
        let mut dispatch = stack.dispatch_by(stack.store.leading(epoch));
        dispatch.run().await.expect("dispatched");
        assert_eq!(stack.job(job).await.state, state);
    }
}
