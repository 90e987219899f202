use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;

use super::super::{living, sent};
use super::check_name;
use crate::files;
use crate::problem::Problem;
use crate::state::App;

/// Gives a file of the store to a worker: what its jobs start from.
pub async fn get(
    State(app): State<App>,
    Path(sha256): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    living(app.store.token_bearer(sent(&headers)?).await?)?;
    check_name(&sha256)?;
    files::serve(&app.files, &sha256, "png", &headers).await
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use crate::routes::internal::testing::{Machine, token};
    use crate::testing::{TestApi, body, problem};

    #[tokio::test]
    async fn a_worker_gets_the_bytes_of_a_file_and_nobody_else_does() {
        let api = TestApi::start().await;
        let machine = Machine::new(&api, None).await;
        let given = body(machine.ask(&api, api.worker().await.worker).await).await;
        let token = token(&given);
        assert_eq!(machine.put(&api, token, b"a file").await, 204);
        let sha256 = hex::encode(Sha256::digest(b"a file"));
        let ask = async |secret: &str, sha256: &str| {
            let asked = api.get(&format!("/internal/v1/blobs/{sha256}"));
            asked.bearer_auth(secret).send().await.expect("an answer")
        };
        let there = ask(token, &sha256).await;
        assert_eq!(there.status(), 200);
        assert_eq!(&there.bytes().await.expect("bytes")[..], b"a file");
        problem(ask("mystic_token_0000", &sha256).await, 401).await;
        problem(ask(token, &sha256.replace(['0', '1', '2'], "f")).await, 404).await;
        for name in ["x", "..%2F..%2Fsecret"] {
            let refused = problem(ask(token, name).await, 422).await;
            assert_eq!(refused["field"], "sha256");
        }
    }
}
