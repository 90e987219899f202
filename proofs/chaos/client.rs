//! The clients: what they send, what they are answered, and the record of both, which only grows.

use std::fs::File;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mystic_domain::JobId;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::plan::Request;
use super::stack::Stack;

const AGAIN: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_secs(10);
/// What somebody looks at all the time.
const SHOWN: [&str; 6] = ["jobs", "queue", "workers", "devices", "images", "presets"];

/// Something that a client saw.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    /// A job was accepted with 202, or was found accepted under its key.
    Accepted {
        job: JobId,
        key: Option<String>,
        status: u16,
    },
    /// A cancel was answered.
    Cancelled { job: JobId, state: String },
    /// An answer with another status.
    Status {
        what: String,
        status: u16,
        body: String,
    },
    /// No answer.
    Silence {
        #[expect(dead_code, reason = "for whoever reads the history")]
        what: String,
        #[expect(dead_code, reason = "for whoever reads the history")]
        error: String,
    },
}

/// Everything that the clients saw, in order.
pub(super) struct History {
    entries: Mutex<Vec<Entry>>,
    file: Mutex<File>,
}

impl History {
    pub(super) fn new(file: File) -> Self {
        Self {
            entries: Mutex::default(),
            file: Mutex::new(file),
        }
    }

    fn note(&self, entry: Entry) {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = writeln!(file, "{entry:?}");
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.push(entry);
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.clone()
    }
}

/// All clients of a run.
#[derive(Clone)]
pub(super) struct Clients {
    http: Client,
    url: String,
    history: Arc<History>,
    /// Fires when nobody asks again.
    enough: CancellationToken,
}

impl Clients {
    pub(super) fn new(stack: &Stack, history: Arc<History>) -> anyhow::Result<Self> {
        Ok(Self {
            http: Client::builder().timeout(PATIENCE).build()?,
            url: format!("{}/api/v1", stack.url()),
            history,
            enough: CancellationToken::new(),
        })
    }

    /// Waits until the API answers.
    pub(super) async fn wait_for_api(&self) -> bool {
        let deadline = Instant::now() + Duration::from_mins(1);
        while Instant::now() < deadline {
            let asked = self.http.get(format!("{}/queue", self.url)).send().await;
            if asked.is_ok_and(|answer| answer.status().is_success()) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        false
    }

    /// Sends all requests, and looks at every page meanwhile; returns when all are answered or given up.
    pub(super) async fn work(&self, requests: &[Request]) {
        let looking = tokio::spawn(
            self.enough
                .clone()
                .run_until_cancelled_owned(self.clone().look()),
        );
        let mut sending = JoinSet::new();
        for request in requests {
            for copy in 0..request.copies {
                sending.spawn(self.clone().send(request.clone(), copy));
            }
        }
        sending.join_all().await;
        self.enough.cancel();
        let _ = looking.await;
    }

    /// Lets whoever still asks again stop.
    pub(super) fn stop(&self) {
        self.enough.cancel();
    }

    async fn look(self) {
        for page in SHOWN.iter().cycle() {
            self.answer(page, self.http.get(format!("{}/{page}", self.url)))
                .await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// One exchange; nothing where the answer is not a success.
    async fn answer(&self, what: &str, request: RequestBuilder) -> Option<(u16, Value)> {
        let failed = |error: reqwest::Error| Entry::Silence {
            what: what.to_owned(),
            error: error.to_string(),
        };
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => {
                self.history.note(failed(error));
                return None;
            }
        };
        let status = answer.status();
        match answer.text().await {
            Ok(body) if status.is_success() => {
                let body = serde_json::from_str(&body).unwrap_or(Value::Null);
                Some((status.as_u16(), body))
            }
            Ok(body) => {
                let (what, status) = (what.to_owned(), status.as_u16());
                self.history.note(Entry::Status { what, status, body });
                None
            }
            Err(error) => {
                self.history.note(failed(error));
                None
            }
        }
    }

    async fn send(self, request: Request, copy: u32) {
        tokio::time::sleep(request.at).await;
        let mut body = json!({
            "kind": "generate",
            "preset": "demo",
            "priority": request.priority,
            "auto_tag": request.auto_tag,
            "params": {
                "prompt": request.prompt, "seed": request.seed, "steps": request.steps, "batch": request.batch,
            },
        });
        if let Some(timeout) = request.timeout_s {
            body["timeout_s"] = timeout.into();
        }
        if let Some(after) = request.not_before {
            body["not_before"] = time_after(after).into();
        }
        if request.copies > 1 {
            // Copies of one request are one request, to the second.
            body["not_before"] = Value::Null;
        }
        let accepted = loop {
            let mut post = self.http.post(format!("{}/jobs", self.url)).json(&body);
            if let Some(key) = &request.key {
                post = post.header("Idempotency-Key", key);
            }
            if let Some((status, job)) = self.answer("submit", post).await {
                let job = job["id"].as_str().and_then(|id| id.parse().ok());
                break job.map(|job: JobId| (job, status));
            }
            // Without a key a client can't ask again: it may have been heard.
            if request.key.is_none() || !self.pause().await {
                break None;
            }
        };
        let Some((job, status)) = accepted else {
            return;
        };
        let key = request.key.clone();
        self.history.note(Entry::Accepted { job, key, status });
        if let Some(after) = request.cancel
            && copy == 0
        {
            tokio::time::sleep(after).await;
            self.cancel(job).await;
        }
    }

    async fn cancel(&self, job: JobId) {
        loop {
            let post = self.http.post(format!("{}/jobs/{job}/cancel", self.url));
            if let Some((_, shown)) = self.answer("cancel", post).await {
                let state = shown["state"].as_str().unwrap_or_default().to_owned();
                self.history.note(Entry::Cancelled { job, state });
                return;
            }
            if !self.pause().await {
                return;
            }
        }
    }

    /// Waits before another try; false where there is to be none.
    async fn pause(&self) -> bool {
        let pausing = self.enough.run_until_cancelled(tokio::time::sleep(AGAIN));
        pausing.await.is_some()
    }
}

/// A client's own idea of the time so much later.
fn time_after(after: Duration) -> String {
    #[expect(clippy::disallowed_methods, reason = "a client has no other clock")]
    let now = chrono::Utc::now();
    (now + after).to_rfc3339()
}
