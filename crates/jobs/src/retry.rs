//! Tries a transaction again when the store says that this may help.

use std::time::Duration;

use crate::{JobsError, service::may_pass};

const ATTEMPTS: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(5);

/// Runs `work` until it succeeds, fails for good, or has conflicted [`ATTEMPTS`] times.
pub(crate) async fn backoff<T, F>(mut work: impl FnMut() -> F) -> Result<T, JobsError>
where
    F: Future<Output = Result<T, JobsError>>,
{
    let mut pause = FIRST_PAUSE;
    for _ in 1..ATTEMPTS {
        match work().await {
            Err(JobsError::Store(error)) if may_pass(&error) => tokio::time::sleep(pause).await,
            other => return other,
        }
        pause *= 2;
    }
    work().await
}
