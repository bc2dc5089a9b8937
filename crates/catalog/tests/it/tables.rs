//! Databases, tables and versions.

use std::collections::BTreeMap;

use crate::common::{database_input, partition_input, scope, store, table_input, with_table};
use catalog::table::{NamePattern, TableQuery, Update};
use catalog::{CatalogError, TableInput, arn, database, purge, table};

#[tokio::test]
async fn names_are_folded_and_unique() {
    let (store, _folder) = store().await;
    let mut tx = store.begin().await.unwrap();
    database::create(&mut tx, &scope(), database_input("Sales")).await.unwrap();
    let again = database::create(&mut tx, &scope(), database_input("SALES")).await.unwrap_err();
    assert_eq!(again.to_string(), "Database already exists.");
    let mut input = table_input("Orders", &[("DT", "string")]);
    input.storage_descriptor.as_mut().unwrap().columns.as_mut().unwrap()[0].name = "ID".to_owned();
    table::create(&mut tx, &scope(), "sales", input, "me").await.unwrap();
    let found = table::get(&mut tx, &scope(), "SALES", "ORDERS").await.unwrap();
    assert_eq!((found.name.as_str(), found.columns()[0].name.as_str()), ("orders", "id"));
    assert_eq!(found.partition_keys()[0].name, "dt");
    let again = table::create(&mut tx, &scope(), "sales", table_input("orders", &[]), "me").await;
    assert!(matches!(again, Err(CatalogError::TableExists { .. })));
}

