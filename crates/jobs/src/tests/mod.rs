//! Jobs run by the service on a real store, lake, catalog and engine, in a folder that vanishes.

mod atomic;
mod choices;
mod explain;
mod failures;
mod fill;
mod flow;
mod metrics;
mod nodes;
mod open_tables;
mod quality;
mod reshape;
mod round_trip;
mod scripts;
mod spark;
mod spark_table;
mod studio;
mod tables;
mod transforms;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arrow::util::display::{ArrayFormatter, FormatOptions};
use async_trait::async_trait;
use engine::{Engine, PathSource, SessionOptions};
use lake::{BucketName, Conditions, Key, Lake, Meta};
use serde_json::{Value, json};
use store::{Scope, Store, Tx};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::definition::{self, JobSpec};
use crate::lineage::events::{Events, Sink};
use crate::log::{BoxError, Logs};
use crate::metrics::{Measurement, MetricSink};
use crate::run::{self, Run, RunState, StartRequest};
use crate::{ArgumentMap, Jobs, JobsError, service};

pub(super) const BUCKET: &str = "test-bucket";
const DEADLINE: Duration = Duration::from_secs(60);

/// Log lines in memory.
#[derive(Default)]
struct Memory {
    lines: Mutex<Vec<(String, String, String)>>,
}

#[async_trait]
impl Logs for Memory {
    async fn append(
        &self,
        _: &Scope,
        group: &str,
        stream: &str,
        messages: &[(i64, String)],
    ) -> Result<(), BoxError> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.extend(messages.iter().map(|(_, line)| (group.to_owned(), stream.to_owned(), line.clone())));
        Ok(())
    }
}

/// Events in memory.
#[derive(Default)]
struct Told(Mutex<Vec<Value>>);

impl Sink for Told {
    fn take(&self, event: Value) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    }
}

/// Measurements in memory.
#[derive(Default)]
struct Measured(Mutex<Vec<Measurement>>);

#[async_trait]
impl MetricSink for Measured {
    async fn put(
        &self,
        _: &mut Tx,
        _: &Scope,
        _: i64,
        measured: &[Measurement],
    ) -> Result<(), store::StoreError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(measured);
        Ok(())
    }
}

pub(super) struct World {
    pub(super) store: Store,
    pub(super) lake: Lake,
    pub(super) engine: Engine,
    pub(super) jobs: Jobs,
    logs: Arc<Memory>,
    events: Arc<Told>,
    measured: Arc<Measured>,
    scripts: Arc<crate::Scripts>,
    pub(super) stop: CancellationToken,
    tasks: Mutex<JoinSet<()>>,
    _dirs: (TempDir, TempDir),
}

pub(super) fn scope() -> Scope {
    Scope::new("000000000000", "us-east-1").unwrap()
}

impl World {
    pub(super) async fn new() -> Self {
        let world = Self::idle().await;
        world.serve("local");
        world
    }

    /// Without a service: nothing is executed until [`Self::serve`].
    pub(super) async fn idle() -> Self {
        let quality = crate::quality::service::QUALITY_MIGRATIONS;
        let migrations = [lake::MIGRATIONS, catalog::MIGRATIONS, crate::MIGRATIONS, quality];
        let (store, store_dir) = store::testing::temp(&migrations).await;
        let dir = tempfile::tempdir().unwrap();
        let options = lake::Options { dir: dir.path().join("objects"), durable: false };
        let lake = Lake::open(store.clone(), options).await.unwrap();
        let options = engine::Options { threads: 2, ..engine::Options::new(dir.path().join("spill")) };
        let engine = Engine::new(options).unwrap();
        let mut tx = store.begin().await.unwrap();
        lake.create_bucket(&mut tx, &scope(), &BucketName::new(BUCKET).unwrap()).await.unwrap();
        let input = catalog::DatabaseInput { name: "shop".to_owned(), ..catalog::DatabaseInput::default() };
        catalog::database::create(&mut tx, &scope(), input).await.unwrap();
        tx.commit().await.unwrap();
        let logs = Arc::new(Memory::default());
        let scripts = Arc::new(scripts::host(dir.path()));
        let (jobs, _unused) = service::new(
            store.clone(),
            lake.clone(),
            engine.clone(),
            logs.clone(),
            Arc::clone(&scripts),
            service::Options::default(),
        );
        let (stop, tasks) = (CancellationToken::new(), Mutex::default());
        let (events, measured) = (Arc::default(), Arc::default());
        let _dirs = (store_dir, dir);
        Self { store, lake, engine, jobs, logs, events, measured, scripts, stop, tasks, _dirs }
    }

