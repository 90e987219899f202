use std::str::FromStr;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use mystic_domain::InvalidField;

use crate::events::{Feed, Source};
use crate::extract::header_text;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;

const LAST_EVENT_ID: &str = "last-event-id";

/// Follow everything
///
/// Server-sent events of all jobs from now on, or from after `Last-Event-ID`, without a gap and without a repetition.
/// Frames named `job` hold an `EventRecord`. Two others have no id and come at most 20 times a second each: those named
/// `progress` hold a list of `JobProgress`; those named `changed` a list of what people changed, such as `images`,
/// `image_tags`, `jobs`, `pauses`, `presets` or `prompt_templates`, and an empty list where that may be anything. A silent
/// stream sends a comment every 10 s.
#[utoipa::path(
    get,
    path = "/api/v1/events",
    tag = "events",
    operation_id = "follow_all",
    params(("Last-Event-ID" = Option<String>, Header, description = "Go on after this event")),
    responses((status = 200, description = "Events", body = String, content_type = "text/event-stream"), Problems)
)]
pub async fn stream(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    let after = last_event_id(&headers, "the id of an event of this stream")?;
    let store = app.store.clone();
    Feed::open(app, async move {
        Ok(Source::All(match after {
            Some(after) => after,
            None => store.newest_event().await?,
        }))
    })
    .await
}

