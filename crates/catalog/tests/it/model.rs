//! Any expressions over any partitions.

use std::collections::BTreeSet;

use catalog::expression::{DEFAULT_PARTITION, parse};
use catalog::partition::{self, PartitionQuery};
use catalog::{CatalogError, table};
use proptest::prelude::*;
use store::{Store, Tx};

use crate::common::{partition_input, scope};

pub(crate) const KEYS: [(&str, &str); 6] = [
    ("region", "string"),
    ("n", "bigint"),
    ("dt", "date"),
    ("price", "decimal(12,4)"),
    ("at", "timestamp"),
    ("deep", "double"),
];

fn value(position: usize) -> BoxedStrategy<String> {
    let usual: BoxedStrategy<String> = match position {
        0 => prop_oneof!["[a-c]{1,3}", Just("a'b".to_owned()), "[a-c]%[_a]"].boxed(),
        1 => prop_oneof![
            (-12i64..12).prop_map(|n| n.to_string()),
            Just("007".to_owned()),
            Just(i64::MAX.to_string()),
            Just((i64::MAX - 1).to_string())
        ]
        .boxed(),
        2 => (1u32..29, 1u32..4).prop_map(|(day, month)| format!("2024-{month:02}-{day:02}")).boxed(),
        3 => prop_oneof![
            (-300i64..300).prop_map(|n| format!("{}.{:02}", n / 10, n.unsigned_abs() % 10 * 10)),
            Just("0.10000000000000000001".to_owned()),
            Just("1e2".to_owned())
        ]
        .boxed(),
        4 => (0u32..3, prop_oneof![Just(""), Just(".0"), Just(".5"), Just(".500"), Just(".123456789")])
            .prop_map(|(second, fraction)| format!("2024-01-01 00:00:0{second}{fraction}"))
            .boxed(),
        _ => prop_oneof![
            (-5i32..5).prop_map(|n| format!("{n}.5")),
            Just("-0.0".to_owned()),
            Just("1e-3".to_owned())
        ]
        .boxed(),
    };
    usual
}

fn stored(position: usize) -> BoxedStrategy<String> {
    prop_oneof![9 => value(position), 1 => Just(DEFAULT_PARTITION.to_owned())].boxed()
}

fn literal(position: usize) -> BoxedStrategy<String> {
    value(position).prop_map(|text| format!("'{}'", text.replace('\'', "''"))).boxed()
}

fn predicate() -> BoxedStrategy<String> {
    let not = prop_oneof![Just(""), Just("NOT ")];
    (0usize..KEYS.len())
        .prop_flat_map(move |position| {
            let key = KEYS[position].0;
            let operator = prop_oneof![Just("="), Just("<>"), Just("<"), Just("<="), Just(">"), Just(">=")];
            let compare =
                (operator, literal(position)).prop_map(move |(op, text)| format!("{key} {op} {text}"));
            let list = (not.clone(), prop::collection::vec(literal(position), 1..4))
                .prop_map(move |(not, list)| format!("{key} {not}IN ({})", list.join(", ")));
            let between = (not.clone(), literal(position), literal(position))
                .prop_map(move |(not, low, high)| format!("{key} {not}BETWEEN {low} AND {high}"));
            let null = not.clone().prop_map(move |not| format!("{key} IS {not}NULL"));
            let like = (not.clone(), "[a-c%_]{0,4}")
                .prop_map(move |(not, text)| format!("region {not}LIKE '{text}'"));
            prop_oneof![4 => compare, 2 => list, 2 => between, 1 => null, 2 => like]
        })
        .boxed()
}

pub(crate) fn expression() -> impl Strategy<Value = String> {
    predicate().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" AND "))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" OR "))),
            inner.prop_map(|part| format!("NOT ({part})")),
        ]
    })
}

pub(crate) fn row() -> impl Strategy<Value = Vec<String>> {
    (0..KEYS.len()).map(stored).collect::<Vec<_>>()
}

async fn listed(tx: &mut Tx, expression: &str, limit: usize) -> Result<Vec<Vec<String>>, CatalogError> {
    let (mut after, mut seen) = (None::<String>, Vec::new());
    loop {
        let query = PartitionQuery {
            expression: Some(expression),
            after: after.as_deref(),
            limit,
            ..Default::default()
        };
        let page = partition::list(tx, &scope(), "db", "t", &query).await?;
        seen.extend(page.items.into_iter().map(|found| found.input.values));
        after = page.next;
        if after.is_none() {
            return Ok(seen);
        }
    }
}

/// Checks that listing by seeking finds what filtering every partition finds.
pub(crate) async fn agree(store: Store, rows: BTreeSet<Vec<String>>, expressions: Vec<String>, limit: usize) {
    let mut tx = store.begin().await.unwrap();
    let inputs = rows.iter().map(|row| partition_input(row)).collect();
    partition::batch_create(&mut tx, &scope(), "db", "t", inputs).await.unwrap();
    let table = table::get(&mut tx, &scope(), "db", "t").await.unwrap();
    for expression in expressions {
        let filter = parse(&expression, table.partition_keys()).unwrap().unwrap();
        let expected: BTreeSet<_> = rows.iter().filter(|row| filter.matches(row).unwrap()).cloned().collect();
        let found = listed(&mut tx, &expression, limit).await.unwrap();
        assert_eq!(found.len(), expected.len(), "{expression}");
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected, "{expression}");
    }
}
