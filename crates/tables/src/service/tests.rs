//! Commits on a real store and lake: what is published together, who wins, what is refused.

use catalog::{DatabaseInput, TableInput};
use lake::{BucketName, Conditions, Lake, ListQuery};
use serde_json::{Value, json};
use store::{Scope, Store, testing};
use tempfile::TempDir;

use super::*;
use crate::requirement::TableRequirement;
use crate::update::TableUpdate;

pub(super) const CALLER: &str = "arn:aws:iam::000000000000:root";

pub(super) struct Server {
    pub(super) tables: Tables,
    pub(super) store: Store,
    lake: Lake,
    pub(super) scope: Scope,
    _folders: [TempDir; 2],
}

fn scope() -> Scope {
    Scope::new("000000000000", "us-east-1").expect("scope")
}

pub(super) async fn server() -> Server {
    let (store, folder) = testing::temp(&[lake::MIGRATIONS, catalog::MIGRATIONS]).await;
    let objects = TempDir::new().expect("folder");
    let options = lake::Options { dir: objects.path().join("objects"), durable: false };
    let lake = Lake::open(store.clone(), options).await.expect("lake");
    let mut tx = store.begin().await.expect("tx");
    for (bucket, account) in [("lake", "000000000000"), ("theirs", "123456789012")] {
        let owner = Scope::new(account, "us-east-1").expect("scope");
        lake.create_bucket(&mut tx, &owner, &BucketName::new(bucket).expect("name")).await.expect("bucket");
    }
    let input = DatabaseInput { name: "db".to_owned(), ..DatabaseInput::default() };
    catalog::database::create(&mut tx, &scope(), input).await.expect("database");
    tx.commit().await.expect("commit");
    let tables = Tables::new(store.clone(), lake.clone());
    Server { tables, store, lake, scope: scope(), _folders: [folder, objects] }
}

pub(super) fn named(name: &str) -> Identifier {
    Identifier { namespace: "db".to_owned(), name: name.to_owned() }
}

pub(super) fn request(name: &str, location: Option<&str>) -> CreateTable {
    let schema =
        json!({"type": "struct", "fields": [{"id": 1, "name": "Id", "required": true, "type": "long"}]});
    CreateTable {
        table: named(name),
        location: location.map(str::to_owned),
        schema: serde_json::from_value(schema).expect("schema"),
        partition_spec: None,
        write_order: None,
        properties: Default::default(),
        entry: None,
    }
}

fn set(name: &str, key: &str, value: &str, requirements: Value) -> TableCommit {
    TableCommit {
        table: named(name),
        requirements: serde_json::from_value(requirements).expect("requirements"),
        updates: vec![TableUpdate::SetProperties { updates: [(key.to_owned(), value.to_owned())].into() }],
    }
}

impl Server {
    async fn make(&self, name: &str) -> LoadedTable {
        let made = self.tables.create(&self.scope, request(name, None), Some("s3://lake/wh"), CALLER).await;
        made.expect("made")
    }

    /// Puts a file.
    pub(super) async fn write(&self, location: &str, text: &'static str) {
        let place = Place::parse(location).expect("place");
        let staged = self.lake.stage_bytes(text).await.expect("staged");
        let mut tx = self.store.begin().await.expect("tx");
        let (key, meta) = (place.object_key().expect("key"), lake::Meta::default());
        self.lake.put(&mut tx, &place.bucket, &key, staged, meta, &Conditions::NONE).await.expect("put");
        tx.commit().await.expect("commit");
    }

    /// Makes a table of the catalog as it is given.
    pub(super) async fn enter(&self, input: TableInput) {
        let mut tx = self.store.begin().await.expect("tx");
        catalog::table::create(&mut tx, &self.scope, "db", input, CALLER).await.expect("entered");
        tx.commit().await.expect("commit");
    }

    async fn commit(&self, commits: &[TableCommit]) -> Result<Vec<LoadedTable>, TablesError> {
        self.tables.commit(&self.scope, commits, None, CALLER).await
    }

    async fn load(&self, name: &str) -> LoadedTable {
        self.tables.load(&self.scope, &named(name)).await.expect("loaded")
    }

    async fn keys(&self, prefix: &str) -> Vec<String> {
        let mut tx = self.store.read().await.expect("tx");
        let query = ListQuery { prefix: prefix.to_owned(), limit: 1000, ..ListQuery::default() };
        let page =
            self.lake.list(&mut tx, &BucketName::new("lake").expect("name"), &query).await.expect("page");
        page.objects.into_iter().map(|object| object.key.as_str().to_owned()).collect()
    }

    async fn entry(&self, name: &str) -> Table {
        let mut tx = self.store.read().await.expect("tx");
        catalog::table::get(&mut tx, &self.scope, "db", name).await.expect("entry")
    }
}