/// The place after which a client wants to go on.
pub fn last_event_id<T: FromStr>(headers: &HeaderMap, allowed: &str) -> Result<Option<T>, Problem> {
    let Some(text) = header_text(headers, LAST_EVENT_ID).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    text.parse()
        .map(Some)
        .map_err(|_| InvalidField::new(LAST_EVENT_ID, text, allowed).into())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use mystic_domain::{JobId, Phase, Progress};
    use mystic_store::Outcome;
    use reqwest::Response;
    use serde_json::Value;
    use tokio::task::JoinSet;

    use crate::testing::{TestApi, problem};

    /// Reads the frames of an answer one by one.
    struct Frames {
        answer: Response,
        rest: String,
    }

    #[derive(Debug, Default)]
    struct Frame {
        id: Option<String>,
        event: String,
        data: Value,
    }

    impl Frames {
        async fn open(api: &TestApi, path: &str, after: Option<&str>) -> Self {
            let mut request = api.get(path);
            if let Some(after) = after {
                request = request.header("last-event-id", after);
            }
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.status(), 200);
            assert_eq!(answer.headers()["content-type"], "text/event-stream");
            Self {
                answer,
                rest: String::new(),
            }
        }

        async fn next(&mut self) -> Frame {
            loop {
                if let Some((block, rest)) = self.rest.split_once("\n\n") {
                    let mut frame = Frame::default();
                    for line in block.lines() {
                        match line.split_once(": ") {
                            Some(("id", id)) => frame.id = Some(id.to_owned()),
                            Some(("event", event)) => event.clone_into(&mut frame.event),
                            Some(("data", data)) => {
                                frame.data = serde_json::from_str(data).expect("JSON");
                            }
                            _ => {}
                        }
                    }
                    self.rest = rest.to_owned();
                    if !frame.event.is_empty() {
                        return frame;
                    }
                    continue;
                }
                let chunk = self
                    .answer
                    .chunk()
                    .await
                    .expect("the stream lives")
                    .expect("the stream goes on");
                self.rest
                    .push_str(std::str::from_utf8(&chunk).expect("text"));
            }
        }

        async fn next_of(&mut self, event: &str) -> Frame {
            loop {
                let frame = self.next().await;
                if frame.event == event {
                    return frame;
                }
            }
        }
    }

    fn key(frame: &Frame) -> (String, i64) {
        (
            frame.data["job"].as_str().expect("a job").to_owned(),
            frame.data["number"].as_i64().expect("a number"),
        )
    }

    #[tokio::test]
    async fn a_reader_that_comes_back_again_and_again_misses_nothing_and_sees_nothing_twice() {
        let api = TestApi::start().await;
        let mut frames = Frames::open(&api, "/api/v1/events", None).await;
        let mut expected = BTreeSet::new();
        let mut seen = Vec::new();
        let mut last = String::new();
        for _ in 0..4 {
            let mut submitting = JoinSet::new();
            for _ in 0..25 {
                submitting.spawn(
                    api.post("/api/v1/jobs")
                        .json(&crate::testing::generate())
                        .send(),
                );
            }
            // The reader goes away in the middle of what is being written.
            for _ in 0..10 {
                let frame = frames.next_of("job").await;
                last = frame.id.clone().expect("an id");
                seen.push(key(&frame));
            }
            drop(frames);
            while let Some(answer) = submitting.join_next().await {
                let job = crate::testing::body(answer.expect("no panic").expect("an answer")).await;
                expected.insert((job["id"].as_str().expect("an id").to_owned(), 1));
            }
            frames = Frames::open(&api, "/api/v1/events", Some(&last)).await;
        }
        while seen.len() < expected.len() {
            seen.push(key(&frames.next_of("job").await));
        }
        assert_eq!(seen.iter().cloned().collect::<BTreeSet<_>>(), expected);
        assert_eq!(seen.len(), expected.len(), "none twice");
    }

    #[tokio::test]
    async fn what_one_person_changes_the_others_are_told_of() {
        let api = TestApi::start().await;
        let image = api.picture("a red circle").await;
        let failed = api.failed().await;
        let mut frames = Frames::open(&api, "/api/v1/events", None).await;
        let mut told = async |of: &str| {
            loop {
                let frame = frames.next_of("changed").await;
                assert_eq!(frame.id, None, "nothing to resume after");
                let names = frame.data.as_array().expect("a list").clone();
                if names.iter().any(|name| name == of) {
                    return;
                }
            }
        };
        let url = format!("{}/api/v1/images/{image}", api.url);
        let mark = api
            .client
            .patch(&url)
            .json(&serde_json::json!({"favourite": true}));
        assert_eq!(mark.send().await.expect("an answer").status(), 200);
        told("images").await;
        let tag = format!("{url}/tags/sea");
        let put = api.client.put(&tag).send().await.expect("an answer");
        assert!(put.status().is_success());
        told("image_tags").await;
        let removed = api.client.delete(&tag).send().await.expect("an answer");
        assert!(removed.status().is_success());
        told("image_tags").await;
        let delete = api
            .client
            .delete(format!("{}/api/v1/jobs/{failed}", api.url));
        assert_eq!(delete.send().await.expect("an answer").status(), 204);
        told("jobs").await;
        let pause = api.post("/api/v1/pauses");
        let pause = pause.json(&serde_json::json!({"scope": "queue"})).send();
        assert!(pause.await.expect("an answer").status().is_success());
        told("pauses").await;
    }

    #[tokio::test]
    async fn a_jobs_stream_begins_at_its_first_event_or_after_the_last_one_seen() {
        let api = TestApi::start().await;
        let job = api.accepted().await;
        let other = api.accepted().await;
        let worker = api.worker().await;
        let path = format!("/api/v1/jobs/{job}/events");
        let mut frames = Frames::open(&api, &path, None).await;
        assert_eq!(frames.next_of("job").await.data["kind"], "queued");
        api.store.cancel(other).await.expect("cancelled");
        let fence = worker.take(job).await;
        worker.picture(job, fence, 0, b"picture").await;
        worker.settle(job, fence, &Outcome::Succeeded).await;
        let mut kinds = Vec::new();
        for number in 2..=5 {
            let frame = frames.next_of("job").await;
            assert_eq!(
                (key(&frame), frame.id),
                ((job.to_string(), number), Some(number.to_string()))
            );
            kinds.push(frame.data["kind"].as_str().expect("a kind").to_owned());
        }
        assert_eq!(kinds, ["leased", "running", "image", "succeeded"]);
        let mut later = Frames::open(&api, &path, Some("4")).await;
        assert_eq!(later.next_of("job").await.data["kind"], "succeeded");
    }

    #[tokio::test]
    async fn progress_is_merged_into_few_frames_and_the_last_one_comes() {
        let api = TestApi::start().await;
        let job = JobId::generate();
        let mut frames = Frames::open(&api, "/api/v1/events", None).await;
        let say = |step| Progress {
            phase: Phase::Sampling,
            step,
            of: 500,
            index: 0,
            attempt: 1,
            preview: 0,
        };
        // The subscription takes a moment to stand: what is said before is not heard.
        let first = tokio::select! {
            frame = frames.next_of("progress") => frame,
            () = async {
                loop {
                    let _ = api.queue.publish_progress(job, &say(0)).await;
                    tokio::task::yield_now().await;
                }
            } => unreachable!("it never ends"),
        };
        assert_eq!(first.id, None);
        assert_eq!(first.data[0]["job"], job.to_string());
        for step in 1..=500 {
            api.queue
                .publish_progress(job, &say(step))
                .await
                .expect("published");
        }
        let mut count = 1;
        loop {
            let frame = frames.next_of("progress").await;
            count += 1;
            if frame.data[0]["step"] == 500 {
                break;
            }
        }
        assert!(count < 250, "{count} frames for 500 steps");
    }

    #[tokio::test]
    async fn a_place_that_we_never_gave_is_refused() {
        let api = TestApi::start().await;
        let ask = api
            .get("/api/v1/events")
            .header("last-event-id", "yesterday")
            .send();
        assert_eq!(
            problem(ask.await.expect("an answer"), 422).await["field"],
            "last-event-id"
        );
        let missing = format!("/api/v1/jobs/{}/events", JobId::generate());
        problem(api.get(&missing).send().await.expect("an answer"), 404).await;
    }
}
