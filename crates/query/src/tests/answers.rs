//! Values that differ between engines, as Trino has them.

use super::World;

#[tokio::test]
async fn scalars() {
    let world = World::new().await;
    for (expression, expected) in [
        // NaN and the sign of zero
        ("nan() = nan()", "false"),
        ("nan() <> nan()", "true"),
        ("nan() > 1e0", "false"),
        ("nan() < 1e0", "false"),
        ("1e0 >= nan()", "false"),
        ("0e0 = -0e0", "true"),
        ("-0e0", "-0.0"),
        ("nan() IS DISTINCT FROM nan()", "false"),
        ("nan() IN (nan(), 1e0)", "false"),
        ("1e0 IN (nan(), 1)", "true"),
        ("2e0 IN (1, NULL)", "∅"),
        ("2e0 NOT IN (1, 3)", "true"),
        ("nan() BETWEEN 0 AND infinity()", "false"),
        ("CASE nan() WHEN nan() THEN 'same' ELSE 'other' END", "other"),
        ("nullif(nan(), nan())", "NaN"),
        ("nullif(1e0, 1)", "∅"),
        ("1e0 = NULL", "∅"),
        ("is_nan(sqrt(-1))", "true"),
        ("sqrt(-1)", "NaN"),
        ("ln(0)", "-Infinity"),
        ("ln(-1)", "NaN"),
        ("log10(1000)", "3.0"),
        ("log2(8)", "3.0"),
        ("power(2, 10)", "1024.0"),
        ("acos(2)", "NaN"),
        ("1e0 / 0e0", "Infinity"),
        ("0e0 / 0", "NaN"),
        ("CAST('1.5' AS decimal(5,2)) > 1e0", "true"),
        // dates beyond what nanoseconds reach
        ("DATE '1500-01-01' < TIMESTAMP '2020-01-01 00:00:00'", "true"),
        ("DATE '9999-12-31' = TIMESTAMP '9999-12-31 00:00:00'", "true"),
        ("CAST(DATE '1500-02-03' AS timestamp)", "1500-02-03 00:00:00.000"),
        ("TIMESTAMP '9999-12-31 23:59:59.999'", "9999-12-31 23:59:59.999"),
        ("CAST(TIMESTAMP '1969-12-31 12:00:00' AS date)", "1969-12-31"),
        ("CAST(TIMESTAMP '0900-06-01 12:00:00' AS date)", "0900-06-01"),
        ("date_trunc('month', DATE '1500-03-04')", "1500-03-01"),
        ("date_trunc('hour', TIMESTAMP '3000-03-04 05:06:07')", "3000-03-04 05:00:00.000"),
        ("TIMESTAMP '1500-01-31 00:00:00' + INTERVAL '1' MONTH", "1500-02-28 00:00:00.000"),
        ("DATE '1500-01-31' + INTERVAL '1' DAY", "1500-02-01"),
        ("DATE '1500-01-31' IN (TIMESTAMP '1500-01-31 00:00:00')", "true"),
        ("coalesce(NULL, DATE '1500-01-31', TIMESTAMP '1500-01-31 00:00:01')", "1500-01-31 00:00:00.000"),
        ("date_add('month', 1, DATE '2024-01-31')", "2024-02-29"),
        ("date_add('hour', -1, TIMESTAMP '1500-01-01 00:00:00')", "1499-12-31 23:00:00.000"),
        ("date_diff('day', DATE '1500-01-01', DATE '1500-03-01')", "59"),
        ("date_diff('hour', TIMESTAMP '2024-01-01 00:30:00', DATE '2024-01-01')", "0"),
        (
            "(SELECT max(s) FROM (SELECT sum(x) OVER (ORDER BY x ROWS 1 PRECEDING) s FROM (SELECT 1e0 x UNION SELECT 2) t) u)",
            "3.0",
        ),
        ("CAST(12.345 AS decimal(4,1))", "12.3"),
        ("CAST(7 AS decimal(3,1))", "7.0"),
        ("abs(-5)", "5"),
        ("abs(-5e-1)", "0.5"),
        ("year(TIMESTAMP '3000-03-04 05:06:07')", "3000"),
        // what is not evaluated does not fail
        ("CASE WHEN 1 = 1 THEN 1 ELSE 1 / 0 END", "1"),
        ("CASE WHEN 1 = 2 THEN 1 / 0 > 1 ELSE true END", "true"),
        ("if(1 = 2, CAST('x' AS integer), 7)", "7"),
        ("coalesce(1, 1 / 0)", "1"),
        ("coalesce(true, 1 / 0 > 1)", "true"),
        ("1 = 2 AND 1 / 0 > 1", "false"),
        ("1 = 1 OR 1 / 0 > 1", "true"),
        // division and rounding of decimals
        ("DECIMAL '1.0' / DECIMAL '3'", "0.3"),
        ("DECIMAL '1.0' / DECIMAL '0.1'", "10.0"),
        ("DECIMAL '1.0' / DECIMAL '9.0'", "0.1"),
        ("DECIMAL '500.00' / DECIMAL '0.1'", "5000.00"),
        ("DECIMAL '100.00' / DECIMAL '0.3'", "333.33"),
        ("DECIMAL '100.00' / DECIMAL '0.30'", "333.33"),
        ("DECIMAL '-100.00' / DECIMAL '0.30'", "-333.33"),
        ("DECIMAL '200.00' / DECIMAL '0.3'", "666.67"),
        ("DECIMAL '-200.00' / DECIMAL '0.3'", "-666.67"),
        ("DECIMAL '1' / DECIMAL '2'", "1"),
        ("DECIMAL '5' / 2", "3"),
        ("7 / DECIMAL '2.00'", "3.50"),
        ("1.5 / 2", "0.8"),
        ("12345678901234567890.00 / DECIMAL '0.01'", "1234567890123456789000.00"),
        ("round(DECIMAL '1.5')", "2"),
        ("round(DECIMAL '-1.5')", "-2"),
        ("round(DECIMAL '2.44')", "2"),
        ("round(DECIMAL '9.99')", "10"),
        ("round(DECIMAL '1.005', 2)", "1.010"),
        ("round(DECIMAL '-1.985', 2)", "-1.990"),
        ("round(DECIMAL '149.9', -2)", "100.0"),
        ("round(DECIMAL '150.0', -2)", "200.0"),
        ("round(DECIMAL '1.5', 9)", "1.5"),
        ("round(DECIMAL '1.5', -9)", "0.0"),
        // texts
        ("split_part('a,b,c', ',', 2)", "b"),
        ("split_part('a,b,c', ',', 4)", "∅"),
        ("split_part('a--b', '--', 2)", "b"),
        ("split_part('a,,c', ',', 2)", ""),
        ("split_part('łódź', '', 2)", "ó"),
        ("lpad('5', 3, '0')", "005"),
        ("lpad('text', 8, 'xyz')", "xyzxtext"),
        ("lpad('łódź', 2, '0')", "łó"),
        ("rpad('text', 7, 'xy')", "textxyx"),
        ("rpad('text', 0, 'x')", ""),
        ("rpad(NULL, 3, 'x')", "∅"),
        // MySQL's dates: the first is Trino's own example
        ("date_parse('2022/10/20/05', '%Y/%m/%d/%H')", "2022-10-20 05:00:00.000"),
        ("date_parse('9-7-2021 1:05:3 pm', '%e-%c-%Y %l:%i:%s %p')", "2021-07-09 13:05:03.000"),
        ("date_parse('20200131', '%Y%m%d')", "2020-01-31 00:00:00.000"),
        ("date_parse('12 AM', '%h %p')", "1970-01-01 00:00:00.000"),
        ("date_parse('69-mar-03', '%y-%b-%d')", "2069-03-03 00:00:00.000"),
        ("date_parse('70-MARCH-03', '%y-%M-%d')", "1970-03-03 00:00:00.000"),
        ("date_parse('10:11:12.123456', '%T.%f')", "1970-01-01 10:11:12.123"),
        (
            "date_format(TIMESTAMP '2001-08-22 03:04:05.321', '%Y-%m-%d %H:%i:%s.%f')",
            "2001-08-22 03:04:05.321000",
        ),
        (
            "date_format(TIMESTAMP '2001-08-22 00:04:05', '%r %T %k %l %h %I %p')",
            "12:04:05 AM 00:04:05 0 12 12 12 AM",
        ),
        (
            "date_format(DATE '2001-01-09', '%a %W %b %M %c %m %e %d %j %y')",
            "Tue Tuesday Jan January 1 01 9 09 009 01",
        ),
        ("date_format(DATE '2021-01-03', '%x-%v %% %q')", "2020-53 % q"),
        // subqueries that are values
        ("(SELECT x FROM (VALUES (1), (2)) t(x) WHERE x > 1)", "2"),
        ("(SELECT x FROM (VALUES (1), (2)) t(x) WHERE x > 2)", "∅"),
        ("(SELECT x FROM (VALUES (1), (2)) t(x) ORDER BY x DESC LIMIT 1) + 1", "3"),
        ("replace('abc', '', 'x')", "xaxbxcx"),
        ("replace('abcb', 'b', '')", "ac"),
        ("replace('abc', 'b', NULL)", "∅"),
        ("substr('hello', 2, -1)", ""),
        ("substr('hello', 2, 3)", "ell"),
        ("substr('hello', -3)", "llo"),
        ("substr('hello', length('ab'))", "ello"),
        ("substring('hello' FROM 2 FOR 2)", "el"),
        ("'a\\b' LIKE 'a' || '\\b'", "true"),
        // numbers at the edge
        ("-9223372036854775808", "-9223372036854775808"),
        ("9223372036854775807", "9223372036854775807"),
        // what binds how
        ("true IS DISTINCT FROM true OR true", "true"),
        ("1 IS DISTINCT FROM 2 AND 2 IS NOT DISTINCT FROM 1 + 1", "true"),
        ("NOT 1 IS DISTINCT FROM 2 OR true", "true"),
        // letters
        ("upper('straße ǆ')", "STRAßE Ǆ"),
        ("lower('İΣ')", "iσ"),
        // casts
        ("CAST(1.5e0 AS varchar)", "1.5E0"),
        ("CAST(100e0 AS varchar)", "1.0E2"),
        ("CAST(TIMESTAMP '2020-01-02 03:04:05' AS varchar)", "2020-01-02 03:04:05.000"),
        ("CAST(DATE '2020-01-02' AS varchar)", "2020-01-02"),
        ("CAST(CAST(2.50 AS decimal(5,2)) AS varchar)", "2.50"),
        ("CAST(CAST(2.50 AS decimal(5,2)) AS integer)", "3"),
        ("CAST('12.345' AS decimal(5,2))", "12.35"),
        ("TRY_CAST(3e9 AS integer)", "∅"),
        ("TRY_CAST('99999' AS decimal(3,1))", "∅"),
        ("CAST(true AS varchar)", "true"),
        ("CAST(7 AS varchar) || 'x'", "7x"),
        // to a type of its own
        ("CAST(1 AS integer)", "1"),
        ("TRY_CAST(1 AS integer)", "1"),
        ("CAST(3000000000 AS bigint)", "3000000000"),
        ("CAST(CAST(7 AS smallint) AS smallint)", "7"),
        ("TRY_CAST(CAST(7 AS tinyint) AS tinyint)", "7"),
        ("CAST(1e0 AS double)", "1.0"),
        ("CAST(DECIMAL '1.50' AS decimal(3,2))", "1.50"),
        ("CAST(true AS boolean)", "true"),
        ("(SELECT sum(CAST(x AS integer)) FROM (SELECT 1 x UNION ALL SELECT 2) t)", "3"),
        // decimals as they are written
        ("DECIMAL '1.5'", "1.5"),
        ("DECIMAL '-007.50'", "-7.50"),
        ("DECIMAL '.05' + DECIMAL '1'", "1.05"),
        // a backslash is a character like others
        ("'\\'", "\\"),
        ("length('a\\')", "2"),
        ("'a%' LIKE 'a\\%' ESCAPE '\\'", "true"),
        ("'ab' LIKE 'a\\%' ESCAPE '\\'", "false"),
    ] {
        assert_eq!(world.value(expression).await, expected, "{expression}");
    }
}

