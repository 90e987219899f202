//! A rolling restart: every process is replaced under load, one after the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mystic_domain::JobId;
use mystic_testkit::{FakeEngine, Script};
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::stack::Stack;

const CLIENTS: usize = 4;

/// What a client does that knows several APIs: where one refuses the connection or answers 503, it asks the next.
struct Client {
    http: reqwest::Client,
    apis: Vec<String>,
    asked: usize,
}

impl Client {
    /// The answer to a request that is answered in the end; any other failure than the two declared ones is one.
    async fn ask(&mut self, request: impl Fn(&reqwest::Client, &str) -> RequestBuilder) -> Value {
        loop {
            let api = &self.apis[self.asked % self.apis.len()];
            match request(&self.http, api).send().await {
                Ok(answer) if answer.status() == StatusCode::SERVICE_UNAVAILABLE => {
                    assert!(answer.headers().contains_key("retry-after"), "{answer:?}");
                }
                Ok(answer) => {
                    assert!(answer.status().is_success(), "{answer:?}");
                    return answer.json().await.expect("the whole answer");
                }
                Err(error) => assert!(error.is_connect(), "{error:?}"),
            }
            self.asked += 1;
        }
    }

    /// Submits jobs and waits for each, until told to stop; the jobs that were accepted.
    async fn work(mut self, over: Arc<AtomicBool>) -> Vec<JobId> {
        let mut jobs = Vec::new();
        while !over.load(Ordering::Relaxed) {
            let request =
                json!({ "kind": "generate", "preset": "demo", "params": { "prompt": "a house" } });
            let job = self
                .ask(|http, api| http.post(format!("{api}/api/v1/jobs")).json(&request))
                .await;
            let id = job["id"].as_str().expect("an id").to_owned();
            jobs.push(id.parse().expect("a job's id"));
            loop {
                let shown = self
                    .ask(|http, api| http.get(format!("{api}/api/v1/jobs/{id}?wait=5s")))
                    .await;
                if !shown["finished_at"].is_null() {
                    break;
                }
            }
        }
        jobs
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_of_everything_loses_no_job_and_fails_no_request() {
    let engine = FakeEngine::new(Script {
        step_ms: 2,
        ..Script::default()
    })
    .expect("an engine");
    let mut stack = Stack::start().await;
    let mut programs = vec![crate::stack::API, crate::stack::FIRST_SCHEDULER];
    programs.push(stack.api().await);
    programs.push(stack.scheduler());
    for (name, host) in [
        ("worker-sd", "first"),
        ("worker-sd", "second"),
        ("worker-llm", "first"),
    ] {
        programs.push(stack.fake_worker(name, host, &engine));
    }
    let apis = vec![stack.url_of(programs[0]), stack.url_of(programs[2])];
    let over = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|asked| {
            let client = Client {
                http: reqwest::Client::new(),
                apis: apis.clone(),
                asked,
            };
            tokio::spawn(client.work(Arc::clone(&over)))
        })
        .collect();
    for program in programs {
        // Work goes on between one restart and the next.
        let made = stack.images().await.len();
        stack
            .when("more pictures", async || {
                stack.images().await.len() >= made + CLIENTS
            })
            .await;
        stack.replace(program).await;
    }
    over.store(true, Ordering::Relaxed);
    let mut jobs = Vec::new();
    for client in clients {
        jobs.extend(client.await.expect("no request failed"));
    }
    stack.until_all_ended().await;
    stack.assert_pictures(&jobs).await;
    for job in &jobs {
        let attempts = stack.attempts(*job).await;
        assert_eq!(attempts.len(), 1, "a drain costs no attempt: {attempts:?}");
    }
    stack.assert_ledger_at_rest().await;
}
