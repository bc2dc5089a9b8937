//! Resource links, functions, statistics, indexes, policies: what hangs on databases and tables.

use catalog::function::{self, FunctionInput, FunctionQuery};
use catalog::partition::index::{self, IndexInput};
use catalog::policy::{self, Condition};
use catalog::statistics::{self, ColumnStatistics, Of};
use catalog::table::{self, TableQuery, Update};
use catalog::{CatalogError, TableInput, arn, database, link, optimizer, partition, purge};
use serde_json::{Value, json};
use store::Tx;

use crate::common::{database_input, partition_input, scope, table_input, with_table};

async fn link_database(tx: &mut Tx, name: &str, target: Value) {
    let mut input = database_input(name);
    input.other.insert("TargetDatabase".to_owned(), target);
    database::create(tx, &scope(), input).await.unwrap();
}

fn link_table(name: &str, target: Value) -> TableInput {
    let mut input = TableInput { name: name.to_owned(), ..TableInput::default() };
    input.other.insert("TargetTable".to_owned(), target);
    input
}

#[tokio::test]
async fn links_lead_to_their_targets() {
    let (store, _folder) = with_table(&[("k", "int")]).await;
    let mut tx = store.begin().await.unwrap();
    link_database(&mut tx, "also_db", json!({ "CatalogId": "000000000000", "DatabaseName": "DB" })).await;
    database::create(&mut tx, &scope(), database_input("other")).await.unwrap();
    let target = json!({ "DatabaseName": "db", "Name": "T" });
    table::create(&mut tx, &scope(), "other", link_table("l", target.clone()), "me").await.unwrap();

    partition::create(&mut tx, &scope(), "also_db", "t", partition_input(&["1"])).await.unwrap();
    partition::create(&mut tx, &scope(), "other", "l", partition_input(&["2"])).await.unwrap();
    let all = partition::list(&mut tx, &scope(), "db", "t", &Default::default()).await.unwrap();
    assert_eq!(all.items.len(), 2, "both came to the target");
    let through = table::get(&mut tx, &scope(), "other", "l").await.unwrap();
    assert_eq!((through.database_name.as_str(), through.name.as_str()), ("db", "t"));
    assert!(table::get_entry(&mut tx, &scope(), "other", "l").await.unwrap().is_link());

    let mut input = table_input("l", &[("k", "int")]);
    input.description = Some("changed through the link".to_owned());
    table::update(&mut tx, &scope(), "other", input, Update::default()).await.unwrap();
    let changed = table::get(&mut tx, &scope(), "db", "t").await.unwrap();
    assert_eq!((changed.version, changed.name.as_str()), (1, "t"));
    let elsewhere = link_table("l", json!({ "DatabaseName": "db", "Name": "u" }));
    assert!(table::update(&mut tx, &scope(), "other", elsewhere, Update::default()).await.is_err());

    let made = table::create(&mut tx, &scope(), "also_db", table_input("u", &[]), "me").await.unwrap();
    assert_eq!(made.database_name, "db", "a table is made in the target");
    let page =
        table::list(&mut tx, &scope(), "also_db", &TableQuery { limit: 9, ..Default::default() }).await;
    assert_eq!(page.unwrap().items.len(), 2);
    table::delete(&mut tx, &scope(), "other", "l").await.unwrap();
    database::delete(&mut tx, &scope(), "also_db").await.unwrap();
    assert!(table::get(&mut tx, &scope(), "db", "t").await.is_ok(), "targets stay");
}