#[tokio::test]
async fn names_may_repeat_in_a_result() {
    let world = World::new().await;
    assert_eq!(world.header("SELECT 1 AS a, 2 AS a, 3").await, "a|a|_col2");
    assert_eq!(world.rows("SELECT 1 AS a, 2 AS a").await, ["1|2"]);
    let joined = "SELECT * FROM (SELECT 1 k, 2 v) t JOIN (SELECT 1 k, 3 v) u ON t.k = u.k";
    assert_eq!(world.header(joined).await, "k|v|k|v");
    assert_eq!(world.rows(joined).await, ["1|2|1|3"]);
    let both = "SELECT t.k, u.k, t.v + u.v AS total FROM (SELECT 1 k, 2 v) t JOIN (SELECT 1 k, 3 v) u ON t.k = u.k \
                ORDER BY total";
    assert_eq!(
        (world.header(both).await.as_str(), world.rows(both).await),
        ("k|k|total", vec!["1|1|5".to_owned()])
    );
    let star = "SELECT *, k, v * 2 AS w FROM (SELECT 1 k, 2 v UNION ALL SELECT 0, 5) t ORDER BY w DESC";
    assert_eq!(world.header(star).await, "k|v|k|w");
    assert_eq!(world.rows(star).await, ["0|5|0|10", "1|2|1|4"]);
    assert_eq!(world.rows("SELECT 1 a, 2 a UNION ALL SELECT 3 a, 4 a ORDER BY 1").await, ["1|2", "3|4"]);
    let error = world.error("SELECT 1 AS a, 2 AS a ORDER BY a").await;
    assert!(error.starts_with("AMBIGUOUS_NAME: line 1:32: Column 'a' is ambiguous"), "{error}");
}

