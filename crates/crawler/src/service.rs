//! The handle to crawlers.

mod networks;
mod ours;
mod timed;
mod work;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use lake::Lake;
use serde_json::{Map, Value};
use sources::dynamodb::DynamoDb;
use sources::http::Reach;
use store::vault::Vault;
use store::{Scope, Store, Tx};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::classifier;
use crate::definition::Definition;
use crate::error::CrawlerError;
use crate::history::{Crawl, Filter, Metrics};
use crate::rows::{self, Stored};
use crate::run::{EventQueues, Ground, Logs};
use crate::schedule::{Schedule, ScheduleState};
use crate::state::{Event, Rejected, State, step};
use crate::targets::dynamodb::NO_ENDPOINT;
use crate::{journal, memory, schedule};

/// Runs that metrics look at.
const METRIC_RUNS: usize = 100;

/// Options of the service.
#[derive(Debug, Clone)]
pub struct Options {
    /// Name of this node. A restarted node takes up the runs that it held under the same name at once.
    pub node: String,
    /// Crawls at work at the same time, at least 1; others wait.
    pub max_running: usize,
    /// Tells this build of the program from others: what another one found in files is not trusted.
    pub build: String,
    /// Where DynamoDB targets are read from; without it there are none.
    pub dynamodb: Option<DynamoDb>,
    /// Which addresses API targets may be at.
    pub reach: Reach,
    /// How long a run's lease lasts without renewal, in milliseconds: after that another node takes it up.
    pub lease_ms: i64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            node: "crawler".to_owned(),
            max_running: 4,
            build: String::new(),
            dynamodb: None,
            reach: Reach::guarded(true),
            lease_ms: 15_000,
        }
    }
}

/// A crawler with its state and newest ended run.
#[derive(Debug, Clone, PartialEq)]
pub struct Crawler {
    /// The definition.
    pub definition: Definition,
    /// `READY`, `RUNNING` or `STOPPING`.
    pub state: State,
    /// Counts changes of the definition, from 1.
    pub version: i64,
    /// Epoch milliseconds.
    pub created_ms: i64,
    /// When the definition last changed, epoch milliseconds.
    pub updated_ms: i64,
    /// Milliseconds since the start of the run at work; 0 when READY.
    pub elapsed_ms: i64,
    /// Its schedule.
    pub schedule: Option<Schedule>,
    /// The newest run that has ended.
    pub last_crawl: Option<LastCrawl>,
}

/// `LastCrawlInfo`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastCrawl {
    /// `SUCCEEDED`, `FAILED` or `CANCELLED`.
    pub status: &'static str,
    /// Why it failed.
    pub error: Option<String>,
    /// The run's id, in front of its log lines.
    pub message_prefix: String,
    /// Epoch milliseconds.
    pub started_ms: i64,
}

/// Handle to the crawlers; cheap to clone.
#[derive(Clone)]
pub struct Crawlers {
    inner: Arc<Inner>,
}

struct Inner {
    ground: Ground,
    options: Options,
    wake: Notify,
    /// Runs at work here, and how to stop them.
    working: Mutex<HashMap<String, CancellationToken>>,
}

impl Inner {
    fn working(&self) -> std::sync::MutexGuard<'_, HashMap<String, CancellationToken>> {
        self.working.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn rejected(name: &str, why: Rejected) -> CrawlerError {
    let name = name.to_owned();
    match why {
        Rejected::Running => CrawlerError::Running { name },
        Rejected::NotRunning => CrawlerError::NotRunning { name },
        Rejected::Stopping => CrawlerError::Stopping { name },
    }
}

/// Whether a run may rely on one before it.
async fn is_again(tx: &mut Tx, scope: &Scope, definition: &Definition) -> Result<bool, CrawlerError> {
    match definition.is_event_mode() {
        true => rows::is_up_to_date(tx, scope, &definition.name).await,
        false => rows::has_completed(tx, scope, &definition.name).await,
    }
}

fn arn(scope: &Scope, name: &str) -> String {
    format!("arn:aws:glue:{}:{}:crawler/{name}", scope.region, scope.account)
}

impl Crawlers {
    /// Makes the service; nothing runs before [`Self::run`].
    /// `vault` opens the secrets of the connections that targets name.
    pub fn new(store: Store, lake: Lake, vault: Vault, logs: Arc<dyn Logs>, options: Options) -> Self {
        let (build, dynamodb, reach) =
            (options.build.as_str().into(), options.dynamodb.clone(), options.reach);
        let ground = Ground { store, lake, vault, logs, queues: None, dynamodb, reach, build };
        Self { inner: Arc::new(Inner { ground, options, wake: Notify::new(), working: Mutex::default() }) }
    }

    /// The same service with the queues that event mode reads; before anything runs.
    #[must_use]
    pub fn with_queues(self, queues: Arc<dyn EventQueues>) -> Self {
        let ground = Ground { queues: Some(queues), ..self.inner.ground.clone() };
        let options = self.inner.options.clone();
        Self { inner: Arc::new(Inner { ground, options, wake: Notify::new(), working: Mutex::default() }) }
    }