fn refusal<T: std::fmt::Debug>(result: Result<T, CatalogError>) -> String {
    match result.unwrap_err() {
        CatalogError::InvalidInput { message } => message,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn links_lead_neither_to_links_nor_to_themselves_nor_out_of_the_catalog() {
    let (store, _folder) = with_table(&[]).await;
    let mut tx = store.begin().await.unwrap();
    link_database(&mut tx, "first", json!({ "DatabaseName": "DB" })).await;
    let to_table = |name: &str| json!({ "DatabaseName": "db", "Name": name });
    table::create(&mut tx, &scope(), "db", link_table("l", to_table("t")), "me").await.unwrap();
    for (target, says) in [
        (json!({ "CatalogId": "123456789012", "DatabaseName": "db" }), "another account"),
        (
            json!({ "Region": "eu-west-1", "DatabaseName": "db" }),
            "another account or region (Region eu-west-1)",
        ),
        (json!({ "DatabaseName": "First" }), "leads to first, which is another resource link"),
        (json!({ "DatabaseName": "NEW" }), "new leads to itself"),
        (json!({ "CatalogId": "000000000000" }), "must have a DatabaseName"),
    ] {
        let mut input = database_input("New");
        input.other.insert("TargetDatabase".to_owned(), target);
        let message = refusal(database::create(&mut tx, &scope(), input).await);
        assert!(message.contains(says), "{message}");
    }
    for (database, target, says) in [
        ("db", json!({ "CatalogId": "1", "DatabaseName": "db", "Name": "t" }), "another account"),
        ("db", json!({ "DatabaseName": "db" }), "must have a Name"),
        ("db", to_table("L"), "leads to db.l, which is another resource link"),
        ("db", json!({ "DatabaseName": "first", "Name": "t" }), "leads to first, which is another"),
        ("DB", to_table("New"), "db.new leads to itself"),
        ("first", to_table("t"), "through a resource link"),
    ] {
        let made = table::create(&mut tx, &scope(), database, link_table("New", target), "me").await;
        let message = refusal(made);
        assert!(message.contains(says), "{message}");
    }
    let turned = link_table("t", to_table("u"));
    let turned = table::update(&mut tx, &scope(), "db", turned, Update::default()).await;
    assert!(refusal(turned).contains("cannot be changed into a resource link"));
    let mut turned = database_input("db");
    turned.other.insert("TargetDatabase".to_owned(), json!({ "DatabaseName": "other" }));
    assert!(
        refusal(database::update(&mut tx, &scope(), "db", turned).await).contains("into a resource link")
    );
}

#[tokio::test]
async fn links_whose_target_is_gone_say_so() {
    let (store, _folder) = with_table(&[]).await;
    let mut tx = store.begin().await.unwrap();
    link_database(&mut tx, "gone", json!({ "DatabaseName": "none" })).await;
    link_database(&mut tx, "turned", json!({ "DatabaseName": "later" })).await;
    for (name, of, target) in [("a", "none", "t"), ("b", "db", "u"), ("c", "db", "t")] {
        let target = json!({ "DatabaseName": of, "Name": target });
        table::create(&mut tx, &scope(), "db", link_table(name, target), "me").await.unwrap();
    }
    let error = async |tx: &mut Tx, database: &str, name: &str| {
        table::get(tx, &scope(), database, name).await.unwrap_err().to_string()
    };
    let leads =
        |link: &str, target: &str| format!("Resource link {link} leads to {target}, which does not exist.");
    assert_eq!(error(&mut tx, "gone", "t").await, leads("gone", "database none"));
    assert_eq!(error(&mut tx, "db", "a").await, leads("db.a", "database none"));
    assert_eq!(error(&mut tx, "db", "b").await, leads("db.b", "table db.u"));
    table::delete(&mut tx, &scope(), "db", "t").await.unwrap();
    assert_eq!(error(&mut tx, "db", "c").await, leads("db.c", "table db.t"));
    table::create(&mut tx, &scope(), "db", table_input("t", &[]), "me").await.unwrap();
    assert_eq!(table::get(&mut tx, &scope(), "db", "c").await.unwrap().name, "t");
    link_database(&mut tx, "later", json!({ "DatabaseName": "db" })).await;
    assert!(error(&mut tx, "turned", "t").await.contains("another resource link"));
    let shown = link::shown(&json!({ "Name": "l" }), &json!({ "Name": "t", "Owner": "o" }), "TargetTable");
    assert_eq!(shown, json!({ "Name": "l", "Owner": "o" }));
}

fn function_input(name: &str, kind: &str) -> FunctionInput {
    FunctionInput {
        function_name: name.to_owned(),
        function_type: Some(kind.to_owned()),
        ..FunctionInput::default()
    }
}

#[tokio::test]
async fn functions_come_and_go_with_their_database() {
    let (store, _folder) = with_table(&[]).await;
    let mut tx = store.begin().await.unwrap();
    database::create(&mut tx, &scope(), database_input("b")).await.unwrap();
    for (database, name) in [("db", "Alpha"), ("db", "beta"), ("b", "alphabet")] {
        let input = function_input(name, "REGULAR_FUNCTION");
        function::create(&mut tx, &scope(), database, input).await.unwrap();
    }
    let again = function::create(&mut tx, &scope(), "db", function_input("ALPHA", "x")).await.unwrap_err();
    assert!(matches!(again, CatalogError::Exists { .. }));
    let found = function::get(&mut tx, &scope(), "DB", "alpha").await.unwrap();
    assert_eq!(found.input.function_name, "Alpha", "as it was given");

    let query = FunctionQuery { limit: 1, ..FunctionQuery::default() };
    let mut seen = Vec::new();
    let mut token = None::<String>;
    loop {
        let query = FunctionQuery { token: token.as_deref(), ..query.clone() };
        let page = function::list(&mut tx, &scope(), &query).await.unwrap();
        seen.extend(page.items.into_iter().map(|one| format!("{}.{}", one.database_name, one.name)));
        token = page.next;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["b.alphabet", "db.alpha", "db.beta"]);
    let pattern = table::NamePattern::parse("alpha.*").unwrap();
    let only = FunctionQuery { database: Some("db"), pattern, limit: 9, ..FunctionQuery::default() };
    assert_eq!(function::list(&mut tx, &scope(), &only).await.unwrap().items.len(), 1);

    let renamed = function_input("gamma", "AGGREGATE_FUNCTION");
    function::update(&mut tx, &scope(), "db", "alpha", renamed.clone()).await.unwrap();
    assert!(function::update(&mut tx, &scope(), "db", "beta", renamed).await.is_err(), "the name is taken");
    function::delete(&mut tx, &scope(), "db", "gamma").await.unwrap();
    assert!(matches!(
        function::delete(&mut tx, &scope(), "db", "gamma").await,
        Err(CatalogError::NotFound { .. })
    ));
    database::delete(&mut tx, &scope(), "b").await.unwrap();
    let left = function::list(&mut tx, &scope(), &FunctionQuery { limit: 9, ..Default::default() }).await;
    assert_eq!(left.unwrap().items.len(), 1);
}

fn long(column: &str, nulls: i64) -> ColumnStatistics {
    serde_json::from_value(json!({
        "ColumnName": column, "ColumnType": "bigint", "AnalyzedTime": 1700000000.5,
        "StatisticsData": { "Type": "LONG", "LongColumnStatisticsData": {
            "MinimumValue": 1, "MaximumValue": 9, "NumberOfNulls": nulls, "NumberOfDistinctValues": 3 } },
    }))
    .unwrap()
}

#[tokio::test]
async fn statistics_are_of_columns_that_are_there() {
    let (store, _folder) = with_table(&[("k", "int")]).await;
    let mut tx = store.begin().await.unwrap();
    let table = ("db", "t");
    let mut wrong = long("name", 0);
    wrong.statistics_data.insert("Type".to_owned(), json!("STRING"));
    let mut of_text = long("id", 0);
    of_text.other.insert("ColumnType".to_owned(), json!("string"));
    let given = vec![long("ID", 1), long("none", 1), wrong, long("name", 1), of_text];
    let failed = statistics::update(&mut tx, &scope(), table, Of::Table, given).await.unwrap();
    let names: Vec<&str> = failed.iter().map(|one| one.given.column_name.as_str()).collect();
    assert_eq!(names, ["none", "name", "name", "id"]);
    let asked = ["id".to_owned(), "name".to_owned(), "none".to_owned()];
    let (found, failed) = statistics::get(&mut tx, &scope(), table, Of::Table, &asked).await.unwrap();
    assert_eq!((found, failed.len()), (vec![long("id", 1)], 2));

    let values = ["7".to_owned()];
    let of = Of::Partition(&values);
    let missing = statistics::update(&mut tx, &scope(), table, of, vec![long("id", 2)]).await.unwrap_err();
    assert!(matches!(missing, CatalogError::PartitionNotFound { .. }));
    partition::create(&mut tx, &scope(), "db", "t", partition_input(&["7"])).await.unwrap();
    statistics::update(&mut tx, &scope(), table, of, vec![long("id", 2)]).await.unwrap();
    partition::update(&mut tx, &scope(), "db", "t", &values, partition_input(&["7"])).await.unwrap();
    let (found, _) = statistics::get(&mut tx, &scope(), table, of, &asked[..1]).await.unwrap();
    assert_eq!(found, [long("id", 2)], "a partition that is replaced keeps them");
    statistics::update(&mut tx, &scope(), table, of, vec![long("k", 1)]).await.unwrap();
    let moved = ["8".to_owned()];
    partition::update(&mut tx, &scope(), "db", "t", &values, partition_input(&["8"])).await.unwrap();
    let both = ["id".to_owned(), "k".to_owned()];
    let (found, gone) =
        statistics::get(&mut tx, &scope(), table, Of::Partition(&moved), &both).await.unwrap();
    assert_eq!(found, [long("id", 2)], "one that gets other values, too");
    assert_eq!(gone.len(), 1, "but for those of the key: its value is another");
    partition::update(&mut tx, &scope(), "db", "t", &moved, partition_input(&["7"])).await.unwrap();
    partition::delete(&mut tx, &scope(), "db", "t", &values).await.unwrap();
    partition::create(&mut tx, &scope(), "db", "t", partition_input(&["7"])).await.unwrap();
    let (found, _) = statistics::get(&mut tx, &scope(), table, of, &asked[..1]).await.unwrap();
    assert!(found.is_empty(), "a partition made again has none");

    let mut input = table_input("t", &[("k", "int")]);
    input.storage_descriptor.as_mut().unwrap().columns.as_mut().unwrap()[0].column_type =
        Some("string".to_owned());
    table::update(&mut tx, &scope(), "db", input, Update::default()).await.unwrap();
    let (found, _) = statistics::get(&mut tx, &scope(), table, Of::Table, &asked[..1]).await.unwrap();
    assert!(found.is_empty(), "another type, no statistics");
    assert!(statistics::delete(&mut tx, &scope(), table, Of::Table, "id").await.is_err());
}

fn index_input(name: &str, keys: &[&str]) -> IndexInput {
    IndexInput { index_name: name.to_owned(), keys: keys.iter().map(|key| (*key).to_owned()).collect() }
}

#[tokio::test]
async fn indexes_are_active_when_filters_seek() {
    let (store, _folder) = with_table(&[("y", "int"), ("s", "string"), ("f", "double")]).await;
    let mut tx = store.begin().await.unwrap();
    let add = async |tx: &mut Tx, name: &str, keys: &[&str]| {
        index::create(tx, &scope(), "db", "t", index_input(name, keys)).await
    };
    add(&mut tx, "one", &["Y", "s"]).await.unwrap();
    for (name, keys) in [("a", &["none"][..]), ("b", &["y", "y"]), ("c", &["f"]), ("d", &[])] {
        assert!(matches!(add(&mut tx, name, keys).await, Err(CatalogError::InvalidInput { .. })), "{keys:?}");
    }
    for (name, keys) in [("one", &["s"][..]), ("same", &["y", "s"])] {
        assert!(matches!(add(&mut tx, name, keys).await, Err(CatalogError::Exists { .. })), "{name}");
    }
    add(&mut tx, "two", &["s"]).await.unwrap();
    add(&mut tx, "three", &["s", "y"]).await.unwrap();
    assert!(matches!(add(&mut tx, "four", &["y"]).await, Err(CatalogError::LimitExceeded { limit: 3, .. })));
    let active = async |tx: &mut Tx| {
        let found = index::list(tx, &scope(), "db", "t").await.unwrap();
        found.into_iter().map(|one| (one.name, one.active, one.bad_partitions)).collect::<Vec<_>>()
    };
    partition::create(&mut tx, &scope(), "db", "t", partition_input(&["2024", "x", "1.5"])).await.unwrap();
    assert!(active(&mut tx).await.iter().all(|(_, active, _)| *active));
    partition::create(&mut tx, &scope(), "db", "t", partition_input(&["soon", "x", "1.5"])).await.unwrap();
    let bad = vec![vec!["soon".to_owned(), "x".to_owned(), "1.5".to_owned()]];
    let found = active(&mut tx).await;
    assert_eq!(found[0], ("one".to_owned(), false, bad), "a value that is no number stands in its way");
    assert_eq!((found[2].0.as_str(), found[2].1), ("two", true), "text has no such values");
    let renamed = table_input("t", &[("year", "int"), ("s", "string"), ("f", "double")]);
    let refused =
        table::update(&mut tx, &scope(), "db", renamed.clone(), Update::default()).await.unwrap_err();
    assert!(refused.to_string().contains("DeletePartitionIndex"), "{refused}");
    for declared in ["double", "timestamp", "decimal(3,1)", "boolean"] {
        let retyped = table_input("t", &[("y", declared), ("s", "string"), ("f", "double")]);
        let refused = table::update(&mut tx, &scope(), "db", retyped, Update::default()).await.unwrap_err();
        assert!(refused.to_string().contains(&format!("it cannot become {declared}")), "{refused}");
    }
    let widened = table_input("t", &[("y", "bigint"), ("s", "varchar(9)"), ("f", "string")]);
    table::update(&mut tx, &scope(), "db", widened, Update::default()).await.unwrap();
    for name in ["one", "three"] {
        index::delete(&mut tx, &scope(), "db", "t", name).await.unwrap();
    }
    assert!(index::delete(&mut tx, &scope(), "db", "t", "one").await.is_err());
    table::update(&mut tx, &scope(), "db", renamed, Update::default()).await.unwrap();
}

#[tokio::test]
async fn policies_change_under_conditions() {
    let (store, _folder) = with_table(&[]).await;
    let mut tx = store.begin().await.unwrap();
    let (catalog, of_table) = (arn::catalog(&scope()), arn::table(&scope(), "db", "t"));
    let document = r#"{"Version":"2012-10-17","Statement":[]}"#;
    let exists = |exists| Condition { exists: Some(exists), hash: None };
    assert!(policy::put(&mut tx, &scope(), &catalog, "{}", Condition::default()).await.is_err());
    assert!(policy::put(&mut tx, &scope(), &catalog, document, exists(true)).await.is_err());
    let hash = policy::put(&mut tx, &scope(), &catalog, document, exists(false)).await.unwrap();
    assert!(policy::put(&mut tx, &scope(), &catalog, document, exists(false)).await.is_err());
    let other = Condition { hash: Some("other"), exists: None };
    let refused = policy::delete(&mut tx, &scope(), &catalog, other).await.unwrap_err();
    assert!(matches!(refused, CatalogError::ConditionFailed { .. }));
    policy::put(&mut tx, &scope(), &of_table, document, Condition::default()).await.unwrap();
    assert_eq!(policy::list(&mut tx, &scope(), None, 1).await.unwrap().items.len(), 1);
    table::delete(&mut tx, &scope(), "db", "t").await.unwrap();
    assert!(policy::get(&mut tx, &scope(), &of_table).await.is_err(), "it goes with its table");
    let right = Condition { hash: Some(&hash), exists: None };
    policy::delete(&mut tx, &scope(), &catalog, right).await.unwrap();
    assert!(policy::get(&mut tx, &scope(), &catalog).await.is_err());
}

#[tokio::test]
async fn what_hangs_on_a_table_leaves_with_it() {
    let (store, _folder) = with_table(&[("k", "int")]).await;
    let mut tx = store.begin().await.unwrap();
    let mut input = table_input("t", &[("k", "int")]);
    input.parameters = Some([("table_type".to_owned(), "ICEBERG".to_owned())].into());
    table::update(&mut tx, &scope(), "db", input, Update::default()).await.unwrap();
    let configuration = json!({ "enabled": true });
    optimizer::create(&mut tx, &scope(), ("db", "t"), "compaction", &configuration).await.unwrap();
    assert!(optimizer::create(&mut tx, &scope(), ("db", "t"), "compaction", &configuration).await.is_err());
    index::create(&mut tx, &scope(), "db", "t", index_input("i", &["k"])).await.unwrap();
    statistics::update(&mut tx, &scope(), ("db", "t"), Of::Table, vec![long("id", 1), long("k", 1)])
        .await
        .unwrap();
    table::delete(&mut tx, &scope(), "db", "t").await.unwrap();
    table::create(&mut tx, &scope(), "db", table_input("t", &[("k", "int")]), "me").await.unwrap();
    assert!(index::list(&mut tx, &scope(), "db", "t").await.unwrap().is_empty());
    let plain = optimizer::create(&mut tx, &scope(), ("db", "t"), "compaction", &configuration).await;
    assert!(matches!(plain, Err(CatalogError::InvalidInput { .. })), "not an Iceberg table");
    tx.commit().await.unwrap();
    purge::all(&store).await.unwrap();
    let mut tx = store.read().await.unwrap();
    for rows in ["catalog_statistics", "catalog_indexes", "catalog_optimizers"] {
        let row = tx.query_opt(&format!("SELECT count(*) FROM {rows}"), &[]).await.unwrap().unwrap();
        assert_eq!(row.get::<i64>(0).unwrap(), 0, "{rows}");
    }
}
