//! Crawls from end to end in process: a lake, a catalog, the service's own loop.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use catalog::table::TableQuery;
use crawler::state::State;
use crawler::{Crawler, CrawlerError, Crawlers, Logs, Options, RunState};
use lake::{BucketName, Conditions, Key, Lake, Meta};
use serde_json::{Value, json};
use store::{Scope, Store, testing};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

#[derive(Default)]
struct Kept(Mutex<Vec<String>>);

#[async_trait]
impl Logs for Kept {
    async fn append(
        &self,
        _: &Scope,
        group: &str,
        stream: &str,
        messages: &[(i64, String)],
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        assert_eq!((group, stream), ("/aws-glue/crawlers", "c"));
        self.0.lock().unwrap().extend(messages.iter().map(|(_, m)| m.clone()));
        Ok(())
    }
}

struct World {
    store: Store,
    lake: Lake,
    logs: Arc<Kept>,
    crawlers: Crawlers,
    scope: Scope,
    stop: CancellationToken,
    service: Option<JoinHandle<Result<(), CrawlerError>>>,
    _folder: TempDir,
}

impl World {
    async fn new() -> Self {
        let (store, folder) =
            testing::temp(&[lake::MIGRATIONS, catalog::MIGRATIONS, crawler::MIGRATIONS]).await;
        let options = lake::Options { dir: folder.path().join("lake"), durable: false };
        let lake = Lake::open(store.clone(), options).await.unwrap();
        let scope = Scope::new("000000000000", "us-east-1").unwrap();
        let mut tx = store.begin().await.unwrap();
        lake.create_bucket(&mut tx, &scope, &BucketName::new("bucket").unwrap()).await.unwrap();
        tx.commit().await.unwrap();
        let logs = Arc::new(Kept::default());
        let crawlers = Crawlers::new(store.clone(), lake.clone(), logs.clone(), Options::default());
        let mut world = Self {
            store,
            lake,
            logs,
            crawlers,
            scope,
            stop: CancellationToken::new(),
            service: None,
            _folder: folder,
        };
        world.serve();
        world
    }

    #[expect(clippy::disallowed_methods, reason = "the test is its own supervisor")]
    fn serve(&mut self) {
        self.stop = CancellationToken::new();
        let (crawlers, stop) = (self.crawlers.clone(), self.stop.clone());
        self.service = Some(tokio::spawn(async move { crawlers.run(stop).await }));
    }

    async fn halt(&mut self) {
        self.stop.cancel();
        self.service.take().unwrap().await.unwrap().unwrap();
    }

