//! Machines that share a network and no directory: jobs run across them, and one that is cut off loses nothing.

mod cluster;
mod network;

use mystic_domain::{JobId, JobState, WorkerId};
use mystic_testkit::Script;
use nix::unistd::Uid;

use cluster::Cluster;
use network::Network;

/// Pictures that take a second or two.
const SLOW: Script = Script {
    loading_ms: 50,
    step_ms: 150,
    memory_mib: 1,
    picture_mib: 0,
};

/// Namespaces take root. CI is that; elsewhere this says that it shows nothing.
#[test]
fn jobs_run_on_machines_that_share_no_directory_and_one_that_is_cut_off_loses_nothing() {
    if !Uid::effective().is_root() {
        eprintln!("not root, so no network namespaces: not shown here");
        return;
    }
    let network = Network::new(&["w1", "w2"]).and_then(|network| {
        network.enter()?;
        Ok(network)
    });
    let network = network.unwrap_or_else(|why| {
        panic!("this proof makes network namespaces, which takes iproute2: {why}")
    });
    // On this thread alone, since it is this thread that has entered the network.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(prove(network));
}

async fn prove(network: Network) {
    let mut cluster = Cluster::start(network).await;
    for host in ["w1", "w2"] {
        cluster.let_in(host);
        cluster.worker("worker-sd", host, SLOW);
    }
    cluster.worker("worker-llm", "w2", SLOW);
    let mut jobs = submit(&cluster, 5).await;
    running_on(&cluster, &jobs, "w2").await;
    let (victim, first) = running_on(&cluster, &jobs, "w1").await;
    cluster.network.pull("w1");
    cluster.until_all_ended().await;
    cluster.assert_pictures(&jobs).await;
    let attempts = cluster.store.attempts(victim).await.expect("attempts");
    assert_eq!(attempts.len(), 2, "{attempts:?}");
    assert_eq!(attempts[0].worker, first);
    assert_eq!(attempts[0].outcome.as_deref(), Some("lost"));
    assert_eq!(attempts[1].device.0, "w2/cpu");
    let images = cluster.images().await;
    assert!(
        images
            .iter()
            .any(|i| i.job == Some(victim) && i.attempt == 1)
    );
    assert!(
        images
            .iter()
            .any(|i| i.job == Some(victim) && i.attempt == 2)
    );

    // Back again it learns that it was given up, and whatever it still had to say changes nothing.
    cluster.network.plug("w1");
    cluster
        .when("the cut-off worker to start anew", async || {
            let painter = cluster.painter("w1").await;
            painter.is_some_and(|worker| worker.id != first && worker.state == "ready")
        })
        .await;
    assert_eq!(cluster.images().await, images);
    let again = cluster.store.attempts(victim).await.expect("attempts");
    assert_eq!(again, attempts);
    let more = submit(&cluster, 4).await;
    let (_, second) = running_on(&cluster, &more, "w1").await;
    assert_ne!(second, first);
    cluster.until_all_ended().await;
    jobs.extend(more);
    cluster.assert_pictures(&jobs).await;
    for host in ["w1", "w2"] {
        let pictures = cluster.outputs(host).join("images");
        assert!(!pictures.exists(), "{host} keeps no pictures");
    }

    // Sent away it is no more than a stranger.
    cluster.errand(&["worker-access", "revoke", "w1"]);
    let last = submit(&cluster, 2).await;
    cluster
        .when("the machine to be given up", async || {
            cluster.painter("w1").await.is_none()
        })
        .await;
    cluster.until_all_ended().await;
    cluster.assert_pictures(&last).await;
}

async fn submit(cluster: &Cluster, jobs: u32) -> Vec<JobId> {
    let mut submitted = Vec::new();
    for seed in 0..jobs {
        submitted.push(cluster.submit(3, seed).await);
    }
    submitted
}

/// One of these jobs that runs on a machine and has some of its pictures, and the worker that it is on.
async fn running_on(cluster: &Cluster, jobs: &[JobId], host: &str) -> (JobId, WorkerId) {
    let found = std::cell::Cell::new(None);
    let device = format!("{host}/cpu");
    let what = format!("a job half done on {host}");
    cluster
        .when(&what, async || {
            for &id in jobs {
                let job = cluster.job(id).await;
                let there = job.device.as_ref().is_some_and(|on| on.0 == device);
                if job.state == JobState::Running && there && job.images_done == 1 {
                    found.set(job.worker.map(|worker| (id, worker)));
                }
            }
            found.get().is_some()
        })
        .await;
    found.get().expect("found")
}
