//! Puts the node together: the store with everybody's migrations, the domain services, the AWS faces, the background
//! tasks. The one place that knows all crates.

mod dynamodb_signer;
mod lineage_sink;
mod log_sink;
mod metric_sink;
mod queue_link;
mod script_host;
mod tasks;

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use api::glue::Taggable;
use api::iceberg::Iceberg;
use api::views::Views;
use crawler::Crawlers;
use engine::Engine;
use jobs::quality::service::{Quality, QualityOptions};
use jobs::sessions::{SessionOptions, Sessions};
use jobs::{Explainer, Jobs, Stager};
use lake::Lake;
use query::Queries;
use query::statistics::{StatisticsOptions, StatisticsTasks};
use queue_link::QueueLink;
use queues::Queues;
use script_host::KeyViews;
use serde_json::Value;
use sources::http::Reach;
use store::vault::Vault;
use store::{Clock, Ids, Location, Migrations, RandomIds, Store, SystemClock};
use tables::Tables;
use wire::{Auth, Face, Keyring, Wire};

use crate::config::{AuthChoice, Config, StoreChoice};
use crate::data_dir::DataDir;
use crate::metrics::Metrics;
use crate::node::ServiceSummary;
use crate::ops::crawlers::CrawlerOps;
use crate::ops::jobs::JobOps;
use crate::ops::scripts::ScriptOps;
use crate::server::App;
use crate::supervisor::Task;
use lineage_sink::LineageWriter;
use log_sink::LogSink;
use metric_sink::MetricLink;

/// Schema of our tables in a PostgreSQL database.
const POSTGRES_SCHEMA: &str = "tenon";
/// Crawls, runs and queries that are at work at the same time, each.
const MAX_RUNNING: usize = 4;
/// Interactive sessions that have not ended: each is a process with an engine.
const MAX_SESSIONS: usize = 16;

/// Tables of all crates; each owns a prefix of table names.
const MIGRATIONS: &[Migrations] = &[
    lake::MIGRATIONS,
    catalog::MIGRATIONS,
    catalog::registry::MIGRATIONS,
    observe::MIGRATIONS,
    queues::MIGRATIONS,
    sources::MIGRATIONS,
    crawler::MIGRATIONS,
    crawler::classifier::CLASSIFIER_MIGRATIONS,
    jobs::MIGRATIONS,
    jobs::quality::service::QUALITY_MIGRATIONS,
    jobs::sessions::SESSION_MIGRATIONS,
    query::MIGRATIONS,
    query::statistics::STATISTICS_MIGRATIONS,
];

/// Every named crash point of all crates.
pub(crate) fn crash_points() -> Vec<&'static str> {
    let lists = [
        store::crash::POINTS,
        lake::CRASH_POINTS,
        catalog::CRASH_POINTS,
        crawler::CRASH_POINTS,
        jobs::CRASH_POINTS,
        jobs::quality::service::QUALITY_CRASH_POINTS,
        query::CRASH_POINTS,
        query::statistics::STATISTICS_CRASH_POINTS,
    ];
    lists.concat()
}

/// A node that is ready to serve.
pub(crate) struct Composed {
    /// Answers AWS requests.
    pub(crate) app: App,
    /// Answers paths of ours.
    pub(crate) ours: Ours,
    /// What `/_/capabilities` answers.
    pub(crate) capabilities: Value,
    pub(crate) services: Vec<ServiceSummary>,
    pub(crate) tasks: Vec<Task>,
    /// To close at the end.
    pub(crate) store: Store,
}

/// What answers paths of ours that carry credentials.
pub(crate) struct Ours {
    /// The Iceberg catalog.
    pub(crate) iceberg: App,
    /// What Glue has not of crawlers.
    pub(crate) crawlers: Arc<CrawlerOps>,
    /// What Glue has not of jobs.
    pub(crate) jobs: Arc<JobOps>,
    /// The library in scripts.
    pub(crate) scripts: Arc<ScriptOps>,
}

/// The domain services, as handles.
struct Domain {
    store: Store,
    vault: Vault,
    /// Which addresses APIs may be at.
    reach: Reach,
    lake: Lake,
    queues: Queues,
    crawlers: Crawlers,
    jobs: Jobs,
    queries: Queries,
    statistics: StatisticsTasks,
    quality: Quality,
    sessions: Sessions,
}

