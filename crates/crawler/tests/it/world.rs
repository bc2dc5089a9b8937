//! A world for one crawler: a lake, a catalog, the service's own loop.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use catalog::table::TableQuery;
use crawler::state::State;
use crawler::{Crawler, CrawlerError, Crawlers, Logs, Options};
use lake::{BucketName, Conditions, Key, Lake, Meta};
use queues::Queues;
use serde_json::{Value, json};
use store::vault::Vault;
use store::{Location, RandomIds, Scope, Store, SystemClock, TestClock, testing};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::events::Link;
use crate::server::Server;

#[derive(Default)]
pub(crate) struct Kept(Mutex<Vec<String>>);

#[async_trait]
impl Logs for Kept {
    async fn append(
        &self,
        _: &Scope,
        group: &str,
        stream: &str,
        messages: &[(i64, String)],
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        assert_eq!(group, "/aws-glue/crawlers");
        if stream == "c" {
            self.0.lock().unwrap().extend(messages.iter().map(|(_, m)| m.clone()));
        }
        Ok(())
    }
}

const MIGRATIONS: &[store::Migrations] = &[
    lake::MIGRATIONS,
    queues::MIGRATIONS,
    catalog::MIGRATIONS,
    sources::MIGRATIONS,
    crawler::MIGRATIONS,
    crawler::classifier::CLASSIFIER_MIGRATIONS,
];

/// Where the metadata of a test lies.
pub(crate) enum Backend {
    Sqlite,
    /// A schema of its own for each world.
    Postgres(Server, AtomicU32),
}

impl Backend {
    async fn open(&self) -> (Store, TempDir) {
        match self {
            Self::Sqlite => testing::temp(MIGRATIONS).await,
            Self::Postgres(server, worlds) => {
                let schema = format!("world_{}", worlds.fetch_add(1, Ordering::Relaxed));
                let location = Location::Postgres { url: server.url(), schema };
                let (clock, ids) = (Arc::new(SystemClock), Arc::new(RandomIds));
                (Store::open(location, MIGRATIONS, clock, ids).await.unwrap(), TempDir::new().unwrap())
            }
        }
    }
}

pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) lake: Lake,
    pub(crate) queues: Queues,
    pub(crate) logs: Arc<Kept>,
    pub(crate) crawlers: Crawlers,
    pub(crate) scope: Scope,
    stop: CancellationToken,
    service: Option<JoinHandle<Result<(), CrawlerError>>>,
    pub(crate) folder: TempDir,
}

impl World {
    pub(crate) async fn on(backend: &Backend) -> Self {
        let (store, folder) = backend.open().await;
        Self::over(store, folder).await
    }

    /// On SQLite, with a clock of the test's own.
    pub(crate) async fn at(clock: Arc<TestClock>) -> Self {
        let (store, folder) = testing::temp_with(MIGRATIONS, clock, Arc::new(RandomIds)).await;
        Self::over(store, folder).await
    }

    async fn over(store: Store, folder: TempDir) -> Self {
        let options = lake::Options { dir: folder.path().join("lake"), durable: false };
        let lake = Lake::open(store.clone(), options).await.unwrap();
        let queues = Queues::new(store.clone());
        let link = Arc::new(Link(queues.clone()));
        let lake = lake.with_events(link.clone());
        let scope = Scope::new("000000000000", "us-east-1").unwrap();
        let mut tx = store.begin().await.unwrap();
        lake.create_bucket(&mut tx, &scope, &BucketName::new("bucket").unwrap()).await.unwrap();
        tx.commit().await.unwrap();
        let logs = Arc::new(Kept::default());
        let vault = Vault::without_key();
        let crawlers = Crawlers::new(store.clone(), lake.clone(), vault, logs.clone(), Options::default());
        let crawlers = crawlers.with_queues(link);
        let mut world = Self {
            store,
            lake,
            queues,
            logs,
            crawlers,
            scope,
            stop: CancellationToken::new(),
            service: None,
            folder,
        };
        world.serve();
        world
    }

    #[expect(clippy::disallowed_methods, reason = "the test is its own supervisor")]
    pub(crate) fn serve(&mut self) {
        self.stop = CancellationToken::new();
        let (crawlers, stop) = (self.crawlers.clone(), self.stop.clone());
        self.service = Some(tokio::spawn(async move { crawlers.run(stop).await }));
    }

    pub(crate) async fn halt(&mut self) {
        self.stop.cancel();
        self.service.take().unwrap().await.unwrap().unwrap();
    }

