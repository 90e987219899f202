//! `/internal/v1`: for workers that share no directory with us. No part of the public API: a worker's token lets in here
//! and nowhere else, and an API key does not.

mod blobs;
#[cfg(test)]
mod testing;
mod tokens;

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::{post, put};
use mystic_domain::WorkerId;
use mystic_store::Bearer;

use crate::guard::bearer;
use crate::keys;
use crate::problem::Problem;
use crate::state::App;

/// Its routes.
pub fn router() -> Router<App> {
    Router::new()
        .route("/internal/v1/tokens", post(tokens::issue::issue))
        .route("/internal/v1/tokens/rotate", post(tokens::rotate::rotate))
        .route(
            "/internal/v1/blobs/{sha256}",
            put(blobs::put::put).get(blobs::get::get),
        )
}

/// The hash of the join key or token that a request carries.
fn sent(headers: &HeaderMap) -> Result<[u8; 32], Problem> {
    let sent = bearer(headers)?.ok_or_else(|| {
        Problem::unknown_worker("Send `Authorization: Bearer <join key or token>`.")
    })?;
    Ok(keys::hash(&sent))
}

/// The incarnation that a token belongs to.
fn living(bearer: Bearer) -> Result<WorkerId, Problem> {
    match bearer {
        Bearer::Worker(worker) => Ok(worker),
        Bearer::Gone(worker) => Err(gone(worker)),
        Bearer::Nobody => Err(Problem::unknown_worker(
            "This token is not known, has expired or was revoked.",
        )),
    }
}

/// Another token would not help: what this incarnation holds is somebody else's by now.
fn gone(worker: WorkerId) -> Problem {
    Problem::worker_gone(format!("Worker {worker} was given up; register anew."))
}
