//! Bookmarks for the library in scripts (`python/awsglue/_bookmarks.py`), under `/_/scripts/`:
//!
//! - `POST bookmark/load` of `{"JobName", "From"?, "To"?}` answers `{"Version", "Again", "Contexts": {context: {address: ETag}}}`
//! - `POST bookmark/commit` of `{"JobName", "RunId", "Fence", "Version", "Read": {context: {address: {"Etag", "Size", "ModifiedMs"}}}}`
//!   answers `{"Version"}`; 409 when the bookmark or the run has moved on
//!
//! The other paths are in [`super::script_frames`], [`super::script_files`] and [`super::script_tables`]. Who may: [`super::admit`].

use std::sync::Arc;

use api::views::{View, Views};
use http::{Request, Response, StatusCode};
use jobs::bookmark::script::{self, Commit, CommitError};
use jobs::quality::service::Quality;
use jobs::{JobsError, Stager};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use store::{Scope, Store};
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
    auth: Auth,
    quality: Quality,
    stager: Stager,
    views: Arc<dyn Views>,
    pub(super) slots: Semaphore,
}

/// What works for who asks.
pub(super) struct Asker {
    pub(super) scope: Scope,
    pub(super) quality: Quality,
    pub(super) stager: Stager,
    /// Whether what it does to objects is seen by its run alone until that has succeeded.
    pub(super) is_held_back: bool,
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
    pub(crate) fn new(auth: Auth, quality: Quality, stager: Stager, views: Arc<dyn Views>) -> Self {
        Self { store: stager.store.clone(), auth, quality, stager, views, slots: Semaphore::new(AT_ONCE) }
    }

    /// Lets a request in that reads and writes frames, in buckets as its sender sees them.
    pub(super) async fn admit<T: DeserializeOwned>(
        &self,
        request: Request<Body>,
        max_bytes: u64,
    ) -> Result<(Asker, T), Refused> {
        let (scope, key, asked) = admit::admit_key(&self.auth, request, max_bytes).await?;
        let (quality, stager, is_held_back) = match self.views.of_sender(key.as_deref()) {
            View::Everybody => (self.quality.clone(), self.stager.clone(), false),
            View::Own(overlay) => (self.quality.seen_by(overlay.clone()), self.stager.seen_by(overlay), true),
            View::Ended => {
                let message = "the run that this access key was issued for has ended".to_owned();
                return Err(Refused(StatusCode::FORBIDDEN, "AccessDeniedException", message));
            }
        };
        Ok((Asker { scope, quality, stager, is_held_back }, asked))
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
            "sensitive/detect" => Box::pin(self.detect(request)).await,
            "values/fill" => Box::pin(self.fill(request)).await,
            "table/read" => Box::pin(self.read_table(request)).await,
            "table/write" => Box::pin(self.write_table(request)).await,
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
