//! SearchTables.

use catalog::search::{self, Comparator, Filter, SearchQuery};
use catalog::{CatalogError, database, table};
use store::Tx;

use crate::common::{database_input, make_table, scope, store, table_input};

async fn searched(tx: &mut Tx, query: &SearchQuery<'_>) -> Vec<String> {
    let mut seen = Vec::new();
    let mut token = None::<String>;
    loop {
        let query = SearchQuery { token: token.as_deref(), limit: 2, ..query.clone() };
        let page = search::tables(tx, &scope(), &query).await.unwrap();
        seen.extend(page.items.into_iter().map(|found| format!("{}.{}", found.database_name, found.name)));
        token = page.next;
        if token.is_none() {
            return seen;
        }
    }
}

fn filter(key: &str, value: &str, comparator: Option<Comparator>) -> Filter {
    Filter { key: key.to_owned(), value: value.to_owned(), comparator }
}

#[tokio::test]
async fn tables_are_searched_by_words_and_properties() {
    let (store, _folder) = store().await;
    make_table(&store, &[]).await;
    let mut tx = store.begin().await.unwrap();
    database::create(&mut tx, &scope(), database_input("shop-eu")).await.unwrap();
    for (name, description, kind, retention) in [
        ("customer_orders", "Alle Aufträge", "csv", 9),
        ("orders", "100% \"quoted\"", "parquet", 10),
        ("xxordersyy", "", "csv", 2),
    ] {
        let mut input = table_input(name, &[]);
        input.description = Some(description.to_owned());
        input.retention = Some(retention);
        input.parameters = Some([("classification".to_owned(), kind.to_owned())].into());
        table::create(&mut tx, &scope(), "shop-eu", input, "me").await.unwrap();
    }
    let text = |text| SearchQuery { text: Some(text), ..SearchQuery::default() };
    let by = |filters| SearchQuery { filters, ..SearchQuery::default() };
    assert_eq!(searched(&mut tx, &text("ORDERS")).await, ["shop-eu.customer_orders", "shop-eu.orders"]);
    assert_eq!(searched(&mut tx, &text("aufträge orders")).await, ["shop-eu.customer_orders"]);
    assert_eq!(searched(&mut tx, &text("\"orders\"")).await, ["shop-eu.orders"]);
    assert_eq!(searched(&mut tx, &text("\"100% \"quoted\"\"")).await, ["shop-eu.orders"]);
    assert_eq!(searched(&mut tx, &text("eu bigint csv")).await.len(), 2);
    assert_eq!(searched(&mut tx, &SearchQuery::default()).await.len(), 4, "without words: all");
    let parquet = vec![filter("Classification", "PARQUET", None)];
    assert_eq!(searched(&mut tx, &by(parquet)).await, ["shop-eu.orders"]);
    let both = vec![filter("Name", "orders", None), filter("DatabaseName", "shop-eu", None)];
    assert_eq!(searched(&mut tx, &by(both)).await.len(), 2);
    assert!(searched(&mut tx, &by(vec![filter("Name", "rder", None)])).await.is_empty());
    assert_eq!(searched(&mut tx, &by(vec![filter("Name", "%", None)])).await.len(), 0, "no wildcards");
    let since = |comparator| by(vec![filter("CreateTime", "2020-01-01", Some(comparator))]);
    assert_eq!(searched(&mut tx, &since(Comparator::GreaterThan)).await.len(), 4);
    assert!(searched(&mut tx, &since(Comparator::LessThanEquals)).await.is_empty());
    let sorted = |field, descending| SearchQuery { sort: Some((field, descending)), ..text("shop") };
    let ascending = searched(&mut tx, &sorted("Retention", false)).await;
    assert_eq!(ascending, ["shop-eu.xxordersyy", "shop-eu.customer_orders", "shop-eu.orders"]);
    let descending = searched(&mut tx, &sorted("Retention", true)).await;
    assert_eq!(descending, ["shop-eu.orders", "shop-eu.customer_orders", "shop-eu.xxordersyy"]);
    let unsorted = search::tables(&mut tx, &scope(), &SearchQuery { limit: 1, ..sorted("foo", false) }).await;
    assert!(matches!(unsorted, Err(CatalogError::InvalidInput { .. })), "{unsorted:?}");
    let kept = |days| by(vec![filter("Retention", days, None)]);
    assert_eq!(searched(&mut tx, &kept("0")).await, ["db.t"], "as GetTable shows it");
    assert_eq!(searched(&mut tx, &kept("9")).await, ["shop-eu.customer_orders"]);
    for bad in [filter("Name", "x", Some(Comparator::LessThan)), filter("UpdateTime", "soon", None)] {
        let query = SearchQuery { limit: 1, ..by(vec![bad]) };
        assert!(search::tables(&mut tx, &scope(), &query).await.is_err());
    }
}

