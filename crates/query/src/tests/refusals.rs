//! What fails says so in words and codes of Trino's, and never in those of the libraries below.

use tokio_util::sync::CancellationToken;

use super::World;

#[tokio::test]
async fn errors_have_trinos_codes() {
    let world = World::new().await;
    let mut wrong = Vec::new();
    for (sql, expected) in [
        ("SELECT 1 / 0", "DIVISION_BY_ZERO: Division by zero"),
        ("SELECT 1 % 0", "DIVISION_BY_ZERO: Division by zero"),
        ("SELECT CAST('abc' AS integer)", "INVALID_CAST_ARGUMENT: Cannot cast 'abc' to INT"),
        ("SELECT CAST('1e400' AS bigint)", "INVALID_CAST_ARGUMENT: Cannot cast '1e400' to BIGINT"),
        ("SELECT CAST('yes' AS boolean)", "INVALID_CAST_ARGUMENT: Cannot cast 'yes' to BOOLEAN"),
        ("SELECT CAST('20260102' AS date)", "INVALID_CAST_ARGUMENT: Value cannot be cast to date: 20260102"),
        (
            "SELECT CAST('noon' AS timestamp)",
            "INVALID_CAST_ARGUMENT: Value cannot be cast to timestamp: noon",
        ),
        ("SELECT DATE '2026-13-01'", "INVALID_CAST_ARGUMENT: Value cannot be cast to date: 2026-13-01"),
        (
            "SELECT CAST(3000000000 AS integer)",
            "NUMERIC_VALUE_OUT_OF_RANGE: Out of range for integer: 3000000000",
        ),
        ("SELECT CAST(nan() AS integer)", "INVALID_CAST_ARGUMENT: Cannot cast NaN to integer"),
        ("SELECT 2147483647 + 1", "NUMERIC_VALUE_OUT_OF_RANGE: integer addition overflow"),
        (
            "SELECT -(x - 1) FROM (SELECT -2147483647 x)",
            "NUMERIC_VALUE_OUT_OF_RANGE: integer subtraction overflow",
        ),
        ("SELECT abs(x - 1) FROM (SELECT -2147483647 x)", "NUMERIC_VALUE_OUT_OF_RANGE: "),
        ("SELECT CAST(1234 AS decimal(3,0))", "INVALID_CAST_ARGUMENT: "),
        ("SELECT a FROM (SELECT 1 a, 2 a)", ""),
        (
            "SELECT count(*) FROM (SELECT 1 k) t JOIN (SELECT 1 k) u ON t.k = u.k WHERE k = 1",
            "AMBIGUOUS_NAME",
        ),
        ("SELECT x FROM (SELECT 1 x) WHERE NOT (x IN (SELECT 2))", "NOT_SUPPORTED"),
        ("SELECT x FROM (SELECT 1 x) WHERE x > 1 OR x NOT IN (SELECT 2)", "NOT_SUPPORTED"),
        ("SELECT x FROM (SELECT 1e0 x) WHERE x NOT IN (SELECT 2e0)", "NOT_SUPPORTED"),
        (
            "SELECT x FROM (SELECT 1 x, 2 y) t WHERE x NOT IN (SELECT z FROM (SELECT 1 z) u WHERE u.z = t.y)",
            "NOT_SUPPORTED",
        ),
        (
            "SELECT x, (SELECT z FROM (SELECT 1 z) u WHERE u.z = t.x) FROM (SELECT 1 x) t",
            "NOT_SUPPORTED: a scalar subquery that refers to the query outside",
        ),
        (
            "SELECT (SELECT x FROM (VALUES (1), (2)) t(x))",
            "GENERIC_USER_ERROR: Scalar subquery returned more than",
        ),
        ("SELECT * FROM (VALUES (1), (2, 3)) t", "SYNTAX_ERROR: line 1:"),
        ("SELECT * FROM (VALUES (1), ('a')) t", "TYPE_MISMATCH: "),
        ("SELECT DECIMAL '1.5' / DECIMAL '0.0'", "DIVISION_BY_ZERO: Division by zero"),
        (
            "SELECT DECIMAL '99999999999999999999999999999999999999' / DECIMAL '0.1'",
            "NUMERIC_VALUE_OUT_OF_RANGE: Decimal overflow",
        ),
        ("SELECT split_part('a', 'b', 0)", "INVALID_FUNCTION_ARGUMENT: Index must be greater than zero"),
        ("SELECT lpad('a', -1, 'b')", "INVALID_FUNCTION_ARGUMENT: Target length must be"),
        ("SELECT rpad('a', 1, '')", "INVALID_FUNCTION_ARGUMENT: Padding string must not be empty"),
        (
            "SELECT split_part('a', 1, 1)",
            "FUNCTION_NOT_FOUND: line 1:8: Unexpected parameters (varchar, integer, integer)",
        ),
        ("SELECT date_parse('2020-02-30', '%Y-%m-%d')", "INVALID_FUNCTION_ARGUMENT: Invalid format"),
        ("SELECT date_parse('2020-02-03 x', '%Y-%m-%d')", "INVALID_FUNCTION_ARGUMENT: Invalid format"),
        ("SELECT date_parse('Mon', '%a')", "NOT_SUPPORTED"),
        ("SELECT date_parse('1 2', '%h %H')", "NOT_SUPPORTED"),
        ("SELECT date_parse('1 AM', '%H %p')", "NOT_SUPPORTED"),
        (
            "SELECT date_format(DATE '2020-01-01', '%U')",
            "INVALID_FUNCTION_ARGUMENT: %U not supported in date format string",
        ),
        (
            "SELECT sum(x) OVER (ORDER BY x) FROM (VALUES (9223372036854775807), (1)) t(x)",
            "NUMERIC_VALUE_OUT_OF_RANGE: bigint addition overflow",
        ),
        ("SELECT 1 IN (SELECT 2)", "NOT_SUPPORTED"),
        (
            "CREATE EXTERNAL TABLE t (a int) LOCATION 's3://b/x/' TBLPROPERTIES ('table_type'='iceberg')",
            "NOT_SUPPORTED: CREATE EXTERNAL TABLE makes no Iceberg tables",
        ),
        ("SELECT now()", "NOT_SUPPORTED: line 1:8: function now is not supported by Tenon yet"),
        ("SELECT current_timestamp", "NOT_SUPPORTED: line 1:8: function current_timestamp"),
        (
            "SELECT x FROM (SELECT 1 x) WHERE \"$path\" = ''",
            "NOT_SUPPORTED: line 1:34: the hidden column $path",
        ),
        ("SELECT * FROM information_schema.tables", "NOT_SUPPORTED: line 1:15: information_schema.tables"),
        (
            "SELECT nope FROM (SELECT 1 x) t",
            "COLUMN_NOT_FOUND: line 1:8: Column 'nope' cannot be resolved; there is t.x",
        ),
        (
            "SELECT x FROM (SELECT 1 x) t\nWHERE x > 0 AND t.nope = 2 ORDER BY nope",
            "COLUMN_NOT_FOUND: line 2:17: Column 't.nope' cannot be resolved",
        ),
        (
            "SELECT * FROM (SELECT 1 x, 2 y) t JOIN (SELECT 1 x) u ON x = y",
            "AMBIGUOUS_NAME: line 1:58: Column 'x' is ambiguous",
        ),
        ("SELECT 1 WHERE '1' > 1", "TYPE_MISMATCH: line 1:20: Cannot apply operator: varchar > integer"),
        (
            "SELECT x > 0, (x + 1) > 2\n  , ('a' ) > (2) FROM (SELECT 1 x) t WHERE x > 4",
            "TYPE_MISMATCH: line 2:12: Cannot apply operator: varchar > integer",
        ),
        (
            "SELECT (1 + 2) + (3 + ('a' + 1))",
            "TYPE_MISMATCH: line 1:28: Cannot apply operator: varchar + integer",
        ),
        (
            "SELECT 1 BETWEEN 0 AND 'x'",
            "TYPE_MISMATCH: line 1:10: Cannot apply operator: integer BETWEEN varchar",
        ),
        (
            "SELECT DATE '2020-01-02' - DATE '2020-01-01'",
            "NOT_SUPPORTED: the difference of dates or timestamps",
        ),
        (
            "SELECT 9223372036854775808",
            "SYNTAX_ERROR: line 1:8: Invalid numeric literal: 9223372036854775808",
        ),
        (
            "SELECT date(TIMESTAMP '2020-01-01 23:59:59.9999')",
            "NOT_SUPPORTED: line 1:23: a timestamp with more than three digits",
        ),
        (
            "SELECT min(x) FROM (SELECT 1 x, 2 y) t ORDER BY y",
            "EXPRESSION_NOT_AGGREGATE: line 1:49: 'y' must be",
        ),
        ("SELECT 1 IS DISTINCT FROM 2 = 3", "SYNTAX_ERROR: line 1:8: a condition right of IS DISTINCT FROM"),
        ("SELECT length('a'), 1 LIKE 'x'", "TYPE_MISMATCH: line 1:23: "),
        ("SELECT CASE WHEN true THEN 1 ELSE 'x' END", "TYPE_MISMATCH: line 1:8: All CASE results must be"),
        (
            "SELECT sum(n), sum(x) FROM (SELECT 'a' x, 1 n) t",
            "FUNCTION_NOT_FOUND: line 1:16: Unexpected parameters (varchar) for function sum",
        ),
        (
            "SELECT length(n) FROM (SELECT 1 n) t",
            "FUNCTION_NOT_FOUND: line 1:8: Unexpected parameters (integer) for function length",
        ),
        (
            "SELECT year(n) FROM (SELECT 'x' n) t",
            "FUNCTION_NOT_FOUND: line 1:8: Unexpected parameters (varchar) for function year",
        ),
        (
            "SELECT t.x, y + 1, count(*) FROM (SELECT 1 x, 2 y) t GROUP BY x",
            "EXPRESSION_NOT_AGGREGATE: line 1:13: 'y' must be an aggregate expression or appear in GROUP BY clause",
        ),
        ("SELECT x, max(y) FROM (SELECT 1 x, 2 y) t", "EXPRESSION_NOT_AGGREGATE: line 1:8: 'x' must be"),
        (
            "SELECT x FROM (SELECT 1 x, 2 y) t GROUP BY 1 HAVING y > 1",
            "EXPRESSION_NOT_AGGREGATE: line 1:53: 'y' must be",
        ),
    ] {
        let error = world.error(sql).await;
        if !error.starts_with(expected) {
            wrong.push(format!("{sql}: {error}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a text that a client sees must not contain.
const LEAKS: [&str; 18] = [
    "Int8",
    "Int16",
    "Int32",
    "Int64",
    "Float32",
    "Float64",
    "Utf8",
    "Date32",
    "Decimal128",
    "Timestamp(",
    "DataFusion",
    "datafusion",
    "arrow",
    "Arrow",
    "bug",
    "\u{1}",
    "\u{2}",
    "Boolean",
];

#[tokio::test]
async fn no_error_speaks_of_the_libraries_below() {
    let world = World::new().await;
    let mut leaks = Vec::new();
    let operands =
        ["1", "1e0", "1.5", "'a'", "true", "DATE '2020-01-01'", "TIMESTAMP '2020-01-01 00:00:00'", "NULL"];
    let calls = [
        "{} + {}",
        "{} = {}",
        "{} AND {}",
        "{} LIKE {}",
        "{} IN ({})",
        "coalesce({}, {})",
        "nullif({}, {})",
        "substr({}, 1, {})",
        "date_trunc({}, {})",
        "replace({}, {}, 'x')",
        "power({}, {})",
        "atan2({}, {})",
        "{} - {}",
        "{} / {}",
        "{} || {}",
        "if({}, {})",
        "strpos({}, {})",
        "round({}, {})",
        "CASE {} WHEN {} THEN 1 END",
        "{} BETWEEN {} AND 1",
    ];
    for call in calls {
        for left in operands {
            for right in operands {
                let expression = call.replacen("{}", left, 1).replacen("{}", right, 1);
                leaks.extend(leak(&world, &format!("SELECT {expression}")).await);
            }
        }
    }
    let aggregates = [
        "sum", "avg", "min", "max", "stddev", "bool_and", "count", "upper", "year", "sqrt", "abs", "round",
        "floor", "length",
    ];
    for function in aggregates {
        for operand in operands {
            leaks.extend(leak(&world, &format!("SELECT {function}({operand})")).await);
        }
    }
    let types = [
        "boolean",
        "tinyint",
        "integer",
        "bigint",
        "real",
        "double",
        "decimal(3,1)",
        "varchar",
        "date",
        "timestamp",
    ];
    for operand in operands {
        for to in types {
            leaks.extend(leak(&world, &format!("SELECT CAST({operand} AS {to})")).await);
            leaks.extend(leak(&world, &format!("SELECT TRY_CAST({operand} AS {to})")).await);
        }
    }
    for sql in [
        "SELECT x, count(*) FROM (SELECT 1 x, 2 y) GROUP BY y",
        "SELECT sum(count(*)) FROM (SELECT 1 x)",
        "SELECT x FROM (SELECT 1 x) UNION SELECT 1, 2",
        "SELECT x FROM (SELECT 1 x) UNION SELECT 'a'",
        "SELECT * FROM (SELECT 1 x) t(a, b)",
        "SELECT x FROM (SELECT 1 x) ORDER BY 5",
        "SELECT x FROM (SELECT 1 x) GROUP BY 9",
        "SELECT DISTINCT x FROM (SELECT 1 x, 2 y) ORDER BY y",
        "SELECT x FROM (SELECT 1 x) WHERE x",
        "SELECT x FROM (SELECT 1 x) WHERE sum(x) > 1",
        "SELECT sum(x) OVER (ORDER BY nope) FROM (SELECT 1 x)",
        "SELECT row_number() OVER (ORDER BY x ROWS BETWEEN 1 FOLLOWING AND 1 PRECEDING) FROM (SELECT 1 x)",
        "SELECT (SELECT max(x), 1 FROM (SELECT 1 x))",
        "SELECT x.y.z FROM (SELECT 1 x)",
        "WITH a AS (SELECT 1 x), a AS (SELECT 2 x) SELECT * FROM a",
        "SELECT x FROM (SELECT 1 x) t JOIN (SELECT 'a' x) u USING (x)",
        "SELECT x FROM (SELECT 1 x) WHERE x IN (SELECT 'a')",
        "SELECT lag(x, 'a') OVER (ORDER BY x) FROM (SELECT 1 x)",
        "SELECT ntile(0) OVER (ORDER BY x) FROM (SELECT 1 x)",
        "SELECT DATE '0000-00-00'",
        "SELECT DATE '9999-12-31' + INTERVAL '2000000000' YEAR",
        "SELECT a FROM (SELECT 1 a, 2 a)",
        "SELECT a.k FROM (VALUES 3, 1) a(k) LEFT JOIN (VALUES 1) b(k) ON a.k = b.k ORDER BY a.k",
    ] {
        leaks.extend(leak(&world, sql).await);
    }
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
}

/// The statement and its error, when that is no text for a client.
async fn leak(world: &World, sql: &str) -> Option<String> {
    let error = world.run(sql, &CancellationToken::new()).await.err()?;
    let leaks = LEAKS.iter().any(|leak| error.contains(leak)) || error.starts_with("GENERIC_");
    leaks.then(|| format!("{sql}: {error}"))
}

#[tokio::test]
async fn what_would_explode_is_refused_and_what_is_stopped_ends() {
    let world = World::new().await;
    let mut text = "WITH c0 AS (SELECT 1 AS x)".to_owned();
    for level in 1..40 {
        text.push_str(&format!(", c{level} AS (SELECT p.x FROM c{0} p, c{0} q)", level - 1));
    }
    let error = world.error(&format!("{text} SELECT count(*) FROM c39")).await;
    assert!(error.starts_with("EXCEEDED_QUERY_COMPLEXITY: ") && error.contains("at most"), "{error}");
    let stopped = CancellationToken::new();
    stopped.cancel();
    let error = world.run("SELECT 1", &stopped).await.expect_err("stopped");
    assert!(error.starts_with("USER_CANCELED"), "{error}");
}
