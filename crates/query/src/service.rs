//! Accepts queries, runs them, and hands out what is known of them and their results.
//!
//! Clients' calls only touch the metadata store; [`Queries::run`] is the loop that takes queued executions in the order
//! of their submission, up to a fixed number at a time, and runs each as a task that it joins. A query's result file
//! and its state SUCCEEDED are one transaction.
//!
//! # What a crash leaves
//! Executions in state RUNNING whose process is gone: the next start marks them FAILED and says why. Queued ones are
//! run. Bytes of unpublished results are swept by the lake.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lake::{BucketName, Conditions, Key, Lake, LakeError, Meta};
use store::{Scope, Store, Tx};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::error::QueryError;
use crate::execution::{Event, Execution, Failure, State, Statistics, VERSION, step};
use crate::results::{ResultPage, Start, metadata, read_page};
use crate::rows;
use crate::run::{self, Ground, Outcome, Request, RunError};
use crate::sql::{self, SqlErrorKind, StatementType};
use crate::workgroup::{self, PRIMARY, WorkGroup};

/// The database of a query that names none.
const DEFAULT_DATABASE: &str = "default";

/// Options of the service.
#[derive(Debug, Clone, Copy)]
pub struct Options {
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
    holder: String,
    wake: Notify,
    running: Mutex<HashMap<String, CancellationToken>>,
}

