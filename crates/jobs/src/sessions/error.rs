//! What can go wrong when sessions and statements are made, asked for and ended.

use crate::retry::MayPass;

/// A refused or failed call on sessions.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// No session of that id in this account and region.
    #[error("Session {id} not found.")]
    NotFound {
        /// The id that was asked for.
        id: String,
    },
    /// The session has no such statement.
    #[error("Statement {statement} not found in session {session}.")]
    StatementNotFound {
        /// The session.
        session: String,
        /// The number that was asked for.
        statement: i64,
    },
    /// The id is taken.
    #[error("Session {id} exists already; choose another Id, or delete it once it has ended.")]
    Exists {
        /// The id.
        id: String,
    },
    /// The session is in a state in which this cannot be done.
    #[error("Session {id} is {state}: {needs}")]
    IllegalState {
        /// The session.
        id: String,
        /// Its state.
        state: &'static str,
        /// What would have to be.
        needs: &'static str,
    },
    /// As many statements wait as may.
    #[error("Session {id} has {waiting} statements that have not ended; wait for them, or cancel some.")]
    Busy {
        /// The session.
        id: String,
        /// How many.
        waiting: i64,
    },
    /// There are as many as there may be.
    #[error("{message}")]
    LimitExceeded {
        /// Of what, and what to do.
        message: String,
    },
    /// What is asked for is not built, or not allowed on this server.
    #[error("{message}")]
    NotSupported {
        /// What, and what is there instead.
        message: String,
    },
    /// The request cannot be accepted.
    #[error("{message}")]
    InvalidInput {
        /// What is wrong, naming the field.
        message: String,
    },
    /// A stored document could not be read back: data is damaged.
    #[error("stored {what} cannot be read")]
    Damaged {
        /// Which document.
        what: &'static str,
        /// Why it did not parse.
        #[source]
        source: serde_json::Error,
    },
    /// The metadata store failed.
    #[error("the metadata store failed")]
    Store(#[from] store::StoreError),
}

impl SessionError {
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::InvalidInput { message: message.into() }
    }
}

impl MayPass for SessionError {
    fn may_pass(&self) -> bool {
        matches!(self, Self::Store(error) if crate::service::may_pass(error))
    }
}
