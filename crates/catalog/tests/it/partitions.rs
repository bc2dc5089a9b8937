//! Partitions by value: making, changing, deleting, counting.

use crate::common::{partition_input, scope, table_input, with_table};
use catalog::partition::{self, PartitionQuery, Segment};
use catalog::table::Update;
use catalog::{CatalogError, table};
use store::{Store, Tx};

async fn values(tx: &mut Tx, expression: &str) -> Result<Vec<Vec<String>>, CatalogError> {
    let query = PartitionQuery { expression: Some(expression), ..PartitionQuery::default() };
    let page = partition::list(tx, &scope(), "db", "t", &query).await?;
    Ok(page.items.into_iter().map(|found| found.input.values).collect())
}

async fn count(store: &Store, table: &str, column: &str) -> i64 {
    let mut tx = store.read().await.unwrap();
    let sql = format!("SELECT coalesce(sum({column}), 0) FROM {table}");
    tx.query_opt(&sql, &[]).await.unwrap().unwrap().get(0).unwrap()
}

#[tokio::test]
async fn one_after_the_other() {
    let (store, _folder) = with_table(&[("dt", "string"), ("n", "int")]).await;
    let mut tx = store.begin().await.unwrap();
    let make = partition_input(&["2024-01-01", "1"]);
    partition::create(&mut tx, &scope(), "db", "T", make.clone()).await.unwrap();
    let again = partition::create(&mut tx, &scope(), "db", "t", make.clone()).await.unwrap_err();
    assert_eq!(again.to_string(), "Partition already exists.");
    partition::create(&mut tx, &scope(), "db", "t", partition_input(&["2024-01-01", "01"])).await.unwrap();
    let found = partition::get(&mut tx, &scope(), "db", "t", &make.values).await.unwrap();
    assert_eq!(found.input, make);
    let few = partition::create(&mut tx, &scope(), "db", "t", partition_input(&["x"])).await.unwrap_err();
    assert_eq!(few.to_string(), "The number of partition keys do not match the number of partition values");
    assert_eq!(values(&mut tx, "n = 1").await.unwrap().len(), 2, "1 and 01 are two partitions of one number");
    partition::delete(&mut tx, &scope(), "db", "t", &make.values).await.unwrap();
    let gone = partition::get(&mut tx, &scope(), "db", "t", &make.values).await.unwrap_err();
    assert_eq!(gone.to_string(), "Cannot find partition.");
    assert!(partition::delete(&mut tx, &scope(), "db", "t", &make.values).await.is_err());
}

#[tokio::test]
async fn batches_report_each_failure() {
    let (store, _folder) = with_table(&[("n", "int")]).await;
    let mut tx = store.begin().await.unwrap();
    let inputs = ["1", "2", "2", "3"].map(|value| partition_input(&[value])).to_vec();
    let errors = partition::batch_create(&mut tx, &scope(), "db", "t", inputs).await.unwrap();
    assert_eq!(errors.len(), 1, "the second 2");
    let errors = partition::batch_create(
        &mut tx,
        &scope(),
        "db",
        "t",
        vec![partition_input(&["3"]), partition_input(&["4"])],
    )
    .await
    .unwrap();
    assert_eq!(errors[0].values, ["3"]);
    let wanted = ["4", "9", "1"].map(|value| vec![value.to_owned()]);
    let found = partition::batch_get(&mut tx, &scope(), "db", "t", &wanted).await.unwrap();
    let found: Vec<_> = found.iter().map(|one| one.values()[0].as_str()).collect();
    assert_eq!(found, ["4", "1"]);
    let updates = vec![
        (vec!["1".to_owned()], partition_input(&["10"])),
        (vec!["9".to_owned()], partition_input(&["9"])),
        (vec!["2".to_owned()], partition_input(&["3"])),
    ];
    let errors = partition::batch_update(&mut tx, &scope(), "db", "t", updates).await.unwrap();
    let failed: Vec<_> = errors.iter().map(|one| one.values[0].as_str()).collect();
    assert_eq!(failed, ["9", "2"]);
    let errors = partition::batch_delete(&mut tx, &scope(), "db", "t", &wanted).await.unwrap();
    assert_eq!(errors.len(), 2, "9 never was, 1 moved to 10");
    assert_eq!(values(&mut tx, "").await.unwrap(), [["2"], ["3"], ["10"]], "in the order of numbers");
}