    pub(crate) async fn put(&self, key: &str, body: impl Into<Vec<u8>>) {
        let staged = self.lake.stage_bytes(body.into()).await.unwrap();
        let mut tx = self.store.begin().await.unwrap();
        let bucket = BucketName::new("bucket").unwrap();
        let key = Key::new(key).unwrap();
        self.lake.put(&mut tx, &bucket, &key, staged, Meta::default(), &Conditions::NONE).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub(crate) async fn delete(&self, key: &str) {
        let mut tx = self.store.begin().await.unwrap();
        let bucket = BucketName::new("bucket").unwrap();
        assert!(
            self.lake.delete(&mut tx, &bucket, &Key::new(key).unwrap(), &Conditions::NONE).await.unwrap()
        );
        tx.commit().await.unwrap();
    }

    pub(crate) async fn create(&self, path: &str, extra: Value) {
        let mut request = json!({
            "Name": "c", "Role": "r", "DatabaseName": "DB",
            "Targets": { "S3Targets": [{ "Path": format!("s3://bucket/{path}") }] },
        });
        for (name, value) in extra.as_object().unwrap() {
            request[name] = value.clone();
        }
        self.crawlers.create(&self.scope, request.as_object().unwrap().clone()).await.unwrap();
    }

    pub(crate) async fn update(&self, change: Value) {
        let mut change = change;
        change["Name"] = json!("c");
        self.crawlers.update(&self.scope, change.as_object().unwrap()).await.unwrap();
    }

    /// The newest run.
    pub(crate) async fn newest(&self) -> crawler::Crawl {
        self.crawlers.crawls(&self.scope, "c", &[], None, 1).await.unwrap().0.remove(0)
    }

    pub(crate) async fn get(&self) -> Crawler {
        self.crawlers.get(&self.scope, "c").await.unwrap()
    }

    pub(crate) async fn wait(&self) -> Crawler {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
        loop {
            let crawler = self.get().await;
            if crawler.state == State::Ready {
                return crawler;
            }
            assert!(tokio::time::Instant::now() < deadline, "the crawl did not end");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) async fn crawl(&self) -> Crawler {
        self.crawlers.start(&self.scope, "c").await.unwrap();
        self.wait().await
    }

    /// Crawls a folder with a crawler of any other name, that is there already.
    pub(crate) async fn crawl_with(&self, name: &str) -> Crawler {
        self.crawlers.start(&self.scope, name).await.unwrap();
        loop {
            let crawler = self.crawlers.get(&self.scope, name).await.unwrap();
            if crawler.state == State::Ready {
                return crawler;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) async fn crawl_well(&self) {
        let last = self.crawl().await.last_crawl.unwrap();
        assert_eq!((last.status, last.error), ("SUCCEEDED", None));
    }

    pub(crate) async fn tables(&self) -> BTreeMap<String, catalog::Table> {
        self.tables_of("db").await
    }

    pub(crate) async fn tables_of(&self, database: &str) -> BTreeMap<String, catalog::Table> {
        let mut tx = self.store.read().await.unwrap();
        let query = TableQuery { limit: 1000, ..TableQuery::default() };
        let page = catalog::table::list(&mut tx, &self.scope, database, &query).await.unwrap();
        page.items.into_iter().map(|t| (t.name.clone(), t)).collect()
    }

    pub(crate) async fn partitions(&self, table: &str) -> Vec<(Vec<String>, String)> {
        let mut tx = self.store.read().await.unwrap();
        let query = catalog::partition::PartitionQuery::default();
        let page = catalog::partition::list(&mut tx, &self.scope, "db", table, &query).await.unwrap();
        let mut found: Vec<_> =
            page.items.iter().map(|p| (p.values().to_vec(), p.location().unwrap().to_owned())).collect();
        found.sort();
        found
    }

    /// Changes a table as a client would.
    pub(crate) async fn edit(&self, table: &str, change: impl FnOnce(&mut catalog::TableInput)) {
        let mut input = self.tables().await[table].input.clone();
        change(&mut input);
        let mut tx = self.store.begin().await.unwrap();
        catalog::table::update(&mut tx, &self.scope, "db", input, Default::default()).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Makes a table, in a database that may not be there yet.
    pub(crate) async fn make(&self, table: Value) {
        let mut tx = self.store.begin().await.unwrap();
        let database = catalog::DatabaseInput { name: "db".to_owned(), ..Default::default() };
        if catalog::database::get(&mut tx, &self.scope, "db").await.is_err() {
            catalog::database::create(&mut tx, &self.scope, database).await.unwrap();
        }
        let input = serde_json::from_value(table).unwrap();
        catalog::table::create(&mut tx, &self.scope, "db", input, "me").await.unwrap();
        tx.commit().await.unwrap();
    }

    pub(crate) fn log(&self) -> String {
        self.logs.0.lock().unwrap().join("\n")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub(crate) fn columns(table: &catalog::Table) -> String {
    let shown: Vec<String> =
        table.columns().iter().map(|c| format!("{} {}", c.name, c.hive_type())).collect();
    shown.join(", ")
}

pub(crate) fn keys(table: &catalog::Table) -> Vec<&str> {
    table.partition_keys().iter().map(|c| c.name.as_str()).collect()
}
