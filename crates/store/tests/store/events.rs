//! The stream of events: in one order, and resumed without missing any.

use std::collections::HashMap;

use mystic_domain::JobId;
use mystic_store::{EventCursor, EventRecord};
use mystic_testkit::wait_until;

use crate::support::{World, new_job};

/// The events after a place, once there are so many: transactions of other tests on the server hold them back, too.
async fn events(world: &World, after: EventCursor, many: usize) -> Vec<EventRecord> {
    wait_until("the events", async || {
        let seen = world.store.events(after, 10).await.expect("events");
        seen.len() >= many
    })
    .await;
    world.store.events(after, 10).await.expect("events")
}

#[tokio::test]
async fn an_open_transaction_holds_back_the_events_of_younger_ones() {
    let world = World::new().await;
    let [slow, fast] = [world.submit().await, world.submit().await];
    let queued = events(&world, EventCursor::default(), 2).await;
    let start = queued[1].cursor;

    let mut open = world.store.pool().begin().await.expect("open");
    sqlx::query("INSERT INTO job_events (job_id, number, kind) VALUES ($1, 2, 'slow')")
        .bind(slow.0)
        .execute(&mut *open)
        .await
        .expect("written");
    world.store.cancel(fast).await.expect("cancelled");
    let seen = world.store.events(start, 10).await.expect("events");
    assert_eq!(
        seen,
        [],
        "a reader that took these would miss the older ones"
    );

    open.commit().await.expect("committed");
    let seen = events(&world, start, 2).await;
    let kinds: Vec<&str> = seen.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["slow", "cancelled"]);
}

#[tokio::test]
async fn a_reader_that_resumes_misses_nothing_and_sees_nothing_twice() {
    let world = World::new().await;
    let writers = (0..8).map(|_| {
        let store = world.store.clone();
        tokio::spawn(async move {
            for _ in 0..10 {
                let new = new_job(0);
                store.submit(&new).await.expect("submitted");
                store.cancel(new.id).await.expect("cancelled");
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    let seen = std::sync::Mutex::new(Vec::<EventRecord>::new());
    wait_until("every event to be seen", async || {
        let after = seen.lock().expect("unpoisoned").last().map(|e| e.cursor);
        let page = world.store.events(after.unwrap_or_default(), 3).await;
        let mut seen = seen.lock().expect("unpoisoned");
        seen.extend(page.expect("events"));
        seen.len() >= 160
    })
    .await;
    for writer in writers {
        writer.await.expect("no panic");
    }
    let seen = seen.into_inner().expect("unpoisoned");
    assert!(seen.is_sorted_by(|one, next| one.cursor < next.cursor));
    let mut numbers: HashMap<JobId, Vec<i32>> = HashMap::new();
    for event in &seen {
        numbers.entry(event.job).or_default().push(event.number);
    }
    assert_eq!(numbers.len(), 80);
    assert!(numbers.values().all(|numbers| numbers == &[1, 2]));
    let rest = world.store.events(seen[159].cursor, 10).await;
    assert_eq!(rest.expect("events"), []);
}

#[tokio::test]
async fn a_place_in_the_stream_survives_being_written() {
    let world = World::new().await;
    world.submit().await;
    let place = events(&world, EventCursor::default(), 1).await[0].cursor;
    assert_eq!(world.store.newest_event().await.expect("a place"), place);
    assert_ne!(place, EventCursor::default());
    assert_eq!(place.to_string().parse(), Ok(place));
}

#[tokio::test]
async fn a_job_s_events_resume_after_a_number() {
    let world = World::new().await;
    let job = world.submit().await;
    world.store.cancel(job).await.expect("cancelled");
    let all = world.store.job_events(job, 0, 10).await.expect("events");
    let kinds: Vec<&str> = all.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["queued", "cancelled"]);
    let rest = world.store.job_events(job, 1, 10).await.expect("events");
    assert_eq!(rest, all[1..]);
}

#[tokio::test]
async fn whoever_begins_to_listen_is_woken_at_once_to_look_at_what_was_there() {
    let world = World::new().await;
    world.submit().await;
    let mut wakeups = world.store.wakeups();
    // Nothing happens from here on: an event before the listening began is seen, since the first wake-up needs none.
    let woken = tokio::time::timeout(std::time::Duration::from_secs(30), wakeups.next());
    woken.await.expect("woken");
}
