//! What differs by a cast only, or counts the same rows twice: our engine would call both alike.

use std::sync::Arc;

use arrow::array::{Int32Array, StringArray};

use super::{World, batch};

async fn world() -> World {
    let world = World::new().await;
    let columns = batch(vec![
        ("a", Arc::new(Int32Array::from(vec![1, 2, 3]))),
        ("b", Arc::new(StringArray::from(vec![Some("1"), Some("20"), None]))),
    ]);
    world.table("n", "a int;b string", &columns).await;
    world
}

#[tokio::test]
async fn expressions_that_differ_by_a_cast_stand_side_by_side() {
    let world = world().await;
    for (sql, expected) in [
        ("SELECT count(1), count(*) FROM n", "_col0|_col1/3|3"),
        (
            "SELECT count(*), count(1), count('x'), count(b), count(NULL) FROM n",
            "_col0|_col1|_col2|_col3|_col4/3|3|3|2|0",
        ),
        ("SELECT count(1) x, count(*) y FROM n HAVING count(1) > 2 ORDER BY count(*)", "x|y/3|3"),
        ("SELECT count(1) OVER () x, count(*) OVER () FROM n LIMIT 1", "x|_col1/3|3"),
        ("SELECT * FROM (SELECT count(1), count(*) FROM n) t", "_col0|_col1/3|3"),
        ("SELECT count(DISTINCT 1), count(1) FILTER (WHERE a > 1) FROM n", "_col0|_col1/1|2"),
        ("SELECT 1, 1, 1 AS x, 1 AS x", "_col0|_col1|x|x/1|1|1|1"),
        ("SELECT sum(a), sum(a), sum(CAST(a AS double)) FROM n", "_col0|_col1|_col2/6|6|6.0"),
        (
            "SELECT max(b), max(CAST(b AS integer)), max(TRY_CAST(b AS integer)) FROM n",
            "_col0|_col1|_col2/20|20|20",
        ),
        ("SELECT max(CAST(b AS bigint)) - 1, max(CAST(b AS double)) FROM n", "_col0|_col1/19|20.0"),
        (
            "SELECT min(date(x)), min(x) FROM (SELECT TIMESTAMP '2020-01-01 01:00:00' x) t",
            "_col0|_col1/2020-01-01|2020-01-01 01:00:00.000",
        ),
        ("SELECT sum(a) OVER () s, sum(CAST(a AS double)) OVER () FROM n LIMIT 1", "s|_col1/6|6.0"),
        (
            "SELECT a, CAST(a AS varchar) FROM n GROUP BY a, CAST(a AS varchar) ORDER BY 1 LIMIT 1",
            "a|_col1/1|1",
        ),
        (
            "SELECT CAST(a AS double) x, CAST(a AS bigint) y FROM n GROUP BY 1, 2 ORDER BY 1 DESC LIMIT 1",
            "x|y/3.0|3",
        ),
        (
            "SELECT CAST(a AS varchar), count(*) FROM n GROUP BY CAST(a AS varchar) ORDER BY CAST(a AS varchar) LIMIT 1",
            "_col0|_col1/1|1",
        ),
    ] {
        let rows = world.run(sql, &Default::default()).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert_eq!(rows.join("/"), expected, "{sql}");
    }
    let error = world.error("SELECT sum(CAST(a AS double)) FROM n GROUP BY b HAVING a > 1").await;
    assert!(error.starts_with("EXPRESSION_NOT_AGGREGATE: line 1:56: 'a' must be"), "{error}");
    assert!(
        world.error("SELECT count(CAST('x' AS integer)) FROM n").await.starts_with("INVALID_CAST_ARGUMENT")
    );
    assert!(world.error("SELECT named_cast(1, 'x')").await.starts_with("FUNCTION_NOT_FOUND"));
}

/// The first side of a set operation says NULL: the column has the type of the other sides, whatever adds it up.
#[tokio::test]
async fn sums_of_columns_that_begin_with_null() {
    let world = world().await;
    for (from, expected) in [
        ("(SELECT NULL x UNION ALL SELECT a FROM n)", "6"),
        ("(SELECT NULL x UNION SELECT 2.5)", "2.5"),
        ("(SELECT NULL x UNION ALL SELECT 1e0)", "1.0"),
        ("(SELECT NULL x UNION ALL (SELECT NULL UNION ALL SELECT a FROM n))", "6"),
        ("(SELECT a AS k, NULL AS x FROM n UNION ALL SELECT 4, 5)", "5"),
        ("(SELECT y AS x FROM (SELECT NULL y) u UNION ALL SELECT 1)", "1"),
        ("(SELECT a AS x FROM n EXCEPT SELECT NULL)", "6"),
    ] {
        assert_eq!(world.rows(&format!("SELECT sum(x) FROM {from} t")).await, [expected], "{from}");
        let over = format!("SELECT DISTINCT sum(x) OVER () + 0 FROM {from} t");
        assert_eq!(world.rows(&over).await, [expected], "{over}");
    }
    assert_eq!(
        world.rows("WITH t AS (SELECT NULL x UNION SELECT 1) SELECT sum(x), count(x) FROM t").await,
        ["1|1"]
    );
    let text = world.error("SELECT sum(x) FROM (SELECT NULL x UNION ALL SELECT b FROM n) t").await;
    assert!(
        text.starts_with("FUNCTION_NOT_FOUND: line 1:8: Unexpected parameters (varchar) for function sum"),
        "{text}"
    );
    for nothing in ["SELECT sum(NULL)", "SELECT sum(x) FROM (SELECT NULL x UNION ALL SELECT NULL) t"] {
        let error = world.error(nothing).await;
        assert!(error.starts_with("NOT_SUPPORTED"), "{nothing}: {error}");
    }
}
