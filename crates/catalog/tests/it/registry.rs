//! The schema registry on SQLite.

use catalog::registry::{
    self, Change, Format, MAX_NOTES, Mode, NewSchema, RegistryError, SchemaName, Status, Which,
};
use catalog::search::{self, SearchQuery};
use catalog::table;
use serde_json::json;
use store::Store;
use tempfile::TempDir;

use crate::common::{scope, table_input};

fn name() -> SchemaName {
    SchemaName { registry: registry::DEFAULT_REGISTRY.to_owned(), schema: "orders".to_owned() }
}

/// A record with fields of these types, each with a default: every two of them read each other.
fn record(fields: &[(&str, &str)]) -> String {
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, kind)| json!({"name": name, "type": ["null", kind], "default": null}))
        .collect();
    json!({"type": "record", "name": "R", "fields": fields}).to_string()
}

/// A store with a schema of one version.
async fn with_schema(mode: Mode) -> (Store, TempDir) {
    let (store, folder) = crate::common::store().await;
    make_schema(&store, mode).await;
    (store, folder)
}

async fn make_schema(store: &Store, mode: Mode) {
    let mut tx = store.begin().await.unwrap();
    let first = record(&[("a", "int")]);
    let new =
        NewSchema { name: name(), format: Format::Avro, mode, description: None, definition: Some(&first) };
    let made = registry::create_schema(&mut tx, &scope(), &new).await.unwrap();
    assert_eq!((made.schema.checkpoint, made.schema.latest, made.schema.next), (1, 1, 2));
    assert!(matches!(
        registry::create_schema(&mut tx, &scope(), &new).await,
        Err(RegistryError::SchemaExists { .. })
    ));
    tx.commit().await.unwrap();
}

async fn schema(store: &Store) -> registry::Schema {
    let mut tx = store.read().await.unwrap();
    registry::get_schema(&mut tx, &scope(), &name()).await.unwrap()
}

async fn register(store: &Store, fields: &[(&str, &str)]) -> (i64, Status) {
    let made = registry::register(store, &scope(), &name(), &record(fields)).await.unwrap();
    (made.number, made.status)
}

#[tokio::test]
async fn a_failed_version_counts_for_nothing() {
    let (store, _folder) = with_schema(Mode::Backward).await;
    assert_eq!(register(&store, &[("a", "string")]).await, (2, Status::Failure));
    let now = schema(&store).await;
    assert_eq!((now.checkpoint, now.latest, now.next), (1, 1, 3));
    // Again: the same failed version, not one more.
    assert_eq!(register(&store, &[("a", "string")]).await, (2, Status::Failure));
    assert_eq!(register(&store, &[("a", "long")]).await, (3, Status::Available));
    // The first definition is still the first version.
    assert_eq!(register(&store, &[("a", "int")]).await, (1, Status::Available));
    let mut tx = store.begin().await.unwrap();
    let change =
        Change { checkpoint: Some(Which::Latest(name())), mode: Some(Mode::None), ..Change::default() };
    assert_eq!(registry::update_schema(&mut tx, &scope(), &name(), &change).await.unwrap().checkpoint, 3);
    tx.commit().await.unwrap();
    // What failed under another mode is checked again.
    assert_eq!(register(&store, &[("a", "string")]).await, (4, Status::Available));
    assert_eq!(schema(&store).await.latest, 4);
}

#[tokio::test]
async fn all_versions_since_the_checkpoint_count() {
    for (mode, expected) in [(Mode::Forward, Status::Available), (Mode::ForwardAll, Status::Failure)] {
        let (store, _folder) = with_schema(mode).await;
        // Each may be read by the one before; the first cannot read the third.
        assert_eq!(register(&store, &[]).await, (2, Status::Available));
        assert_eq!(register(&store, &[("a", "string")]).await, (3, expected), "{mode:?}");
    }
    let (store, _folder) = with_schema(Mode::ForwardAll).await;
    assert_eq!(register(&store, &[]).await, (2, Status::Available));
    let mut tx = store.begin().await.unwrap();
    let change = Change { checkpoint: Some(Which::Number(name(), 2)), ..Change::default() };
    registry::update_schema(&mut tx, &scope(), &name(), &change).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(register(&store, &[("a", "string")]).await, (3, Status::Available));
}