    fn store(&self) -> &Store {
        &self.inner.ground.store
    }

    /// Refuses targets that this server cannot read.
    fn check_sources(&self, definition: &Definition) -> Result<(), CrawlerError> {
        match definition.targets.dynamodb_targets.is_empty() || self.inner.ground.dynamodb.is_some() {
            true => Ok(()),
            false => Err(CrawlerError::invalid(format!("DynamoDBTargets: {NO_ENDPOINT}"))),
        }
    }

    /// The ARN under which a crawler's tags are kept.
    pub fn arn(scope: &Scope, name: &str) -> String {
        arn(scope, name)
    }

    /// Makes a crawler from a `CreateCrawler` request. Errors: `Exists`, `Invalid` for what is not built.
    pub async fn create(&self, scope: &Scope, mut request: Map<String, Value>) -> Result<(), CrawlerError> {
        let tags = request.remove("Tags").and_then(|t| t.as_object().cloned()).unwrap_or_default();
        let schedule = request.remove("Schedule");
        let definition = Definition::from_request(request)?;
        self.check_sources(&definition)?;
        let mut tx = self.store().begin().await?;
        classifier::get_all(&mut tx, scope, &definition.classifiers).await?;
        networks::check(&mut tx, scope, &definition).await?;
        if !rows::insert(&mut tx, scope, &definition).await? {
            return Err(CrawlerError::Exists { name: definition.name });
        }
        let text = |v: Value| v.as_str().unwrap_or_default().to_owned();
        let tags: BTreeMap<String, String> = tags.into_iter().map(|(k, v)| (k, text(v))).collect();
        if !tags.is_empty() {
            store::tags::set(&mut tx, &arn(scope, &definition.name), &tags).await?;
        }
        set_schedule(&mut tx, scope, &definition.name, schedule.as_ref()).await?;
        tx.commit().await?;
        // Its schedule may be the next one that is due.
        self.inner.wake.notify_one();
        Ok(())
    }

    /// Changes the members that an `UpdateCrawler` request gives. Errors: `NotFound`, `Running`, `Invalid`.
    pub async fn update(&self, scope: &Scope, request: &Map<String, Value>) -> Result<(), CrawlerError> {
        let name = request.get("Name").and_then(Value::as_str).unwrap_or_default();
        let mut tx = self.store().begin().await?;
        let stored = rows::get(&mut tx, scope, name).await?;
        step(stored.state, Event::Change).map_err(|why| rejected(name, why))?;
        let mut request = request.clone();
        let schedule = request.remove("Schedule");
        let definition = stored.definition.updated(&request)?;
        self.check_sources(&definition)?;
        classifier::get_all(&mut tx, scope, &definition.classifiers).await?;
        networks::check(&mut tx, scope, &definition).await?;
        set_schedule(&mut tx, scope, name, schedule.as_ref()).await?;
        rows::replace(&mut tx, scope, &definition).await?;
        if definition.targets != stored.definition.targets {
            memory::forget(&mut tx, scope, name).await?;
        }
        tx.commit().await?;
        self.inner.wake.notify_one();
        Ok(())
    }

    /// Deletes a crawler with its history; its tables stay. Errors: `NotFound`, `Running`.
    pub async fn delete(&self, scope: &Scope, name: &str) -> Result<(), CrawlerError> {
        let mut tx = self.store().begin().await?;
        let stored = rows::get(&mut tx, scope, name).await?;
        step(stored.state, Event::Change).map_err(|why| rejected(name, why))?;
        rows::delete(&mut tx, scope, name).await?;
        journal::forget(&mut tx, scope, name, None).await?;
        memory::forget(&mut tx, scope, name).await?;
        schedule::remove(&mut tx, scope, name).await?;
        store::tags::clear(&mut tx, &arn(scope, name)).await?;
        Ok(tx.commit().await?)
    }

    /// Looks a crawler up. Errors: `NotFound`.
    pub async fn get(&self, scope: &Scope, name: &str) -> Result<Crawler, CrawlerError> {
        let mut tx = self.store().read().await?;
        let stored = rows::get(&mut tx, scope, name).await?;
        described(&mut tx, scope, stored).await
    }

    /// Crawlers by name behind `after`, up to `limit`, and whether more follow.
    pub async fn list(
        &self,
        scope: &Scope,
        after: &str,
        limit: usize,
    ) -> Result<(Vec<Crawler>, bool), CrawlerError> {
        let mut tx = self.store().read().await?;
        let mut stored = rows::list(&mut tx, scope, after, limit + 1).await?;
        let more = stored.len() > limit;
        stored.truncate(limit);
        let mut found = Vec::with_capacity(stored.len());
        for crawler in stored {
            found.push(described(&mut tx, scope, crawler).await?);
        }
        Ok((found, more))
    }

    /// Tags of a crawler.
    pub async fn tags(&self, scope: &Scope, name: &str) -> Result<BTreeMap<String, String>, CrawlerError> {
        let mut tx = self.store().read().await?;
        Ok(store::tags::get(&mut tx, &arn(scope, name)).await?)
    }

