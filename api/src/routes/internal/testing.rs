//! A machine that shares no directory with the API.

use std::time::Duration;

use mystic_domain::WorkerId;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::access;
use crate::testing::TestApi;

pub struct Machine {
    pub name: mystic_store::Machine,
    pub join_key: String,
}

impl Machine {
    /// One that no other test's is called like: roles belong to the whole server.
    pub async fn new(api: &TestApi, life: Option<Duration>) -> Self {
        let name = format!("m{}", WorkerId::generate().0.simple());
        Self::named(api, name.parse().expect("a name"), life).await
    }

    pub async fn named(api: &TestApi, name: mystic_store::Machine, life: Option<Duration>) -> Self {
        assert!(api.store.grant_rights().await.expect("granted"));
        let granted = access::grant(&api.store, &api.config.database.url, &name, life, None).await;
        Self {
            name,
            join_key: granted.expect("granted").join_key,
        }
    }

    /// Asks for a worker's token.
    pub async fn ask(&self, api: &TestApi, worker: WorkerId) -> Response {
        let wish = json!({ "worker": worker });
        let asked = api.post("/internal/v1/tokens").json(&wish);
        let asked = asked.bearer_auth(&self.join_key).send().await;
        asked.expect("an answer")
    }

    /// Announces a file and sends it.
    pub async fn put(&self, api: &TestApi, token: &str, content: &'static [u8]) -> StatusCode {
        let sha256 = hex::encode(Sha256::digest(content));
        let announced = api.store.stage_file(&sha256, content.len() as u64).await;
        assert!(announced.expect("announced"));
        send(api, token, &sha256, content.to_vec()).await.status()
    }
}

/// Sends a file.
pub async fn send(api: &TestApi, token: &str, sha256: &str, content: Vec<u8>) -> Response {
    let url = format!("{}/internal/v1/blobs/{sha256}", api.url);
    let sent = api.client.put(url).bearer_auth(token).body(content);
    sent.send().await.expect("an answer")
}

/// The token in an answer.
pub fn token(given: &Value) -> &str {
    given["token"].as_str().expect("a token")
}
