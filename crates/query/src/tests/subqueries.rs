//! Subqueries that refer to the query outside, and NOT IN.

use super::World;

/// The rows of a query on `a`, which holds 1.
async fn on_one(world: &World, rest: &str) -> Vec<String> {
    world.rows(&format!("SELECT {rest}")).await
}

#[tokio::test]
async fn aggregates_over_all_rows_have_a_row_also_of_none() {
    let world = World::new().await;
    let one = "FROM (VALUES (1)) a(x)";
    let two = "FROM (VALUES (2)) b(y) WHERE y = x";
    let mut wrong = Vec::new();
    for (sql, expected) in [
        (format!("x {one} WHERE EXISTS (SELECT count(*) {two})"), vec!["1"]),
        (format!("x {one} WHERE NOT EXISTS (SELECT count(*) {two})"), vec![]),
        (format!("x {one} WHERE EXISTS (SELECT count(*) {two} HAVING count(*) > 0)"), vec![]),
        (format!("x {one} WHERE NOT EXISTS (SELECT count(*) {two} HAVING count(*) > 0)"), vec!["1"]),
        (format!("x {one} WHERE 0 IN (SELECT count(*) {two})"), vec!["1"]),
        (format!("x {one} WHERE 0 IN (SELECT count(*) {two} HAVING count(*) > 0)"), vec![]),
        (format!("x {one} WHERE x IN (SELECT max(y) {two})"), vec![]),
        (format!("(SELECT count(*) IS NULL {two}) {one}"), vec!["false"]),
        (format!("(SELECT count(*) {two}) {one}"), vec!["0"]),
        (format!("(SELECT coalesce(sum(y), 0) {two}) {one}"), vec!["0"]),
        (format!("(SELECT coalesce(sum(y), x) + count(*) {two}) {one}"), vec!["1"]),
        (format!("(SELECT max(y) {two}) {one}"), vec!["∅"]),
        (format!("(SELECT approx_distinct(y) {two}) {one}"), vec!["0"]),
        (format!("(SELECT 7 {two} HAVING count(*) = 0) {one}"), vec!["7"]),
        (format!("(SELECT 7 {two} HAVING count(*) = 1) {one}"), vec!["∅"]),
        (format!("x {one} WHERE (SELECT count(*) {two}) = 0"), vec!["1"]),
        (format!("x, (SELECT sum(y) FROM (VALUES (1), (1), (2)) b(y) WHERE y = x) {one}"), vec!["1|2"]),
        (format!("x {one} WHERE EXISTS (SELECT 1 FROM (VALUES (1)) b(y) WHERE y = x LIMIT 1)"), vec!["1"]),
    ] {
        let found = on_one(&world, &sql).await;
        if found != expected {
            wrong.push(format!("SELECT {sql}: {found:?}, not {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn what_would_be_moved_wrongly_is_refused() {
    let world = World::new().await;
    let one = "FROM (VALUES (1)) a(x)";
    let three = "FROM (VALUES (1), (2)) b(y)";
    for (sql, what) in [
        (format!("x {one} WHERE EXISTS (SELECT 1 {three} WHERE y = x OFFSET 1)"), "LIMIT or OFFSET"),
        (format!("x {one} WHERE x IN (SELECT y {three} WHERE y = x LIMIT 1)"), "LIMIT or OFFSET"),
        (
            format!(
                "x {one} WHERE EXISTS (SELECT 1 FROM (SELECT y {three} WHERE y = x LIMIT 1) t WHERE y > 1)"
            ),
            "LIMIT or OFFSET",
        ),
        (
            format!(
                "x {one} WHERE EXISTS (SELECT 1 FROM (SELECT count(*) c {three} WHERE y = x) t WHERE c = 0)"
            ),
            "an aggregate over all its rows",
        ),
        (
            format!(
                "x {one} WHERE EXISTS (SELECT 1 FROM (SELECT row_number() OVER (ORDER BY y) r {three} WHERE y >= x) t WHERE r = 2)"
            ),
            "a window function",
        ),
        ("1 WHERE 5 NOT IN (SELECT 6 UNION ALL SELECT NULL)".to_owned(), "a constant before NOT IN"),
        (
            format!("x {one} WHERE CAST(NULL AS integer) NOT IN (SELECT y {three})"),
            "a constant before NOT IN",
        ),
    ] {
        let error = world.error(&format!("SELECT {sql}")).await;
        assert!(error.starts_with("NOT_SUPPORTED") && error.contains(what), "{sql}: {error}");
    }
}

#[tokio::test]
async fn columns_without_a_table_are_told_apart() {
    let world = World::new().await;
    let both = "SELECT x FROM (VALUES 1, 2) a(x) UNION ALL SELECT x FROM (VALUES 3) b(x)";
    let two = "SELECT x FROM (VALUES 2) c(x) UNION ALL SELECT x FROM (VALUES 3) d(x)";
    for (sql, expected) in [
        (format!("SELECT x FROM ({both}) WHERE x NOT IN ({two}) ORDER BY x"), vec!["1"]),
        (format!("SELECT x FROM ({both}) WHERE x IN ({two}) ORDER BY x"), vec!["2", "3"]),
        (format!("SELECT x FROM ({both}) WHERE x NOT IN ({two} UNION ALL SELECT NULL)"), vec![]),
    ] {
        assert_eq!(world.rows(&sql).await, expected, "{sql}");
    }
}

#[tokio::test]
async fn what_no_join_can_answer_is_named() {
    let world = World::new().await;
    let from = "FROM (VALUES 1, 2) a(k)";
    for sql in [
        format!("SELECT (SELECT max(a.k + b.v) FROM (VALUES (1, 10)) b(k, v)) {from}"),
        format!("SELECT a.k {from} WHERE a.k = (SELECT max(b.k) FROM (VALUES 1, 2) b(k) WHERE b.k <= a.k)"),
        format!("SELECT max((SELECT max(b.k) FROM (VALUES 1) b(k) WHERE b.k = a.k)) {from}"),
    ] {
        let error = world.error(&sql).await;
        assert!(
            error.starts_with("NOT_SUPPORTED: a subquery that refers to the query outside"),
            "{sql}: {error}"
        );
    }
}
