//! A model that an idle host loads while another draws: the job that comes for it finds it, waits for it, or goes without.

use mystic_domain::{JobId, JobState};
use mystic_store::{JobRecord, ResidentRecord};
use mystic_testkit::{FakeEngine, Script, Then, When};
use nix::sys::signal::{Signal, kill};
use serde_json::json;

use crate::stack::{FIRST_SCHEDULER, Stack};

const QUICK: Script = Script {
    loading_ms: 100,
    step_ms: 1,
    memory_mib: 0,
    picture_mib: 0,
};
/// Until it is told otherwise.
const LONG: u64 = 3_600_000;

/// A host that draws one picture for as long as it is let, and one that has nothing to do until it is to be tagged.
struct Hosts {
    stack: Stack,
    painter: FakeEngine,
    tagger: FakeEngine,
    tagging: usize,
    picture: JobId,
}

impl Hosts {
    /// The idle host's engines load for so long.
    async fn start(loading_ms: u64) -> Self {
        let tagger = Script {
            loading_ms,
            ..QUICK
        };
        Self::of(FakeEngine::new(tagger).expect("an engine")).await
    }

    async fn of(tagger: FakeEngine) -> Self {
        let painter = Script {
            step_ms: LONG,
            ..QUICK
        };
        let painter = FakeEngine::new(painter).expect("an engine");
        let mut stack = Stack::start().await;
        stack.worker("worker-sd", "drawing", &[&painter.setting()]);
        let tagging = stack.worker("worker-llm", "tagging", &[&tagger.setting()]);
        let picture = stack.submit(json!({ "prompt": "a house" }), true).await;
        Self {
            stack,
            painter,
            tagger,
            tagging,
            picture,
        }
    }

    /// Ends the picture; the job that tags it.
    async fn tags(&self) -> JobRecord {
        self.painter.set(QUICK).expect("told");
        self.stack.until(self.picture, JobState::Succeeded).await;
        let mut jobs = self.stack.tag_jobs().await;
        assert_eq!(jobs.len(), 1, "{jobs:?}");
        jobs.remove(0)
    }

    /// The models of the host that tags.
    async fn models(&self) -> Vec<ResidentRecord> {
        let devices = self.stack.store.devices().await.expect("devices");
        let device = devices.into_iter().find(|it| it.id.0 == "tagging/cpu");
        device.map(|device| device.residents).unwrap_or_default()
    }

    async fn until_the_model_is(&self, state: &str) -> ResidentRecord {
        let found = async || {
            let models = self.models().await;
            models.into_iter().find(|model| model.state == state)
        };
        let what = format!("a model that is {state}");
        self.stack
            .when(&what, async || found().await.is_some())
            .await;
        found().await.expect("still")
    }

    async fn until_nothing_is_booked(&self) {
        self.stack
            .when("the memory to be free", async || {
                self.models().await.is_empty()
            })
            .await;
    }

    /// The tags are there after one attempt, which loaded the model itself or did not.
    async fn assert_tagged(&self, job: JobId, loaded: bool) {
        self.stack.until(job, JobState::Succeeded).await;
        let attempts = self.stack.attempts(job).await;
        assert_eq!(attempts.len(), 1, "{attempts:?}");
        let times = attempts[0].times.expect("its times");
        assert_eq!(times.loading_ms > 0, loaded, "{times:?}");
        self.stack.assert_ledger_at_rest().await;
    }

    fn preloads(&self) -> usize {
        let log = self.stack.log(FIRST_SCHEDULER);
        log.matches("model to be preloaded").count()
    }
}

#[tokio::test]
async fn an_idle_host_loads_the_tagger_while_another_draws_and_the_first_tags_need_no_load() {
    let hosts = Hosts::start(QUICK.loading_ms).await;
    let model = hosts.until_the_model_is("ready").await;
    assert_eq!(hosts.stack.job(hosts.picture).await.images_done, 0);
    let tags = hosts.tags().await;
    hosts.assert_tagged(tags.id, false).await;
    let models = hosts.models().await;
    assert_eq!(models.len(), 1, "{models:?}");
    assert_eq!(models[0].id, model.id);
    assert_eq!(hosts.preloads(), 1);
}

#[tokio::test]
async fn a_job_that_comes_during_a_preload_waits_for_it_and_loads_nothing_itself() {
    let hosts = Hosts::start(LONG).await;
    let model = hosts.until_the_model_is("loading").await;
    let tags = hosts.tags().await;
    hosts.stack.until(tags.id, JobState::Running).await;
    assert_eq!(hosts.stack.job(tags.id).await.resident, Some(model.id));
    hosts.tagger.set(QUICK).expect("told");
    hosts.assert_tagged(tags.id, false).await;
    assert_eq!(hosts.models().await[0].id, model.id);
}

#[tokio::test]
async fn a_preload_that_fails_frees_its_memory_and_is_left_to_the_job_that_needs_the_model() {
    let tagger = FakeEngine::new(QUICK).expect("an engine");
    let then = Then::Exit { status: 3 };
    tagger.fail(When::Loading, then).expect("told");
    let hosts = Hosts::of(tagger).await;
    hosts
        .stack
        .when("the preload to have failed", async || {
            let snapshot = hosts.stack.store.snapshot(1).await.expect("a snapshot");
            let mut presets = snapshot.workers.iter().flat_map(|worker| &worker.presets);
            presets.any(|preset| preset.preload_failed)
        })
        .await;
    hosts.until_nothing_is_booked().await;
    let log = hosts.stack.log(hosts.tagging);
    assert!(
        log.contains("preload failed") && log.contains("status 3"),
        "{log}"
    );
    let tags = hosts.tags().await;
    hosts.assert_tagged(tags.id, true).await;
    assert_eq!(hosts.preloads(), 1, "not again and again");
}

#[tokio::test]
async fn a_preload_that_dies_under_a_waiting_job_costs_it_no_attempt() {
    let hosts = Hosts::start(LONG).await;
    hosts.until_the_model_is("loading").await;
    let tags = hosts.tags().await;
    hosts.stack.until(tags.id, JobState::Running).await;
    let engine = hosts.stack.child_of(hosts.tagging);
    kill(engine, Signal::SIGKILL).expect("it lives");
    // The job's own load, which is as slow.
    hosts
        .stack
        .when("another engine", async || {
            let engines = hosts.stack.children_of(hosts.tagging);
            engines.iter().any(|another| *another != engine)
        })
        .await;
    hosts.tagger.set(QUICK).expect("told");
    hosts.assert_tagged(tags.id, true).await;
}

#[tokio::test]
async fn a_job_that_is_cancelled_during_a_preload_ends_at_once_and_its_memory_is_free() {
    let hosts = Hosts::start(LONG).await;
    hosts.until_the_model_is("loading").await;
    let tags = hosts.tags().await;
    hosts.stack.until(tags.id, JobState::Running).await;
    hosts.stack.cancel(tags.id).await;
    hosts.stack.until(tags.id, JobState::Cancelled).await;
    hosts.until_nothing_is_booked().await;
    hosts.stack.assert_ledger_at_rest().await;
}

#[tokio::test]
async fn a_worker_that_is_told_to_end_waits_for_no_preload() {
    let hosts = Hosts::start(LONG).await;
    hosts.until_the_model_is("loading").await;
    hosts.stack.terminate(hosts.tagging);
    hosts.stack.until_ended_well(hosts.tagging).await;
    assert_eq!(hosts.models().await, []);
}