#[tokio::test]
async fn upserts_replace_and_keep_the_creation_time() {
    let (store, _folder) = with_table(&[("n", "int")]).await;
    let mut tx = store.begin().await.unwrap();
    partition::create(&mut tx, &scope(), "db", "t", partition_input(&["1"])).await.unwrap();
    let mut changed = partition_input(&["1"]);
    changed.storage_descriptor.as_mut().unwrap().columns = None;
    let inputs = vec![changed.clone(), partition_input(&["2"])];
    let done = partition::upsert(&mut tx, &scope(), "db", "t", inputs).await.unwrap();
    assert_eq!((done.created, done.updated), (1, 1));
    let found = partition::get(&mut tx, &scope(), "db", "t", &changed.values).await.unwrap();
    assert_eq!(found.input, changed);
}

#[tokio::test]
async fn shapes_are_shared_and_leave_with_the_last() {
    let (store, _folder) = with_table(&[("n", "int")]).await;
    let mut tx = store.begin().await.unwrap();
    let inputs = (0..300).map(|n| partition_input(&[n.to_string()])).collect();
    partition::batch_create(&mut tx, &scope(), "db", "t", inputs).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(count(&store, "catalog_shapes", "1").await, 1);
    assert_eq!(count(&store, "catalog_shapes", "refs").await, 300);
    let mut tx = store.begin().await.unwrap();
    let all: Vec<_> = (0..300).map(|n| vec![n.to_string()]).collect();
    assert!(partition::batch_delete(&mut tx, &scope(), "db", "t", &all).await.unwrap().is_empty());
    tx.commit().await.unwrap();
    assert_eq!(count(&store, "catalog_shapes", "1").await, 0);
    assert_eq!(count(&store, "catalog_value_kinds", "refs").await, 0);
}

#[tokio::test]
async fn an_unreadable_value_is_named_until_it_is_gone() {
    let (store, _folder) = with_table(&[("n", "int"), ("s", "string")]).await;
    let mut tx = store.begin().await.unwrap();
    for value in ["1", "null", "__HIVE_DEFAULT_PARTITION__"] {
        partition::create(&mut tx, &scope(), "db", "t", partition_input(&[value, "x"])).await.unwrap();
    }
    let refused = values(&mut tx, "n >= 0").await.unwrap_err();
    assert!(matches!(refused, CatalogError::ValueNotOfType { .. }));
    assert_eq!(refused.to_string(), "For input string: \"null\" is not an integer.");
    assert_eq!(values(&mut tx, "s = 'x'").await.unwrap().len(), 3, "other keys can still be asked");
    partition::delete(&mut tx, &scope(), "db", "t", &["null".to_owned(), "x".to_owned()]).await.unwrap();
    assert_eq!(values(&mut tx, "n >= 0").await.unwrap(), [["1", "x"]]);
    assert_eq!(values(&mut tx, "n IS NULL").await.unwrap(), [["__HIVE_DEFAULT_PARTITION__", "x"]]);
}

#[tokio::test]
async fn types_may_change_under_stored_partitions() {
    let (store, _folder) = with_table(&[("k", "string")]).await;
    let mut tx = store.begin().await.unwrap();
    for value in ["9", "10", "011"] {
        partition::create(&mut tx, &scope(), "db", "t", partition_input(&[value])).await.unwrap();
    }
    assert_eq!(values(&mut tx, "k > '10'").await.unwrap(), [["9"]], "as text");
    let change = async |tx: &mut Tx, keys: &[(&str, &str)]| {
        let input = table_input("t", keys);
        table::update(tx, &scope(), "db", input, Update::default()).await.unwrap();
    };
    change(&mut tx, &[("k", "int")]).await;
    assert_eq!(values(&mut tx, "k > 9").await.unwrap().len(), 2, "as numbers");
    let found = partition::get(&mut tx, &scope(), "db", "t", &["011".to_owned()]).await.unwrap();
    assert_eq!(found.values(), ["011"], "a partition is found by its text under any type");
    change(&mut tx, &[("renamed", "string")]).await;
    assert_eq!(values(&mut tx, "renamed = '9'").await.unwrap(), [["9"]], "values go by position");
    partition::delete(&mut tx, &scope(), "db", "t", &["9".to_owned()]).await.unwrap();
}

