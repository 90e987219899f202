//! The API as a machine sees it that shares no directory with it: files are sent there, under the incarnation's token.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use mystic_domain::WorkerId;
use mystic_process::config::SecretText;
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long a connection may take to come about.
const CONNECTING: Duration = Duration::from_secs(5);
/// How long an answer may take, beside what the file itself takes on its way.
const ANSWER: Duration = Duration::from_secs(30);
/// How long a file may take that is fetched: a large upload over the slowest line.
const FETCHED: Duration = Duration::from_mins(10);
/// The slowest line that pictures are sent over, bytes a second.
const SLOWEST: u32 = 64 << 10;

/// Why the API did not take what it was sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UplinkError {
    #[error("the api can't be reached: {}", in_full(.0))]
    Away(#[from] reqwest::Error),
    #[error("the api can't serve at the moment ({status}): {detail}")]
    Busy { status: StatusCode, detail: String },
    #[error("the api has no room for pictures: {0}")]
    Full(String),
    #[error("the api does not expect the file: {0}")]
    NotExpected(String),
    #[error("the api does not know the secret that was sent: {0}")]
    Unknown(String),
    #[error("the api says that this worker was given up: {0}")]
    GivenUp(String),
    #[error("the api refuses ({status}): {detail}")]
    Refused { status: StatusCode, detail: String },
    #[error("the api does not let this machine in (worker.join_key): {0}")]
    Shut(String),
}

/// The error with what lies below it, where the reason is.
fn in_full(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut reason = error.source();
    while let Some(below) = reason {
        text.push_str(": ");
        text.push_str(&below.to_string());
        reason = below.source();
    }
    text
}

impl UplinkError {
    /// Whether there is no such file.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self, Self::Refused { status, .. } if *status == StatusCode::NOT_FOUND)
    }

    /// Whether the same may work later.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, Self::Away(_) | Self::Busy { .. })
    }
}

/// The way to the API of one incarnation.
#[derive(Debug)]
pub(crate) struct Uplink {
    client: Client,
    base: String,
    join_key: SecretText,
    worker: WorkerId,
    token: Mutex<Option<Token>>,
}

/// What lets this incarnation in. `Debug` is not derived: it would show the bearer.
struct Token {
    bearer: String,
    since: Instant,
    life: Duration,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token").finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Given {
    token: String,
    expires_in_ms: u64,
}

#[derive(Default, Deserialize)]
struct Problem {
    detail: String,
}

impl Uplink {
    pub(crate) fn new(
        api: &Url,
        join_key: SecretText,
        worker: WorkerId,
    ) -> Result<Self, UplinkError> {
        // No proxy: what is meant for our own API goes there.
        let client = Client::builder().no_proxy().connect_timeout(CONNECTING);
        Ok(Self {
            client: client.build()?,
            base: format!("{}/internal/v1", api.as_str().trim_end_matches('/')),
            join_key,
            worker,
            token: Mutex::default(),
        })
    }

    /// Fetches the first token, so that a machine that is not let in knows it before it takes work.
    pub(crate) async fn join(&self) -> Result<(), UplinkError> {
        self.bearer().await.map(drop)
    }

    /// Sends a file that is announced.
    pub(crate) async fn put(&self, sha256: &str, file: Bytes) -> Result<(), UplinkError> {
        let on_its_way = u32::try_from(file.len()).unwrap_or(u32::MAX) / SLOWEST;
        let patience = ANSWER + Duration::from_secs(on_its_way.into());
        let url = format!("{}/blobs/{sha256}", self.base);
        let put = || self.client.put(&url).timeout(patience).body(file.clone());
        self.as_ourselves(put).await.map(drop)
    }

    /// Fetches a file of the store.
    pub(crate) async fn get(&self, sha256: &str) -> Result<Bytes, UplinkError> {
        let url = format!("{}/blobs/{sha256}", self.base);
        let get = || self.client.get(&url).timeout(FETCHED);
        Ok(self.as_ourselves(get).await?.bytes().await?)
    }

