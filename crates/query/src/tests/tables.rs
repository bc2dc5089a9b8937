//! Queries on tables: joins, groups and filters.

use std::sync::Arc;

use arrow::array::{Float64Array, Int32Array, StringArray, TimestampMicrosecondArray};

use super::{World, batch};

async fn world() -> World {
    let world = World::new().await;
    let nan = f64::NAN;
    let x = Float64Array::from(vec![Some(nan), Some(-nan), Some(0.0), Some(-0.0), Some(2.0), None]);
    let a = Int32Array::from(vec![0, 1, 2, 0, 4, 5]);
    let s = StringArray::from(vec!["7", "x", "8", "y", "z", "9"]);
    // Microseconds: half a millisecond and others; one far from 1970.
    let at = TimestampMicrosecondArray::from(vec![1_499, 1_500, -1_500, -1_501, 32_503_680_000_000_400, 0]);
    let columns =
        batch(vec![("x", Arc::new(x)), ("a", Arc::new(a)), ("s", Arc::new(s)), ("at", Arc::new(at))]);
    world.table("t", "x double;a int;s string;at timestamp", &columns).await;
    world
}

#[tokio::test]
async fn nan_joins_nothing_but_groups() {
    let world = world().await;
    let joined = "SELECT count(*) FROM t l JOIN t r ON l.x = r.x";
    assert_eq!(world.rows(joined).await, ["5"], "four pairs of zeros and one of twos");
    assert_eq!(world.rows("SELECT count(*) FROM t l JOIN t r USING (x)").await, ["5"]);
    assert_eq!(world.rows("SELECT count(*) FROM t l, t r WHERE l.x = r.x AND l.a = r.a").await, ["3"]);
    assert_eq!(world.rows("SELECT count(*) FROM t WHERE x IN (SELECT x FROM t)").await, ["3"]);
    assert_eq!(
        world.rows("SELECT count(*) FROM t l WHERE EXISTS (SELECT 1 FROM t r WHERE r.x = l.x)").await,
        ["3"]
    );
    assert_eq!(
        world.rows("SELECT x, count(*) FROM t GROUP BY x ORDER BY x").await,
        ["0.0|2", "2.0|1", "NaN|2", "∅|1"]
    );
    assert_eq!(world.rows("SELECT DISTINCT x FROM t ORDER BY x DESC").await, ["NaN", "2.0", "0.0", "∅"]);
    assert_eq!(world.rows("SELECT count(DISTINCT x) FROM t").await, ["3"]);
    assert_eq!(world.rows("SELECT count(*) FROM (SELECT x FROM t INTERSECT SELECT x FROM t)").await, ["4"]);
    assert_eq!(world.rows("SELECT count(*) FROM (SELECT x FROM t EXCEPT SELECT x FROM t)").await, ["0"]);
}

#[tokio::test]
async fn nan_is_neither_largest_nor_smallest() {
    let world = world().await;
    assert_eq!(world.rows("SELECT max(x), min(x) FROM t").await, ["2.0|0.0"]);
    assert_eq!(world.rows("SELECT max(x), min(x) FROM t WHERE is_nan(x)").await, ["NaN|NaN"]);
    assert_eq!(world.rows("SELECT a, max(x) FROM t GROUP BY a ORDER BY a").await[0], "0|-0.0");
    let rolling = "SELECT max(x) OVER (ORDER BY a, s ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t";
    assert_eq!(world.rows(rolling).await, ["NaN", "-0.0", "-0.0", "0.0", "2.0", "2.0"]);
    assert_eq!(world.rows("SELECT a FROM t WHERE x > 1 ORDER BY a").await, ["4"]);
    assert_eq!(world.rows("SELECT count(*) FROM t WHERE NOT (x > 1)").await, ["4"]);
    assert_eq!(world.rows("SELECT count(*) FROM t WHERE x <> 2").await, ["4"]);
}

#[tokio::test]
async fn timestamps_have_milliseconds() {
    let world = world().await;
    let shown = world.rows("SELECT at FROM t ORDER BY at").await;
    let expected = [
        "1969-12-31 23:59:59.998",
        "1969-12-31 23:59:59.999",
        "1970-01-01 00:00:00.000",
        "1970-01-01 00:00:00.001",
        "1970-01-01 00:00:00.002",
        "3000-01-01 00:00:00.000",
    ];
    assert_eq!(shown, expected);
    let count = |condition: &str| format!("SELECT count(*) FROM t WHERE {condition}");
    for (condition, expected) in [
        ("at = TIMESTAMP '1970-01-01 00:00:00.001'", "1"),
        ("at = TIMESTAMP '3000-01-01 00:00:00'", "1"),
        ("at > TIMESTAMP '1970-01-01 00:00:00.001'", "2"),
        ("at >= TIMESTAMP '1970-01-01 00:00:00.002'", "2"),
        ("at < TIMESTAMP '1969-12-31 23:59:59.999'", "1"),
        ("at <= TIMESTAMP '1969-12-31 23:59:59.999'", "2"),
        ("at <> TIMESTAMP '1970-01-01 00:00:00'", "5"),
        ("at >= DATE '2000-01-01'", "1"),
        ("at BETWEEN DATE '1500-01-01' AND DATE '1970-01-01'", "3"),
    ] {
        assert_eq!(world.rows(&count(condition)).await, [expected], "{condition}");
    }
    assert_eq!(world.rows("SELECT count(*) FROM t l JOIN t r ON l.at = r.at").await, ["6"]);
}

#[tokio::test]
async fn conditions_are_evaluated_as_far_as_needed() {
    let world = world().await;
    for (condition, expected) in [
        ("a <> 0 AND 8 / a > 2", "2"),
        ("8 / a > 2 AND a <> 0", "2"),
        ("a = 0 OR 8 / a > 2", "4"),
        ("NOT (a = 0 OR 8 / a > 2)", "2"),
        ("(a <> 0 AND 8 / a > 2) IS NOT NULL", "6"),
        ("s IN ('7', '8', '9') AND CAST(s AS integer) > 7", "2"),
        ("CASE WHEN a = 0 THEN false ELSE 8 / a > 2 END", "2"),
        ("if(a = 0, true, 8 / a > 2)", "4"),
    ] {
        let sql = format!("SELECT count(*) FROM t WHERE {condition}");
        assert_eq!(world.rows(&sql).await, [expected], "{condition}");
    }
    let nested = "SELECT count(*) FROM (SELECT * FROM t WHERE a <> 0) WHERE 8 / a > 2 AND 8 / a < 8";
    assert_eq!(world.rows(nested).await, ["1"]);
    let values = "SELECT a <> 0 AND 8 / a > 2, a = 0 OR 8 / a > 2, CASE WHEN a <> 0 THEN 8 / a END FROM t ORDER BY a, s";
    let expected =
        ["false|true|∅", "false|true|∅", "true|true|8", "true|true|4", "false|false|2", "false|false|1"];
    assert_eq!(world.rows(values).await, expected);
    let joined = "SELECT count(*) FROM t l JOIN t r ON l.s = r.s AND r.a <> 0 AND l.a / r.a = 1";
    assert_eq!(world.rows(joined).await, ["4"]);
    assert_eq!(
        world.rows("SELECT count(*) FROM t l LEFT JOIN t r ON l.s = r.s AND r.a <> 0 AND 8 / r.a > 2").await,
        ["6"]
    );
}
