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

#[tokio::test]
async fn texts_of_a_given_length() {
    let world = World::new().await;
    let a = StringArray::from(vec![Some("łódź"), Some("ab"), None]);
    let b = StringArray::from(vec!["ab", "xyz", ""]);
    world
        .table(
            "v",
            "a varchar(2);b char(3);s string",
            &batch(vec![("a", Arc::new(a)), ("b", Arc::new(b.clone())), ("s", Arc::new(b))]),
        )
        .await;
    assert_eq!(world.rows("SELECT a, length(a), s FROM v ORDER BY s").await, ["∅|∅|", "łó|2|ab", "ab|2|xyz"]);
    assert_eq!(world.rows("SELECT count(*) FROM v WHERE a = 'łó'").await, ["1"]);
    assert_eq!(world.rows("SELECT count(*) FROM v").await, ["3"]);
    assert_eq!(world.rows("WITH w AS (SELECT * FROM v) SELECT count(a) FROM w").await, ["2"]);
    for sql in ["SELECT b FROM v", "SELECT * FROM v", "SELECT count(*) FROM v WHERE b = 'ab '"] {
        let error = world.error(sql).await;
        assert!(error.starts_with("NOT_SUPPORTED: column b has the type char(3)"), "{sql}: {error}");
    }
}

#[tokio::test]
async fn using_makes_one_column_of_two() {
    let world = World::new().await;
    let numbers = |values: [i32; 2]| Arc::new(Int32Array::from(values.to_vec()));
    world.table("a", "v int;k int", &batch(vec![("v", numbers([10, 20])), ("k", numbers([1, 2]))])).await;
    world.table("b", "k int;w int", &batch(vec![("k", numbers([2, 3])), ("w", numbers([200, 300]))])).await;
    let (a, b) = ("a", "b");
    for (kind, rows) in [
        ("FULL JOIN", vec!["1|10|∅", "2|20|200", "3|∅|300"]),
        ("RIGHT JOIN", vec!["2|20|200", "3|∅|300"]),
        ("LEFT JOIN", vec!["1|10|∅", "2|20|200"]),
        ("JOIN", vec!["2|20|200"]),
    ] {
        let from = format!("FROM {a} {kind} {b} USING (k)");
        let all = format!("SELECT * {from} ORDER BY k");
        assert_eq!(world.rows(&all).await, rows, "{kind}");
        assert_eq!(world.header(&all).await, "k|v|w");
        assert_eq!(world.rows(&format!("SELECT k, v, w {from} ORDER BY 1")).await, rows, "{kind}");
        let count = rows.len().to_string();
        assert_eq!(world.rows(&format!("SELECT count(k) {from}")).await, [count.as_str()]);
        assert_eq!(world.rows(&format!("SELECT count(*) {from} WHERE k >= 1")).await, [count]);
        let grouped = format!("SELECT K, count(*) n {from} GROUP BY k HAVING k > 0 ORDER BY k");
        assert_eq!(world.rows(&grouped).await.len(), rows.len());
        assert_eq!(world.header(&grouped).await, "k|n");
    }
    let three = format!("SELECT * FROM {a} JOIN {b} USING (k) JOIN (VALUES (7, 2)) c(x, k) USING (k)");
    assert_eq!(
        (world.header(&three).await.as_str(), world.rows(&three).await.join("")),
        ("k|v|w|x", "2|20|200|7".to_owned())
    );
    for sql in [
        format!("SELECT a.* FROM {a} JOIN {b} USING (k)"),
        format!("SELECT * FROM {a} JOIN {b} USING (k) CROSS JOIN (VALUES (1)) c(z)"),
        format!("SELECT k FROM {a} FULL JOIN {b} USING (k) JOIN (VALUES (7, 2)) c(x, k) USING (k)"),
        format!("SELECT k FROM {a} JOIN (VALUES (1.0)) c(k) USING (k)"),
    ] {
        let error = world.error(&sql).await;
        assert!(error.starts_with("NOT_SUPPORTED"), "{sql}: {error}");
    }
}
