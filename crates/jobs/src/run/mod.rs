//! Runs of jobs: their states, rows and the calls that start, stop and show them.
//!
//! ```text
//!           ┌─ slot free ──┐
//! start ─► WAITING      STARTING ─ begun ─► RUNNING ─ published ─► SUCCEEDED
//!             │            │  ▲               │ │ └── failed ─────► FAILED (then a retry, if any is left)
//!             │            │  └─ interrupted ─┘ └──── timed out ──► TIMEOUT
//!             └── stop ────┴──► STOPPED ◄─ ended ─ STOPPING ◄─ stop ─ RUNNING
//! ```
//!
//! [`step`] decides every change of state and does nothing else. The output of a run becomes visible
//! in the transaction that makes it SUCCEEDED and in no other; that transaction checks the lease and
//! the state, so a run that was stopped, deleted or taken over publishes nothing. The run of a script is SUCCEEDED
//! by the same rule; what it wrote is visible already.
//!
//! A run with rows for databases outside publishes the rest and decides about these in one transaction, stays RUNNING, and
//! is SUCCEEDED once they have landed (`delivered`); from the decision on nothing else ends it, and whoever finds it without
//! an executor goes on with the landing.
//!
//! After a crash a run's lease runs out (or is released by the restarted process, which knows the
//! old one is gone), and the run is FAILED with the reason, and retried if the job allows.

mod document;
mod ops;
mod rows;
mod state;
#[cfg(test)]
pub(crate) mod tests;
mod work;

pub use document::to_document;
pub use ops::{RunPage, StartRequest, StopResult, get, list};
pub(crate) use ops::{insert_retry, lock, start, stop};
pub use rows::{Run, RunInput};
pub(crate) use rows::{
    active_ids, any_active, apply, count_active, input, keep, load, note_alive, still_ours,
};
pub use state::{Effect, Event, Rejected, RunState, StateFacts, step};
pub use work::RunKind;
use work::Work;