#[tokio::test]
async fn what_underscores_join_stands_side_by_side() {
    let (store, _folder) = store().await;
    make_table(&store, &[]).await;
    let mut tx = store.begin().await.unwrap();
    for name in ["customer_orders_2024", "orders_customer", "customerorders"] {
        table::create(&mut tx, &scope(), "db", table_input(name, &[]), "me").await.unwrap();
    }
    let text = |text| SearchQuery { text: Some(text), ..SearchQuery::default() };
    for (words, found) in [
        ("customer_orders", vec!["db.customer_orders_2024"]),
        ("orders_2024", vec!["db.customer_orders_2024"]),
        ("Customer_Orders_2024", vec!["db.customer_orders_2024"]),
        ("_orders_", vec!["db.customer_orders_2024", "db.orders_customer"]),
        ("customer orders", vec!["db.customer_orders_2024", "db.orders_customer"]),
        ("customer_2024", vec![]),
    ] {
        assert_eq!(searched(&mut tx, &text(words)).await, found, "{words}");
    }
}

#[tokio::test]
async fn a_text_without_letters_and_digits_finds_nothing() {
    let (store, _folder) = store().await;
    make_table(&store, &[]).await;
    let mut tx = store.begin().await.unwrap();
    for text in ["*", "'", "\"", "\"\"", "   ", "_", "%"] {
        let query = SearchQuery { text: Some(text), ..SearchQuery::default() };
        assert!(searched(&mut tx, &query).await.is_empty(), "{text}");
        let sorted = SearchQuery { sort: Some(("Name", false)), ..query };
        assert!(searched(&mut tx, &sorted).await.is_empty(), "{text}");
    }
    let empty = SearchQuery { text: Some(""), ..SearchQuery::default() };
    assert_eq!(searched(&mut tx, &empty).await, ["db.t"]);
}

#[tokio::test]
async fn times_are_compared_and_sorted_as_precisely_as_they_are_shown() {
    let (store, _folder) = store().await;
    make_table(&store, &[]).await;
    let mut tx = store.begin().await.unwrap();
    for (name, access) in [("b", 1_706_702_400.125), ("a", 1_706_702_400.25), ("c", 1_706_702_400.0)] {
        let mut input = table_input(name, &[]);
        input.last_access_time = serde_json::Number::from_f64(access);
        table::create(&mut tx, &scope(), "db", input, "me").await.unwrap();
    }
    let at = |value: &str, comparator| SearchQuery {
        filters: vec![filter("LastAccessTime", value, Some(comparator))],
        ..SearchQuery::default()
    };
    for (value, comparator, found) in [
        ("1706702400.125", Comparator::Equals, vec!["db.b"]),
        ("2024-01-31T12:00:00.125Z", Comparator::GreaterThan, vec!["db.a"]),
        ("2024-01-31 12:00:00.125", Comparator::LessThanEquals, vec!["db.b", "db.c"]),
        ("2024-01-31T12:00:00Z", Comparator::GreaterThan, vec!["db.a", "db.b"]),
    ] {
        assert_eq!(searched(&mut tx, &at(value, comparator)).await, found, "{value}");
    }
    let sorted = SearchQuery { sort: Some(("LastAccessTime", false)), ..SearchQuery::default() };
    assert_eq!(searched(&mut tx, &sorted).await, ["db.t", "db.c", "db.b", "db.a"]);
}