    /// Starts a run; it is at work within milliseconds, and durable when this returns.
    /// Errors: `NotFound`, `Running`.
    pub async fn start(&self, scope: &Scope, name: &str) -> Result<(), CrawlerError> {
        let mut tx = self.store().begin().await?;
        Self::begin_run(&mut tx, scope, name).await?;
        tx.commit().await?;
        self.inner.wake.notify_one();
        Ok(())
    }

    /// Makes a run that waits to be taken up. Errors: `NotFound`, `Running`.
    async fn begin_run(tx: &mut Tx, scope: &Scope, name: &str) -> Result<(), CrawlerError> {
        let stored = rows::get(tx, scope, name).await?;
        let state = step(stored.state, Event::Start).map_err(|why| rejected(name, why))?;
        let crawl = Crawl::new(tx.new_id(), name, tx.now_ms());
        rows::insert_run(tx, scope, &crawl).await?;
        rows::set_state(tx, scope, name, state).await
    }

    /// Tells a run to end. Errors: `NotFound`, `NotRunning`, `Stopping`.
    pub async fn stop(&self, scope: &Scope, name: &str) -> Result<(), CrawlerError> {
        let mut tx = self.store().begin().await?;
        let stored = rows::get(&mut tx, scope, name).await?;
        let state = step(stored.state, Event::Stop).map_err(|why| rejected(name, why))?;
        rows::set_state(&mut tx, scope, name, state).await?;
        let newest = rows::runs(&mut tx, scope, name, None, 1).await?.pop();
        tx.commit().await?;
        if let Some(token) = newest.and_then(|crawl| self.inner.working().get(&crawl.id).cloned()) {
            token.cancel();
        }
        self.inner.wake.notify_one();
        Ok(())
    }

    /// Metrics of one crawler. Errors: `NotFound`.
    pub async fn metrics(&self, scope: &Scope, name: &str) -> Result<Metrics, CrawlerError> {
        let mut tx = self.store().read().await?;
        rows::get(&mut tx, scope, name).await?;
        let crawls = rows::runs(&mut tx, scope, name, None, METRIC_RUNS).await?;
        Ok(Metrics::of(name, &crawls))
    }

    /// Runs of a crawler that pass all filters, the newest first, behind `before` (start and id of a run), up to
    /// `limit`; and whether more follow. Errors: `NotFound`.
    pub async fn crawls(
        &self,
        scope: &Scope,
        name: &str,
        filters: &[Filter],
        before: Option<(i64, String)>,
        limit: usize,
    ) -> Result<(Vec<Crawl>, bool), CrawlerError> {
        const PAGE: usize = 200;
        let mut tx = self.store().read().await?;
        rows::get(&mut tx, scope, name).await?;
        let mut at = before;
        let mut found = Vec::new();
        loop {
            let position = at.as_ref().map(|(ms, id)| (*ms, id.as_str()));
            let page = rows::runs(&mut tx, scope, name, position, PAGE).await?;
            let full = page.len() == PAGE;
            at = page.last().map(|c| (c.started_ms, c.id.clone()));
            found.extend(page.into_iter().filter(|c| filters.iter().all(|f| f.passes(c))));
            if found.len() > limit || !full {
                break;
            }
        }
        let more = found.len() > limit;
        found.truncate(limit);
        Ok((found, more))
    }
}

/// Whether there is a crawler of that name. Errors: the store's.
pub async fn exists(tx: &mut Tx, scope: &Scope, name: &str) -> Result<bool, CrawlerError> {
    match rows::get(tx, scope, name).await {
        Ok(_) => Ok(true),
        Err(CrawlerError::NotFound { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// What `Schedule` of a request says, when it is there: `CreateCrawler` and `UpdateCrawler` start it, too.
async fn set_schedule(
    tx: &mut Tx,
    scope: &Scope,
    name: &str,
    given: Option<&Value>,
) -> Result<(), CrawlerError> {
    match given.and_then(Value::as_str) {
        Some(expression) => schedule::set(tx, scope, name, expression, ScheduleState::Scheduled).await,
        None => Ok(()),
    }
}

async fn described(tx: &mut Tx, scope: &Scope, stored: Stored) -> Result<Crawler, CrawlerError> {
    let newest = rows::runs(tx, scope, &stored.definition.name, None, 2).await?;
    let elapsed_ms = match newest.first() {
        Some(crawl) if stored.state != State::Ready => (tx.now_ms() - crawl.started_ms).max(0),
        _ => 0,
    };
    let last = newest.into_iter().find_map(|crawl| {
        let status = crawl.state.last_crawl_status()?;
        Some(LastCrawl { status, error: crawl.error, message_prefix: crawl.id, started_ms: crawl.started_ms })
    });
    let schedule = schedule::get(tx, scope, &stored.definition.name).await?;
    Ok(Crawler {
        schedule,
        definition: stored.definition,
        state: stored.state,
        version: stored.version,
        created_ms: stored.created_ms,
        updated_ms: stored.updated_ms,
        elapsed_ms,
        last_crawl: last,
    })
}