#[tokio::test]
async fn the_number_of_keys_stays_while_partitions_are_stored() {
    let both = [("y", "int"), ("m", "int")];
    let (store, _folder) = with_table(&both).await;
    let mut tx = store.begin().await.unwrap();
    let stored = partition_input(&["2024", "1"]);
    partition::create(&mut tx, &scope(), "db", "t", stored.clone()).await.unwrap();
    for keys in [&both[..0], &both[..1], &[both[0], both[1], ("d", "int")]] {
        let input = table_input("t", keys);
        let refused = table::update(&mut tx, &scope(), "db", input, Update::default()).await.unwrap_err();
        assert!(matches!(refused, CatalogError::InvalidInput { .. }), "{refused}");
        assert!(refused.to_string().contains("BatchDeletePartition"), "it says what to do: {refused}");
    }
    let found = partition::get(&mut tx, &scope(), "db", "t", &stored.values).await.unwrap();
    assert_eq!(found.input, stored, "nothing was changed");
    partition::delete(&mut tx, &scope(), "db", "t", &stored.values).await.unwrap();
    table::update(&mut tx, &scope(), "db", table_input("t", &both[..1]), Update::default()).await.unwrap();
    partition::create(&mut tx, &scope(), "db", "t", partition_input(&["2024"])).await.unwrap();
    assert_eq!(values(&mut tx, "y = 2024").await.unwrap(), [["2024"]]);
}

#[tokio::test]
async fn segments_are_disjoint_and_complete() {
    let (store, _folder) = with_table(&[("n", "int")]).await;
    let mut tx = store.begin().await.unwrap();
    let inputs = (0..500).map(|n| partition_input(&[n.to_string()])).collect();
    partition::batch_create(&mut tx, &scope(), "db", "t", inputs).await.unwrap();
    for total in 1..=10 {
        let mut seen = Vec::new();
        for number in 0..total {
            let segment = Some(Segment { number, total });
            let mut after = None::<String>;
            loop {
                let query =
                    PartitionQuery { segment, after: after.as_deref(), limit: 37, ..Default::default() };
                let page = partition::list(&mut tx, &scope(), "db", "t", &query).await.unwrap();
                seen.extend(page.items.iter().map(|found| found.values()[0].parse::<i64>().unwrap()));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..500).collect::<Vec<_>>(), "{total} segments");
    }
    for (number, total) in [(1, 1), (0, 0), (0, 11)] {
        let query = PartitionQuery { segment: Some(Segment { number, total }), ..Default::default() };
        assert!(partition::list(&mut tx, &scope(), "db", "t", &query).await.is_err());
    }
}