#[tokio::test]
async fn a_commit_moves_the_catalogs_pointer() {
    let server = server().await;
    let made = server.make("T").await;
    assert_eq!(made.metadata.location, "s3://lake/wh/db.db/t");
    let done = server.commit(&[set("t", "k", "v", json!([]))]).await.expect("committed").remove(0);
    assert!(done.metadata_location.contains("/metadata/00001-"), "{}", done.metadata_location);
    let entry = server.entry("t").await;
    assert_eq!(entry.parameter("metadata_location"), Some(done.metadata_location.as_str()));
    assert_eq!(entry.parameter("previous_metadata_location"), Some(made.metadata_location.as_str()));
    assert_eq!(entry.columns()[0].hive_type(), "bigint");
    let loaded = server.load("t").await;
    assert_eq!(loaded.metadata, done.metadata);
    assert_eq!(loaded.metadata.metadata_log[0].metadata_file, made.metadata_location);
    assert_eq!(server.keys("wh/").await.len(), 2);
    let same = server.commit(&[set("t", "k", "v", json!([]))]).await.expect("nothing to do").remove(0);
    assert_eq!(same.metadata_location, done.metadata_location, "what changes nothing makes no new file");
    assert_eq!(server.entry("t").await.version, entry.version);
}

#[tokio::test]
async fn concurrent_commits_are_all_kept() {
    let server = server().await;
    server.make("t").await;
    let write = async |writer: u32| {
        for step in 0..5 {
            loop {
                match server.commit(&[set("t", &format!("{writer}-{step}"), "x", json!([]))]).await {
                    Ok(_) => break,
                    Err(TablesError::Contended { .. }) => {}
                    Err(error) => panic!("{error:?}"),
                }
            }
        }
    };
    tokio::join!(write(0), write(1), write(2), write(3));
    let loaded = server.load("t").await;
    assert_eq!(loaded.metadata.properties.len(), 20);
    assert_eq!(loaded.metadata.metadata_log.len(), 20);
}

#[tokio::test]
async fn of_two_commits_on_one_state_one_wins() {
    let server = server().await;
    let made = server.make("t").await;
    let asserted = json!([{"type": "assert-default-sort-order-id", "default-sort-order-id": 0}]);
    let order = json!([{"action": "add-sort-order", "sort-order": {"fields": [
        {"transform": "identity", "source-id": 1, "direction": "asc", "null-order": "nulls-first"}]}},
        {"action": "set-default-sort-order", "sort-order-id": -1}]);
    let commit = [TableCommit {
        updates: serde_json::from_value(order).expect("updates"),
        ..set("t", "", "", asserted)
    }];
    let (one, two) = tokio::join!(server.commit(&commit), server.commit(&commit));
    let lost = if one.is_ok() { two } else { one };
    assert!(matches!(lost, Err(TablesError::CommitFailed { .. })), "{lost:?}");
    assert_ne!(server.load("t").await.metadata_location, made.metadata_location);
    assert_eq!(server.keys("wh/").await.len(), 2, "the loser leaves nothing behind");
}

#[tokio::test]
async fn what_glue_changed_meanwhile_is_seen() {
    let server = server().await;
    let made = server.make("t").await;
    let second = server.commit(&[set("t", "k", "second", json!([]))]).await.expect("committed").remove(0);
    // Another client's UpdateTable moves the pointer back, of the version that it read, and keeps a parameter of its own.
    let entry = server.entry("t").await;
    let mut tx = server.store.begin().await.expect("tx");
    let (mut input, version): (TableInput, String) = (entry.input, entry.version.to_string());
    let parameters = input.parameters.get_or_insert_default();
    parameters.insert("metadata_location".to_owned(), made.metadata_location.clone());
    parameters.insert("theirs".to_owned(), "1".to_owned());
    let how = catalog::table::Update { version_id: Some(&version), skip_archive: false };
    catalog::table::update(&mut tx, &server.scope, "db", input, how).await.expect("updated");
    tx.commit().await.expect("commit");
    assert_eq!(server.load("t").await.metadata, made.metadata);
    let third = server.commit(&[set("t", "x", "third", json!([]))]).await.expect("committed").remove(0);
    assert!(!third.metadata.properties.contains_key("k"), "made of what the catalog says");
    assert_ne!(third.metadata_location, second.metadata_location);
    assert_eq!(server.entry("t").await.parameter("theirs"), Some("1"));
}

#[tokio::test]
async fn several_tables_are_one_commit() {
    let server = server().await;
    server.make("a").await;
    server.make("b").await;
    let failing = json!([{"type": "assert-current-schema-id", "current-schema-id": 4}]);
    let refused = server.commit(&[set("a", "k", "1", json!([])), set("b", "k", "1", failing)]).await;
    assert!(matches!(refused, Err(TablesError::CommitFailed { .. })));
    assert!(server.load("a").await.metadata.properties.is_empty());
    let done = server.commit(&[set("a", "k", "1", json!([])), set("b", "k", "1", json!([]))]).await;
    assert_eq!(done.expect("committed").len(), 2);
    assert_eq!(server.load("b").await.metadata.properties["k"], "1");
    let twice = server.commit(&[set("a", "k", "1", json!([])), set("A", "k", "2", json!([]))]).await;
    assert!(matches!(twice, Err(TablesError::Invalid { .. })));
}

