//! Values of different types that get one type together: Trino's, not the first one's.

use std::sync::Arc;

use arrow::array::{Float64Array, Int32Array, Int64Array};

use super::{World, batch};

#[tokio::test]
async fn numbers_of_different_types_become_trinos_common_one() {
    let world = World::new().await;
    let mut wrong = Vec::new();
    for (expression, expected) in [
        ("(SELECT sum(CASE WHEN x > 1 THEN 1 ELSE 0.5 END) FROM (VALUES (1),(2)) v(x))", "1.5"),
        ("(SELECT sum(x) FROM (SELECT 1 x UNION ALL SELECT 2.5) t)", "3.5"),
        ("(SELECT sum(x) FROM (VALUES (1.5),(2.25)) v(x))", "3.75"),
        ("(SELECT sum(x) FROM (VALUES (1),(NULL),(2.25),(3e0)) v(x))", "6.25"),
        ("(SELECT sum(if(x > 1, 1, 0.5)) FILTER (WHERE x > 0) FROM (VALUES (1),(2)) v(x))", "1.5"),
        ("(SELECT max(s) FROM (SELECT sum(x) OVER () s FROM (VALUES (1),(2.5)) v(x)) t)", "3.5"),
        ("(WITH t AS (SELECT 1 x UNION SELECT 2.5) SELECT sum(x + x) FROM t)", "7.0"),
        ("(SELECT max(x) FROM (SELECT 3000000000 x UNION SELECT 1) t)", "3000000000"),
        ("if(true, 7, 0.5) / 2", "3.5"),
        ("if(1 > 0, 7, 0.5) * 3", "21.0"),
        ("if(1 > 0, 7, 0.5)", "7.0"),
        ("coalesce(1, 2.50)", "1.00"),
        ("coalesce(9223372036854775807, 0.5)", "9223372036854775807.0"),
        ("CASE WHEN true THEN 1.5 WHEN false THEN 100.25 END", "1.50"),
        ("coalesce(1e-20, 0.0)", "1.0E-20"),
        ("coalesce(1e20, 0.0)", "1.0E20"),
        ("coalesce(NULL, 0.5, 1e0)", "0.5"),
        ("CASE WHEN true THEN 0.5 ELSE 1e0 END", "0.5"),
        ("CASE 1 WHEN 1.0 THEN 'one' ELSE 'other' END", "one"),
        ("(SELECT sum(coalesce(x, 0.0)) FROM (VALUES (1e-3),(NULL)) v(x))", "0.001"),
        ("1e0 + 0.5", "1.5"),
        ("nullif(1, 2.5)", "1"),
        ("nullif(1, 1.0)", "∅"),
        ("nullif(2.5, 1)", "2.5"),
        ("1 IN (1.0, 2.5)", "true"),
        ("2 IN (1.0, 2.5)", "false"),
        ("2 BETWEEN 1.5 AND 2.5", "true"),
        (
            "(SELECT count(*) FROM (VALUES (1),(2)) v(x) WHERE x IN (SELECT y FROM (VALUES (1.0),(2.5)) u(y)))",
            "1",
        ),
        (
            "(SELECT count(*) FROM (VALUES (1),(2)) v(x) WHERE x NOT IN (SELECT y FROM (VALUES (1.0),(2.5)) u(y)))",
            "1",
        ),
        (
            "(SELECT count(*) FROM (VALUES (1),(2)) v(x) WHERE EXISTS (SELECT 1 FROM (VALUES (1),(2.5)) u(y) WHERE y = x))",
            "1",
        ),
        (
            "(SELECT count(*) FROM (VALUES (DATE '2020-01-01')) v(x) WHERE x IN (SELECT TIMESTAMP '2020-01-01 00:00:00'))",
            "1",
        ),
    ] {
        match world.run(&format!("SELECT {expression} AS x"), &Default::default()).await {
            Ok(rows) if rows[1..] == [expected] => {}
            other => wrong.push(format!("{expression}: {other:?}, not {expected}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn set_operations_have_the_common_type() {
    let world = World::new().await;
    let rows = async |sql: &str| world.rows(sql).await;
    assert_eq!(rows("SELECT 1 x INTERSECT SELECT 1.0").await, ["1.0"]);
    assert_eq!(rows("SELECT 1 x EXCEPT SELECT 2.5").await, ["1.0"]);
    assert_eq!(rows("SELECT DATE '2020-01-02' x UNION SELECT NULL ORDER BY x").await, ["2020-01-02", "∅"]);
    assert_eq!(
        rows("SELECT DATE '2020-01-02' x UNION ALL SELECT TIMESTAMP '2020-01-01 01:00:00' ORDER BY x").await,
        ["2020-01-01 01:00:00.000", "2020-01-02 00:00:00.000"]
    );
    // As doubles these two are one number.
    let large = "SELECT x FROM (VALUES (9007199254740992), (9007199254740993)) t(x)";
    assert_eq!(rows(&format!("SELECT count(*) FROM ({large} EXCEPT SELECT 1e0) t")).await, ["1"]);
    assert!(world.error("SELECT 1 x INTERSECT SELECT 'a'").await.starts_with("TYPE_MISMATCH"));
    let averaged = world.error("SELECT avg(x) FROM (VALUES (1),(2.5)) t(x)").await;
    assert!(averaged.starts_with("NOT_SUPPORTED") && averaged.contains("avg of decimal"), "{averaged}");
}

#[tokio::test]
async fn columns_of_tables_have_it_too() {
    let world = World::new().await;
    let columns = batch(vec![
        ("i", Arc::new(Int32Array::from(vec![1, 2]))),
        ("b", Arc::new(Int64Array::from(vec![1, 3]))),
        ("d", Arc::new(Float64Array::from(vec![None, Some(0.25)]))),
    ]);
    world.table("n", "i int;b bigint;d double", &columns).await;
    assert_eq!(
        world.rows("SELECT sum(x) FROM (SELECT i x FROM n UNION ALL SELECT d FROM n) t").await,
        ["3.25"]
    );
    assert_eq!(world.rows("SELECT sum(coalesce(d, 0.0)) FROM n").await, ["0.25"]);
    assert_eq!(world.rows("SELECT sum(CASE WHEN i > 1 THEN d ELSE i END) FROM n").await, ["1.25"]);
    assert_eq!(world.rows("SELECT i FROM n INTERSECT SELECT b FROM n").await, ["1"]);
    assert_eq!(world.rows("SELECT i, sum(i + 0.5) FROM n GROUP BY i ORDER BY i").await, ["1|1.5", "2|2.5"]);
}
