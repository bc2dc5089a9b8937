//! Interactive sessions: a process of Python each, which runs statements one after the other in one namespace.
//!
//! ```text
//! RunStatement ─► row (WAITING) ─► pipe in the session's folder ─► process (`tenon_session`) ─► messages on its output
//!                                                                      └─ error output ─► log     │
//! GetStatement ◄─ row (AVAILABLE, CANCELLED, ERROR) ◄── text, error ◄─────────────────────────────┘
//! ```
//!
//! Handles write rows and ring; [`service`] alone has processes. A session has one lease and at most one process, which is
//! made ready like that of a script's run (environment, key, limits, group) and ends with the server, however that ends.
//!
//! # Invariants
//! - Statements run in the order of their numbers, one at a time, and none twice.
//! - A session's end and the end of its statements are one transaction.
//! - No statement is open in a session that has ended.
//! - Whatever a statement prints, little of it is kept with it; all of it goes to the log.
//!
//! # What a crash leaves
//! Rows of sessions without a process. The next start of the server (or another one, once the lease runs out) ends them as
//! FAILED, or STOPPED if that was asked for, and the statement that ran as ERROR.

mod check;
mod documents;
mod error;
mod ops;
mod output;
mod render;
mod rows;
mod service;
mod state;
#[cfg(test)]
mod tests;
mod work;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lake::Lake;
use store::{Scope, Store, Tx};
use tokio::sync::Notify;

use crate::log::Logs;
use crate::script::Scripts;

pub use documents::{Output, Raised, Session, SessionSpec, Statement};
pub use error::SessionError;
pub use ops::{ListSessions, Page, delete, get, list, list_statements, statement};
pub use rows::SESSION_MIGRATIONS;
pub use state::{SessionState, StatementState};

/// Log groups of sessions begin so; streams are named after sessions.
pub const LOG_GROUP: &str = "/aws-glue/sessions";

/// How sessions are served.
#[derive(Debug, Clone)]
pub struct SessionOptions {
    /// The name of this process among those that share the store. When the name is started again its predecessor is known
    /// to be gone, and its sessions are ended at once.
    pub holder: String,
    /// Sessions that have not ended, of all accounts.
    pub max_active: usize,
    /// How long a lease lasts without renewal, in milliseconds.
    pub lease_ms: i64,
}

/// Handle to sessions, and the service that runs them; cheap to clone.
#[derive(Clone)]
pub struct Sessions {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    lake: Lake,
    logs: Arc<dyn Logs>,
    scripts: Arc<Scripts>,
    options: SessionOptions,
    /// Rung when a session was made or has ended.
    wake: Notify,
    /// Of sessions that this process works on, by their uid: rung when something was written for them.
    bells: Mutex<HashMap<String, Arc<Notify>>>,
}

impl Inner {
    fn bells(&self) -> MutexGuard<'_, HashMap<String, Arc<Notify>>> {
        self.bells.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring(&self, uid: &str) {
        match self.bells().get(uid) {
            Some(bell) => bell.notify_one(),
            None => self.wake.notify_one(),
        }
    }
}

impl Sessions {
    /// Makes the handle; nothing runs before [`Self::run`].
    pub fn new(
        store: Store,
        lake: Lake,
        logs: Arc<dyn Logs>,
        scripts: Arc<Scripts>,
        options: SessionOptions,
    ) -> Self {
        let (wake, bells) = (Notify::new(), Mutex::default());
        Self { inner: Arc::new(Inner { store, lake, logs, scripts, options, wake, bells }) }
    }

    fn ring_on_commit(&self, tx: &mut Tx, session: &Session) {
        let (inner, uid) = (Arc::clone(&self.inner), session.uid.clone());
        tx.on_commit(Box::new(move || inner.ring(&uid)));
    }
}

/// The resource name of a session, under which its tags are kept.
pub fn arn(scope: &Scope, id: &str) -> String {
    format!("arn:aws:glue:{}:{}:session/{id}", scope.region, scope.account)
}
