//! Tickets arrive, stay few, and leave nothing behind.

use crate::support::{Server, eventually, within};
use apalis::prelude::TaskBuilder;
use apalis_redis::queries::push_tasks;
use mystic_domain::{Fence, JobId, WorkerId};
use mystic_queue::{RUN_BOUND, RunTicket, SUBMITTED_BOUND};
use tokio_util::sync::CancellationToken;

fn ticket() -> RunTicket {
    RunTicket {
        job: JobId::generate(),
        fence: Fence(3),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ticket_reaches_consumer_promptly() {
    let server = Server::start().await;
    let (producer, consumer) = (server.queue(), server.queue());
    let worker = WorkerId::generate();
    let mut tickets = consumer.consume_run(worker, 8, CancellationToken::new());
    within(
        "a hundred tickets one after the other, which the slow poll would need far longer for",
        async {
            for _ in 0..100 {
                let sent = ticket();
                assert!(producer.dispatch(worker, sent).await.unwrap());
                assert_eq!(tickets.recv().await, Some(sent));
            }
        },
    )
    .await;
}

#[tokio::test]
async fn ticket_without_a_nudge_is_found_by_the_slow_poll() {
    let server = Server::start().await;
    let mut jobs = server
        .queue()
        .consume_submitted(8, CancellationToken::new());
    let config = apalis_redis::Config::default().queue("mystic:submitted");
    // A fetch that is under way anyway may meet one of them, and apalis' heartbeat fetches every 30 s.
    within("four polls", async {
        for _ in 0..4 {
            let job = JobId::generate();
            let task = TaskBuilder::new(serde_json::to_vec(&job).unwrap()).build();
            let mut connection = server.connection().await;
            push_tasks(&mut connection, &config, &[task]).await.unwrap();
            assert_eq!(jobs.recv().await, Some(job));
            eventually("the ticket is settled", async || {
                let left = server.keys().await;
                (!left.iter().any(|key| key.ends_with(":data"))).then_some(())
            })
            .await;
        }
    })
    .await;
}

#[tokio::test]
async fn submitted_queue_is_bounded() {
    let server = Server::start().await;
    let queue = server.queue();
    for _ in 0..SUBMITTED_BOUND {
        assert!(queue.submit(JobId::generate()).await.unwrap());
    }
    for _ in 0..3 {
        assert!(!queue.submit(JobId::generate()).await.unwrap());
    }
    assert_eq!(queue.depths().await.unwrap().submitted, SUBMITTED_BOUND);

    let mut jobs = queue.consume_submitted(4_096, CancellationToken::new());
    for _ in 0..SUBMITTED_BOUND {
        within("the full queue is still consumed", jobs.recv())
            .await
            .unwrap();
    }
    assert!(queue.submit(JobId::generate()).await.unwrap());
}

#[tokio::test]
async fn run_queue_is_bounded_for_each_worker() {
    let server = Server::start().await;
    let queue = server.queue();
    let (busy, idle) = (WorkerId::generate(), WorkerId::generate());
    for _ in 0..RUN_BOUND {
        assert!(queue.dispatch(busy, ticket()).await.unwrap());
    }
    assert!(!queue.dispatch(busy, ticket()).await.unwrap());
    assert!(queue.dispatch(idle, ticket()).await.unwrap());
    let mut run = queue.depths().await.unwrap().run;
    run.sort();
    assert_eq!(run, [(busy, RUN_BOUND), (idle, 1)]);
}

#[tokio::test]
async fn duplicates_are_harmless() {
    let server = Server::start().await;
    let queue = server.queue();
    let worker = WorkerId::generate();
    let same = ticket();
    let mut tickets = queue.consume_run(worker, 8, CancellationToken::new());
    for _ in 0..3 {
        queue.dispatch(worker, same).await.unwrap();
    }
    for _ in 0..3 {
        assert_eq!(within("each copy", tickets.recv()).await, Some(same));
    }
    let other = ticket();
    queue.dispatch(worker, other).await.unwrap();
    assert_eq!(within("the next one", tickets.recv()).await, Some(other));
}

#[tokio::test]
async fn keys_do_not_grow() {
    let server = Server::start().await;
    let queue = server.queue();
    let worker = WorkerId::generate();
    let stop = CancellationToken::new();
    let mut tickets = queue.consume_run(worker, 8, stop.clone());
    for _ in 0..500 {
        queue.dispatch(worker, ticket()).await.unwrap();
        within("the ticket", tickets.recv()).await.unwrap();
    }
    // Nothing per ticket: the registry of workers, apalis' list of queues, and this consumer.
    let base = format!("mystic:run.{worker}");
    eventually("only the consumer's own keys are left", async || {
        let keys = server.keys().await;
        keys.iter()
            .all(|key| {
                key == "core:apalis:queues:list"
                    || key == "mystic:run-workers"
                    || [":workers", ":consumers", ":signal"]
                        .iter()
                        .any(|end| *key == format!("{base}{end}"))
                    || key.starts_with(&format!("{base}:workers:metadata:"))
            })
            .then_some(())
    })
    .await;

    stop.cancel();
    assert_eq!(within("the end", tickets.recv()).await, None);
    queue.cleanup(&[]).await.unwrap();
    assert_eq!(server.keys().await, Vec::<String>::new());
}

#[tokio::test]
async fn full_receiver_drops_and_does_not_block_the_queue() {
    let server = Server::start().await;
    let queue = server.queue();
    let mut jobs = queue.consume_submitted(1, CancellationToken::new());
    for _ in 0..50 {
        queue.submit(JobId::generate()).await.unwrap();
    }
    eventually("the queue is emptied", async || {
        (queue.depths().await.unwrap().submitted == 0).then_some(())
    })
    .await;
    // Which one got the room is the queue's affair.
    assert!(within("one of them", jobs.recv()).await.is_some());
    let late = JobId::generate();
    eventually("a job that comes when there is room", async || {
        queue.submit(late).await.unwrap();
        (jobs.recv().await == Some(late)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn malformed_ticket_is_dropped() {
    let server = Server::start().await;
    let queue = server.queue();
    let worker = WorkerId::generate();
    let config = apalis_redis::Config::default().queue(format!("mystic:run.{worker}"));
    for payload in ["{\"job\":7}", "not json"] {
        let task = TaskBuilder::new(payload.as_bytes().to_vec()).build();
        push_tasks(&mut server.connection().await, &config, &[task])
            .await
            .unwrap();
    }
    let mut tickets = queue.consume_run(worker, 8, CancellationToken::new());
    let good = ticket();
    queue.dispatch(worker, good).await.unwrap();
    assert_eq!(within("the good one", tickets.recv()).await, Some(good));
}

#[tokio::test]
async fn prefixes_do_not_see_each_other() {
    let server = Server::start().await;
    let (mine, other) = (
        server.queue(),
        server.queue_with(|options| options.prefix = "other".to_owned()),
    );
    let (job, stray) = (JobId::generate(), JobId::generate());
    let mut jobs = mine.consume_submitted(8, CancellationToken::new());
    other.submit(stray).await.unwrap();
    mine.submit(job).await.unwrap();
    assert_eq!(within("my own", jobs.recv()).await, Some(job));
    assert_eq!(other.depths().await.unwrap().submitted, 1);
}

#[tokio::test]
async fn cleanup_forgets_workers_that_are_gone_and_stale_tickets() {
    let server = Server::start().await;
    let queue = server.queue();
    let (gone, live) = (WorkerId::generate(), WorkerId::generate());
    let kept = ticket();
    queue.dispatch(gone, ticket()).await.unwrap();
    queue.dispatch(live, kept).await.unwrap();
    let mut connection = server.connection().await;
    let stale = redis::cmd("HSET")
        .arg("mystic:submitted:data")
        .arg("01STALE")
        .arg("x")
        .to_owned();
    stale.exec_async(&mut connection).await.unwrap();

    let cleaned = queue.cleanup(&[live]).await.unwrap();
    assert_eq!((cleaned.queues, cleaned.tickets), (1, 1));
    let keys = server.keys().await;
    assert!(
        !keys
            .iter()
            .any(|key| key.contains(&gone.to_string()) || key.contains("submitted")),
        "{keys:?}"
    );
    assert_eq!(
        queue.cleanup(&[live]).await.unwrap(),
        mystic_queue::Cleaned::default()
    );

    let mut tickets = queue.consume_run(live, 8, CancellationToken::new());
    assert_eq!(
        within("the live worker's ticket", tickets.recv()).await,
        Some(kept)
    );
}

#[tokio::test]
async fn consumer_ends_when_its_receiver_is_dropped() {
    let server = Server::start().await;
    let queue = server.queue();
    drop(queue.consume_submitted(8, CancellationToken::new()));
    eventually("its keys are gone", async || {
        let keys = server.keys().await;
        (!keys.iter().any(|key| key.contains("submitted"))).then_some(())
    })
    .await;
}
