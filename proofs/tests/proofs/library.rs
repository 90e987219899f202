//! Presets that are written over REST: a running worker serves them, loads other files anew, and says what is missing.

use mystic_domain::{JobId, JobState, WaitReason};
use mystic_testkit::{FakeEngine, Script};
use serde_json::{Value, json};

use crate::models::{Models, painter};
use crate::stack::Stack;

const QUICK: Script = Script {
    loading_ms: 40,
    step_ms: 1,
    memory_mib: 0,
    picture_mib: 0,
};

fn preset(file: &str, max_steps: u32) -> Value {
    json!({
        "title": "Mine", "engine": "sd", "files": { "model": file },
        "defaults": { "width": 128, "height": 128, "steps": 1, "cfg": 1.0 },
        "limits": {
            "multiple": 8, "min_side": 128, "max_side": 128, "max_steps": max_steps, "max_batch": 4,
        },
        "memory": { "decode_bytes_per_pixel": 1 },
    })
}

impl Stack {
    async fn put(&self, name: &str, preset: &Value) -> Value {
        let url = format!("{}/api/v1/presets/{name}", self.url);
        let answer = self.http.put(url).json(preset).send().await;
        let answer = answer.expect("an answer");
        assert!(answer.status().is_success(), "{:?}", answer.text().await);
        answer.json().await.expect("JSON")
    }

    async fn draw(&self, preset: &str) -> JobId {
        let params = json!({ "prompt": "a house", "seed": 1 });
        let request = json!({ "preset": preset, "params": params, "auto_tag": false });
        self.submit_with(request).await
    }

    /// Whether the job had to load its model.
    async fn loaded(&self, job: JobId) -> bool {
        self.until(job, JobState::Succeeded).await;
        let attempts = self.attempts(job).await;
        assert_eq!(attempts.len(), 1, "{attempts:?}");
        attempts[0].times.expect("its times").loading_ms > 0
    }
}

#[tokio::test]
async fn a_preset_put_over_rest_is_served_without_a_restart_and_other_files_are_loaded_anew() {
    let models = Models::new(&[("one", 10), ("two", 10)], 10);
    let engine = FakeEngine::new(QUICK).expect("an engine");
    let mut stack = Stack::with_models(models.path()).await;
    let worker = stack.fake_worker("worker-sd", "here", &engine);
    // It serves what was there when it came.
    let first = stack.draw("two").await;
    stack.until(first, JobState::Succeeded).await;

    let put = stack.put("mine", &preset("one.safetensors", 10)).await;
    assert_eq!(put.get("unchecked"), None, "{put}");
    let drawn = stack.draw("mine").await;
    assert!(stack.loaded(drawn).await);
    let before = stack.children_of(worker);

    stack.put("mine", &preset("one.safetensors", 20)).await;
    let drawn = stack.draw("mine").await;
    assert!(!stack.loaded(drawn).await, "other limits take no load");
    assert_eq!(stack.children_of(worker), before);

    stack.put("mine", &preset("two.safetensors", 20)).await;
    let drawn = stack.draw("mine").await;
    assert!(stack.loaded(drawn).await, "other files do");
    let devices = stack.store.devices().await.expect("devices");
    let models = devices[0].residents.iter().filter(|it| it.preset == "mine");
    let outdated: Vec<bool> = models.map(|it| it.outdated).collect();
    assert_eq!(outdated, [false]);
    stack.assert_ledger_at_rest().await;
}

#[tokio::test]
async fn a_missing_file_is_told_by_its_worker_and_served_once_it_is_there() {
    let models = Models::new(&[("one", 10)], 10);
    let engine = FakeEngine::new(QUICK).expect("an engine");
    let mut stack = Stack::with_models(models.path()).await;
    stack.fake_worker("worker-sd", "here", &engine);
    let put = stack.put("mine", &preset("three.safetensors", 10)).await;
    let why = put["unchecked"].as_str().expect("a reason");
    assert!(why.starts_with("three.safetensors is not in"), "{why}");
    let said = async || {
        let record = stack.store.preset_record("mine").await.expect("read");
        let workers = record.expect("a preset").workers;
        workers.into_iter().next().and_then(|on| on.problem)
    };
    stack
        .when("the worker to look", async || said().await.is_some())
        .await;
    let problem = said().await.expect("a problem");
    assert!(
        problem.starts_with("three.safetensors: No such file"),
        "{problem}"
    );
    let job = stack.draw("mine").await;
    stack
        .when("the job to wait", async || {
            let waits = stack.job(job).await.wait_reason;
            matches!(waits, Some(WaitReason::NoWorker { preset }) if preset == "mine")
        })
        .await;
    painter(&models.path().join("three.safetensors"), 10);
    stack.until(job, JobState::Succeeded).await;
    assert_eq!(said().await, None);
}