#[tokio::test]
async fn rows_may_be_written_out() {
    let world = World::new().await;
    let from =
        "FROM (VALUES (1, 'a', 1.5), (2, NULL, 2), (CAST(NULL AS integer), 'c', NULL)) AS t (id, name, n)";
    assert_eq!(world.rows(&format!("SELECT * {from} ORDER BY id")).await, ["1|a|1.5", "2|∅|2.0", "∅|c|∅"]);
    assert_eq!(world.header("SELECT * FROM (VALUES (1, 'a'))").await, "_col0|_col1");
    assert_eq!(world.rows("WITH t (x) AS (VALUES (1), (2)) SELECT sum(x) FROM t").await, ["3"]);
    assert_eq!(world.rows("SELECT count(*) FROM (SELECT 7 UNION VALUES (7), (8)) t").await, ["2"]);
}

#[tokio::test]
async fn not_in_knows_null() {
    let world = World::new().await;
    let outer = "FROM (VALUES (1), (2), (CAST(NULL AS integer))) t(x)";
    let rows = async |inner: &str| {
        world.rows(&format!("SELECT x {outer} WHERE x NOT IN ({inner}) ORDER BY x")).await
    };
    assert_eq!(rows("SELECT y FROM (VALUES (2), (3)) u(y)").await, ["1"]);
    assert!(rows("SELECT y FROM (VALUES (2), (CAST(NULL AS integer))) u(y)").await.is_empty());
    assert_eq!(rows("SELECT y FROM (VALUES (2)) u(y) WHERE y > 5").await, ["1", "2", "∅"]);
    let counted =
        "SELECT count(*) FROM (VALUES (1, 'a'), (2, 'b')) t(x, s) WHERE s NOT IN (SELECT 'a') AND x > 1";
    assert_eq!(world.rows(counted).await, ["1"]);
}