#[tokio::test]
async fn pages_are_stable_while_partitions_come_and_go() {
    let (store, _folder) = with_table(&[("a", "string"), ("n", "int")]).await;
    let mut tx = store.begin().await.unwrap();
    let inputs = (0..200).map(|n| partition_input(&[&format!("a{}", n % 2), &n.to_string()])).collect();
    partition::batch_create(&mut tx, &scope(), "db", "t", inputs).await.unwrap();
    for expression in ["", "n >= 0", "n IN (3, 50, 51, 199) OR n BETWEEN 60 AND 150", "a = 'a1'"] {
        let (mut after, mut seen) = (None::<String>, Vec::new());
        let mut round = 0;
        loop {
            let query = PartitionQuery {
                expression: Some(expression),
                after: after.as_deref(),
                limit: 7,
                ..Default::default()
            };
            let page = partition::list(&mut tx, &scope(), "db", "t", &query).await.unwrap();
            seen.extend(page.items.iter().map(|found| found.input.values.clone()));
            after = page.next;
            if after.is_none() {
                break;
            }
            round += 1;
            let extra = partition_input(&["a9", &(1000 + round).to_string()]);
            partition::create(&mut tx, &scope(), "db", "t", extra.clone()).await.unwrap();
            if let Some(last) = seen.last().filter(|last| last[0] == "a9") {
                let last = last.clone();
                partition::delete(&mut tx, &scope(), "db", "t", &last).await.unwrap();
            }
        }
        let mut unique = seen.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), seen.len(), "nothing is repeated: {expression}");
        let whole = values(&mut tx, expression).await.unwrap();
        let missed = whole.iter().filter(|one| one[0] != "a9" && !seen.contains(one)).count();
        assert_eq!(missed, 0, "nothing is missed: {expression}");
        let extras: Vec<_> = values(&mut tx, "a = 'a9'").await.unwrap();
        partition::batch_delete(&mut tx, &scope(), "db", "t", &extras).await.unwrap();
    }
}

#[tokio::test]
async fn alternatives_on_different_keys_are_listed_once_each() {
    let (store, _folder) = with_table(&[("a", "int"), ("b", "string"), ("c", "int")]).await;
    let mut tx = store.begin().await.unwrap();
    let inputs =
        (0..60).map(|n| partition_input(&[(n % 6).to_string(), format!("b{}", n % 4), n.to_string()]));
    partition::batch_create(&mut tx, &scope(), "db", "t", inputs.collect()).await.unwrap();
    let matches = |n: i64| n % 4 == 1 || n == 2 || (n % 6 == 3 && n > 40);
    for limit in [1, 2, 7, 100] {
        let mut seen = Vec::new();
        let mut token = None::<String>;
        loop {
            let expression = Some("b = 'b1' OR NOT (c <> 2) OR (a = 3 AND c > 40)");
            let query =
                PartitionQuery { expression, after: token.as_deref(), limit, ..PartitionQuery::default() };
            let page = partition::list(&mut tx, &scope(), "db", "t", &query).await.unwrap();
            seen.extend(page.items.iter().map(|one| one.values()[2].parse::<i64>().unwrap()));
            token = page.next;
            if token.is_none() {
                break;
            }
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..60).filter(|n| matches(*n)).collect::<Vec<_>>(), "{limit}");
    }
}

#[tokio::test]
async fn tokens_belong_to_their_listing() {
    let (store, _folder) = with_table(&[("n", "int")]).await;
    let mut tx = store.begin().await.unwrap();
    let inputs = (0..10).map(|n| partition_input(&[n.to_string()])).collect();
    partition::batch_create(&mut tx, &scope(), "db", "t", inputs).await.unwrap();
    let query = PartitionQuery { limit: 3, ..Default::default() };
    let token = partition::list(&mut tx, &scope(), "db", "t", &query).await.unwrap().next.unwrap();
    table::create(&mut tx, &scope(), "db", table_input("u", &[("n", "int")]), "me").await.unwrap();
    let other = PartitionQuery { after: Some(&token), ..query };
    assert!(matches!(
        partition::list(&mut tx, &scope(), "db", "u", &other).await,
        Err(CatalogError::InvalidToken)
    ));
    for bad in ["x", "e30", "!!!", &"a".repeat(100_000)] {
        let other = PartitionQuery { after: Some(bad), ..query };
        assert!(matches!(
            partition::list(&mut tx, &scope(), "db", "t", &other).await,
            Err(CatalogError::InvalidToken)
        ));
    }
    let exact = PartitionQuery { limit: 10, ..Default::default() };
    assert_eq!(partition::list(&mut tx, &scope(), "db", "t", &exact).await.unwrap().next, None);
}

