//! Bookmarks for the library in scripts (`python/awsglue/_bookmarks.py`), under `/_/scripts/`:
//!
//! - `POST bookmark/load` of `{"JobName", "From"?, "To"?}` answers `{"Version", "Again", "Contexts": {context: {address: ETag}}}`
//! - `POST bookmark/commit` of `{"JobName", "RunId", "Fence", "Version", "Read": {context: {address: {"Etag", "Size", "ModifiedMs"}}}}`
//!   answers `{"Version"}`; 409 when the bookmark or the run has moved on
//!
//! The other paths are in [`super::script_frames`] and [`super::script_files`]. Who may: [`super::admit`].

use http::{Request, Response, StatusCode};
use jobs::bookmark::script::{self, Commit, CommitError};
use jobs::quality::service::Quality;
use jobs::{JobsError, Stager};
use serde::Deserialize;
use serde_json::{Value, json};
use store::Store;
use tokio::sync::Semaphore;
use wire::{Auth, Body};

use super::admit::{self, Refused};

/// Paths that this module answers.
pub(crate) const PREFIX: &str = "/_/scripts/";
/// Half a million objects in one commit.
const MAX_BODY_BYTES: u64 = 128 << 20;

/// Requests at work on the engine at the same time; others wait.
const AT_ONCE: usize = 4;

/// Answers the requests.
pub(crate) struct ScriptOps {
    store: Store,
    pub(super) auth: Auth,
    pub(super) quality: Quality,
    pub(super) stager: Stager,
    pub(super) slots: Semaphore,
}

/// The body of `load`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Load {
    job_name: String,
    from: Option<String>,
    to: Option<String>,
}

impl From<JobsError> for Refused {
    fn from(error: JobsError) -> Self {
        match &error {
            JobsError::JobNotFound { .. }
            | JobsError::RunNotFound { .. }
            | JobsError::BookmarkNotFound { .. } => {
                Self(StatusCode::NOT_FOUND, "EntityNotFoundException", error.to_string())
            }
            JobsError::RunActive { .. } => {
                Self(StatusCode::CONFLICT, "JobRunActiveException", error.to_string())
            }
            JobsError::InvalidInput { .. }
            | JobsError::DifferentDefinition { .. }
            | JobsError::ConcurrentRunsExceeded { .. } => Self::invalid(error.to_string()),
            JobsError::Damaged { .. } | JobsError::Store(_) => Self::internal(&error),
        }
    }
}

impl From<CommitError> for Refused {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Moved(message) => {
                Self(StatusCode::CONFLICT, "ConcurrentModificationException", message)
            }
            CommitError::Stale { .. } => {
                Self(StatusCode::CONFLICT, "JobRunInvalidStateTransitionException", error.to_string())
            }
            CommitError::Jobs(error) => error.into(),
        }
    }
}

impl ScriptOps {
    pub(crate) fn new(auth: Auth, quality: Quality, stager: Stager) -> Self {
        Self { store: stager.store.clone(), auth, quality, stager, slots: Semaphore::new(AT_ONCE) }
    }

    /// Answers a request below [`PREFIX`]; never fails.
    pub(crate) async fn answer(&self, request: Request<Body>) -> Response<Body> {
        admit::reply(self.serve(request).await)
    }

    async fn serve(&self, request: Request<Body>) -> Result<Value, Refused> {
        match request.uri().path().strip_prefix(PREFIX).unwrap_or_default() {
            "bookmark/load" => self.load(request).await,
            "bookmark/commit" => self.commit(request).await,
            "quality/evaluate" => Box::pin(self.evaluate(request)).await,
            "quality/rows" => Box::pin(self.rows(request)).await,
            "database/read" => Box::pin(self.read_database(request)).await,
            "database/write" => Box::pin(self.write_database(request)).await,
            "table/read" => Box::pin(self.read_table(request)).await,
            "files/read" => Box::pin(self.read_files(request)).await,
            "files/write" => Box::pin(self.write_files(request)).await,
            _ => Err(Refused::unknown()),
        }
    }

    async fn load(&self, request: Request<Body>) -> Result<Value, Refused> {
        let (scope, asked): (_, Load) = admit::admit(&self.auth, request, MAX_BODY_BYTES).await?;
        let mut tx = self.store.read().await.map_err(JobsError::from)?;
        let (from, to) = (asked.from.as_deref(), asked.to.as_deref());
        let known = script::known(&mut tx, &scope, &asked.job_name, from, to).await?;
        serde_json::to_value(known).map_err(|error| Refused::internal(&error))
    }

    async fn commit(&self, request: Request<Body>) -> Result<Value, Refused> {
        let (scope, commit): (_, Commit) = admit::admit(&self.auth, request, MAX_BODY_BYTES).await?;
        let mut tx = self.store.begin().await.map_err(JobsError::from)?;
        let version = script::commit(&mut tx, &scope, commit).await?;
        script::publish(tx).await?;
        Ok(json!({ "Version": version }))
    }
}