    /// A service that shares the handle.
    pub(super) fn service(&self, holder: &str) -> service::Service {
        let options =
            service::Options { holder: holder.to_owned(), lease_ttl_ms: 400, ..service::Options::default() };
        service::Service::joined(
            &self.jobs,
            self.store.clone(),
            self.lake.clone(),
            self.engine.clone(),
            self.logs.clone(),
            Arc::clone(&self.scripts),
            options,
        )
    }

    /// Starts a service that shares the handle.
    pub(super) fn serve(&self, holder: &str) -> CancellationToken {
        let service = self.service(holder);
        let sink = Arc::clone(&self.events) as Arc<dyn Sink>;
        let service = service
            .with_metrics(Arc::clone(&self.measured) as _)
            .with_events(Events { namespace: "test".to_owned(), sink });
        let stop = self.stop.child_token();
        let own = stop.clone();
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.spawn(async move { service.run(own).await.unwrap() });
        stop
    }

    pub(super) async fn put(&self, key: &str, data: &str) {
        let staged = self.lake.stage_bytes(data.to_owned().into_bytes()).await.unwrap();
        let mut tx = self.store.begin().await.unwrap();
        let (bucket, key) = (BucketName::new(BUCKET).unwrap(), Key::new(key).unwrap());
        self.lake.put(&mut tx, &bucket, &key, staged, Meta::default(), &Conditions::default()).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// The keys under a prefix.
    pub(super) async fn keys(&self, prefix: &str) -> Vec<String> {
        let mut tx = self.store.read().await.unwrap();
        let query = lake::ListQuery { prefix: prefix.to_owned(), limit: 1000, ..lake::ListQuery::default() };
        let page = self.lake.list(&mut tx, &BucketName::new(BUCKET).unwrap(), &query).await.unwrap();
        page.objects.into_iter().map(|object| object.key.as_str().to_owned()).collect()
    }

    pub(super) async fn create(&self, name: &str, nodes: Value, extra: Value) -> Result<(), JobsError> {
        let mut document =
            json!({"Role": "r", "Command": {"Name": "glueetl"}, "CodeGenConfigurationNodes": nodes});
        if let (Value::Object(document), Value::Object(extra)) = (&mut document, extra) {
            document.extend(extra);
        }
        let spec: JobSpec = serde_json::from_value(document).unwrap();
        let mut tx = self.store.begin().await.unwrap();
        definition::create(&mut tx, &scope(), name, spec, &BTreeMap::new()).await?;
        tx.commit().await.unwrap();
        Ok(())
    }

    pub(super) async fn start(&self, name: &str, arguments: &[(&str, &str)]) -> String {
        let arguments: ArgumentMap =
            arguments.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let request = StartRequest { arguments: Some(arguments), ..StartRequest::default() };
        let mut tx = self.store.begin().await.unwrap();
        let id = self.jobs.start_run(&mut tx, &scope(), name, request).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    pub(super) async fn get(&self, name: &str, id: &str) -> Run {
        let mut tx = self.store.read().await.unwrap();
        run::get(&mut tx, &scope(), name, id).await.unwrap()
    }

    /// Waits until a condition on the run holds.
    pub(super) async fn until(&self, name: &str, id: &str, what: impl Fn(&Run) -> bool) -> Run {
        let waiting = async {
            loop {
                let run = self.get(name, id).await;
                if what(&run) {
                    return run;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(DEADLINE, waiting).await.unwrap()
    }

    pub(super) async fn ended(&self, name: &str, id: &str) -> Run {
        self.until(name, id, |run| run.details.state.is_final()).await
    }

    /// Creates and runs a job of its own name; its end.
    pub(super) async fn run(&self, name: &str, nodes: Value) -> Run {
        self.create(name, nodes, json!({})).await.unwrap();
        let id = self.start(name, &[]).await;
        self.ended(name, &id).await
    }

    /// Runs a job that has to succeed.
    pub(super) async fn succeeds(&self, name: &str, nodes: Value) -> Run {
        let run = self.run(name, nodes).await;
        assert_eq!(run.details.state, RunState::Succeeded, "{:?}", run.details.error_message);
        run
    }

    /// Runs a job that has to fail; why it did.
    pub(super) async fn fails(&self, name: &str, nodes: Value) -> String {
        let run = self.run(name, nodes).await;
        assert_eq!(run.details.state, RunState::Failed);
        run.details.error_message.unwrap()
    }

    /// The rows below a prefix as `a|b|c`, sorted; NULL is `~`.
    pub(super) async fn rows(&self, prefix: &str) -> Vec<String> {
        let sources = engine::Sources { store: self.store.clone(), lake: self.lake.clone(), scope: scope() };
        let session = self.engine.session(sources, SessionOptions::default());
        let frame =
            session.read_path(PathSource::new(vec![format!("s3://{BUCKET}/{prefix}")])).await.unwrap();
        lines(&session.collect(frame).await.unwrap().0)
    }

    /// The rows of a query over the catalog.
    pub(super) async fn query(&self, sql: &str) -> Vec<String> {
        let sources = engine::Sources { store: self.store.clone(), lake: self.lake.clone(), scope: scope() };
        let options =
            SessionOptions { default_database: Some("shop".to_owned()), ..SessionOptions::default() };
        let session = self.engine.session(sources, options);
        let frame = session.sql(sql).await.unwrap();
        lines(&session.collect(frame).await.unwrap().0)
    }

    /// The lines of a run's output log, once one has `last`.
    pub(super) async fn log_until(&self, id: &str, last: &str) -> Vec<String> {
        let waiting = async {
            loop {
                let lines = self.log(crate::OUTPUT_GROUP, id);
                if lines.iter().any(|line| line.contains(last)) {
                    return lines;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(DEADLINE, waiting).await.unwrap()
    }

    /// The events that were told, once there are so many.
    pub(super) async fn told(&self, count: usize) -> Vec<Value> {
        let waiting = async {
            loop {
                let events = self.events.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
                if events.len() >= count {
                    return events;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(DEADLINE, waiting).await.unwrap()
    }

    /// What was measured of a run, summed up by name.
    pub(super) fn measured(&self, id: &str) -> BTreeMap<&'static str, f64> {
        let measured = self.measured.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sums = BTreeMap::new();
        for one in measured.iter().filter(|one| one.dimensions.contains(&("JobRunId", id.to_owned()))) {
            *sums.entry(one.name).or_default() += one.value;
        }
        sums
    }

    /// The log lines of a run.
    pub(super) fn log(&self, group: &str, id: &str) -> Vec<String> {
        let lines = self.logs.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let own = lines.iter().filter(|(of, stream, _)| of == group && stream == id);
        own.map(|(_, _, line)| line.clone()).collect()
    }
}

fn lines(batches: &[arrow::array::RecordBatch]) -> Vec<String> {
    let options = FormatOptions::default().with_null("~");
    let mut out = Vec::new();
    for batch in batches {
        let columns: Vec<_> = batch
            .columns()
            .iter()
            .map(|array| ArrayFormatter::try_new(array.as_ref(), &options).unwrap())
            .collect();
        for row in 0..batch.num_rows() {
            let cells: Vec<String> = columns.iter().map(|column| column.value(row).to_string()).collect();
            out.push(cells.join("|"));
        }
    }
    out.sort();
    out
}

/// A CSV source with a header, everything below a folder.
pub(super) fn csv(folder: &str) -> Value {
    json!({"S3CsvSource": {"Name": folder, "Paths": [format!("s3://{BUCKET}/{folder}/")], "Separator": "comma",
        "QuoteChar": "quote", "WithHeader": true, "Recurse": true}})
}

/// A JSON source.
pub(super) fn json_source(folder: &str) -> Value {
    json!({"S3JsonSource": {"Name": folder, "Paths": [format!("s3://{BUCKET}/{folder}/")], "Recurse": true}})
}

/// A target that writes Parquet.
pub(super) fn parquet(input: &str, folder: &str) -> Value {
    json!({"S3GlueParquetTarget": {"Name": folder, "Inputs": [input], "Path": format!("s3://{BUCKET}/{folder}/")}})
}

/// A source of CSV, one transform `tr`, Parquet below `out`.
pub(super) fn through(source: Value, transform: Value, out: &str) -> Value {
    json!({"src": source, "tr": transform, "out": parquet("tr", out)})
}