#[tokio::test]
async fn columns_can_be_left_out() {
    let (store, _folder) = with_table(&[("n", "int")]).await;
    let mut tx = store.begin().await.unwrap();
    partition::create(&mut tx, &scope(), "db", "t", partition_input(&["1"])).await.unwrap();
    let query = PartitionQuery { exclude_column_schema: true, ..Default::default() };
    let page = partition::list(&mut tx, &scope(), "db", "t", &query).await.unwrap();
    assert_eq!(page.items[0].storage_descriptor().unwrap().columns, None);
    assert_eq!(page.items[0].location(), Some("s3://lake/t/1/"));
}

#[tokio::test]
async fn a_table_without_partition_keys_has_no_partitions() {
    let (store, _folder) = with_table(&[]).await;
    let mut tx = store.begin().await.unwrap();
    for values in [vec![], vec!["1"]] {
        let refused = partition::create(&mut tx, &scope(), "db", "t", partition_input(&values)).await;
        let message = refused.unwrap_err().to_string();
        assert!(message.contains("has no partition keys"), "{message}");
        let refused = partition::upsert(&mut tx, &scope(), "db", "t", vec![partition_input(&values)]).await;
        assert!(matches!(refused, Err(CatalogError::InvalidInput { .. })), "{refused:?}");
    }
}

#[tokio::test]
async fn long_values_are_partitions_of_their_own() {
    let (store, _folder) = with_table(&[("s", "string")]).await;
    let mut tx = store.begin().await.unwrap();
    let long = "x".repeat(1000);
    for end in ["a", "b"] {
        let value = format!("{long}{end}");
        partition::create(&mut tx, &scope(), "db", "t", partition_input(&[&value])).await.unwrap();
        assert_eq!(values(&mut tx, &format!("s = '{value}'")).await.unwrap(), [[value]]);
    }
    assert_eq!(values(&mut tx, &format!("s LIKE '{long}%'")).await.unwrap().len(), 2);
}

#[tokio::test]
async fn doubles_that_are_no_numbers_compare_as_in_java() {
    for keys in [[("f", "double"), ("s", "string")], [("s", "string"), ("f", "double")]] {
        let (store, _folder) = with_table(&keys).await;
        let mut tx = store.begin().await.unwrap();
        let at = keys.iter().position(|(name, _)| *name == "f").unwrap();
        let row = |value: &str| if at == 0 { [value, "x"] } else { ["x", value] }.map(str::to_owned);
        for value in ["-Infinity", "-1.5", "2", "inf", "NaN", "__HIVE_DEFAULT_PARTITION__"] {
            partition::create(&mut tx, &scope(), "db", "t", partition_input(&row(value))).await.unwrap();
        }
        for (expression, wanted) in [
            ("f < 2", &["-1.5", "-Infinity"][..]),
            ("f <= 2", &["-1.5", "-Infinity", "2"]),
            ("f > 1", &["2", "NaN", "inf"]),
            ("f = 'NaN'", &["NaN"]),
            ("f >= 'Infinity'", &["NaN", "inf"]),
            ("f <> 'NaN'", &["-1.5", "-Infinity", "2", "inf"]),
            ("f IN (2, 'NaN')", &["2", "NaN"]),
            ("f BETWEEN '-Infinity' AND 2", &["-1.5", "-Infinity", "2"]),
            ("f BETWEEN -2 AND 2", &["-1.5", "2"]),
            ("f IS NULL", &["__HIVE_DEFAULT_PARTITION__"]),
            ("f = 2", &["2"]),
        ] {
            let mut found: Vec<String> = values(&mut tx, expression)
                .await
                .unwrap()
                .into_iter()
                .map(|mut row| row.swap_remove(at))
                .collect();
            found.sort_unstable();
            assert_eq!(found, wanted, "{expression}");
        }
        partition::create(&mut tx, &scope(), "db", "t", partition_input(&row("nan"))).await.unwrap();
        let refused = values(&mut tx, "f > 1").await.unwrap_err();
        assert_eq!(refused.to_string(), "For input string: nan is not a double.");
        for value in ["NaN", "nan"] {
            partition::delete(&mut tx, &scope(), "db", "t", &row(value)).await.unwrap();
        }
        assert_eq!(values(&mut tx, "f > 1").await.unwrap().len(), 2);
    }
}
