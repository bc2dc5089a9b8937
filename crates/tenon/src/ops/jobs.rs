//! What Glue's API of jobs has not, under `/_/jobs/`:
//!
//! - `POST bookmark/show` of `{"JobName", "After"?}` answers a page of the bookmark, `POST bookmark/set` of `{"JobName",
//!   "Version", "Sources"}` replaces it, `POST bookmark/rewind` of `{"JobName", "RunId"}` brings it back to how that run left
//!   it: [`jobs::bookmark::edit`]
//! - `POST explain` of `{"JobName", "Arguments"?}` answers what a run would do: [`jobs::Explained`]
//! - `POST lineage` of `{"Name"}` answers what lies before and behind a table, a path or a job: [`jobs::lineage::walk`]
//!
//! Who may: [`super::admit`].

use http::{Request, Response};
use jobs::bookmark::edit::{self, After, Wanted};
use jobs::lineage::walk;
use jobs::{ArgumentMap, Explainer, JobsError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::Store;
use tokio::sync::Semaphore;
use wire::{Auth, Body};

use super::admit::{self, Refused};

/// Paths that this module answers.
pub(crate) const PREFIX: &str = "/_/jobs/";
/// Explanations at work at the same time: each lists sources.
const AT_ONCE: usize = 2;
const MAX_BODY_BYTES: u64 = 64 << 10;
/// Half a million objects.
const MAX_BOOKMARK_BYTES: u64 = 128 << 20;

/// Answers the requests.
pub(crate) struct JobOps {
    store: Store,
    explainer: Explainer,
    auth: Auth,
    slots: Semaphore,
}

/// The body of `explain`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Explain {
    job_name: String,
    arguments: Option<ArgumentMap>,
}

/// The body of `bookmark/show`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Show {
    job_name: String,
    after: Option<After>,
}

/// The body of `lineage`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Named {
    name: String,
}

/// The body of `bookmark/rewind`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Rewind {
    job_name: String,
    run_id: String,
}

fn document(answer: &impl Serialize) -> Result<Value, Refused> {
    serde_json::to_value(answer).map_err(|error| Refused::internal(&error))
}

impl JobOps {
    pub(crate) fn new(store: Store, explainer: Explainer, auth: Auth) -> Self {
        Self { store, explainer, auth, slots: Semaphore::new(AT_ONCE) }
    }

    /// Answers a request below [`PREFIX`]; never fails.
    pub(crate) async fn answer(&self, request: Request<Body>) -> Response<Body> {
        admit::reply(self.serve(request).await)
    }

    async fn serve(&self, request: Request<Body>) -> Result<Value, Refused> {
        match request.uri().path().strip_prefix(PREFIX).unwrap_or_default() {
            "bookmark/show" => self.show(request).await,
            "bookmark/set" => self.set(request).await,
            "bookmark/rewind" => self.rewind(request).await,
            "explain" => self.explain(request).await,
            "lineage" => self.lineage(request).await,
            _ => Err(Refused::unknown()),
        }
    }

    async fn show(&self, request: Request<Body>) -> Result<Value, Refused> {
        let (scope, asked): (_, Show) = admit::admit(&self.auth, request, MAX_BODY_BYTES).await?;
        let mut tx = self.store.read().await.map_err(JobsError::from)?;
        document(&edit::show(&mut tx, &scope, &asked.job_name, asked.after).await?)
    }

    async fn explain(&self, request: Request<Body>) -> Result<Value, Refused> {
        let (scope, asked): (_, Explain) = admit::admit(&self.auth, request, MAX_BODY_BYTES).await?;
        let _slot = self.slots.acquire().await.map_err(|closed| Refused::internal(&closed))?;
        document(&self.explainer.explain(&scope, &asked.job_name, asked.arguments.as_ref()).await?)
    }

    async fn lineage(&self, request: Request<Body>) -> Result<Value, Refused> {
        let (scope, asked): (_, Named) = admit::admit(&self.auth, request, MAX_BODY_BYTES).await?;
        let mut tx = self.store.read().await.map_err(JobsError::from)?;
        document(&walk::of(&mut tx, &scope, &asked.name).await?)
    }

    async fn set(&self, request: Request<Body>) -> Result<Value, Refused> {
        let (scope, wanted): (_, Wanted) = admit::admit(&self.auth, request, MAX_BOOKMARK_BYTES).await?;
        let mut tx = self.store.begin().await.map_err(JobsError::from)?;
        let changed = edit::set(&mut tx, &scope, wanted).await?;
        tx.commit().await.map_err(JobsError::from)?;
        document(&changed)
    }

    async fn rewind(&self, request: Request<Body>) -> Result<Value, Refused> {
        let (scope, asked): (_, Rewind) = admit::admit(&self.auth, request, MAX_BODY_BYTES).await?;
        let mut tx = self.store.begin().await.map_err(JobsError::from)?;
        let changed = edit::rewind(&mut tx, &scope, &asked.job_name, &asked.run_id).await?;
        tx.commit().await.map_err(JobsError::from)?;
        document(&changed)
    }
}
