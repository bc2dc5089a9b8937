//! How much memory the bodies that are being received may hold together.
//!
//! A body holds at most two pieces while it is hashed and written. Pieces are large (1 MiB each) while there is room for
//! that; when many bodies arrive at once, further ones get small pieces, so that thousands of slow uploads fit. Beyond
//! that a body waits a while for another to end, then answers `SlowDown`, which SDKs repeat.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wire::Fault;

use super::errors::slow_down;

/// Bytes that one permit stands for.
const UNIT_BYTES: u64 = 1 << 10;
/// Room for bodies in large pieces: 64 of them.
const LARGE_BYTES: u64 = 128 << 20;
/// Room for bodies in small pieces: a thousand of them.
const SMALL_BYTES: u64 = 128 << 20;
const LARGE_PIECE_BYTES: usize = 1 << 20;
const SMALL_PIECE_BYTES: usize = 64 << 10;
/// How long a body waits for room.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// What is left for bodies.
pub(super) struct InFlight {
    large: Arc<Semaphore>,
    small: Arc<Semaphore>,
    max_wait: Duration,
}

/// Room for one body, until it is dropped.
#[derive(Debug)]
pub(super) struct Room {
    _permit: OwnedSemaphorePermit,
    /// The size of its pieces.
    pub(super) piece_bytes: usize,
}

impl Default for InFlight {
    fn default() -> Self {
        Self::new(LARGE_BYTES, SMALL_BYTES, MAX_WAIT)
    }
}

impl InFlight {
    fn new(large_bytes: u64, small_bytes: u64, max_wait: Duration) -> Self {
        let units = |bytes: u64| Arc::new(Semaphore::new(usize::try_from(bytes / UNIT_BYTES).unwrap_or(0)));
        Self { large: units(large_bytes), small: units(small_bytes), max_wait }
    }

    /// Makes room for a body of `length` bytes. Errors: `SlowDown` when there is none for too long.
    pub(super) async fn room(&self, length: u64) -> Result<Room, Fault> {
        let large = Arc::clone(&self.large);
        if let Ok(permit) = large.try_acquire_many_owned(units(length, LARGE_PIECE_BYTES)) {
            return Ok(Room { _permit: permit, piece_bytes: LARGE_PIECE_BYTES });
        }
        let small = Arc::clone(&self.small).acquire_many_owned(units(length, SMALL_PIECE_BYTES));
        match tokio::time::timeout(self.max_wait, small).await {
            Ok(Ok(permit)) => Ok(Room { _permit: permit, piece_bytes: SMALL_PIECE_BYTES }),
            Ok(Err(error)) => Err(Fault::internal(error)),
            Err(_) => Err(slow_down("too many bodies are being received at once")),
        }
    }
}

/// Permits for a body: for two pieces, or for all of a small one.
fn units(length: u64, piece_bytes: usize) -> u32 {
    let held = length.min(2 * piece_bytes as u64);
    u32::try_from(held.div_ceil(UNIT_BYTES).max(1)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bodies_get_smaller_pieces_then_wait_then_are_refused() {
        let in_flight = InFlight::new(2 << 20, 256 << 10, Duration::ZERO);
        let first = in_flight.room(1 << 30).await.unwrap();
        assert_eq!(first.piece_bytes, LARGE_PIECE_BYTES);
        let second = in_flight.room(1 << 30).await.unwrap();
        assert_eq!(second.piece_bytes, SMALL_PIECE_BYTES);
        let tiny = in_flight.room(100).await.unwrap();
        let third = in_flight.room(1 << 30).await;
        assert_eq!(third.err().map(|fault| fault.code().to_owned()).as_deref(), Some("SlowDown"));
        drop(tiny);
        let third = in_flight.room(1 << 30).await.unwrap();
        assert_eq!(third.piece_bytes, SMALL_PIECE_BYTES);
        drop(first);
        assert_eq!(in_flight.room(1 << 30).await.unwrap().piece_bytes, LARGE_PIECE_BYTES);
        drop((second, third));
    }

    #[test]
    fn a_body_holds_two_pieces_at_most() {
        assert_eq!(units(0, LARGE_PIECE_BYTES), 1);
        assert_eq!(units(1025, LARGE_PIECE_BYTES), 2);
        assert_eq!(units(u64::MAX, LARGE_PIECE_BYTES), 2048);
        assert_eq!(units(u64::MAX, SMALL_PIECE_BYTES), 128);
    }
}