#[tokio::test]
async fn sums_of_integers_over_windows() {
    let world = World::new().await;
    let from = "FROM (VALUES (1, 10), (2, 20), (3, NULL), (4, 40)) t(id, n)";
    let over = |window: &str| format!("SELECT id, sum(n) OVER ({window}) {from} ORDER BY id");
    assert_eq!(world.rows(&over("")).await, ["1|70", "2|70", "3|70", "4|70"]);
    assert_eq!(world.rows(&over("ORDER BY id")).await, ["1|10", "2|30", "3|30", "4|70"]);
    assert_eq!(
        world.rows(&over("ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW")).await,
        ["1|10", "2|30", "3|20", "4|40"]
    );
    assert_eq!(
        world.rows(&over("ORDER BY id ROWS BETWEEN 1 FOLLOWING AND 1 FOLLOWING")).await,
        ["1|20", "2|∅", "3|40", "4|∅"]
    );
    assert_eq!(world.rows(&over("PARTITION BY id % 2 ORDER BY id")).await, ["1|10", "2|20", "3|10", "4|60"]);
}

#[tokio::test]
async fn groups_and_having_see_columns_not_aliases() {
    let world = World::new().await;
    let from = "FROM (SELECT 'A' x, 1 n UNION ALL SELECT 'a', 2) t";
    assert_eq!(
        world.rows(&format!("SELECT lower(x) AS x, count(*) c {from} GROUP BY x HAVING x = 'A'")).await,
        ["a|1"]
    );
    assert_eq!(world.rows(&format!("SELECT sum(n) AS n {from} HAVING sum(n) > 2")).await, ["3"]);
    assert_eq!(
        world.rows(&format!("SELECT n % 2 AS odd, count(*) {from} GROUP BY 1 ORDER BY odd")).await,
        ["0|1", "1|1"]
    );
    let error = world.error(&format!("SELECT n % 2 AS odd {from} GROUP BY odd")).await;
    assert!(error.starts_with("COLUMN_NOT_FOUND: line 1:81: Column 'odd' cannot be resolved"), "{error}");
    let error = world.error(&format!("SELECT x, count(*) AS many {from} GROUP BY x HAVING many > 1")).await;
    assert!(error.contains("t.many"), "{error}");
}

