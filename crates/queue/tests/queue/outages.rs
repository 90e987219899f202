//! What Redis does to us, and that we go on by ourselves.

use std::time::Duration;

use crate::support::{Server, eventually, within};
use mystic_domain::{JobId, WorkerId};
use mystic_queue::{Queue, QueueError, Signal};
use tokio::sync::mpsc::Receiver;
use tokio_util::sync::CancellationToken;

/// Submits until Redis takes it.
async fn submit(queue: &Queue, job: JobId) {
    eventually("Redis takes a ticket", async || {
        queue.submit(job).await.ok()
    })
    .await;
}

/// Waits for one job and skips what else arrives.
async fn arrives(jobs: &mut Receiver<JobId>, job: JobId) {
    within("the ticket arrives", async {
        while jobs.recv().await.expect("the consumer lives") != job {}
    })
    .await;
}

#[tokio::test]
async fn flushall_mid_consumption_then_new_tickets_arrive() {
    let server = Server::start().await;
    let queue = server.queue();
    let mut jobs = queue.consume_submitted(256, CancellationToken::new());
    for round in 0..3 {
        let before = JobId::generate();
        submit(&queue, before).await;
        arrives(&mut jobs, before).await;
        for _ in 0..50 {
            queue.submit(JobId::generate()).await.unwrap();
        }
        let flush = if round == 1 { "FLUSHDB" } else { "FLUSHALL" };
        redis::cmd(flush)
            .exec_async(&mut server.connection().await)
            .await
            .unwrap();
        let after = JobId::generate();
        submit(&queue, after).await;
        arrives(&mut jobs, after).await;
    }
}

#[tokio::test]
async fn redis_restart_without_data_then_new_tickets_arrive() {
    let mut server = Server::start().await;
    let queue = server.queue();
    let mut jobs = queue.consume_submitted(256, CancellationToken::new());
    for _ in 0..2 {
        let before = JobId::generate();
        submit(&queue, before).await;
        arrives(&mut jobs, before).await;
        server.kill();
        server.boot().await;
        let after = JobId::generate();
        submit(&queue, after).await;
        arrives(&mut jobs, after).await;
    }
}

#[tokio::test]
async fn redis_stalled_past_the_response_timeout_then_new_tickets_arrive() {
    let server = Server::start().await;
    let queue = server.queue_with(|options| options.response_timeout = Duration::from_millis(200));
    let mut jobs = queue.consume_submitted(256, CancellationToken::new());
    let before = JobId::generate();
    submit(&queue, before).await;
    arrives(&mut jobs, before).await;

    let mut lost = server.connection().await;
    server.signal("STOP");
    lost.set_response_timeout(Duration::from_secs(3));
    redis::cmd("PING")
        .exec_async(&mut lost)
        .await
        .expect_err("Redis is stalled");
    server.signal("CONT");

    let after = JobId::generate();
    submit(&queue, after).await;
    arrives(&mut jobs, after).await;
}

#[tokio::test]
async fn consumer_started_before_redis_waits_for_it() {
    let mut server = Server::stopped();
    let queue = server.queue();
    let mut jobs = queue.consume_submitted(8, CancellationToken::new());
    assert!(queue.submit(JobId::generate()).await.is_err());
    server.boot().await;
    let job = JobId::generate();
    submit(&queue, job).await;
    arrives(&mut jobs, job).await;
}

#[tokio::test]
async fn dead_redis_publish_fails_within_bound() {
    let mut server = Server::start().await;
    let queue = server.queue_with(|options| options.publish_timeout = Duration::from_millis(200));
    queue.submit(JobId::generate()).await.unwrap();

    server.signal("STOP");
    let error = within(
        "an answer while Redis is stalled",
        queue.submit(JobId::generate()),
    )
    .await
    .unwrap_err();
    assert!(matches!(error, QueueError::Timeout(_)), "{error:?}");
    server.kill();
    for _ in 0..20 {
        within(
            "an answer while Redis is dead",
            queue.submit(JobId::generate()),
        )
        .await
        .unwrap_err();
    }
    server.boot().await;
    submit(&queue, JobId::generate()).await;
}

#[tokio::test]
async fn listed_ticket_without_payload_does_not_stop_the_queue() {
    let server = Server::start().await;
    let queue = server.queue();
    let mut jobs = queue.consume_submitted(8, CancellationToken::new());
    let before = JobId::generate();
    submit(&queue, before).await;
    arrives(&mut jobs, before).await;
    let poison = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    redis::pipe()
        .rpush("mystic:submitted:active", poison)
        .hset(
            format!("mystic:submitted:meta:{poison}"),
            "status",
            "Pending",
        )
        .exec_async(&mut server.connection().await)
        .await
        .unwrap();
    let after = JobId::generate();
    submit(&queue, after).await;
    arrives(&mut jobs, after).await;
    eventually("nothing of it is left", async || {
        let keys = server.keys().await;
        (!keys.iter().any(|key| key.contains(poison))).then_some(())
    })
    .await;
}

#[tokio::test]
async fn progress_reaches_subscribers_and_newcomers_across_a_restart() {
    let mut server = Server::start().await;
    let (worker, api) = (server.queue(), server.queue());
    let (job, silent) = (JobId::generate(), JobId::generate());
    let step = serde_json::json!({"phase": "sampling", "step": 3, "steps": 20});
    let (mut one, mut two) = (api.subscribe_progress(), api.clone().subscribe_progress());
    for _ in 0..2 {
        // Nobody knows when the subscription stands, so it is said until it is heard.
        let heard = eventually("progress is heard", async || {
            let _ = worker.publish_progress(job, &step).await;
            one.try_recv().ok()
        })
        .await;
        assert_eq!((heard.job, &heard.payload), (job, &step));
        within("by the other too", two.recv()).await.unwrap();
        let latest = api.latest_progress(&[silent, job]).await.unwrap();
        assert_eq!(
            latest.into_iter().collect::<Vec<_>>(),
            [(job, step.clone())]
        );

        server.kill();
        server.boot().await;
        while one.try_recv().is_ok() {}
        while two.try_recv().is_ok() {}
        eventually("Redis is back", async || api.ping().await.ok()).await;
        assert!(api.latest_progress(&[job]).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn latest_progress_expires() {
    let server = Server::start().await;
    let queue = server.queue();
    queue.publish_progress(JobId::generate(), &1).await.unwrap();
    let keys = server.keys().await;
    assert_eq!(keys.len(), 1);
    let ttl: i64 = redis::cmd("TTL")
        .arg(&keys[0])
        .query_async(&mut server.connection().await)
        .await
        .unwrap();
    assert!(ttl > 0, "{ttl}");
}

#[tokio::test]
async fn signals_reach_their_worker_only_and_across_a_restart() {
    let mut server = Server::start().await;
    let queue = server.queue();
    let (worker, other) = (WorkerId::generate(), WorkerId::generate());
    let (mut mine, mut others) = (queue.signals(worker), queue.signals(other));
    for signal in [Signal::Cancel(JobId::generate()), Signal::Beat] {
        eventually("the signal is heard", async || {
            let _ = queue.signal(worker, signal).await;
            mine.try_recv().ok().filter(|heard| *heard == signal)
        })
        .await;
        server.kill();
        server.boot().await;
    }
    assert!(others.try_recv().is_err());
}
