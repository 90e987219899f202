//! Cards that image and language models share: who goes for whom, who waits for whom, and never more than there is.

use mystic_domain::{DeviceId, JobId, JobState, Mib, Pause, ResidentId, WaitReason};
use mystic_store::DeviceRecord;
use mystic_testkit::nvml::{Card, Process};
use mystic_testkit::{Audit, FakeEngine, FakeNvml, Script};
use serde_json::{Value, json};

use crate::models::Models;
use crate::stack::{FIRST_SCHEDULER, Stack};

/// Of a card's memory, as it is configured where nothing is said.
const HEADROOM: i64 = 512;
const TAGGER: &str = "demo-tagger";
const QUICK: Script = Script {
    loading_ms: 100,
    step_ms: 1,
    memory_mib: 0,
    picture_mib: 0,
};
/// Until it is told otherwise.
const LONG: Script = Script {
    step_ms: 3_600_000,
    ..QUICK
};

/// A host with cards, workers on each, and models of any size.
struct Host {
    stack: Stack,
    nvml: FakeNvml,
    cards: Vec<String>,
    painter: FakeEngine,
    tagger: FakeEngine,
    _models: Models,
}

impl Host {
    /// So many cards of this size in MiB, whose workers have registered.
    async fn start(cards: usize, mib: u64, workers: &[&str], models: Models) -> Self {
        let mut stack = Stack::with_models(models.path()).await;
        Audit::keep(stack.database()).await;
        let [painter, tagger] = [(); 2].map(|()| FakeEngine::new(QUICK).expect("an engine"));
        let uuid = |n| format!("GPU-{n:08}-0000-0000-0000-000000000000");
        let cards: Vec<String> = (0..cards).map(uuid).collect();
        let card = |uuid: &String| Card::new(uuid, "NVIDIA GeForce RTX 3060", mib);
        let nvml = FakeNvml::new(cards.iter().map(card).collect()).expect("a library");
        let library = format!("gpu.nvml_library={}", nvml.library_path().display());
        for card in &cards {
            for worker in workers {
                let engine = if *worker == "worker-sd" {
                    &painter
                } else {
                    &tagger
                };
                let engine = engine.setting();
                let device = format!("worker.device={card}");
                stack.worker(worker, "here", &[&library, &engine, &device]);
            }
        }
        let host = Self {
            stack,
            nvml,
            cards,
            painter,
            tagger,
            _models: models,
        };
        let all = host.cards.len() * workers.len();
        host.stack
            .when("every worker to be ready", async || {
                host.stack.store.workers(100).await.expect("workers").len() == all
            })
            .await;
        host
    }

    async fn card(&self) -> DeviceRecord {
        let devices = self.stack.store.devices().await.expect("devices");
        let card = devices.into_iter().find(|it| it.id.0 == self.cards[0]);
        card.expect("it is registered")
    }

    /// The model of a preset on the first card.
    async fn model(&self, preset: &str) -> Option<ResidentId> {
        let models = self.card().await.residents.into_iter();
        models
            .filter(|it| it.preset == preset)
            .map(|it| it.id)
            .next()
    }

    async fn pause(&self, pause: &Pause) {
        let paused = self.stack.store.pause(pause, false, "local").await;
        paused.expect("paused");
    }

    async fn resume(&self, pause: &Pause) {
        assert!(self.stack.store.resume(pause).await.expect("resumed"));
    }

    async fn submit(&self, preset: &str, tagged: bool) -> JobId {
        let params = json!({ "prompt": "a house" });
        self.stack
            .submit_with(json!({ "preset": preset, "params": params, "auto_tag": tagged }))
            .await
    }

    /// A job that has succeeded, with its tags.
    async fn draw_and_tag(&self, preset: &str) -> JobId {
        let job = self.submit(preset, true).await;
        self.stack.until(job, JobState::Succeeded).await;
        self.until_tagged(job).await;
        job
    }

    async fn until_tagged(&self, job: JobId) {
        self.stack
            .when("the tags", async || {
                let images = self.stack.images().await;
                let mut its = images.iter().filter(|image| image.job == Some(job));
                its.any(|image| image.tags_state == "done")
            })
            .await;
    }

    /// After every job has ended: at no commit was more booked than there was, and now nothing but models.
    async fn assert_never_overbooked(&self) {
        let audit = Audit::read(self.stack.database()).await;
        assert_eq!(audit.overbookings, []);
        self.stack.assert_ledger_at_rest().await;
    }
}