/// Opens everything. Errors: the store, the objects or the engine cannot be opened; a face does not fit its model.
/// `address` is where the server can be reached from this machine.
pub(crate) async fn open(
    config: &Config,
    data_dir: &DataDir,
    address: SocketAddr,
    metrics: &Arc<Metrics>,
) -> Result<Composed> {
    let auth = auth(config);
    let store = open_store(config, data_dir).await?;
    let lake = open_lake(config, data_dir, &store).await.context("cannot open the objects")?;
    let queues = Queues::new(store.clone());
    let queue_link = Arc::new(QueueLink::new(queues.clone()));
    let lake = lake.with_events(Arc::clone(&queue_link) as _);
    let engine = open_engine(config, data_dir)?;
    let logs = Arc::new(LogSink::new(store.clone()));
    // A name each: a service that starts gives up the leases of its predecessor, and of nobody else.
    let holder = |service: &str| format!("{}/{service}", data_dir.node());

    let vault = open_vault(config, data_dir)?;
    let reach = reach(config);
    let lease_ms = i64::try_from(config.lease_time.as_millis()).unwrap_or(i64::MAX);
    let options = crawler_options(config, holder("crawls"), reach, lease_ms)?;
    let crawlers = Crawlers::new(store.clone(), lake.clone(), vault.clone(), Arc::clone(&logs) as _, options)
        .with_queues(queue_link);
    let views = Arc::new(KeyViews::default());
    let scripts = Arc::new(script_host::open(config, data_dir, address, &auth, Arc::clone(&views))?);
    let job_options =
        jobs::service::Options { holder: holder("jobs"), max_running: MAX_RUNNING, lease_ttl_ms: lease_ms };
    let (jobs, runner) = jobs::service::new(
        store.clone(),
        lake.clone(),
        engine.clone(),
        logs.clone() as _,
        scripts.clone(),
        job_options,
    );
    let session_options = SessionOptions { holder: holder("sessions"), max_active: MAX_SESSIONS, lease_ms };
    let sessions = Sessions::new(store.clone(), lake.clone(), logs as _, scripts, session_options);
    let (runner, lineage) =
        told(runner.with_vault(vault.clone()).with_metrics(Arc::new(MetricLink)), config)?;
    let explainer = runner.explainer();
    let query_options = query::Options { holder: holder("queries"), max_running: MAX_RUNNING, lease_ms };
    let queries = Queries::new(store.clone(), lake.clone(), engine.clone(), query_options);
    let statistics_options = StatisticsOptions { node: holder("statistics"), max_running: MAX_RUNNING };
    let statistics = StatisticsTasks::new(store.clone(), lake.clone(), engine.clone(), statistics_options);
    let quality_options = QualityOptions { node: holder("quality"), max_running: MAX_RUNNING, lease_ms };
    let quality = Quality::new(store.clone(), lake.clone(), engine.clone(), quality_options);
    let stager = Stager { store: store.clone(), lake: lake.clone(), engine, vault: vault.clone() };

    let domain =
        Domain { store, vault, reach, lake, queues, crawlers, jobs, queries, statistics, quality, sessions };
    let wire = Wire::new(faces(&domain, &views), wire_options(config, &auth, metrics));
    let wire = Arc::new(wire.context("an operation table does not fit its model")?);
    let capabilities = wire.capabilities();
    let mut tasks = tasks::all(&domain, runner);
    tasks.extend(lineage.map(tasks::lineage));
    let ours = ours(&domain, &wire, auth, explainer, stager, &views);
    let (app, services, store) = (aws(wire), summaries(&capabilities), domain.store);
    Ok(Composed { app, ours, services, capabilities, tasks, store })
}

fn ours(
    domain: &Domain,
    wire: &Arc<Wire>,
    auth: Auth,
    explainer: Explainer,
    stager: Stager,
    views: &Arc<KeyViews>,
) -> Ours {
    let views: Arc<dyn Views> = Arc::clone(views) as _;
    Ours {
        iceberg: iceberg(domain, wire, Arc::clone(&views)),
        crawlers: Arc::new(CrawlerOps::new(domain.crawlers.clone(), auth.clone())),
        jobs: Arc::new(JobOps::new(domain.store.clone(), explainer, auth.clone())),
        scripts: Arc::new(ScriptOps::new(auth, domain.quality.clone(), stager, views)),
    }
}

