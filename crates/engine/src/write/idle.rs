//! The open files of all tasks of an output that no task is writing to just now.
//!
//! A task takes the file of a partition, or begins one when there is none, and puts it back after it has written. So tasks
//! that write rows of one partition at one time have a file each, and of many partitions each has one file, not one for every
//! task. Sorted parts of a plan do not share: their rows would be mixed. Nor does another task make room in their files: a task
//! that found none meanwhile would begin one, and go on in both by turns.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datafusion::common::ScalarValue;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};
use tokio::sync::Barrier;

use super::open::OpenFile;
use crate::EngineError;

/// The largest of all open files, one in so many, give way before the others are looked at again.
const CHOSEN_SHARE: usize = 16;

/// The number of a partition of an output, the same for all tasks that share its files.
pub(super) type Slot = usize;

/// A partition of an output.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct Partition {
    /// Whose it is (0 for all).
    owner: usize,
    /// Its values as texts, and with their types.
    pub(super) texts: Vec<String>,
    pub(super) values: Vec<ScalarValue>,
}

/// Who writes to a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sharing {
    /// Each task in turn.
    Shared,
    /// One task; others make room in it.
    Apart,
    /// One task alone.
    Alone,
}

/// Open files, and what they and the tasks hold.
pub(super) struct Idle {
    inner: Mutex<Inner>,
    sharing: Sharing,
    /// Where tasks meet that have written all their rows.
    pub(super) written: Barrier,
}

struct Inner {
    slots: HashMap<Arc<Partition>, Slot>,
    partitions: Vec<Arc<Partition>>,
    files: Vec<Vec<OpenFile>>,
    /// Whether tasks must not make room in the files of others.
    is_alone: bool,
    /// Files that tasks are writing to.
    busy: usize,
    /// What all open files hold.
    held: usize,
    /// What the tasks hold besides.
    windows: Vec<usize>,
    /// What a file holds that can only be ended to give it back: that of one is granted for each task whatever the budget
    /// is, or with many tasks every piece of compressed text would be a file.
    least: usize,
    /// Files that are next to give memory back: their slots, and what they held when they were chosen, the largest last.
    chosen: Vec<(usize, Slot)>,
    reservation: MemoryReservation,
}

/// What is to be done for memory.
pub(super) enum Wanted {
    /// Nothing.
    Nothing,
    /// A file, which is taken out, is to give memory back.
    Room(Slot, Box<OpenFile>),
    /// All files are being written to.
    Busy,
}

impl Idle {
    pub(super) fn new(tasks: usize, sharing: Sharing, pool: &Arc<dyn MemoryPool>) -> Self {
        // It could spill, but its share is the output's own budget, not an even part of the pool.
        let consumer = MemoryConsumer::new("output files");
        let inner = Inner {
            slots: HashMap::new(),
            partitions: Vec::new(),
            files: Vec::new(),
            is_alone: sharing == Sharing::Alone,
            busy: 0,
            held: 0,
            windows: vec![0; tasks],
            least: 0,
            chosen: Vec::new(),
            reservation: consumer.register(pool),
        };
        Self { inner: Mutex::new(inner), sharing, written: Barrier::new(tasks) }
    }

    /// Nothing panics while it is locked.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The slot of a partition of the task `part`.
    pub(super) fn slot(&self, part: usize, texts: &[String], values: &[ScalarValue]) -> Slot {
        let owner = if self.sharing == Sharing::Shared { 0 } else { part + 1 };
        let partition = Arc::new(Partition { owner, texts: texts.to_vec(), values: values.to_vec() });
        let mut inner = self.lock();
        let next = inner.files.len();
        let slot = *inner.slots.entry(Arc::clone(&partition)).or_insert(next);
        if slot == next {
            inner.partitions.push(partition);
            inner.files.push(Vec::new());
        }
        slot
    }

    /// The partition of a slot.
    pub(super) fn partition(&self, slot: Slot) -> Arc<Partition> {
        Arc::clone(&self.lock().partitions[slot])
    }

    /// Whether there are more partitions than tasks.
    pub(super) fn has_more_partitions_than_tasks(&self) -> bool {
        let inner = self.lock();
        inner.partitions.len() > inner.windows.len()
    }