    async fn put(&self, key: &str, body: impl Into<Vec<u8>>) {
        let staged = self.lake.stage_bytes(body.into()).await.unwrap();
        let mut tx = self.store.begin().await.unwrap();
        let bucket = BucketName::new("bucket").unwrap();
        let key = Key::new(key).unwrap();
        self.lake.put(&mut tx, &bucket, &key, staged, Meta::default(), &Conditions::NONE).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn delete(&self, key: &str) {
        let mut tx = self.store.begin().await.unwrap();
        let bucket = BucketName::new("bucket").unwrap();
        assert!(
            self.lake.delete(&mut tx, &bucket, &Key::new(key).unwrap(), &Conditions::NONE).await.unwrap()
        );
        tx.commit().await.unwrap();
    }

    async fn create(&self, path: &str, extra: Value) {
        let mut request = json!({
            "Name": "c", "Role": "r", "DatabaseName": "DB",
            "Targets": { "S3Targets": [{ "Path": format!("s3://bucket/{path}") }] },
        });
        for (name, value) in extra.as_object().unwrap() {
            request[name] = value.clone();
        }
        self.crawlers.create(&self.scope, request.as_object().unwrap().clone()).await.unwrap();
    }

    async fn get(&self) -> Crawler {
        self.crawlers.get(&self.scope, "c").await.unwrap()
    }

    async fn wait(&self) -> Crawler {
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

    async fn crawl(&self) -> Crawler {
        self.crawlers.start(&self.scope, "c").await.unwrap();
        self.wait().await
    }

    async fn crawl_well(&self) {
        let last = self.crawl().await.last_crawl.unwrap();
        assert_eq!((last.status, last.error), ("SUCCEEDED", None));
    }

    async fn tables(&self) -> BTreeMap<String, catalog::Table> {
        let mut tx = self.store.read().await.unwrap();
        let query = TableQuery { limit: 1000, ..TableQuery::default() };
        let page = catalog::table::list(&mut tx, &self.scope, "db", &query).await.unwrap();
        page.items.into_iter().map(|t| (t.name.clone(), t)).collect()
    }

    async fn partitions(&self, table: &str) -> Vec<(Vec<String>, String)> {
        let mut tx = self.store.read().await.unwrap();
        let query = catalog::partition::PartitionQuery::default();
        let page = catalog::partition::list(&mut tx, &self.scope, "db", table, &query).await.unwrap();
        let mut found: Vec<_> =
            page.items.iter().map(|p| (p.values().to_vec(), p.location().unwrap().to_owned())).collect();
        found.sort();
        found
    }

    fn log(&self) -> String {
        self.logs.0.lock().unwrap().join("\n")
    }
}

fn columns(table: &catalog::Table) -> String {
    let shown: Vec<String> =
        table.columns().iter().map(|c| format!("{} {}", c.name, c.hive_type())).collect();
    shown.join(", ")
}

fn keys(table: &catalog::Table) -> Vec<&str> {
    table.partition_keys().iter().map(|c| c.name.as_str()).collect()
}

#[tokio::test]
async fn folders_become_tables_and_partitions() {
    let w = World::new().await;
    for day in ["2024-01-01", "2024-01-02"] {
        w.put(&format!("shop/Orders/dt={day}/a.csv"), "id,amount\n1,2.5\n2,3\n").await;
        w.put(&format!("shop/events/{day}/x/a.json"), "{\"a\":1}\n{\"a\":2}\n").await;
    }
    w.put("shop/customers/raw/c.json", "[{\"Id\":1,\"address\":{\"City\":\"x\"}}]").await;
    w.put("shop/_tmp/a.csv", "a,b\n1,2\n").await;
    w.create("shop/", json!({ "TablePrefix": "p_" })).await;
    w.crawl_well().await;

    let tables = w.tables().await;
    assert_eq!(tables.keys().collect::<Vec<_>>(), ["p_events", "p_orders", "p_raw"]);
    let orders = &tables["p_orders"];
    assert_eq!(columns(orders), "id bigint, amount double");
    assert_eq!(orders.location(), Some("s3://bucket/shop/Orders/"));
    assert_eq!(keys(orders), ["dt"]);
    let parameter = |name: &str| orders.parameter(name).unwrap_or("-").to_owned();
    assert_eq!(parameter("classification"), "csv");
    assert_eq!(parameter("recordCount"), "4");
    assert_eq!(parameter("objectCount"), "2");
    assert_eq!(parameter("compressionType"), "none");
    assert_eq!(parameter("UPDATED_BY_CRAWLER"), "c");
    assert_eq!(columns(&tables["p_raw"]), "id int, address struct<city:string>");
    assert_eq!(keys(&tables["p_events"]), ["partition_0", "partition_1"]);
    assert_eq!(
        w.partitions("p_orders").await,
        [
            (vec!["2024-01-01".to_owned()], "s3://bucket/shop/Orders/dt=2024-01-01/".to_owned()),
            (vec!["2024-01-02".to_owned()], "s3://bucket/shop/Orders/dt=2024-01-02/".to_owned()),
        ]
    );
    let (crawls, more) = w.crawlers.crawls(&w.scope, "c", &[], None, 10).await.unwrap();
    assert!(!more);
    assert_eq!(crawls[0].state, RunState::Completed);
    assert_eq!((crawls[0].counts.tables_created.len(), crawls[0].counts.partitions_created), (3, 4));
    assert_eq!((crawls[0].counts.files, crawls[0].counts.bad_files), (5, 0));
}

#[tokio::test]
async fn crawling_again_changes_nothing_without_a_change() {
    let w = World::new().await;
    w.put("t/k=1/a.csv", "id,v\n1,x\n2,y\n").await;
    w.create("t", json!({})).await;
    w.crawl_well().await;
    let first = w.tables().await;
    w.crawl_well().await;
    assert_eq!(w.tables().await["t"].version, first["t"].version);
    w.put("t/k=2/a.csv", "id,v,w\n1,x,1\n2,y,\n").await;
    w.crawl_well().await;
    let second = w.tables().await;
    assert_eq!(columns(&second["t"]), "id bigint, v string, w bigint");
    assert_eq!(second["t"].version, first["t"].version + 1);
    let (crawls, _) = w.crawlers.crawls(&w.scope, "c", &[], None, 10).await.unwrap();
    assert_eq!(crawls[0].counts.tables_updated, ["t"]);
    assert_eq!((crawls[1].counts.tables_updated.len(), crawls[1].counts.partitions_created), (0, 0));
}

#[tokio::test]
async fn what_is_gone_goes_by_policy() {
    for (policy, tables, marked) in
        [("DELETE_FROM_DATABASE", 0, false), ("DEPRECATE_IN_DATABASE", 1, true), ("LOG", 1, false)]
    {
        let w = World::new().await;
        w.put("x/t/k=1/a.json", "{\"a\":1}").await;
        w.put("x/t/k=2/a.json", "{\"a\":1}").await;
        w.put("x/t/.keep", "-").await;
        w.create("x", json!({ "SchemaChangePolicy": { "DeleteBehavior": policy } })).await;
        w.crawl_well().await;
        assert_eq!(w.partitions("t").await.len(), 2);
        w.delete("x/t/k=1/a.json").await;
        w.crawl_well().await;
        assert_eq!(w.partitions("t").await.len(), if policy == "DELETE_FROM_DATABASE" { 1 } else { 2 });
        w.delete("x/t/k=2/a.json").await;
        w.crawl_well().await;
        let found = w.tables().await;
        assert_eq!(found.len(), tables, "{policy}");
        assert_eq!(
            found.values().any(|t| t.parameter("DEPRECATED_BY_CRAWLER").is_some()),
            marked,
            "{policy}"
        );
    }
}

#[tokio::test]
async fn files_that_cannot_be_read_do_not_end_the_crawl() {
    let w = World::new().await;
    w.put("d/good/a.csv", "a,b\n1,x\n2,y\n").await;
    w.put("d/bad/a.parquet", "PAR1 cut").await;
    w.put("d/empty/a.csv", "").await;
    w.put("d/gz/a.csv.gz", vec![0x1f, 0x8b, 8, 0, 0]).await;
    w.put("d/odd//a.csv", "a,b\n1,2\n2,3\n").await;
    w.create("d", json!({})).await;
    w.crawl_well().await;
    assert_eq!(w.tables().await.keys().collect::<Vec<_>>(), ["good"]);
    let log = w.log();
    for wanted in [
        "s3://bucket/d/bad/a.parquet: damaged",
        "s3://bucket/d/empty/a.csv: the file is empty",
        "gz/a.csv.gz",
        "empty folder name",
    ] {
        assert!(log.contains(wanted), "{wanted}: {log}");
    }
    let (crawls, _) = w.crawlers.crawls(&w.scope, "c", &[], None, 10).await.unwrap();
    assert_eq!(crawls[0].counts.bad_files, 3);
}

#[tokio::test]
async fn missing_places_fail_and_empty_ones_say_so() {
    let w = World::new().await;
    w.put("notes/readme.txt", "words").await;
    w.create("notes/", json!({})).await;
    w.crawl_well().await;
    assert!(w.tables().await.is_empty());
    assert!(w.log().contains("No tables were found"));
    for (path, wanted) in
        [("s3://bucket/nowhere/", "does not exist"), ("s3://other-bucket/", "bucket does not exist")]
    {
        let change = json!({ "Name": "c", "Targets": { "S3Targets": [{ "Path": path }] } });
        w.crawlers.update(&w.scope, change.as_object().unwrap()).await.unwrap();
        let last = w.crawl().await.last_crawl.unwrap();
        assert_eq!(last.status, "FAILED");
        assert!(last.error.unwrap().contains(wanted));
    }
}

#[tokio::test]
async fn names_that_are_taken_get_a_hash() {
    let w = World::new().await;
    w.put("a/data/f.json", "{\"x\":1}").await;
    w.put("b/data/f.csv", "p|q\n1|2\n3|4\n").await;
    w.create("", json!({})).await;
    w.crawl_well().await;
    let tables = w.tables().await;
    assert_eq!(tables.len(), 2);
    assert_eq!(columns(&tables["data"]), "x int");
    let hashed = tables.keys().find(|n| n.starts_with("data_")).unwrap();
    assert_eq!(hashed.len(), "data_".len() + 32);
    w.crawl_well().await;
    assert_eq!(w.tables().await.keys().collect::<Vec<_>>(), tables.keys().collect::<Vec<_>>());
}

#[tokio::test]
async fn one_file_can_be_a_target() {
    let w = World::new().await;
    w.put("d/only.csv", "a,b\n1,x\n2,y\n").await;
    w.put("d/other.csv", "c;d\n1;2\n3;4\n").await;
    w.create("d/only.csv", json!({})).await;
    w.crawl_well().await;
    let tables = w.tables().await;
    assert_eq!(tables["only_csv"].location(), Some("s3://bucket/d/only.csv"));
    assert_eq!(tables.len(), 1);
}

#[tokio::test]
async fn a_partition_key_never_repeats_a_column() {
    let w = World::new().await;
    w.put("j/DT=1/a.json", "{\"dt\":\"x\",\"v\":1}").await;
    w.put("s/dt=1/a.csv", "dt,v\nx,1\ny,2\n").await;
    w.create("", json!({})).await;
    w.crawl_well().await;
    let tables = w.tables().await;
    assert_eq!((columns(&tables["j"]).as_str(), keys(&tables["j"])), ("v int", vec!["dt"]));
    assert_eq!(columns(&tables["s"]), "dt_data string, v bigint");
}

#[tokio::test]
async fn states_exclude_each_other() {
    let mut w = World::new().await;
    w.put("d/a.json", "{\"a\":1}").await;
    w.create("d", json!({})).await;
    w.halt().await;
    assert!(matches!(w.crawlers.stop(&w.scope, "c").await, Err(CrawlerError::NotRunning { .. })));
    w.crawlers.start(&w.scope, "c").await.unwrap();
    assert_eq!(w.get().await.state, State::Running);
    assert!(matches!(w.crawlers.start(&w.scope, "c").await, Err(CrawlerError::Running { .. })));
    assert!(matches!(w.crawlers.delete(&w.scope, "c").await, Err(CrawlerError::Running { .. })));
    w.crawlers.stop(&w.scope, "c").await.unwrap();
    assert!(matches!(w.crawlers.stop(&w.scope, "c").await, Err(CrawlerError::Stopping { .. })));
    w.serve();
    let last = w.wait().await.last_crawl.unwrap();
    assert_eq!(last.status, "CANCELLED");
    w.crawlers.delete(&w.scope, "c").await.unwrap();
    assert!(matches!(w.crawlers.get(&w.scope, "c").await, Err(CrawlerError::NotFound { .. })));
}

#[tokio::test]
async fn a_run_that_another_process_left_is_taken_up() {
    let mut w = World::new().await;
    w.put("d/a.json", "{\"a\":1}").await;
    w.create("d", json!({})).await;
    w.halt().await;
    w.crawlers.start(&w.scope, "c").await.unwrap();
    // A process of the same node that was killed: its lease is still running.
    let (crawls, _) = w.crawlers.crawls(&w.scope, "c", &[], None, 1).await.unwrap();
    let mut tx = w.store.begin().await.unwrap();
    let name = format!("crawl/{}", crawls[0].id);
    store::lease::acquire(&mut tx, &name, &Options::default().node, 60_000).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    w.serve();
    assert_eq!(w.wait().await.last_crawl.unwrap().status, "SUCCEEDED");
    assert_eq!(w.tables().await.len(), 1);
}

#[tokio::test]
async fn sampling_counts_the_other_files() {
    let w = World::new().await;
    for i in 0..5 {
        w.put(&format!("d/{i}.csv"), "a,b\n1,x\n2,y\n").await;
    }
    let target = json!({ "Targets": { "S3Targets": [{ "Path": "s3://bucket/d", "SampleSize": 2 }] } });
    w.create("d", target).await;
    w.crawl_well().await;
    let tables = w.tables().await;
    assert_eq!(tables["d"].parameter("objectCount"), Some("5"));
    assert_eq!(tables["d"].parameter("sizeKey"), Some("60"));
}

#[tokio::test]
async fn the_table_level_can_be_said() {
    let w = World::new().await;
    for (table, part) in [("a", "x"), ("a", "y"), ("b", "x")] {
        w.put(&format!("lake/{table}/{part}/f.json"), "{\"v\":1}").await;
    }
    w.create(
        "lake",
        json!({ "Configuration": "{\"Version\":1.0,\"Grouping\":{\"TableLevelConfiguration\":3}}" }),
    )
    .await;
    w.crawl_well().await;
    let tables = w.tables().await;
    assert_eq!(tables.keys().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(keys(&tables["b"]), ["partition_0"]);
    assert_eq!(w.partitions("a").await.len(), 2);
}
