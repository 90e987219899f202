//! What is counted of each request.

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use tokio::time::Instant;

/// Describes the metrics of requests.
pub fn describe() {
    metrics::describe_counter!(
        "mystic_http_requests_total",
        "Requests by method, route and status"
    );
    metrics::describe_histogram!(
        "mystic_http_request_duration_seconds",
        metrics::Unit::Seconds,
        "Time until the head of the answer"
    );
}

/// Counts and times a request under its route, never under its path, which is anybody's to make up.
pub async fn requests(request: Request, next: Next) -> Response {
    let start = Instant::now();
    let method = request.method().as_str().to_owned();
    let matched = request
        .extensions()
        .get::<MatchedPath>()
        .map(|path| path.as_str().to_owned());
    let route = matched.unwrap_or_else(|| "other".to_owned());
    let known = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"];
    let method = if known.contains(&method.as_str()) {
        method
    } else {
        "other".to_owned()
    };
    let response = next.run(request).await;
    let status = response.status().as_u16();
    let took = start.elapsed();
    metrics::counter!(
        "mystic_http_requests_total",
        "method" => method.clone(), "route" => route.clone(), "status" => status.to_string()
    )
    .increment(1);
    metrics::histogram!(
        "mystic_http_request_duration_seconds",
        "method" => method.clone(), "route" => route.clone()
    )
    .record(took);
    tracing::debug!(
        method,
        route,
        status,
        took_ms = took.as_secs_f64() * 1e3,
        "served"
    );
    response
}
