use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use mystic_domain::WorkerId;
use mystic_store::Issued;
use serde::Deserialize;

use super::super::{gone, sent};
use super::{SORT, Token};
use crate::extract::{JsonBody, typed};
use crate::keys;
use crate::problem::Problem;
use crate::state::App;

/// Who wants a token.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    /// The incarnation, which has registered.
    worker: WorkerId,
}

/// Gives a worker that has registered its token, by its machine's join key.
pub async fn issue(
    State(app): State<App>,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<(StatusCode, Json<Token>), Problem> {
    let join_key = sent(&headers)?;
    let Wish { worker } = typed(body)?;
    let (token, life) = (keys::secret(SORT)?, app.config.api.worker_token);
    let issued = app
        .store
        .issue_token(join_key, worker, keys::hash(&token), life)
        .await?;
    match issued {
        Issued::Done => Ok((StatusCode::CREATED, Json(Token::new(token, life)))),
        Issued::NoKey => Err(Problem::unknown_worker(
            "This join key is not known, has expired or was revoked.",
        )),
        Issued::NoWorker => Err(Problem::not_found(format!(
            "There is no worker {worker}: register it first."
        ))),
        Issued::Gone => Err(gone(worker)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mystic_domain::WorkerId;
    use serde_json::json;

    use crate::routes::internal::testing::{Machine, token};
    use crate::testing::{TestApi, body, problem};

    #[tokio::test]
    async fn a_token_is_given_to_a_registered_worker_for_its_machine_s_key_alone() {
        let api = TestApi::start().await;
        let machine = Machine::new(&api, None).await;
        let worker = api.worker().await.worker;
        let answer = machine.ask(&api, worker).await;
        assert_eq!(answer.status(), 201);
        let given = body(answer).await;
        assert!(
            token(&given).starts_with("mystic_token_") && token(&given).len() == 13 + 64,
            "{given}"
        );
        assert_eq!(given["expires_in_ms"], 3_600_000);

        let unregistered = machine.ask(&api, WorkerId::generate()).await;
        problem(unregistered, 404).await;
        let wish = api
            .post("/internal/v1/tokens")
            .json(&json!({ "worker": worker }));
        let keyless = wish.try_clone().expect("a copy").send().await;
        problem(keyless.expect("an answer"), 401).await;
        let key = crate::keys::create(&api.store, "ada").await.expect("a key");
        for other in [key.as_str(), token(&given), "mystic_join_0000"] {
            let wish = wish.try_clone().expect("a copy").bearer_auth(other);
            let refused = problem(wish.send().await.expect("an answer"), 401).await;
            assert_eq!(refused["type"], "urn:mystic:problem:unknown_worker");
        }
        let malformed = api
            .post("/internal/v1/tokens")
            .json(&json!({ "worker": 7 }))
            .bearer_auth(&machine.join_key);
        let refused = problem(malformed.send().await.expect("an answer"), 422).await;
        assert_eq!(refused["field"], "worker");
    }

    #[tokio::test]
    async fn an_expired_key_and_a_revoked_one_give_no_token_and_end_those_that_were_given() {
        let api = TestApi::start().await;
        let worker = api.worker().await.worker;
        let short = Machine::new(&api, Some(Duration::ZERO)).await;
        problem(short.ask(&api, worker).await, 401).await;

        let machine = Machine::new(&api, None).await;
        let given = body(machine.ask(&api, worker).await).await;
        assert!(
            machine
                .put(&api, token(&given), b"a file")
                .await
                .is_success()
        );
        assert!(api.store.revoke_access(&machine.name).await.expect("sent"));
        problem(machine.ask(&api, worker).await, 401).await;
        assert_eq!(machine.put(&api, token(&given), b"another").await, 401);

        // Let in again it has another key, and the old one stays dead.
        let again = Machine::named(&api, machine.name.clone(), None).await;
        assert_eq!(again.ask(&api, worker).await.status(), 201);
        problem(machine.ask(&api, worker).await, 401).await;
        assert_eq!(machine.put(&api, token(&given), b"another").await, 401);
    }

    #[tokio::test]
    async fn a_worker_that_was_given_up_gets_no_token_and_its_old_one_is_refused() {
        let api = TestApi::start().await;
        let machine = Machine::new(&api, None).await;
        let worker = api.worker().await.worker;
        let given = body(machine.ask(&api, worker).await).await;
        api.store.reap(worker, 0).await.expect("reaped");
        let refused = problem(machine.ask(&api, worker).await, 403).await;
        assert_eq!(refused["type"], "urn:mystic:problem:worker_gone");
        assert_eq!(machine.put(&api, token(&given), b"a file").await, 403);
    }

    #[tokio::test]
    async fn a_token_lets_into_nothing_but_the_internal_routes() {
        let api = TestApi::start().await;
        let machine = Machine::new(&api, None).await;
        let worker = api.worker().await.worker;
        let given = body(machine.ask(&api, worker).await).await;
        for secret in [token(&given), &machine.join_key] {
            let list = api.get("/api/v1/jobs").bearer_auth(secret).send().await;
            problem(list.expect("an answer"), 401).await;
        }
    }
}
