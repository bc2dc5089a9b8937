//! Tables of a few files in a real lake.

use std::collections::BTreeMap;

use lake::{BucketName, Conditions, Key, Lake, Meta};
use serde_json::{Value, json};
use store::{Scope, Store, testing};
use tempfile::TempDir;

use super::*;
use crate::avro::{self, Avro};
use crate::{Tables, TablesError};

struct World {
    tables: Tables,
    store: Store,
    lake: Lake,
    scope: Scope,
    _folders: [TempDir; 2],
}

impl World {
    async fn new(properties: &str) -> Self {
        let (store, folder) = testing::temp(&[lake::MIGRATIONS, catalog::MIGRATIONS]).await;
        let objects = TempDir::new().unwrap();
        let options = lake::Options { dir: objects.path().join("objects"), durable: false };
        let lake = Lake::open(store.clone(), options).await.unwrap();
        let scope = Scope::new("000000000000", "us-east-1").unwrap();
        let mut tx = store.begin().await.unwrap();
        lake.create_bucket(&mut tx, &scope, &BucketName::new("lake").unwrap()).await.unwrap();
        tx.commit().await.unwrap();
        let tables = Tables::new(store.clone(), lake.clone());
        let world = Self { tables, store, lake, scope, _folders: [folder, objects] };
        if !properties.is_empty() {
            world.put(".hoodie/hoodie.properties", format!("hoodie.table.name=t\n{properties}\n")).await;
        }
        world
    }