#[tokio::test]
async fn tables_are_in_buckets_of_their_account() {
    let server = server().await;
    for location in ["s3://theirs/t", "s3://nowhere/t", "file:///t"] {
        let refused = server.tables.create(&server.scope, request("t", Some(location)), None, CALLER).await;
        assert!(matches!(refused, Err(TablesError::Location { .. })), "{location}: {refused:?}");
    }
    server.make("t").await;
    for location in ["s3://theirs/t", "s3://nowhere/t"] {
        let update = TableUpdate::SetLocation { location: location.to_owned() };
        let moved =
            server.commit(&[TableCommit { updates: vec![update], ..set("t", "", "", json!([])) }]).await;
        assert!(matches!(moved, Err(TablesError::Location { .. })), "{location}: {moved:?}");
    }
    let path = [("write.metadata.path".to_owned(), "s3://theirs/m".to_owned())].into();
    let update = TableUpdate::SetProperties { updates: path };
    let moved = server.commit(&[TableCommit { updates: vec![update], ..set("t", "", "", json!([])) }]).await;
    assert!(matches!(moved, Err(TablesError::Location { .. })), "{moved:?}");
    let loaded = server.load("t").await;
    let outside = Scope::new("123456789012", "us-east-1").expect("scope");
    let register = server.tables.register(&outside, &named("t"), &loaded.metadata_location, CALLER).await;
    assert!(
        matches!(register, Err(TablesError::Location { .. })),
        "metadata of another account: {register:?}"
    );
}

#[tokio::test]
async fn broken_metadata_is_named() {
    let server = server().await;
    let made = server.make("t").await;
    server.write(&made.metadata_location, "not json").await;
    for broken in [
        server.tables.load(&server.scope, &named("t")).await.map(drop),
        server.commit(&[set("t", "k", "v", json!([]))]).await.map(drop),
    ] {
        assert!(matches!(broken, Err(TablesError::MetadataBroken { .. })), "{broken:?}");
    }
    let place = Place::parse(&made.metadata_location).expect("place");
    let key = place.object_key().expect("key");
    let mut tx = server.store.begin().await.expect("tx");
    server.lake.delete(&mut tx, &place.bucket, &key, &Conditions::NONE).await.expect("deleted");
    tx.commit().await.expect("commit");
    let gone = server.tables.load(&server.scope, &named("t")).await;
    assert!(matches!(gone, Err(TablesError::MetadataBroken { .. })), "{gone:?}");
}

#[tokio::test]
async fn old_metadata_goes_when_the_table_says_so() {
    let server = server().await;
    server.make("t").await;
    let settings = [
        ("write.metadata.delete-after-commit.enabled", "true"),
        ("write.metadata.previous-versions-max", "2"),
    ];
    for (key, value) in settings {
        server.commit(&[set("t", key, value, json!([]))]).await.expect("committed");
    }
    for step in 0..5 {
        server.commit(&[set("t", "step", &step.to_string(), json!([]))]).await.expect("committed");
    }
    let loaded = server.load("t").await;
    assert_eq!(loaded.metadata.metadata_log.len(), 2);
    assert_eq!(server.keys("wh/").await.len(), 3, "the current file and those of the log");
    server
        .commit(&[set("t", "write.metadata.delete-after-commit.enabled", "false", json!([]))])
        .await
        .expect("off");
    server.commit(&[set("t", "step", "9", json!([]))]).await.expect("committed");
    assert_eq!(server.keys("wh/").await.len(), 5);
}

#[tokio::test]
async fn a_commit_that_makes_a_table_finds_its_place() {
    let server = server().await;
    let staged = server.tables.stage_create(&server.scope, request("t", None), Some("s3://lake/wh")).await;
    let metadata = staged.expect("staged").metadata;
    assert!(server.keys("").await.is_empty(), "staging keeps nothing");
    let updates = json!([
        {"action": "add-schema", "schema": metadata.current_schema()}, {"action": "set-current-schema", "schema-id": -1},
        {"action": "add-spec", "spec": {"fields": []}}, {"action": "set-default-spec", "spec-id": -1}]);
    let commit = TableCommit {
        table: named("t"),
        requirements: vec![TableRequirement::AssertCreate],
        updates: serde_json::from_value(updates).expect("updates"),
    };
    let commits = [commit];
    let make = || server.tables.commit(&server.scope, &commits, Some("s3://lake/wh"), CALLER);
    let (one, two) = tokio::join!(make(), make());
    let (made, lost) = if one.is_ok() { (one, two) } else { (two, one) };
    assert_eq!(made.expect("made")[0].metadata.location, "s3://lake/wh/db.db/t");
    assert!(matches!(lost, Err(TablesError::CommitFailed { .. })), "{lost:?}");
    server.tables.rename(&server.scope, &named("t"), &named("u")).await.expect("renamed");
    let again = server.tables.create(&server.scope, request("t", None), Some("s3://lake/wh"), CALLER).await;
    assert!(
        again.expect("made").metadata.location.starts_with("s3://lake/wh/db.db/t-"),
        "not among another's files"
    );
    let missing = server.commit(&[set("none", "k", "v", json!([]))]).await;
    assert!(matches!(missing, Err(TablesError::TableNotFound { other_kind: false, .. })));
}