#[tokio::test]
async fn scopes_do_not_see_each_other() {
    let (store, _folder) = with_table(&[]).await;
    let other = store::Scope::new("000000000000", "eu-west-1").unwrap();
    let mut tx = store.read().await.unwrap();
    let missing = table::get(&mut tx, &other, "db", "t").await.unwrap_err();
    assert_eq!(missing.to_string(), "Database db not found.");
    assert!(database::list(&mut tx, &other, None, 10).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn bad_names_are_refused() {
    let (store, _folder) = store().await;
    let mut tx = store.begin().await.unwrap();
    for name in ["", "  ", "a\nb", "a/b", &"x".repeat(256)] {
        let refused = database::create(&mut tx, &scope(), database_input(name)).await;
        assert!(matches!(refused, Err(CatalogError::InvalidInput { .. })), "{name:?}");
    }
}

#[tokio::test]
async fn updates_lose_no_commit_of_an_iceberg_table() {
    let (store, _folder) = store().await;
    let mut tx = store.begin().await.unwrap();
    database::create(&mut tx, &scope(), database_input("db")).await.unwrap();
    let at = |location: &str, previous: Option<&str>| {
        let mut parameters = BTreeMap::from([("table_type".to_owned(), "ICEBERG".to_owned())]);
        parameters.insert("metadata_location".to_owned(), location.to_owned());
        previous.map(|text| parameters.insert("previous_metadata_location".to_owned(), text.to_owned()));
        TableInput { parameters: Some(parameters.into_iter().collect()), ..table_input("t", &[]) }
    };
    table::create(&mut tx, &scope(), "db", at("m0", None), "me").await.unwrap();
    let mut update = async |input: TableInput, version: Option<&str>| {
        let how = Update { version_id: version, skip_archive: true };
        table::update(&mut tx, &scope(), "db", input, how).await.map(|table| table.version)
    };
    assert_eq!(update(at("m1", Some("m0")), None).await.unwrap(), 1, "a commit on what is there");
    assert_eq!(update(at("m1", None), None).await.unwrap(), 2, "the pointer stays");
    for stale in [at("m0", None), at("m2", Some("m0")), at("m2", None)] {
        let refused = update(stale, None).await.unwrap_err();
        assert!(
            matches!(&refused, CatalogError::PointerMoved { current, .. } if current == "m1"),
            "{refused}"
        );
    }
    for version in [None, Some("2")] {
        let mut forgotten = at("m1", None);
        forgotten.parameters.as_mut().unwrap().remove("metadata_location");
        let refused = update(forgotten, version).await.unwrap_err();
        assert!(matches!(refused, CatalogError::InvalidInput { .. }), "{refused}");
    }
    assert!(update(table_input("t", &[]), None).await.is_err(), "all parameters left out");
    assert_eq!(update(at("m0", None), Some("2")).await.unwrap(), 3, "whoever knows the version may go back");
    assert_eq!(update(table_input("t", &[]), Some("3")).await.unwrap(), 4, "a table of another kind now");
}

#[tokio::test]
async fn updates_compare_and_swap_versions() {
    let (store, _folder) = with_table(&[]).await;
    let mut tx = store.begin().await.unwrap();
    let mut input = table_input("t", &[]);
    for version in 0..3 {
        input.description = Some(format!("after {version}"));
        let read = version.to_string();
        let how = Update { version_id: Some(&read), skip_archive: false };
        let updated = table::update(&mut tx, &scope(), "db", input.clone(), how).await.unwrap();
        assert_eq!(updated.version, version + 1);
    }
    let stale = Update { version_id: Some("1"), skip_archive: false };
    let refused = table::update(&mut tx, &scope(), "db", input.clone(), stale).await.unwrap_err();
    assert_eq!(refused.to_string(), "Update table failed due to concurrent modifications.");
    let skip = Update { version_id: None, skip_archive: true };
    table::update(&mut tx, &scope(), "db", input, skip).await.unwrap();
    let versions = table::list_versions(&mut tx, &scope(), "db", "t", None, 100).await.unwrap();
    let numbers: Vec<i64> = versions.items.iter().map(|found| found.version).collect();
    assert_eq!(numbers, [4, 2, 1, 0], "version 3 was not archived");
    assert_eq!(versions.items[1].table.input.description.as_deref(), Some("after 1"));
    assert!(table::get_version(&mut tx, &scope(), "db", "t", Some("3")).await.is_err());
    assert!(table::get_version(&mut tx, &scope(), "db", "t", Some("x")).await.is_err());
    table::delete_version(&mut tx, &scope(), "db", "t", "2").await.unwrap();
    assert!(table::delete_version(&mut tx, &scope(), "db", "t", "2").await.is_err());
    assert!(table::delete_version(&mut tx, &scope(), "db", "t", "4").await.is_err(), "the table itself");
}

#[tokio::test]
async fn two_writers_cannot_both_win() {
    let (store, _folder) = with_table(&[]).await;
    let write = |text: &'static str| {
        let store = store.clone();
        async move {
            let mut tx = store.begin().await.unwrap();
            let mut input = table_input("t", &[]);
            input.description = Some(text.to_owned());
            let how = Update { version_id: Some("0"), skip_archive: true };
            let result = table::update(&mut tx, &scope(), "db", input, how).await;
            if result.is_ok() {
                tx.commit().await.unwrap();
            }
            result.is_ok()
        }
    };
    let (a, b) = tokio::join!(write("a"), write("b"));
    assert!(a ^ b, "exactly one of the two writers wins");
}

#[tokio::test]
async fn versions_page() {
    let (store, _folder) = with_table(&[]).await;
    let mut tx = store.begin().await.unwrap();
    for _ in 0..7 {
        table::update(&mut tx, &scope(), "db", table_input("t", &[]), Update::default()).await.unwrap();
    }
    let (mut token, mut seen) = (None, Vec::new());
    loop {
        let page = table::list_versions(&mut tx, &scope(), "db", "t", token.as_deref(), 3).await.unwrap();
        seen.extend(page.items.iter().map(|found| found.version));
        token = page.next;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(seen, [7, 6, 5, 4, 3, 2, 1, 0]);
}

#[tokio::test]
async fn versions_are_named_as_they_are_written() {
    let (store, _folder) = with_table(&[]).await;
    let mut tx = store.begin().await.unwrap();
    table::update(&mut tx, &scope(), "db", table_input("t", &[]), Update::default()).await.unwrap();
    for odd in ["+0", "00", "-0", " 0", "0 ", "+1", "01", "1.0", ""] {
        let found = table::get_version(&mut tx, &scope(), "db", "t", Some(odd)).await;
        assert!(matches!(found, Err(CatalogError::VersionNotFound { .. })), "{odd:?}: {found:?}");
        let deleted = table::delete_version(&mut tx, &scope(), "db", "t", odd).await;
        assert!(matches!(deleted, Err(CatalogError::VersionNotFound { .. })), "{odd:?}");
    }
    for version in ["0", "1"] {
        let found = table::get_version(&mut tx, &scope(), "db", "t", Some(version)).await.unwrap();
        assert_eq!(found.version.to_string(), version);
    }
}

#[tokio::test]
async fn tables_list_by_pattern_and_page() {
    let (store, _folder) = with_table(&[]).await;
    let mut tx = store.begin().await.unwrap();
    for number in 0..25 {
        let input = table_input(&format!("sales_{number:02}"), &[]);
        table::create(&mut tx, &scope(), "db", input, "me").await.unwrap();
    }
    for (pattern, count) in [(None, 26), (Some("sales_*"), 25), (Some("sales_0.*"), 10), (Some("x*"), 0)] {
        let pattern = pattern.and_then(|text| NamePattern::parse(text).unwrap());
        let (mut token, mut seen) = (None::<String>, Vec::new());
        loop {
            let query = TableQuery { pattern: pattern.clone(), token: token.as_deref(), limit: 4 };
            let page = table::list(&mut tx, &scope(), "db", &query).await.unwrap();
            seen.extend(page.items.into_iter().map(|found| found.name));
            token = page.next;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(seen.len(), count);
        assert!(seen.is_sorted());
    }
    let query = TableQuery { pattern: None, token: Some("###"), limit: 4 };
    let refused = table::list(&mut tx, &scope(), "db", &query).await;
    assert!(matches!(refused, Err(CatalogError::InvalidToken)));
}

#[tokio::test]
async fn a_table_made_again_is_another() {
    let (store, _folder) = with_table(&[("dt", "string")]).await;
    let mut tx = store.begin().await.unwrap();
    catalog::partition::create(&mut tx, &scope(), "db", "t", partition_input(&["a"])).await.unwrap();
    let before = table::get(&mut tx, &scope(), "db", "t").await.unwrap();
    let tag = BTreeMap::from([("team".to_owned(), "data".to_owned())]);
    store::tags::set(&mut tx, &arn::table(&scope(), "db", "t"), &tag).await.unwrap();
    table::update(&mut tx, &scope(), "db", table_input("t", &[("dt", "string")]), Update::default())
        .await
        .unwrap();
    table::delete(&mut tx, &scope(), "db", "t").await.unwrap();
    let input = table_input("t", &[("dt", "string")]);
    let after = table::create(&mut tx, &scope(), "db", input, "me").await.unwrap();
    assert_ne!(before.uid, after.uid);
    assert_eq!(after.version, 0);
    let page = catalog::partition::list(&mut tx, &scope(), "db", "t", &Default::default()).await.unwrap();
    assert!(page.items.is_empty());
    assert!(store::tags::get(&mut tx, &arn::table(&scope(), "db", "t")).await.unwrap().is_empty());
    tx.commit().await.unwrap();
    assert!(purge::all(&store).await.unwrap() > 0);
    let mut tx = store.read().await.unwrap();
    for rows in ["catalog_partitions", "catalog_table_versions", "catalog_shapes", "catalog_value_kinds"] {
        let row = tx.query_opt(&format!("SELECT count(*) FROM {rows}"), &[]).await.unwrap().unwrap();
        assert_eq!(row.get::<i64>(0).unwrap(), 0, "{rows} is empty after the purge");
    }
}

#[tokio::test]
async fn a_database_goes_with_its_tables_and_moves_with_its_tags() {
    let (store, _folder) = with_table(&[("dt", "string")]).await;
    let mut tx = store.begin().await.unwrap();
    let tag = BTreeMap::from([("team".to_owned(), "data".to_owned())]);
    store::tags::set(&mut tx, &arn::table(&scope(), "db", "t"), &tag).await.unwrap();
    database::update(&mut tx, &scope(), "db", database_input("New")).await.unwrap();
    assert_eq!(store::tags::get(&mut tx, &arn::table(&scope(), "new", "t")).await.unwrap(), tag);
    assert!(table::get(&mut tx, &scope(), "new", "t").await.is_ok());
    database::delete(&mut tx, &scope(), "new").await.unwrap();
    database::create(&mut tx, &scope(), database_input("new")).await.unwrap();
    assert!(table::get(&mut tx, &scope(), "new", "t").await.is_err());
    let gone = database::delete(&mut tx, &scope(), "db").await.unwrap_err();
    assert_eq!(gone.to_string(), "Database db not found.");
}

#[tokio::test]
async fn partition_keys_are_checked() {
    let (store, _folder) = with_table(&[]).await;
    let mut tx = store.begin().await.unwrap();
    let twice = table_input("u", &[("dt", "string"), ("DT", "string")]);
    assert!(table::create(&mut tx, &scope(), "db", twice, "me").await.is_err());
    let mut input = table_input("u", &[("dt", "string")]);
    let parameters = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
    input.partition_keys.as_mut().unwrap()[0].parameters = Some(parameters);
    let refused = table::create(&mut tx, &scope(), "db", input, "me").await.unwrap_err();
    assert_eq!(refused.to_string(), "Parameters not supported for partition columns");
}
