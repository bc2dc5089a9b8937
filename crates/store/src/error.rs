//! What can go wrong in the store, and what a caller may do about it.

use std::sync::Arc;

use sqlx::error::ErrorKind;

/// Whether the change of a failed call may be there all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Certainly nothing changed.
    NotApplied,
    /// The commit may or may not have happened: drop cached state and read again.
    Unknown,
}

/// Whether doing the whole transaction again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// The same transaction would fail again, or must not be repeated blindly.
    Never,
    /// Repeat the whole transaction from [`Store::begin`](crate::Store::begin) after a short, jittered delay.
    Backoff,
}

/// The kind of constraint that a statement violated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConstraintKind {
    /// A primary key or unique index.
    Unique,
    /// A foreign key.
    ForeignKey,
    /// NOT NULL.
    NotNull,
    /// A CHECK clause.
    Check,
}

/// An error of the store. Cheap to clone: one failed group commit answers all of its members.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// A change was tried in a transaction from [`Store::read`](crate::Store::read).
    #[error("the transaction is read-only")]
    ReadOnly,
    /// An earlier statement of this transaction failed or was abandoned half-way; it can only be dropped.
    #[error("the transaction has failed already and can only be rolled back")]
    Failed,
    /// A statement violated a constraint.
    #[error("a {kind:?} constraint was violated")]
    Constraint {
        /// Which kind of constraint.
        kind: ConstraintKind,
        /// The back end's error.
        #[source]
        source: Arc<sqlx::Error>,
    },
    /// The transaction met a concurrent one (PostgreSQL only, and only beside writers that are not ours).
    #[error("the transaction conflicts with a concurrent one")]
    Conflict {
        /// The back end's error.
        #[source]
        source: Arc<sqlx::Error>,
    },
    /// No connection or no turn to write became free in time.
    #[error("the store stayed busy for {waited_ms} ms")]
    Busy {
        /// How long the call waited.
        waited_ms: u64,
    },
    /// A statement failed for another reason.
    #[error("a statement failed")]
    Statement {
        /// The back end's error.
        #[source]
        source: Arc<sqlx::Error>,
    },
    /// The disk that the database lies on is full: nothing changed.
    #[error("the disk of the metadata store is full")]
    Full {
        /// The back end's error.
        #[source]
        source: Arc<sqlx::Error>,
    },
    /// The database could not be opened or reached, or its connection broke off before a commit.
    #[error("cannot reach the store")]
    Connect {
        /// The back end's error.
        #[source]
        source: Arc<sqlx::Error>,
    },
    /// The commit failed and certainly did not happen.
    #[error("the commit was refused")]
    CommitRefused {
        /// The back end's error.
        #[source]
        source: Arc<sqlx::Error>,
    },
    /// The commit failed or its answer was lost: it may have happened.
    #[error("the result of the commit is unknown")]
    CommitUnknown {
        /// The back end's error; `None` when the process is shutting down.
        #[source]
        source: Option<Arc<sqlx::Error>>,
    },
    /// A column was missing or of another kind.
    #[error("column {index}: wanted {wanted}, found {found}")]
    Column {
        /// The column, from 0.
        index: usize,
        /// The kind asked for.
        wanted: &'static str,
        /// The kind found; `none` when there is no such column.
        found: &'static str,
    },
    /// A column has a type that the portable SQL does not use.
    #[error("column {index} has the unsupported type {type_name}")]
    ColumnType {
        /// The column, from 0.
        index: usize,
        /// The back end's name of the type.
        type_name: String,
    },
    /// A text value holds U+0000, which PostgreSQL cannot store.
    #[error("text holds the character U+0000, which names and ids never have (parameter {index})")]
    NulInText {
        /// The parameter, from 1.
        index: usize,
    },
    /// A real value is NaN, which SQLite cannot store.
    #[error("parameter {index} is not a number")]
    NotANumber {
        /// The parameter, from 1.
        index: usize,
    },
    /// `insert_many` got a row with another number of values than columns.
    #[error("row {row} has {found} values for {wanted} columns")]
    RowWidth {
        /// The row, from 0.
        row: usize,
        /// The number of columns.
        wanted: usize,
        /// The number of values.
        found: usize,
    },
    /// A table, column or schema name is not a plain lower-case identifier.
    #[error("{name:?} is not a plain identifier")]
    Identifier {
        /// What was given.
        name: String,
    },
    /// A stored document is not what its owner writes.
    #[error("stored document {what} is not valid")]
    Document {
        /// Which document.
        what: &'static str,
        /// The parser's error.
        #[source]
        source: Arc<serde_json::Error>,
    },
    /// The store was written by a newer version: it knows more steps for `owner`.
    #[error(
        "the store was written by a newer version: {owner} is at step {found}, this version knows {known}"
    )]
    NewerSchema {
        /// The owner of the tables.
        owner: String,
        /// The newest step found.
        found: i64,
        /// The newest step that this version knows (0: it does not know the owner).
        known: i64,
    },
    /// A step that was applied has another text now.
    #[error(
        "the tables of {owner} were made by another build of Tenon (migration step {step} differs): \
         use the build that made them, or another data folder or database"
    )]
    MigrationChanged {
        /// The owner of the tables.
        owner: String,
        /// The step, from 1.
        step: i64,
    },
    /// A step failed; nothing of it is left behind.
    #[error("migration step {step} of {owner} failed")]
    Migration {
        /// The owner of the tables.
        owner: String,
        /// The step, from 1.
        step: i64,
        /// The back end's error.
        #[source]
        source: Arc<sqlx::Error>,
    },
    /// The directory of the database could not be made.
    #[error("cannot create {path}")]
    Directory {
        /// The directory.
        path: String,
        /// The operating system's error.
        #[source]
        source: Arc<std::io::Error>,
    },
    /// A lease is held by somebody else by now.
    #[error("lease {name:?} is lost")]
    LeaseLost {
        /// The lease.
        name: String,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// Returns whether the change may have happened.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::CommitUnknown { .. } => Outcome::Unknown,
            _ => Outcome::NotApplied,
        }
    }

    /// Returns whether repeating the whole transaction can help. Never for an unknown outcome.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Conflict { .. } | Self::Busy { .. } | Self::Connect { .. } | Self::Full { .. } => {
                Retry::Backoff
            }
            _ => Retry::Never,
        }
    }

    /// Whether a unique constraint was violated: somebody else has the key.
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, Self::Constraint { kind: ConstraintKind::Unique, .. })
    }

    /// Sorts the error of a statement.
    pub(crate) fn statement(error: sqlx::Error) -> Self {
        if matches!(error, sqlx::Error::Io(_)) {
            return Self::Connect { source: Arc::new(error) };
        }
        if is_full(&error) {
            return Self::Full { source: Arc::new(error) };
        }
        if let Some(code) = sqlstate(&error) {
            match code.as_str() {
                // PostgreSQL: class 08 is "connection exception"; 57P01 to 57P03: the server stops, crashed, or starts.
                code if code.starts_with("08") => return Self::Connect { source: Arc::new(error) },
                "57P01" | "57P02" | "57P03" => return Self::Connect { source: Arc::new(error) },
                // PostgreSQL: class 40 is "transaction rollback"; 25006 is a change in a read-only one.
                code if code.starts_with("40") => return Self::Conflict { source: Arc::new(error) },
                "25006" => return Self::ReadOnly,
                _ => {}
            }
        }
        let kind = error.as_database_error().map(|database| database.kind());
        let kind = match kind {
            Some(ErrorKind::UniqueViolation) => Some(ConstraintKind::Unique),
            Some(ErrorKind::ForeignKeyViolation) => Some(ConstraintKind::ForeignKey),
            Some(ErrorKind::NotNullViolation) => Some(ConstraintKind::NotNull),
            Some(ErrorKind::CheckViolation) => Some(ConstraintKind::Check),
            _ => None,
        };
        let source = Arc::new(error);
        match kind {
            Some(kind) => Self::Constraint { kind, source },
            None => Self::Statement { source },
        }
    }

    /// Sorts the error of taking a connection.
    pub(crate) fn connect(error: sqlx::Error, waited_ms: u64) -> Self {
        match error {
            sqlx::Error::PoolTimedOut => Self::Busy { waited_ms },
            // lock_not_available: another process writes for longer than we wait.
            other if sqlstate(&other).as_deref() == Some("55P03") => Self::Busy { waited_ms },
            sqlx::Error::PoolClosed => Self::Closed,
            other => Self::Connect { source: Arc::new(other) },
        }
    }
}

/// Whether the disk is full: SQLite's SQLITE_FULL, with which it rolls back, and PostgreSQL's `disk_full`.
pub(crate) fn is_full(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|database| database.code());
    matches!(code.as_deref(), Some("13" | "53100"))
}

/// The five-character SQLSTATE of a PostgreSQL error. (SQLite's codes are shorter numbers.)
pub(crate) fn sqlstate(error: &sqlx::Error) -> Option<String> {
    let code = error.as_database_error()?.code()?;
    (code.len() == 5).then(|| code.into_owned())
}