/// What answers below the prefix of the Iceberg catalog.
fn iceberg(domain: &Domain, wire: &Arc<Wire>, views: Arc<dyn Views>) -> App {
    let tables = Tables::new(domain.store.clone(), domain.lake.clone());
    let iceberg = Arc::new(Iceberg::new(Arc::clone(wire), tables, views));
    Arc::new(move |request| {
        let iceberg = Arc::clone(&iceberg);
        Box::pin(async move { iceberg.handle(request).await })
    })
}

/// What answers as AWS does.
fn aws(wire: Arc<Wire>) -> App {
    Arc::new(move |request| {
        let wire = Arc::clone(&wire);
        Box::pin(async move { wire.handle(request).await })
    })
}

/// The runner with who is told of its runs, and what has to write that down.
fn told(runner: jobs::Service, config: &Config) -> Result<(jobs::Service, Option<Arc<LineageWriter>>)> {
    let Some(config) = &config.lineage else { return Ok((runner, None)) };
    let (queue, writer) = lineage_sink::open(config).context("cannot make the client of lineage.url")?;
    let events = jobs::lineage::events::Events { namespace: config.namespace.clone(), sink: queue };
    Ok((runner.with_events(events), Some(writer)))
}

async fn open_store(config: &Config, data_dir: &DataDir) -> Result<Store> {
    let location = match &config.store {
        StoreChoice::Sqlite => {
            Location::Sqlite { path: data_dir.path().join("tenon.db"), durable: data_dir.durable() }
        }
        StoreChoice::Postgres(url) => {
            Location::Postgres { url: url.expose().to_owned(), schema: POSTGRES_SCHEMA.to_owned() }
        }
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let ids: Arc<dyn Ids> = Arc::new(RandomIds);
    Store::open(location, MIGRATIONS, clock, ids).await.context("cannot open the metadata store")
}

/// Bytes in the data folder, or outside with copies in the data folder: a folder each, since the one is cleared at start
/// and the other must never be.
async fn open_lake(config: &Config, data_dir: &DataDir, store: &Store) -> Result<Lake> {
    let durable = data_dir.durable();
    let Some(objects) = &config.objects else {
        let options = lake::Options { dir: data_dir.path().join("objects"), durable };
        return Ok(Lake::open(store.clone(), options).await?);
    };
    let (access_key_id, secret) = match &objects.key {
        Some((id, secret)) => (id.clone(), secret.expose().to_owned()),
        None => Default::default(),
    };
    let outside = lake::Outside::s3(lake::S3Place {
        bucket: objects.bucket.clone(),
        prefix: objects.prefix.clone(),
        endpoint: objects.endpoint.clone(),
        region: objects.region.clone(),
        access_key_id,
        secret,
    })?;
    let options = lake::Options { dir: data_dir.path().join("copies"), durable };
    Ok(Lake::open_shared(store.clone(), options, outside, objects.cache_bytes).await?)
}

/// A shared store holds what other servers must be able to open: a key of this folder alone would lock them out.
fn open_vault(config: &Config, data_dir: &DataDir) -> Result<Vault> {
    let vault = match (&config.secrets_key, &config.store) {
        (Some(key), _) => Vault::with_key(&store::vault::Secret::new(key.expose())),
        (None, StoreChoice::Sqlite) => Vault::with_key_file(&data_dir.path().join("secrets.key")),
        (None, StoreChoice::Postgres(_)) => Ok(Vault::without_key()),
    };
    vault.context("cannot open the key for secrets")
}

/// Removes what an earlier process put down there: it is of no use to anybody.
fn clear(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot clear {}", folder.display()))
        }
        _ => Ok(()),
    }
}

fn open_engine(config: &Config, data_dir: &DataDir) -> Result<Engine> {
    let spill_dir = spill_dir(config, data_dir);
    clear(&spill_dir)?;
    let options = engine::Options {
        memory_bytes: usize::try_from(config.engine.memory_bytes).unwrap_or(usize::MAX),
        threads: config.engine.threads,
        ..engine::Options::new(spill_dir)
    };
    Engine::new(options).context("cannot start the engine")
}

/// A server that listens on a network asks nothing of its own machine on behalf of who may reach it.
fn reach(config: &Config) -> Reach {
    Reach::guarded(config.listen.ip().is_loopback())
}