#[tokio::test]
async fn an_idle_language_model_goes_for_a_picture_that_does_not_fit_beside_it_and_comes_back_to_tag_it()
 {
    let models = Models::new(&[("sketch", 900), ("photo", 6_600)], 5_200);
    let host = Host::start(1, 12_288, &["worker-sd", "worker-llm"], models).await;
    host.draw_and_tag("sketch").await;
    let idle = host.model(TAGGER).await.expect("it has tagged");

    host.painter.set(LONG).expect("told");
    let photo = host.submit("photo", true).await;
    host.stack.until(photo, JobState::Running).await;
    assert_eq!(host.model(TAGGER).await, None, "it is unloaded");
    host.painter.set(QUICK).expect("told");
    host.stack.until(photo, JobState::Succeeded).await;
    host.until_tagged(photo).await;
    let back = host.model(TAGGER).await.expect("it has tagged again");
    assert_ne!(back, idle, "loaded once more");
    assert_eq!(host.model("photo").await, None, "there is no room for both");
    for job in host.stack.tag_jobs().await {
        let attempts = host.stack.attempts(job.id).await;
        assert_eq!(attempts.len(), 1, "{attempts:?}");
    }
    host.stack.assert_pictures(&[photo]).await;
    host.stack.until_all_ended().await;
    host.assert_never_overbooked().await;
}

#[tokio::test]
async fn a_job_waits_for_memory_that_a_stranger_has_and_runs_when_it_is_free() {
    let (total, stranger, photo) = (12_288, 8_000, 6_600);
    let models = Models::new(&[("photo", photo)], 100);
    let host = Host::start(1, total, &["worker-sd"], models).await;
    // A process of this machine that is none of ours.
    let stranger_on = |card: &mut Card| card.processes = vec![Process::computing(1, stranger)];
    host.nvml
        .set(|state| stranger_on(&mut state.cards[0]))
        .expect("told");
    host.stack
        .when("the stranger to be seen", async || {
            host.card().await.others == Mib(8_000)
        })
        .await;
    let job = host.submit("photo", false).await;
    host.stack
        .when("a reason", async || {
            host.stack.job(job).await.wait_reason.is_some()
        })
        .await;
    let card = host.card().await;
    assert!(!card.others_estimated);
    // The model's weights, its process, and the least that a job takes.
    let reason = WaitReason::VramShort {
        device: DeviceId(host.cards[0].clone()),
        need: Mib(6_600 + 96 + 16),
        free: Mib(12_288 - HEADROOM - 8_000),
    };
    assert_eq!(host.stack.job(job).await.wait_reason, Some(reason));
    host.nvml
        .set(|state| state.cards[0].processes.clear())
        .expect("told");
    host.stack.until(job, JobState::Succeeded).await;
    host.assert_never_overbooked().await;
}

#[tokio::test]
async fn tags_are_made_beside_a_picture_on_the_same_card() {
    let models = Models::new(&[("photo", 6_600)], 4_000);
    let host = Host::start(1, 12_288, &["worker-sd", "worker-llm"], models).await;
    let tags = Pause::Preset(TAGGER.into());
    host.pause(&tags).await;
    let tagged = host.submit("photo", true).await;
    host.stack.until(tagged, JobState::Succeeded).await;

    host.painter.set(LONG).expect("told");
    let drawn = host.submit("photo", false).await;
    host.stack.until(drawn, JobState::Running).await;
    host.resume(&tags).await;
    host.until_tagged(tagged).await;
    assert_eq!(host.stack.job(drawn).await.state, JobState::Running);
    let card = host.card().await;
    assert_eq!(card.residents.len(), 2, "{card:?}");
    assert!(card.resident + card.working <= card.capacity);
    host.painter.set(QUICK).expect("told");
    host.stack.until(drawn, JobState::Succeeded).await;
    host.stack.assert_pictures(&[tagged, drawn]).await;
    host.assert_never_overbooked().await;
}

#[tokio::test]
async fn a_mixed_queue_on_four_cards_loads_each_model_once() {
    let names = [
        "ash", "birch", "cedar", "elm", "fir", "larch", "oak", "pine",
    ];
    let models = Models::new(&names.map(|name| (name, 6_600)), 100);
    let host = Host::start(4, 24_576, &["worker-sd"], models).await;
    host.pause(&Pause::Queue).await;
    let mut jobs = Vec::new();
    for _ in 0..4 {
        for preset in names {
            jobs.push(host.submit(preset, false).await);
        }
    }
    host.resume(&Pause::Queue).await;
    host.stack.until_all_ended().await;
    host.stack.assert_pictures(&jobs).await;
    let mut loads = 0;
    for job in &jobs {
        let attempts = host.stack.attempts(*job).await;
        assert_eq!(attempts.len(), 1, "{attempts:?}");
        loads += usize::from(attempts[0].times.expect("its times").loading_ms > 0);
    }
    // None can do with less.
    let log = host.stack.log(FIRST_SCHEDULER);
    assert_eq!(loads, names.len(), "{log}");
    let devices = host.stack.store.devices().await.expect("devices");
    let models: usize = devices.iter().map(|device| device.residents.len()).sum();
    assert_eq!(models, names.len(), "and none was unloaded");
    host.assert_never_overbooked().await;
}

