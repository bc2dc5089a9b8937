//! Tries a transaction again when the store says that this may help.

use std::time::Duration;

use crate::{JobsError, service};

const ATTEMPTS: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(5);

/// An error that says whether trying again may help.
pub(crate) trait MayPass {
    fn may_pass(&self) -> bool;
}

impl MayPass for JobsError {
    fn may_pass(&self) -> bool {
        matches!(self, Self::Store(error) if service::may_pass(error))
    }
}

/// Runs `work` until it succeeds, fails for good, or has conflicted [`ATTEMPTS`] times.
pub(crate) async fn backoff<T, E, F>(mut work: impl FnMut() -> F) -> Result<T, E>
where
    E: MayPass,
    F: Future<Output = Result<T, E>>,
{
    let mut pause = FIRST_PAUSE;
    for _ in 1..ATTEMPTS {
        match work().await {
            Err(error) if error.may_pass() => tokio::time::sleep(pause).await,
            other => return other,
        }
        pause *= 2;
    }
    work().await
}
