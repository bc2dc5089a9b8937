//! How many bytes of request documents may be in memory at once, over all connections.
//!
//! Each document has a limit of its own, but thousands of requests may arrive together. The budget is taken piece by
//! piece as bytes arrive, never for what is merely announced, so that a client that promises much and sends nothing
//! takes nothing away. A request holds what it took until it is answered, since what was decoded lives as long. Nobody
//! waits: two requests that hold half of what they need could wait for ever. When it is used up, requests answer the
//! service's own fault for throttling, which SDKs repeat after a pause.
//!
//! Objects are no documents: they stream, and who keeps them bounds them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::body::BodyError;

/// Bytes that are left for all requests together.
#[derive(Debug)]
pub(crate) struct Budget(AtomicU64);

impl Budget {
    pub(crate) fn new(bytes: u64) -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(bytes)))
    }

    /// The share of one request, of nothing yet.
    pub(crate) fn share(self: &Arc<Self>) -> Share {
        Share { budget: Arc::clone(self), bytes: 0 }
    }
}

/// What one request holds; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Arc<Budget>,
    bytes: u64,
}

impl Share {
    /// The share of a request that nobody else competes with.
    pub(crate) fn alone() -> Self {
        Budget::new(u64::MAX).share()
    }

    /// Takes `bytes` more. Errors: `Busy` when so many are not left.
    pub(crate) fn take(&mut self, bytes: u64) -> Result<(), BodyError> {
        let taken =
            self.budget.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes));
        taken.map_err(|_| BodyError::Busy)?;
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.0.fetch_add(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_given_back() {
        let budget = Budget::new(10);
        let (mut first, mut second) = (budget.share(), budget.share());
        first.take(6).unwrap();
        second.take(4).unwrap();
        assert!(matches!(second.take(1), Err(BodyError::Busy)));
        drop(first);
        second.take(6).unwrap();
        drop(second);
        budget.share().take(10).unwrap();
    }
}