#[tokio::test]
async fn where_processes_are_numbered_otherwise_what_strangers_have_is_estimated_and_jobs_run() {
    let models = Models::new(&[("photo", 6_600)], 100);
    let host = Host::start(1, 12_288, &["worker-sd"], models).await;
    let first = host.submit("photo", false).await;
    host.stack.until(first, JobState::Succeeded).await;
    let booked = host.card().await.resident;
    // As a container's host shows it: the engine under another number, and somebody else.
    let engine = u64::try_from(booked.0).expect("some");
    let shown = vec![Process::computing(1, engine), Process::computing(2, 300)];
    host.nvml
        .set(|state| state.cards[0].processes = shown)
        .expect("told");
    host.stack
        .when("an estimate", async || {
            let card = host.card().await;
            card.others_estimated && card.others == Mib(300)
        })
        .await;
    let url = format!("{}/api/v1/devices", host.stack.url);
    let shown = host.stack.http.get(url).send().await.expect("an answer");
    let shown: serde_json::Value = shown.json().await.expect("JSON");
    assert!(
        shown.to_string().contains("\"others_estimated\":true"),
        "{shown}"
    );
    let second = host.submit("photo", false).await;
    host.stack.until(second, JobState::Succeeded).await;
    host.stack.assert_pictures(&[first, second]).await;
    host.assert_never_overbooked().await;
}

#[tokio::test]
async fn what_a_card_says_of_itself_is_shown_and_what_it_does_not_say_is_not() {
    let models = Models::new(&[("photo", 100)], 100);
    let host = Host::start(1, 12_288, &["worker-sd"], models).await;
    let shows = async |told: [Option<u32>; 3]| {
        let set = |card: &mut Card| {
            [
                card.utilisation_percent,
                card.temperature_celsius,
                card.power_milliwatts,
            ] = told;
        };
        host.nvml
            .set(|state| set(&mut state.cards[0]))
            .expect("told");
        let [busy, celsius, milliwatts] = told;
        let expected = [busy, celsius, milliwatts.map(|power| power / 1000)].map(|it| json!(it));
        host.stack
            .when("its figures", async || {
                let url = format!("{}/api/v1/devices", host.stack.url);
                let shown = host.stack.http.get(url).send().await.expect("an answer");
                let shown: Value = shown.json().await.expect("JSON");
                let card = &shown[0];
                ["utilisation", "temperature", "power"].map(|it| card[it].clone()) == expected
            })
            .await;
    };
    shows([Some(97), Some(71), Some(312_900)]).await;
    shows([None; 3]).await;
}

#[tokio::test]
async fn a_model_that_loads_for_nobody_yet_goes_for_a_picture_that_does_not_fit_beside_it() {
    let models = Models::new(&[("sketch", 900), ("photo", 6_600)], 5_200);
    let host = Host::start(2, 12_288, &["worker-sd", "worker-llm"], models).await;
    let loading = Script {
        loading_ms: 3_600_000,
        ..QUICK
    };
    host.tagger.set(loading).expect("told");
    host.painter.set(LONG).expect("told");
    let tagger = async || {
        let devices = host.stack.store.devices().await.expect("devices");
        let models = devices.into_iter().flat_map(|device| device.residents);
        models
            .filter(|model| model.preset == TAGGER)
            .map(|model| model.state)
            .next()
    };
    // So much that nobody waits for its card.
    let params = json!({ "prompt": "a house", "steps": 50, "batch": 64 });
    let sketch = json!({ "preset": "sketch", "params": params, "auto_tag": true });
    let sketch = host.stack.submit_with(sketch).await;
    host.stack
        .when("the tagger to be loaded ahead", async || {
            tagger().await.as_deref() == Some("loading")
        })
        .await;
    let photo = host.submit("photo", false).await;
    host.stack.until(photo, JobState::Running).await;
    assert_eq!(tagger().await, None, "it could not have stayed");
    assert_eq!(host.stack.job(sketch).await.state, JobState::Running);
    for engine in [&host.painter, &host.tagger] {
        engine.set(QUICK).expect("told");
    }
    for job in [sketch, photo] {
        host.stack.until(job, JobState::Succeeded).await;
    }
    host.until_tagged(sketch).await;
    host.assert_never_overbooked().await;
}
