//! The memory pool of the process: fair between operators that spill, with room for them to do it.
//!
//! An operator that spills first sorts and merges what it holds, and accounts for the merge while it still holds it.
//! Under a pool that lets such operators fill all of it, two that spill at once have no room left for their merges,
//! and fail with nothing wrong. Here operators that can spill share, evenly, half of what the others leave; the other
//! half is for their merges, and for operators that cannot spill.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use datafusion::{
    error::{DataFusionError, Result},
    execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation},
};

/// The pool. Its limit is never passed, except by operators that ask for memory they cannot do without (`grow`).
#[derive(Debug)]
pub(crate) struct HeadroomPool {
    limit: usize,
    state: Mutex<State>,
    most: Arc<Most>,
}

/// The most that a pool has held at any moment.
#[derive(Debug, Default)]
pub(crate) struct Most(AtomicUsize);

impl Most {
    pub(crate) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed) as u64
    }

    fn note(&self, bytes: usize) {
        self.0.fetch_max(bytes, Ordering::Relaxed);
    }
}

#[derive(Debug, Default)]
struct State {
    /// Operators that can spill.
    spillers: usize,
    /// What they hold.
    spillable: usize,
    /// What the others hold.
    unspillable: usize,
}

impl State {
    fn held(&mut self, consumer: &MemoryConsumer) -> &mut usize {
        if consumer.can_spill() { &mut self.spillable } else { &mut self.unspillable }
    }
}

impl HeadroomPool {
    pub(crate) fn new(limit: usize, most: Arc<Most>) -> Self {
        Self { limit, state: Mutex::default(), most }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No invariant spans two statements under this lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for HeadroomPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a pool of {} bytes", self.limit)
    }
}

impl MemoryPool for HeadroomPool {
    fn name(&self) -> &str {
        "headroom"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        if consumer.can_spill() {
            self.state().spillers += 1;
        }
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        if consumer.can_spill() {
            let mut state = self.state();
            state.spillers = state.spillers.saturating_sub(1);
        }
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        let mut state = self.state();
        *state.held(reservation.consumer()) += additional;
        self.most.note(state.spillable + state.unspillable);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        let mut state = self.state();
        let held = state.held(reservation.consumer());
        *held = held.saturating_sub(shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let consumer = reservation.consumer();
        let mut state = self.state();
        let free = self.limit.saturating_sub(state.spillable + state.unspillable);
        let granted = if consumer.can_spill() {
            let shared = self.limit.saturating_sub(state.unspillable) / 2;
            let share = shared / state.spillers.max(1);
            free.min(share.saturating_sub(reservation.size()))
        } else {
            free
        };
        if additional > granted {
            let message =
                format!("{} asked for {additional} bytes more and could have {granted}", consumer.name());
            return Err(DataFusionError::ResourcesExhausted(message));
        }
        *state.held(consumer) += additional;
        self.most.note(state.spillable + state.unspillable);
        Ok(())
    }

    fn reserved(&self) -> usize {
        let state = self.state();
        state.spillable + state.unspillable
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.limit)
    }
}

/// A part of a pool: what is held of it counts here and there, under both limits.
#[derive(Debug)]
pub(crate) struct PartPool {
    own: Arc<dyn MemoryPool>,
    whole: Arc<dyn MemoryPool>,
    /// Of what both have granted.
    most: Arc<Most>,
}

impl PartPool {
    pub(crate) fn new(own: Arc<dyn MemoryPool>, whole: Arc<dyn MemoryPool>, most: Arc<Most>) -> Self {
        Self { own, whole, most }
    }
}

impl fmt::Display for PartPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, part of {}", self.own, self.whole)
    }
}

impl MemoryPool for PartPool {
    fn name(&self) -> &str {
        "part"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.own.register(consumer);
        self.whole.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.own.unregister(consumer);
        self.whole.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.own.grow(reservation, additional);
        self.whole.grow(reservation, additional);
        self.most.note(self.own.reserved());
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.own.shrink(reservation, shrink);
        self.whole.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        self.own.try_grow(reservation, additional)?;
        if let Err(error) = self.whole.try_grow(reservation, additional) {
            self.own.shrink(reservation, additional);
            return Err(error);
        }
        self.most.note(self.own.reserved());
        Ok(())
    }

    fn reserved(&self) -> usize {
        self.own.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.own.memory_limit()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spillers_share_half_and_leave_room_for_merges() {
        let pool: Arc<dyn MemoryPool> = Arc::new(HeadroomPool::new(1000, Arc::default()));
        let one = MemoryConsumer::new("one").with_can_spill(true).register(&pool);
        assert!(one.try_grow(501).is_err());
        one.try_grow(400).expect("alone it has half");
        let two = MemoryConsumer::new("two").with_can_spill(true).register(&pool);
        assert!(two.try_grow(251).is_err());
        two.try_grow(250).expect("an even share");
        assert!(one.try_grow(1).is_err(), "it has more than its share already");
        let merge = MemoryConsumer::new("merge").register(&pool);
        assert!(merge.try_grow(351).is_err());
        merge.try_grow(350).expect("everything that is left");
        assert_eq!(pool.reserved(), 1000);
        drop((one, two, merge));
        assert_eq!(pool.reserved(), 0);
    }
}
