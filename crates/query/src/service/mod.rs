//! Accepts queries, runs them, and hands out what is known of them and their results.
//!
//! Clients' calls only touch the metadata store; [`Queries::run`] is the loop that takes queued executions in the order
//! of their submission, up to a fixed number at a time, and runs each as a task that it joins. A query's result file
//! and its state SUCCEEDED are one transaction.
//!
//! # What a crash leaves
//! Executions in state RUNNING whose process is gone: its next start marks them FAILED and says why, or another process
//! on the same store does, once the lease that says that the process lives is over. Queued ones are run. Bytes of unpublished results are swept by the lake.

mod request;
mod runner;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lake::{Conditions, Key, Lake, LakeError};
use store::{Scope, Store, Tx};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::error::QueryError;
use crate::execution::{Event, Execution, Failure, State, Statistics, VERSION, step};
use crate::results::{ResultPage, Start, read_page};
use crate::rows;
use crate::run::Ground;
use crate::sql::StatementType;
use crate::workgroup::{self, PRIMARY};

use request::{check_catalog, output_folder, page_position, split, statement_type};
pub(crate) use request::{list_position, list_token};
pub use runner::CRASH_POINTS;

/// Options of the service.
#[derive(Debug, Clone)]
pub struct Options {
    /// The name of this process among those that share the store; when it is started again its predecessor is known to
    /// be gone.
    pub holder: String,
    /// How long other processes take this one for alive without hearing of it, in milliseconds.
    pub lease_ms: i64,
    /// Queries that run at the same time; the others wait, at least 1.
    pub max_running: usize,
}

/// A query to start.
#[derive(Debug, Clone, Default)]
pub struct NewQuery {
    /// The statement.
    pub query: String,
    /// `ClientRequestToken`: the same token and request give the same execution.
    pub token: Option<String>,
    /// The database of unqualified tables.
    pub database: Option<String>,
    /// The catalog as given; it can only be ours.
    pub catalog: Option<String>,
    /// Where results go: a `s3://bucket/prefix/`.
    pub output_location: Option<String>,
    /// The work group; `primary` when absent.
    pub work_group: Option<String>,
}

/// Handle to the service; cheap to clone.
#[derive(Clone)]
pub struct Queries {
    inner: Arc<Inner>,
}

struct Inner {
    ground: Ground,
    options: Options,
    wake: Notify,
    running: Mutex<HashMap<String, CancellationToken>>,
}

impl Queries {
    /// Makes the service; nothing runs before [`Self::run`].
    pub fn new(store: Store, lake: Lake, engine: engine::Engine, options: Options) -> Self {
        let ground = Ground { store, lake, engine };
        Self { inner: Arc::new(Inner { ground, options, wake: Notify::new(), running: Mutex::default() }) }
    }

    /// Queues a query and returns its id.
    /// Errors: `Sql` for what is not a statement, `Invalid` without a usable output location, `WorkGroupNotFound`,
    /// `TokenReused`. Durable when it returns.
    pub async fn start(&self, scope: &Scope, new: NewQuery) -> Result<String, QueryError> {
        let statement_type = statement_type(&new.query)?;
        check_catalog(new.catalog.as_deref())?;
        let mut tx = self.inner.ground.store.begin().await?;
        let fingerprint = format!("{new:?}");
        if let Some(token) = &new.token
            && let Some((request, id)) = rows::token(&mut tx, scope, token).await?
        {
            return if request == fingerprint { Ok(id) } else { Err(QueryError::TokenReused) };
        }
        let group = workgroup::get(&mut tx, scope, new.work_group.as_deref().unwrap_or(PRIMARY)).await?;
        let folder = output_folder(&group, new.output_location.as_deref())?;
        self.check_bucket(&mut tx, scope, &folder).await?;
        let id = tx.new_id();
        let extension = if statement_type == StatementType::Dml { "csv" } else { "txt" };
        let execution = Execution {
            version: VERSION,
            output_location: format!("{folder}{id}.{extension}"),
            id: id.clone(),
            query: new.query,
            statement_type: statement_type.as_str().to_owned(),
            database: new.database,
            catalog: new.catalog,
            work_group: group.name,
            state: State::Queued,
            submitted_ms: tx.now_ms(),
            completed_ms: None,
            failure: None,
            statistics: Statistics::default(),
            columns: Vec::new(),
            parameters: Vec::new(),
        };
        rows::insert(&mut tx, scope, &execution).await?;
        if let Some(token) = &new.token {
            rows::insert_token(&mut tx, scope, token, &fingerprint, &id).await?;
        }
        tx.commit().await?;
        self.inner.wake.notify_one();
        Ok(id)
    }