    /// A file of the partition that nobody writes to. Either way the task has one from now on, until it gives it back.
    pub(super) fn take(&self, slot: Slot) -> Option<OpenFile> {
        let mut inner = self.lock();
        inner.busy += 1;
        inner.files.get_mut(slot).and_then(Vec::pop)
    }

    /// Takes a file back, that held `before` bytes when it was given out.
    pub(super) fn put_back(&self, slot: Slot, before: usize, file: OpenFile) {
        self.changed(before, &file);
        let mut inner = self.lock();
        inner.busy -= 1;
        if let Some(files) = inner.files.get_mut(slot) {
            files.push(file);
        }
    }

    /// Counts what a file holds that was given out when it held `before` bytes.
    pub(super) fn changed(&self, before: usize, file: &OpenFile) {
        let mut inner = self.lock();
        inner.held = inner.held - before + file.held;
        inner.least = inner.least.max(file.least_bytes());
    }

    /// Forgets a file that was given out when it held `before` bytes.
    pub(super) fn ended(&self, before: usize) {
        let mut inner = self.lock();
        inner.busy -= 1;
        inner.held -= before;
    }

    /// Any file that nobody writes to.
    pub(super) fn any(&self) -> Option<OpenFile> {
        let mut inner = self.lock();
        let file = inner.files.iter_mut().find_map(Vec::pop)?;
        inner.busy += 1;
        Some(file)
    }

    /// Whether all open files and what tasks hold, `window` bytes of them the task `part`, are within `budget` (three
    /// quarters of it, when they have been beyond it: making some room at a time keeps every next row from ending one more
    /// file), and tells the engine's pool. Files of others count, and give way for any task unless they are theirs alone.
    /// Errors: the pool grants nothing although no file is open.
    pub(super) fn balance(
        &self,
        (part, window): (usize, usize),
        budget: usize,
        making_room: bool,
        limit_bytes: u64,
    ) -> Result<Wanted, EngineError> {
        let mut inner = self.lock();
        if let Some(own) = inner.windows.get_mut(part) {
            *own = window;
        }
        let windows: usize = inner.windows.iter().sum();
        let total = inner.held + windows;
        let budget = if making_room { budget / 4 * 3 } else { budget };
        let granted = if inner.least > 0 { inner.least * inner.windows.len() + windows } else { 0 };
        let mut wanted = total > budget.max(granted);
        if !wanted && let Err(error) = inner.reservation.try_resize(total) {
            if inner.busy == 0 && inner.files.iter().all(Vec::is_empty) {
                return Err(EngineError::from_datafusion(&error, limit_bytes));
            }
            wanted = true;
        }
        Ok(if wanted { inner.largest(part) } else { Wanted::Nothing })
    }
}

impl Inner {
    /// A file that holds more than most of those in which the task `part` may make room.
    fn largest(&mut self, part: usize) -> Wanted {
        loop {
            let Some((held, slot)) = self.next_chosen(part) else { return Wanted::Busy };
            let Some(files) = self.files.get_mut(slot) else { continue };
            // It may have been written to, ended, or given back memory since.
            if let Some(at) = files.iter().position(|file| file.held >= held) {
                let file = files.swap_remove(at);
                self.busy += 1;
                return Wanted::Room(slot, Box::new(file));
            }
        }
    }

    /// The next of the largest files. All are looked at once for some of them: for each would take longer than writing it,
    /// where there are thousands.
    fn next_chosen(&mut self, part: usize) -> Option<(usize, Slot)> {
        let (partitions, is_alone) = (&self.partitions, self.is_alone);
        let is_open = |slot: Slot| !is_alone || partitions[slot].owner == part + 1;
        self.chosen.retain(|(_, slot)| is_open(*slot));
        if self.chosen.is_empty() {
            let files = self.files.iter().enumerate().filter(|(slot, _)| is_open(*slot));
            self.chosen
                .extend(files.flat_map(|(slot, files)| files.iter().map(move |file| (file.held, slot))));
            self.chosen.sort_unstable();
            let most = self.chosen.len().div_ceil(CHOSEN_SHARE);
            self.chosen.drain(..self.chosen.len() - most);
        }
        self.chosen.pop()
    }
}