#[tokio::test]
async fn no_versions_when_disabled() {
    let (store, _folder) = with_schema(Mode::Disabled).await;
    assert_eq!(register(&store, &[("a", "int")]).await, (1, Status::Available));
    let refused = registry::register(&store, &scope(), &name(), &record(&[])).await.unwrap_err();
    assert!(refused.to_string().contains("DISABLED"), "{refused}");
    let bad = registry::register(&store, &scope(), &name(), "{").await.unwrap_err();
    assert!(matches!(bad, RegistryError::Definition { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_at_once_have_numbers_in_a_row() {
    let (store, _folder) = with_schema(Mode::FullAll).await;
    let mut work = tokio::task::JoinSet::new();
    for n in 0..12 {
        let store = store.clone();
        work.spawn(async move {
            let field = format!("f{n}");
            register(&store, &[("a", "int"), (&field, "long")]).await
        });
    }
    let mut numbers: Vec<i64> = work
        .join_all()
        .await
        .into_iter()
        .map(|(number, status)| {
            assert_eq!(status, Status::Available);
            number
        })
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (2..14).collect::<Vec<i64>>());
    let now = schema(&store).await;
    assert_eq!((now.latest, now.next), (13, 14));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_definition_at_once_is_one_version() {
    let (store, _folder) = with_schema(Mode::Backward).await;
    let mut work = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let store = store.clone();
        work.spawn(async move { register(&store, &[("b", "long")]).await });
    }
    assert!(work.join_all().await.into_iter().all(|made| made == (2, Status::Available)));
    assert_eq!(schema(&store).await.next, 3);
}

#[tokio::test]
async fn versions_are_deleted_with_what_is_noted() {
    let (store, _folder) = with_schema(Mode::Backward).await;
    assert_eq!(register(&store, &[("b", "int")]).await.0, 2);
    assert_eq!(register(&store, &[("c", "int")]).await.0, 3);
    let mut tx = store.begin().await.unwrap();
    let (_, version) = registry::find_version(&mut tx, &scope(), &Which::Latest(name())).await.unwrap();
    for n in 0..MAX_NOTES {
        registry::note(&mut tx, &version, "k", &n.to_string()).await.unwrap();
    }
    let again = registry::note(&mut tx, &version, "k", "0").await;
    assert!(matches!(again, Err(RegistryError::NoteExists { .. })));
    let more = registry::note(&mut tx, &version, "l", "0").await;
    assert!(matches!(more, Err(RegistryError::LimitExceeded { limit: 10, .. })));
    registry::unnote(&mut tx, &version, "k", "0").await.unwrap();
    assert!(registry::unnote(&mut tx, &version, "k", "0").await.unwrap_err().is_not_found());
    for range in ["0", "a", "3-2", "1-2000", "1", "1-3"] {
        assert!(registry::delete_versions(&mut tx, &scope(), &name(), range).await.is_err(), "{range}");
    }
    assert_eq!(registry::delete_versions(&mut tx, &scope(), &name(), "3-5").await.unwrap(), [4, 5]);
    assert!(registry::noted(&mut tx, &version).await.unwrap().is_empty());
    tx.commit().await.unwrap();
    let now = schema(&store).await;
    assert_eq!((now.latest, now.next), (2, 4));
    assert_eq!(register(&store, &[("c", "int")]).await.0, 4, "a number is given once");
}

#[tokio::test]
async fn modes_that_need_a_version_keep_it() {
    let (store, _folder) = with_schema(Mode::FullAll).await;
    assert_eq!(register(&store, &[("b", "int")]).await.0, 2);
    let mut tx = store.begin().await.unwrap();
    let refused = registry::delete_versions(&mut tx, &scope(), &name(), "2").await.unwrap_err();
    assert!(refused.to_string().contains("FULL_ALL"), "{refused}");
}

#[tokio::test]
async fn a_registry_goes_with_all_that_it_holds() {
    let (store, _folder) = with_schema(Mode::Backward).await;
    let mut tx = store.begin().await.unwrap();
    let id = registry::find_version(&mut tx, &scope(), &Which::Latest(name())).await.unwrap().1.id;
    registry::delete_registry(&mut tx, &scope(), registry::DEFAULT_REGISTRY).await.unwrap();
    let gone = registry::find_version(&mut tx, &scope(), &Which::Id(id)).await.unwrap_err();
    assert!(gone.is_not_found());
    for rows in ["schemas_registries", "schemas_schemas", "schemas_versions", "schemas_metadata"] {
        let row = tx.query_opt(&format!("SELECT count(*) FROM {rows}"), &[]).await.unwrap().unwrap();
        assert_eq!(row.get::<i64>(0).unwrap(), 0, "{rows}");
    }
}

#[tokio::test]
async fn a_table_has_the_columns_of_its_schema_version() {
    let (store, _folder) = with_schema(Mode::None).await;
    register(&store, &[("B", "long")]).await;
    let mut tx = store.begin().await.unwrap();
    catalog::database::create(&mut tx, &scope(), crate::common::database_input("db")).await.unwrap();
    let refer = |reference: serde_json::Value| {
        let mut input = table_input("t", &[]);
        let descriptor = input.storage_descriptor.get_or_insert_default();
        descriptor.other.insert("SchemaReference".to_owned(), reference);
        input
    };
    let numbered = |number: i64| json!({"SchemaId": {"SchemaName": "orders"}, "SchemaVersionNumber": number});
    for bad in [
        numbered(9),
        json!({}),
        json!({"SchemaId": {}}),
        json!({"SchemaId": {"SchemaName": "orders"}}),
        json!({"SchemaVersionId": "x"}),
    ] {
        assert!(table::create(&mut tx, &scope(), "db", refer(bad.clone()), "me").await.is_err(), "{bad}");
    }
    table::create(&mut tx, &scope(), "db", refer(numbered(2)), "me").await.unwrap();
    let found = table::get(&mut tx, &scope(), "db", "t").await.unwrap();
    let columns: Vec<_> = found.columns().iter().map(|c| (c.name.as_str(), c.hive_type())).collect();
    assert_eq!(columns, [("b", "bigint")]);
    // What was read is sent back, with another version: that one counts.
    let mut input = found.input.clone();
    let descriptor = input.storage_descriptor.as_mut().unwrap();
    descriptor.other.insert("SchemaReference".to_owned(), numbered(1));
    table::update(&mut tx, &scope(), "db", input, Default::default()).await.unwrap();
    let found = table::get(&mut tx, &scope(), "db", "t").await.unwrap();
    assert_eq!(found.columns()[0].hive_type(), "int");
    let listed =
        table::list(&mut tx, &scope(), "db", &table::TableQuery { limit: 5, ..Default::default() }).await;
    assert_eq!(listed.unwrap().items[0].columns()[0].hive_type(), "int");
    let before = table::get_version(&mut tx, &scope(), "db", "t", Some("0")).await.unwrap();
    assert_eq!(before.table.columns()[0].hive_type(), "bigint");
    let found = async |tx: &mut store::Tx, word| {
        let query = SearchQuery { text: Some(word), limit: 9, ..SearchQuery::default() };
        search::tables(tx, &scope(), &query).await.unwrap().items.len()
    };
    assert_eq!(found(&mut tx, "a int").await, 1, "a column of the version");
    assert_eq!(found(&mut tx, "b").await, 0, "a column of another one");
    registry::delete_schema(&mut tx, &scope(), &name()).await.unwrap();
    let gone = table::get(&mut tx, &scope(), "db", "t").await.unwrap_err();
    assert!(gone.to_string().contains("Schema is not found"), "{gone}");
    table::delete(&mut tx, &scope(), "db", "t").await.unwrap();
}

/// Every statement once, on any back end.
pub(crate) async fn whole_life(store: &Store) {
    make_schema(store, Mode::BackwardAll).await;
    assert_eq!(register(store, &[("a", "string")]).await, (2, Status::Failure));
    assert_eq!(register(store, &[("a", "long")]).await, (3, Status::Available));
    assert_eq!(register(store, &[("a", "long")]).await, (3, Status::Available));
    let mut tx = store.begin().await.unwrap();
    registry::create_registry(&mut tx, &scope(), "other", Some("d")).await.unwrap();
    registry::update_registry(&mut tx, &scope(), "other", "e").await.unwrap();
    let page = registry::list_registries(&mut tx, &scope(), None, 1).await.unwrap();
    let rest = registry::list_registries(&mut tx, &scope(), page.next.as_deref(), 5).await.unwrap();
    assert_eq!((page.items.len(), rest.items.len(), rest.next), (1, 1, None));
    let all = registry::list_schemas(&mut tx, &scope(), None, None, 5).await.unwrap();
    let one = registry::list_schemas(&mut tx, &scope(), Some("other"), None, 5).await.unwrap();
    assert_eq!((all.items.len(), one.items.len()), (1, 0));
    let (_, page) = registry::list_versions(&mut tx, &scope(), &name(), None, 2).await.unwrap();
    let (_, rest) =
        registry::list_versions(&mut tx, &scope(), &name(), page.next.as_deref(), 2).await.unwrap();
    assert_eq!((page.items.len(), rest.items.len()), (2, 1));
    let first = record(&[("a", "int")]);
    let (schema, found) = registry::find_by_definition(&mut tx, &scope(), &name(), &first).await.unwrap();
    let (_, version) = registry::find_version(&mut tx, &scope(), &Which::Id(found.id.clone())).await.unwrap();
    let patch = registry::patch(schema.format, &version, &rest.items[0]).unwrap();
    assert_eq!(patch, r#"[{"op":"replace","path":"/fields/0/type/1","value":"long"}]"#);
    registry::note(&mut tx, &version, "k", "v").await.unwrap();
    assert_eq!(registry::noted(&mut tx, &version).await.unwrap().len(), 1);
    registry::unnote(&mut tx, &version, "k", "v").await.unwrap();
    let change = Change { checkpoint: Some(Which::Latest(name())), description: Some("d"), mode: None };
    registry::update_schema(&mut tx, &scope(), &name(), &change).await.unwrap();
    assert_eq!(registry::delete_versions(&mut tx, &scope(), &name(), "2").await.unwrap(), [0_i64; 0]);
    registry::delete_schema(&mut tx, &scope(), &name()).await.unwrap();
    registry::delete_registry(&mut tx, &scope(), "other").await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn on_sqlite() {
    let (store, _folder) = crate::common::store().await;
    whole_life(&store).await;
}