    async fn check_bucket(&self, tx: &mut Tx, scope: &Scope, folder: &str) -> Result<(), QueryError> {
        let (bucket, _) = split(folder)?;
        match self.inner.ground.lake.check_owner(tx, &bucket, &scope.account).await {
            Ok(()) => Ok(()),
            Err(LakeError::NotOwner { .. }) => {
                Err(QueryError::invalid(format!("Access denied when writing output to url: {folder}")))
            }
            Err(LakeError::NoSuchBucket { bucket }) => {
                Err(QueryError::invalid(format!("Unable to verify/create output bucket {bucket}")))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What is known of a query. Errors: `ExecutionNotFound`.
    pub async fn get(&self, scope: &Scope, id: &str) -> Result<Execution, QueryError> {
        let mut tx = self.inner.ground.store.read().await?;
        rows::get(&mut tx, scope, id).await
    }

    /// Ids of a work group's queries, the newest first, and the token of the next page.
    /// Errors: `WorkGroupNotFound`, `Invalid` for a token that is not ours.
    pub async fn list(
        &self,
        scope: &Scope,
        work_group: Option<&str>,
        token: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<String>, Option<String>), QueryError> {
        let mut tx = self.inner.ground.store.read().await?;
        let group = workgroup::get(&mut tx, scope, work_group.unwrap_or(PRIMARY)).await?;
        let after = token.map(list_position).transpose()?;
        let mut found = rows::list(&mut tx, scope, &group.name, after, limit + 1).await?;
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(|(ms, id)| list_token(*ms, id));
        Ok((found.into_iter().map(|(_, id)| id).collect(), next))
    }

    /// Stops a query; one that has ended stays as it is. Errors: `ExecutionNotFound`.
    pub async fn stop(&self, scope: &Scope, id: &str) -> Result<(), QueryError> {
        let mut tx = self.inner.ground.store.begin().await?;
        let execution = rows::get(&mut tx, scope, id).await?;
        if self.end(&mut tx, scope, execution, Event::Cancel, None).await? {
            tx.commit().await?;
        }
        if let Some(token) = self.inner.tokens().get(id) {
            token.cancel();
        }
        Ok(())
    }

    /// Moves an execution to a final state without a result; tells whether that counted.
    async fn end(
        &self,
        tx: &mut Tx,
        scope: &Scope,
        mut execution: Execution,
        event: Event,
        failure: Option<Failure>,
    ) -> Result<bool, QueryError> {
        let from = execution.state;
        let Some(to) = step(from, event) else { return Ok(false) };
        execution.state = to;
        execution.completed_ms = Some(tx.now_ms());
        execution.statistics.execution_ms =
            tx.now_ms() - execution.submitted_ms - execution.statistics.queued_ms;
        execution.failure = failure;
        rows::replace(tx, scope, &execution, from, None).await
    }

    /// A page of a query's result, `limit` rows from `token`, and the execution.
    /// Errors: `ExecutionNotFound`, `NotFinished`, `ResultsGone`, `Invalid` for a token that is not ours.
    pub async fn results(
        &self,
        scope: &Scope,
        id: &str,
        token: Option<&str>,
        limit: usize,
    ) -> Result<(Execution, ResultPage, Option<String>), QueryError> {
        let mut tx = self.inner.ground.store.read().await?;
        let execution = rows::get(&mut tx, scope, id).await?;
        match execution.state {
            State::Succeeded => {}
            State::Failed | State::Cancelled => {
                let state = execution.state.as_str();
                return Err(QueryError::invalid(format!(
                    "Query did not finish successfully. Final query state: {state}"
                )));
            }
            State::Queued | State::Running => {
                return Err(QueryError::NotFinished { state: execution.state.as_str() });
            }
        }
        let from = token.map(|token| page_position(token, id)).transpose()?.unwrap_or(0);
        let start =
            if execution.output_location.ends_with(".csv") { Start::Csv(from) } else { Start::Lines(from) };
        let (bucket, key) = split(&execution.output_location)?;
        let key = Key::new(key)?;
        let object = match self.inner.ground.lake.get(&mut tx, &bucket, &key, &Conditions::default()).await {
            Err(LakeError::NoSuchBucket { .. } | LakeError::NoSuchKey { .. }) => {
                return Err(QueryError::ResultsGone { location: execution.output_location });
            }
            other => other?,
        };
        drop(tx);
        let page = read_page(&object, start, limit).await?;
        let next = page.next.map(|at| URL_SAFE_NO_PAD.encode(format!("{at} {id}")));
        Ok((execution, page, next))
    }
}

impl Inner {
    fn tokens(&self) -> std::sync::MutexGuard<'_, HashMap<String, CancellationToken>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