impl Queries {
    /// Makes the service; nothing runs before [`Self::run`].
    pub fn new(store: Store, lake: Lake, engine: engine::Engine, options: Options) -> Self {
        let holder = store.ids().uuid();
        let ground = Ground { store, lake, engine };
        Self {
            inner: Arc::new(Inner {
                ground,
                options,
                holder,
                wake: Notify::new(),
                running: Mutex::default(),
            }),
        }
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
        self.check_bucket(&mut tx, &folder).await?;
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

    async fn check_bucket(&self, tx: &mut Tx, folder: &str) -> Result<(), QueryError> {
        let (bucket, _) = split(folder)?;
        match self.inner.ground.lake.bucket(tx, &bucket).await {
            Ok(_) => Ok(()),
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
        let next = found.last().filter(|_| more).map(|(ms, id)| URL_SAFE_NO_PAD.encode(format!("{ms} {id}")));
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

    /// Runs queries until `stop`; then what runs is cancelled and marked FAILED.
    /// Errors: the store's, when queued work cannot be read.
    pub async fn run(&self, stop: CancellationToken) -> Result<(), QueryError> {
        self.recover().await?;
        let mut tasks = JoinSet::new();
        while !stop.is_cancelled() {
            let free = self.inner.options.max_running.max(1).saturating_sub(tasks.len());
            for (scope, execution) in self.take(free).await? {
                let cancel = stop.child_token();
                self.inner.tokens().insert(execution.id.clone(), cancel.clone());
                let queries = self.clone();
                let stopped = stop.clone();
                tasks.spawn(async move { queries.execute(scope, execution, cancel, stopped).await });
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.inner.wake.notified() => {}
                Some(_) = tasks.join_next() => {}
            }
        }
        while tasks.join_next().await.is_some() {}
        Ok(())
    }

    /// Marks what another process left running: nobody will finish it.
    async fn recover(&self) -> Result<(), QueryError> {
        let mut tx = self.inner.ground.store.begin().await?;
        for (scope, execution) in rows::running(&mut tx).await? {
            let failure = stopped_failure();
            self.end(&mut tx, &scope, execution, Event::Fail, Some(failure)).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Moves up to `limit` queued executions to RUNNING.
    async fn take(&self, limit: usize) -> Result<Vec<(Scope, Execution)>, QueryError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let mut read = self.inner.ground.store.read().await?;
        if rows::queued(&mut read, 1).await?.is_empty() {
            return Ok(Vec::new());
        }
        drop(read);
        let mut tx = self.inner.ground.store.begin().await?;
        let mut taken = Vec::new();
        for (scope, mut execution) in rows::queued(&mut tx, limit).await? {
            let Some(to) = step(execution.state, Event::Start) else { continue };
            execution.state = to;
            execution.statistics.queued_ms = tx.now_ms() - execution.submitted_ms;
            if rows::replace(&mut tx, &scope, &execution, State::Queued, Some(&self.inner.holder)).await? {
                taken.push((scope, execution));
            }
        }
        tx.commit().await?;
        Ok(taken)
    }

    async fn execute(
        &self,
        scope: Scope,
        execution: Execution,
        cancel: CancellationToken,
        stop: CancellationToken,
    ) {
        let id = execution.id.clone();
        let database = execution.database.clone().unwrap_or_else(|| DEFAULT_DATABASE.to_owned());
        let request =
            Request { scope: &scope, query: &execution.query, database: &database, cancel: cancel.clone() };
        let outcome = run::run(&self.inner.ground, &request).await;
        let ended = match outcome {
            Ok(outcome) => self.publish(&scope, &execution, outcome).await,
            Err(error) => Err(error),
        };
        self.inner.tokens().remove(&id);
        let Err(error) = ended else { return };
        let failure = if stop.is_cancelled() { stopped_failure() } else { error.failure() };
        tracing::info!(
            query = id,
            code = failure.code,
            error = &error as &dyn std::error::Error,
            "query failed"
        );
        if let Err(error) = self.fail(&scope, execution, failure).await {
            tracing::error!(
                query = id,
                error = &error as &dyn std::error::Error,
                "cannot record a failed query"
            );
        }
    }

    /// Makes the result visible and the execution SUCCEEDED, together.
    async fn publish(&self, scope: &Scope, execution: &Execution, outcome: Outcome) -> Result<(), RunError> {
        let (bucket, key) = split(&execution.output_location)?;
        let columns_file = self.inner.ground.lake.stage_bytes(metadata(&outcome.columns)).await?;
        store::crash::point("query.result.staged");
        let mut tx = self.inner.ground.store.begin().await?;
        let mut done = execution.clone();
        let Some(to) = step(done.state, Event::Finish) else { return Err(RunError::Cancelled) };
        done.state = to;
        done.completed_ms = Some(tx.now_ms());
        done.columns = outcome.columns;
        done.statistics.rows = outcome.rows;
        done.statistics.scanned_bytes = outcome.scanned_bytes;
        done.statistics.planning_ms = outcome.planning_ms;
        done.statistics.execution_ms = tx.now_ms() - done.submitted_ms - done.statistics.queued_ms;
        if !rows::replace(&mut tx, scope, &done, State::Running, None).await? {
            return Err(RunError::Cancelled);
        }
        let content = if key.ends_with(".csv") { "text/csv" } else { "text/plain" };
        let files = vec![
            (Key::new(key.clone())?, outcome.file, Meta::of_type(content)),
            (Key::new(format!("{key}.metadata"))?, columns_file, Meta::of_type("application/octet-stream")),
        ];
        self.inner.ground.lake.put_many(&mut tx, &bucket, files).await?;
        store::crash::point("query.result.before_commit");
        tx.commit().await?;
        store::crash::point("query.result.committed");
        Ok(())
    }

    async fn fail(&self, scope: &Scope, execution: Execution, failure: Failure) -> Result<(), QueryError> {
        let mut tx = self.inner.ground.store.begin().await?;
        if self.end(&mut tx, scope, execution, Event::Fail, Some(failure)).await? {
            tx.commit().await?;
        }
        Ok(())
    }
}

/// The named crash points of this crate (see [`store::crash`]).
pub const CRASH_POINTS: &[&str] =
    &["query.result.staged", "query.result.before_commit", "query.result.committed"];

impl Inner {
    fn tokens(&self) -> std::sync::MutexGuard<'_, HashMap<String, CancellationToken>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn stopped_failure() -> Failure {
    Failure {
        category: 1,
        code: "GENERIC_INTERNAL_ERROR".to_owned(),
        message: "the server stopped while the query ran; start it again".to_owned(),
    }
}

/// Athena refuses what does not parse at once; what it would accept and we do not run ends as a failed query.
fn statement_type(query: &str) -> Result<StatementType, QueryError> {
    match sql::parse(query) {
        Ok(statement) => Ok(statement.statement_type()),
        Err(error) if matches!(error.kind, SqlErrorKind::Syntax(_)) => Err(error.into()),
        Err(_) => Ok(StatementType::Dml),
    }
}

fn check_catalog(catalog: Option<&str>) -> Result<(), QueryError> {
    match catalog {
        Some(name) if !name.eq_ignore_ascii_case("awsdatacatalog") => {
            Err(QueryError::invalid(format!("Catalog {name} is not found: AwsDataCatalog is the only one")))
        }
        _ => Ok(()),
    }
}

/// The folder that results go to, with a `/` at its end.
fn output_folder(group: &WorkGroup, asked: Option<&str>) -> Result<String, QueryError> {
    if !group.enabled {
        return Err(QueryError::invalid(format!("WorkGroup {} is disabled", group.name)));
    }
    let own = group.output_location();
    let chosen = if group.enforces() { own } else { asked.or(own) };
    let location = chosen.ok_or_else(|| {
        QueryError::invalid(
            "No output location provided. An output location is required either through the Workgroup result \
             configuration setting or as an API input.",
        )
    })?;
    split(location)?;
    Ok(if location.ends_with('/') { location.to_owned() } else { format!("{location}/") })
}

/// Bucket and key of a `s3://bucket/key`.
fn split(location: &str) -> Result<(BucketName, String), QueryError> {
    let rest = location.strip_prefix("s3://").and_then(|rest| {
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        BucketName::new(bucket).ok().map(|bucket| (bucket, key.to_owned()))
    });
    rest.ok_or_else(|| QueryError::invalid(format!("outputLocation is not a valid S3 path: {location}")))
}

fn invalid_token() -> QueryError {
    QueryError::invalid("The provided pagination token is not valid")
}

fn token_parts(token: &str) -> Result<(i64, String), QueryError> {
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| invalid_token())?;
    let text = String::from_utf8(bytes).map_err(|_| invalid_token())?;
    let (number, id) = text.split_once(' ').ok_or_else(invalid_token)?;
    Ok((number.parse().map_err(|_| invalid_token())?, id.to_owned()))
}

fn list_position(token: &str) -> Result<(i64, String), QueryError> {
    token_parts(token)
}

fn page_position(token: &str, id: &str) -> Result<u64, QueryError> {
    let (at, of) = token_parts(token)?;
    if of != id {
        return Err(invalid_token());
    }
    u64::try_from(at).map_err(|_| invalid_token())
}
