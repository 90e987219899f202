use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;

use super::super::{living, sent};
use super::{SORT, Token};
use crate::keys;
use crate::problem::Problem;
use crate::state::App;

/// How long a token is good for when the next one is out: requests under way carry it.
const OVERLAP: Duration = Duration::from_mins(1);

/// Gives a worker its next token for the one that it has.
pub async fn rotate(State(app): State<App>, headers: HeaderMap) -> Result<Json<Token>, Problem> {
    let old = sent(&headers)?;
    let (token, life) = (keys::secret(SORT)?, app.config.api.worker_token);
    let rotated = app
        .store
        .rotate_token(old, keys::hash(&token), life, OVERLAP)
        .await?;
    living(rotated)?;
    Ok(Json(Token::new(token, life)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mystic_testkit::wait_until;

    use crate::routes::internal::testing::{Machine, token};
    use crate::testing::{TestApi, body, problem};

    async fn rotate(api: &TestApi, token: &str) -> reqwest::Response {
        let asked = api.post("/internal/v1/tokens/rotate").bearer_auth(token);
        asked.send().await.expect("an answer")
    }

    #[tokio::test]
    async fn the_next_token_is_good_and_the_old_one_for_a_minute_more() {
        let api = TestApi::start().await;
        let machine = Machine::new(&api, None).await;
        let first = body(machine.ask(&api, api.worker().await.worker).await).await;
        let second = body(rotate(&api, token(&first)).await).await;
        assert_ne!(token(&first), token(&second));
        for good in [token(&first), token(&second)] {
            assert!(machine.put(&api, good, b"a file").await.is_success());
        }
        problem(rotate(&api, &machine.join_key).await, 401).await;
    }

    #[tokio::test]
    async fn an_expired_token_is_refused_and_followed_by_none() {
        let short = Duration::from_millis(200);
        let api = TestApi::with(|config| config.api.worker_token = short).await;
        let machine = Machine::new(&api, None).await;
        let given = body(machine.ask(&api, api.worker().await.worker).await).await;
        wait_until("the token to expire", || async {
            machine.put(&api, token(&given), b"a file").await == 401
        })
        .await;
        problem(rotate(&api, token(&given)).await, 401).await;
    }
}