    async fn put(&self, key: &str, body: impl Into<Vec<u8>>) {
        let staged = self.lake.stage_bytes(body.into()).await.unwrap();
        let mut tx = self.store.begin().await.unwrap();
        let (bucket, key) = (BucketName::new("lake").unwrap(), Key::new(format!("t/{key}")).unwrap());
        self.lake.put(&mut tx, &bucket, &key, staged, Meta::default(), &Conditions::NONE).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn files(&self, names: &[&str]) {
        for name in names {
            self.put(name, "rows").await;
        }
    }

    async fn read(&self) -> Result<Option<HudiTable>, TablesError> {
        let mut tx = self.store.read().await.unwrap();
        self.tables.hudi(&mut tx, &self.scope, "s3://lake/t/").await
    }

    async fn table(&self) -> HudiTable {
        self.read().await.unwrap().unwrap()
    }

    async fn names(&self) -> Vec<String> {
        names(&self.table().await)
    }

    async fn error(&self) -> String {
        self.read().await.unwrap_err().to_string()
    }
}

fn names(table: &HudiTable) -> Vec<String> {
    let name = |file: &HudiFile| file.location.strip_prefix("s3://lake/t/").unwrap().to_owned();
    table.files.iter().map(name).collect()
}

/// The metadata of a commit: the paths that it wrote, and what it replaced.
fn commit(paths: &[&str], replaced: Value) -> String {
    let mut stats: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for path in paths {
        let (partition, name) = path.rsplit_once('/').unwrap_or(("", path));
        let stat = json!({"fileId": name.split('_').next(), "path": path, "numWrites": 1});
        stats.entry(partition).or_default().push(stat);
    }
    json!({"partitionToWriteStats": stats, "partitionToReplaceFileIds": replaced}).to_string()
}

/// The metadata of a rollback.
fn rollback(instants: &[(&str, &str)]) -> Vec<u8> {
    let info = json!({"type": "record", "name": "HoodieInstantInfo", "fields": [
        {"name": "commitTime", "type": "string"}, {"name": "action", "type": "string"}]});
    let schema = json!({"type": "record", "name": "HoodieRollbackMetadata", "namespace": "org.apache.hudi.avro.model", "fields": [
        {"name": "startRollbackTime", "type": "string"},
        {"name": "commitsRollback", "type": {"type": "array", "items": "string"}},
        {"name": "instantsRollback", "default": [], "type": {"type": "array", "items": info}}]});
    let text = |text: &str| Avro::String(text.to_owned());
    let infos = instants.iter().map(|(instant, action)| {
        Avro::Record(vec![("commitTime".into(), text(instant)), ("action".into(), text(action))])
    });
    let record = Avro::Record(vec![
        ("startRollbackTime".into(), text("0")),
        ("commitsRollback".into(), Avro::Array(instants.iter().map(|(instant, _)| text(instant)).collect())),
        ("instantsRollback".into(), Avro::Array(infos.collect())),
    ]);
    avro::write(&schema, &[], [3; 16], &[record]).unwrap()
}

const FLAT: &str = "hoodie.table.version=6\nhoodie.timeline.layout.version=1";
const TIMED: &str = "hoodie.table.version=8\nhoodie.timeline.layout.version=2";

#[tokio::test]
async fn the_newest_committed_file_of_each_group() {
    let world = World::new(&format!(
        "{FLAT}\nhoodie.table.partition.fields=day\nhoodie.datasource.write.hive_style_partitioning=true"
    ))
    .await;
    let none = json!({});
    world
        .put(
            ".hoodie/002.commit",
            commit(&["day=a/f-0_0_002.parquet", "day=b/g-0_0_002.parquet"], none.clone()),
        )
        .await;
    world.put(".hoodie/003.commit", commit(&["day=a/f-0_0_003.parquet"], none.clone())).await;
    for name in ["003.commit.requested", "003.inflight", "004.commit.requested", "004.inflight"] {
        world.put(&format!(".hoodie/{name}"), "").await;
    }
    world.put(".hoodie/006.rollback", rollback(&[("005", "commit")])).await;
    world.put(".hoodie/metadata/files/x_0_1.hfile", "").await;
    world.put(".hoodie/archived/.commits_.archive.1_1-0-1", "").await;
    world
        .files(&[
            "day=a/.hoodie_partition_metadata",
            "day=a/f-0_0_001.parquet",
            "day=a/f-0_0_002.parquet",
            "day=a/f-0_0_003.parquet",
            "day=a/f-0_0_004.parquet",
            "day=b/f-0_9_005.parquet",
            "day=b/g-0_0_002.parquet",
            "day=b/h-0_0_001.parquet",
            "day=a/left-0_0_003.parquet",
            "_SUCCESS",
            "day=c/.hoodie_partition_metadata",
        ])
        .await;
    let table = world.table().await;
    assert_eq!(
        names(&table),
        ["day=a/f-0_0_003.parquet", "day=b/g-0_0_002.parquet", "day=b/h-0_0_001.parquet"]
    );
    assert_eq!((table.instant.as_deref(), table.logs, table.kind), (Some("003"), 0, HudiKind::CopyOnWrite));
    assert_eq!(table.newest_file().unwrap().instant, "003");
    assert_eq!(table.partition_values(&table.files[0], &["day"]).unwrap(), [Some("a".to_owned())]);
    assert!(table.partition_values(&table.files[0], &["day", "hour"]).unwrap_err().contains("day, hour"));
    // A group is gone when it was replaced, cleaned or not.
    let replaced = json!({"day=a": ["f-0"], "day=z": ["cleaned-0"]});
    world.put(".hoodie/007.replacecommit", commit(&["day=a/n-0_0_007.parquet"], replaced)).await;
    world.files(&["day=a/n-0_0_007.parquet"]).await;
    assert_eq!(
        world.names().await,
        ["day=a/n-0_0_007.parquet", "day=b/g-0_0_002.parquet", "day=b/h-0_0_001.parquet"]
    );
}

#[tokio::test]
async fn a_timeline_with_times_of_completion() {
    let world = World::new(&format!("{TIMED}\nhoodie.table.type=MERGE_ON_READ")).await;
    let schema = json!({"type": "record", "name": "HoodieCommitMetadata", "fields": [
        {"name": "partitionToReplaceFileIds", "type": ["null", {"type": "map", "values": {"type": "array", "items": "string"}}]}]});
    let ids = Avro::Array(vec![Avro::String("old-0".to_owned())]);
    let replaced = Avro::Map(vec![(String::new(), ids)]);
    let record = Avro::Record(vec![("partitionToReplaceFileIds".into(), replaced)]);
    let avro = avro::write(&schema, &[], [1; 16], &[record]).unwrap();
    world.put(".hoodie/timeline/002_003.commit", "").await;
    world.put(".hoodie/timeline/004_005.deltacommit", "").await;
    world.put(".hoodie/timeline/006_008.replacecommit", avro).await;
    world.put(".hoodie/timeline/007.deltacommit.inflight", "").await;
    world.put(".hoodie/timeline/history/manifest_1", "{}").await;
    world
        .files(&[
            "old-0_0_002.parquet",
            "f-0_0_002.parquet",
            ".f-0_004.log.1_0-1-0",
            ".f-0_007.log.1_0-1-0",
            ".g-0_004.log.1_0-1-0",
            ".old-0_004.log.1_0-1-0",
            ".f-0_004.log.1_0-1-0-cdc",
        ])
        .await;
    let table = world.table().await;
    assert_eq!((names(&table), table.logs), (vec!["f-0_0_002.parquet".to_owned()], 2));
    assert!(table.check_merged().unwrap_err().to_string().contains("2 of its log files"));
    // A compaction has taken in what was completed before it was planned.
    world.put(".hoodie/timeline/006_009.commit", "").await;
    assert!(world.error().await.contains("006 is completed twice"));
}

#[tokio::test]
async fn logs_of_the_older_layout_go_by_their_base_file() {
    let world = World::new(&format!("{FLAT}\nhoodie.table.type=MERGE_ON_READ")).await;
    world.put(".hoodie/001.deltacommit", "").await;
    world.put(".hoodie/003.commit", "").await;
    world.files(&["f-0_0_001.parquet", ".f-0_001.log.1_0-1-0", "f-0_0_003.parquet"]).await;
    assert_eq!(world.table().await.logs, 0);
    world.table().await.check_merged().unwrap();
    world.files(&[".f-0_003.log.1_0-1-0"]).await;
    let table = world.table().await;
    assert_eq!((names(&table), table.logs), (vec!["f-0_0_003.parquet".to_owned()], 1));
}

#[tokio::test]
async fn what_is_not_sure_is_an_error() {
    assert_eq!(World::new("").await.read().await.unwrap(), None);
    let backup = World::new("").await;
    backup.put(".hoodie/hoodie.properties.backup", format!("hoodie.table.name=t\n{FLAT}")).await;
    assert_eq!(backup.table().await.files, []);
    let none = json!({});
    for (file, body, word) in [
        ("f-0_0_002.orc", String::new(), "no Parquet base file"),
        ("part-0.parquet", String::new(), "move it away"),
        ("sub/.hoodie/hoodie.properties", String::new(), "another Hudi table"),
        (
            ".hoodie/003.commit",
            commit(&["f-0_0_003.parquet"], none.clone()),
            "f-0_0_003.parquet, which the completed instant 003",
        ),
        (".hoodie/003.commit", commit(&["gone-0_0_003.parquet"], none.clone()), "is missing"),
        (".hoodie/003.commit", "{".to_owned(), "003.commit"),
        (".hoodie/003.replacecommit", String::new(), "which file groups it replaced"),
        (".hoodie/003.replacecommit", commit(&[], json!({"": ["e-0"]})), ""),
        (".hoodie/001.replacecommit", commit(&[], json!({"": ["f-0"]})), "was replaced by the instant 001"),
        (".hoodie/003.rollback", "x".to_owned(), "003.rollback"),
        (".hoodie/003.restore.inflight", String::new(), "being restored"),
        (".hoodie/003.newaction", String::new(), "newer Hudi"),
        ("f-0_1_002.parquet", String::new(), "two files of one instant"),
        (".hoodie/.schema/002.schemacommit", "{}".to_owned(), "it has no schemas"),
    ] {
        let world = World::new(FLAT).await;
        world.put(".hoodie/002.commit", "").await;
        world.files(&["f-0_0_002.parquet"]).await;
        world.put(file, body).await;
        if word.is_empty() {
            assert_eq!(world.names().await, ["f-0_0_002.parquet"]);
        } else {
            let error = world.error().await;
            assert!(error.contains(word), "{file}: {error}");
        }
    }
    let lost = World::new(FLAT).await;
    lost.files(&["f-0_0_002.parquet"]).await;
    assert!(lost.error().await.contains("cannot be told from its timeline"));
    let halfway = World::new(TIMED).await;
    halfway.put(".hoodie/002.commit", "").await;
    assert!(halfway.error().await.contains("finish its upgrade"));
}

#[tokio::test]
async fn values_are_in_the_folders() {
    let of = |lines: &str, partition: &str, names: &[&str]| {
        let properties =
            super::properties::Properties::parse("l", &format!("hoodie.table.name=t\n{FLAT}\n{lines}"))
                .unwrap();
        let table = HudiTable {
            name: properties.name,
            kind: properties.kind,
            version: properties.version,
            instant: None,
            partition_fields: properties.partition_fields,
            drops_partition_fields: properties.drops_partition_fields,
            files: Vec::new(),
            logs: 0,
            is_hive_style: properties.is_hive_style,
            is_encoded: properties.is_encoded,
        };
        let file =
            HudiFile { location: "l".into(), partition: partition.into(), instant: "1".into(), size: 1 };
        table.partition_values(&file, names)
    };
    let some = |text: &str| Some(text.to_owned());
    let encoded = "hoodie.datasource.write.partitionpath.urlencode=true";
    let hive = "hoodie.datasource.write.hive_style_partitioning=true";
    assert_eq!(of("", "a b/2", &["x", "y"]).unwrap(), [some("a b"), some("2")]);
    assert_eq!(of("", "asia/india/chennai", &["x"]).unwrap(), [some("asia/india/chennai")]);
    assert_eq!(of(encoded, "a%2Fb", &["x"]).unwrap(), [some("a/b")]);
    assert_eq!(of("", "a%2Fb", &["x"]).unwrap(), [some("a%2Fb")]);
    assert_eq!(of(hive, "X=1/y=__HIVE_DEFAULT_PARTITION__", &["x", "y"]).unwrap(), [some("1"), None]);
    assert_eq!(of("", "x=1", &["x"]).unwrap(), [some("1")]);
    assert_eq!(of("", "any/where", &[]).unwrap(), []);
    assert!(of(hive, "1/y=2", &["x", "y"]).unwrap_err().contains("x="));
    assert!(of("", "", &["x"]).is_err() && of("", "a", &["x", "y"]).is_err());
    assert!(of(encoded, "a%ff", &["x"]).unwrap_err().contains("UTF-8"));
}
