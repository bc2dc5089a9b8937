//! What can go wrong when jobs and runs are defined, started, stopped and read.
//!
//! These are the errors that a caller of the API sees. What goes wrong *inside* a run is a
//! [`crate::execute::RunFailure`]: it becomes the run's `ErrorMessage` and its error log.

/// A refused or failed call on jobs, runs or bookmarks.
#[derive(Debug, thiserror::Error)]
pub enum JobsError {
    /// No job of that name in this account and region.
    #[error("Job {name} not found.")]
    JobNotFound {
        /// The name that was asked for.
        name: String,
    },
    /// The job has no such run.
    #[error("Job run {run} not found for job {job}.")]
    RunNotFound {
        /// The job that was named.
        job: String,
        /// The run id that was asked for.
        run: String,
    },
    /// The job has no bookmark yet.
    #[error("Continuation for job {job} not found")]
    BookmarkNotFound {
        /// The job that was named.
        job: String,
    },
    /// A job of that name exists and its definition differs.
    #[error("Job {name} already submitted with different configuration")]
    DifferentDefinition {
        /// The name that is taken.
        name: String,
    },
    /// The job runs as often as `ExecutionProperty.MaxConcurrentRuns` allows.
    #[error("Concurrent runs exceeded for {job}")]
    ConcurrentRunsExceeded {
        /// The job that was to be started.
        job: String,
        /// Its limit.
        max: u32,
    },
    /// What is to be changed is what a run works with that has not ended.
    #[error("Job {job} has a run that has not ended: {run}. Wait for it, or stop it.")]
    RunActive {
        /// The job.
        job: String,
        /// One of its runs.
        run: String,
    },
    /// The request or the definition in it cannot be accepted.
    #[error("{message}")]
    InvalidInput {
        /// What is wrong, naming the field or the node.
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

impl JobsError {
    /// An [`JobsError::InvalidInput`] of this text.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::InvalidInput { message: message.into() }
    }
}