fn crawler_options(config: &Config, node: String, reach: Reach, lease_ms: i64) -> Result<crawler::Options> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let dynamodb = config.dynamodb.as_ref().map(|found| dynamodb_signer::client(found, clock)).transpose();
    Ok(crawler::Options {
        node,
        max_running: MAX_RUNNING,
        build: build(),
        dynamodb: dynamodb.context("cannot make the client of DynamoDB")?,
        reach,
        lease_ms,
    })
}

/// Tells this program from another build of the same version: by its file's size and time.
fn build() -> String {
    let file = std::env::current_exe().and_then(fs::metadata);
    let stamp = file.ok().and_then(|file| {
        let since = file.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
        Some(format!("{} {}", file.len(), since.as_nanos()))
    });
    format!("{} {}", env!("CARGO_PKG_VERSION"), stamp.unwrap_or_default())
}

/// A folder of this node alone: it is cleared at start.
fn spill_dir(config: &Config, data_dir: &DataDir) -> PathBuf {
    match &config.engine.spill_dir {
        Some(dir) => dir.join(format!("tenon-{}", data_dir.node())),
        None => data_dir.path().join("spill"),
    }
}

fn auth(config: &Config) -> Auth {
    match &config.auth {
        AuthChoice::Open => Auth::Open,
        AuthChoice::SigV4(keys) => Auth::SigV4(Keyring::new(keys.iter().cloned())),
    }
}

fn wire_options(config: &Config, auth: &Auth, metrics: &Arc<Metrics>) -> wire::Options {
    let mut options = wire::Options::new(auth.clone(), || SystemClock.now_ms(), || RandomIds.uuid());
    options.hosts.clone_from(&config.base_hosts);
    options.instead = api::glue::INSTEAD;
    options.observer = Some(Arc::clone(metrics) as Arc<dyn wire::Observer>);
    options
}

/// The AWS faces; a model may have several.
fn faces(domain: &Domain, views: &Arc<KeyViews>) -> Vec<Arc<dyn Face>> {
    let views = || Arc::clone(views) as Arc<dyn Views>;
    let store = || domain.store.clone();
    let taggable: BTreeMap<&'static str, Taggable> = BTreeMap::from([
        ("crawler", api::glue::crawlers::taggable()),
        ("job", api::glue::jobs::taggable()),
        ("session", api::glue::sessions::taggable()),
        ("dataQualityRuleset", api::glue::quality::taggable()),
        ("registry", api::glue::registry::taggable_registry()),
        ("schema", api::glue::registry::taggable_schema()),
        ("connection", api::glue::connections::taggable()),
    ]);
    vec![
        Arc::new(api::s3::face(domain.lake.clone(), views())),
        Arc::new(api::sts::face()),
        Arc::new(api::glue::catalog::face(
            store(),
            Tables::new(store(), domain.lake.clone()),
            taggable,
            views(),
        )),
        Arc::new(api::glue::registry::face(store())),
        Arc::new(api::glue::governance::face(store())),
        Arc::new(api::glue::connections::face(store(), domain.vault.clone(), domain.reach)),
        Arc::new(api::glue::crawlers::face(domain.crawlers.clone())),
        Arc::new(api::glue::classifiers::face(store())),
        Arc::new(api::glue::jobs::face(store(), domain.jobs.clone())),
        Arc::new(api::glue::sessions::face(store(), domain.sessions.clone())),
        Arc::new(api::glue::script_generation::face(store())),
        Arc::new(api::glue::statistics_tasks::face(domain.statistics.clone())),
        Arc::new(api::glue::quality::face(domain.quality.clone())),
        Arc::new(api::athena::face(store(), domain.queries.clone())),
        Arc::new(api::logs::face(store())),
        Arc::new(api::cloudwatch::face(store())),
        Arc::new(api::sqs::face(domain.queues.clone())),
    ]
}

/// Counts of the capabilities document.
fn summaries(capabilities: &Value) -> Vec<ServiceSummary> {
    let count = |service: &Value, name: &str| {
        service.get(name).and_then(Value::as_u64).and_then(|count| usize::try_from(count).ok()).unwrap_or(0)
    };
    let services = capabilities.get("services").and_then(Value::as_object);
    services
        .into_iter()
        .flatten()
        .map(|(name, service)| ServiceSummary {
            name: name.clone(),
            built: count(service, "built"),
            known: count(service, "total"),
        })
        .collect()
}
