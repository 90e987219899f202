use std::time::Duration;

use tokio::time::Instant;

const LIMIT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(10);

/// Waits until `condition` holds, for at most 30 s.
///
/// # Panics
/// When the time is over; `what` says what was waited for.
pub async fn wait_until<C, F>(what: &str, condition: C)
where
    C: FnMut() -> F,
    F: Future<Output = bool>,
{
    wait_until_within(LIMIT, what, condition).await;
}

/// Waits until `condition` holds, for at most `limit`.
///
/// # Panics
/// When the time is over; `what` says what was waited for.
pub async fn wait_until_within<C, F>(limit: Duration, what: &str, mut condition: C)
where
    C: FnMut() -> F,
    F: Future<Output = bool>,
{
    let deadline = Instant::now() + limit;
    while !condition().await {
        assert!(Instant::now() < deadline, "waited {limit:?} for {what}");
        tokio::time::sleep(POLL).await;
    }
}