    /// Makes a request under the token, and once more under another where it is refused.
    async fn as_ourselves(
        &self,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<Response, UplinkError> {
        let mut renewed = false;
        loop {
            let bearer = self.bearer().await?;
            match answer(request().bearer_auth(&bearer)).await {
                Err(UplinkError::Unknown(_)) if !renewed => {
                    renewed = true;
                    self.forget(&bearer).await;
                }
                other => return other,
            }
        }
    }

    /// The token: fetched where there is none, followed by the next at half of its life.
    async fn bearer(&self) -> Result<String, UplinkError> {
        let mut held = self.token.lock().await;
        if let Some(token) = held.as_ref() {
            let age = token.since.elapsed();
            if age < token.life / 2 {
                return Ok(token.bearer.clone());
            }
            match self.ask("tokens/rotate", &token.bearer, None).await {
                Ok(next) => *held = Some(next),
                Err(UplinkError::Unknown(_)) => *held = None,
                Err(error) if error.is_passing() && age < token.life => {
                    return Ok(token.bearer.clone());
                }
                Err(error) => return Err(error),
            }
        }
        if let Some(token) = held.as_ref() {
            return Ok(token.bearer.clone());
        }
        let wish = json!({ "worker": self.worker });
        let asked = self.ask("tokens", self.join_key.expose(), Some(wish)).await;
        let token = asked.map_err(|error| match error {
            UplinkError::Unknown(detail) => UplinkError::Shut(detail),
            other => other,
        })?;
        Ok(held.insert(token).bearer.clone())
    }

    async fn ask(
        &self,
        path: &str,
        secret: &str,
        body: Option<serde_json::Value>,
    ) -> Result<Token, UplinkError> {
        let since = Instant::now();
        let mut asked = self.client.post(format!("{}/{path}", self.base));
        if let Some(body) = body {
            asked = asked.json(&body);
        }
        let given = answer(asked.timeout(ANSWER).bearer_auth(secret)).await?;
        let Given {
            token,
            expires_in_ms,
        } = given.json().await?;
        Ok(Token {
            bearer: token,
            since,
            life: Duration::from_millis(expires_in_ms),
        })
    }

    /// Forgets a token that was refused, unless another is held by now.
    async fn forget(&self, bearer: &str) {
        let mut held = self.token.lock().await;
        if held.as_ref().is_some_and(|token| token.bearer == bearer) {
            *held = None;
        }
    }
}

/// Sends a request, and says what a refusal means.
async fn answer(request: RequestBuilder) -> Result<Response, UplinkError> {
    use StatusCode as S;
    let answer = request.send().await?;
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let Problem { detail } = answer.json().await.unwrap_or_default();
    Err(match status {
        S::UNAUTHORIZED => UplinkError::Unknown(detail),
        S::FORBIDDEN => UplinkError::GivenUp(detail),
        S::CONFLICT => UplinkError::NotExpected(detail),
        S::INSUFFICIENT_STORAGE => UplinkError::Full(detail),
        S::REQUEST_TIMEOUT | S::TOO_MANY_REQUESTS => UplinkError::Busy { status, detail },
        _ if status.is_server_error() => UplinkError::Busy { status, detail },
        _ => UplinkError::Refused { status, detail },
    })
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::task::JoinHandle;

    use super::*;
    use UplinkError as E;

    const GOOD: &str = r#"{"token":"one","expires_in_ms":3600000}"#;
    const OLD: &str = r#"{"token":"old","expires_in_ms":0}"#;
    const PROBLEM: &str = r#"{"detail":"a reason"}"#;

    /// An API that gives these answers, one after the other; in the end it tells what it was asked under which secret.
    async fn api(answers: &'static [(u16, &'static str)]) -> (Uplink, JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = tokio::spawn(async move {
            let mut asked = Vec::new();
            for (status, body) in answers {
                let (mut stream, _) = listener.accept().await.expect("a connection");
                let mut request = Vec::new();
                while !is_whole(&request) {
                    stream.read_buf(&mut request).await.expect("a request");
                }
                let text = String::from_utf8_lossy(&request).into_owned();
                let secret = text
                    .lines()
                    .find_map(|l| l.strip_prefix("authorization: Bearer "));
                let path = text
                    .split(' ')
                    .nth(1)
                    .and_then(|path| path.strip_prefix("/internal/v1/"));
                asked.push(format!(
                    "{} {}",
                    path.expect("ours"),
                    secret.expect("a secret")
                ));
                let answer = format!(
                    "HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                );
                stream.write_all(answer.as_bytes()).await.expect("answered");
            }
            asked
        });
        let toml = format!("[worker]\napi_url = \"{url}\"\njoin_key = \"key\"");
        let worker = mystic_process::Config::from_toml(&toml)
            .expect("valid")
            .worker;
        let (url, key) = (
            worker.api_url.expect("a URL"),
            worker.join_key.expect("a key"),
        );
        let uplink = Uplink::new(&url, key, WorkerId::generate()).expect("a client");
        (uplink, asked)
    }

    fn is_whole(request: &[u8]) -> bool {
        let text = String::from_utf8_lossy(request);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            return false;
        };
        let length = head
            .lines()
            .find_map(|l| l.strip_prefix("content-length: "));
        length.is_none_or(|length| length.parse() == Ok(body.len()))
    }

    async fn put(uplink: &Uplink) -> Result<(), UplinkError> {
        uplink.put("ab", Bytes::from_static(b"a file")).await
    }

    #[tokio::test]
    async fn a_token_is_fetched_once_and_a_refused_one_is_fetched_anew() {
        let (uplink, asked) = api(&[
            (201, GOOD),
            (204, ""),
            (401, PROBLEM),
            (201, GOOD),
            (204, ""),
        ])
        .await;
        uplink.join().await.expect("let in");
        put(&uplink).await.expect("taken");
        put(&uplink).await.expect("taken at last");
        let asked = asked.await.expect("the end");
        let [fetched, sent] = ["tokens key", "blobs/ab one"];
        assert_eq!(asked, [fetched, sent, sent, fetched, sent]);
    }

    #[tokio::test]
    async fn a_file_is_fetched_under_a_token_that_is_good() {
        let (uplink, asked) = api(&[
            (201, GOOD),
            (401, PROBLEM),
            (201, GOOD),
            (200, "a file"),
            (404, PROBLEM),
        ])
        .await;
        assert_eq!(uplink.get("ab").await.expect("there"), "a file");
        let gone = uplink.get("ab").await;
        assert!(gone.is_err_and(|error| !error.is_passing()));
        let asked = asked.await.expect("the end");
        let [fetched, sent] = ["tokens key", "blobs/ab one"];
        assert_eq!(asked, [fetched, sent, fetched, sent, sent]);
    }

    #[tokio::test]
    async fn an_old_token_is_followed_by_the_next_and_an_expired_one_by_a_new_one() {
        let (uplink, asked) = api(&[
            (201, OLD),
            (200, OLD),
            (204, ""),
            (401, PROBLEM),
            (201, GOOD),
            (204, ""),
        ])
        .await;
        uplink.join().await.expect("let in");
        put(&uplink).await.expect("taken");
        put(&uplink).await.expect("taken");
        let asked = asked.await.expect("the end");
        let [fetched, rotated] = ["tokens key", "tokens/rotate old"];
        let sent = ["blobs/ab old", "blobs/ab one"];
        assert_eq!(
            asked,
            [fetched, rotated, sent[0], rotated, fetched, sent[1]]
        );
    }

    #[tokio::test]
    async fn each_refusal_says_what_is_to_be_done() {
        let (uplink, asked) = api(&[
            (201, GOOD),
            (507, PROBLEM),
            (403, PROBLEM),
            (409, PROBLEM),
            (503, PROBLEM),
            (422, "no JSON"),
            (401, PROBLEM),
            (401, PROBLEM),
        ])
        .await;
        assert!(matches!(put(&uplink).await, Err(E::Full(reason)) if reason == "a reason"));
        assert!(matches!(put(&uplink).await, Err(E::GivenUp(_))));
        assert!(matches!(put(&uplink).await, Err(E::NotExpected(_))));
        assert!(put(&uplink).await.is_err_and(|error| error.is_passing()));
        assert!(matches!(put(&uplink).await, Err(E::Refused { .. })));
        assert!(matches!(put(&uplink).await, Err(E::Shut(_))));
        asked.await.expect("the end");
        assert!(
            put(&uplink).await.is_err_and(|error| error.is_passing()),
            "it is away"
        );
    }
}