#[tokio::test]
async fn constants_are_rows_like_others() {
    let world = World::new().await;
    let two = "(VALUES (1, 'x'), (3, 'y')) b(k, v)";
    let nulls = "(VALUES (NULL, 'a', NULL), (1, NULL, 1.5), (2, 'c', 2)) t(n, s, d)";
    for (sql, expected) in [
        (
            format!("SELECT a.k, v FROM (VALUES 3, 2, 1) a(k) LEFT JOIN {two} ON a.k = b.k ORDER BY a.k"),
            vec!["1|x", "2|∅", "3|y"],
        ),
        (
            format!("SELECT a.k FROM (VALUES 3, 2, 1) a(k) LEFT JOIN {two} USING (k) ORDER BY k DESC"),
            vec!["3", "2", "1"],
        ),
        (
            format!("SELECT b.k FROM (VALUES 2, 1) a(k) RIGHT JOIN {two} ON a.k = b.k ORDER BY b.k DESC"),
            vec!["3", "1"],
        ),
        (format!("SELECT sum(n), avg(n), max(s), sum(d) FROM {nulls}"), vec!["3|1.5|c|3.5"]),
        (format!("SELECT s, sum(n) OVER (ORDER BY n) FROM {nulls} ORDER BY n"), vec!["∅|1", "c|3", "a|3"]),
        ("SELECT sum(x) FROM (VALUES NULL, 1e0) t(x)".to_owned(), vec!["1.0"]),
        ("SELECT x FROM (VALUES 1, 2.5, NULL) t(x) ORDER BY x".to_owned(), vec!["1.0", "2.5", "∅"]),
    ] {
        assert_eq!(world.rows(&sql).await, expected, "{sql}");
    }
}
