//! SparkSQL nodes mean what Spark means.

use serde_json::json;

use super::{World, json_source, through};

pub(super) fn sql(query: &str) -> serde_json::Value {
    json!({"SparkSQL": {"Name": "q", "Inputs": ["src"], "SqlQuery": query,
        "SqlAliases": [{"From": "src", "Alias": "t"}]}})
}

/// Every expression over the only row of `in` gives what is expected of it.
async fn gives(world: &World, cases: &[(&str, &str)]) {
    let columns: Vec<String> =
        cases.iter().enumerate().map(|(at, (sql, _))| format!("{sql} as c{at}")).collect();
    let query = format!("select {} from t", columns.join(", "));
    world.succeeds("j", through(json_source("in"), sql(&query), "out")).await;
    let rows = world.rows("out").await;
    let cells: Vec<&str> = rows[0].split('|').collect();
    for (at, (sql, expected)) in cases.iter().enumerate() {
        assert_eq!(cells[at], *expected, "{sql}");
    }
}

#[tokio::test]
async fn operators_and_functions() {
    let world = World::new().await;
    world
        .put("in/x.json", "{\"i\":7,\"z\":0,\"s\":\"10\",\"d\":\"2026-09-01\",\"n\":null,\"w\":\"a-b-a\"}\n")
        .await;
    let cases = [
        ("i / 2", "3.5"),
        ("i / z", "~"),
        ("i % z", "~"),
        ("i % 4", "3"),
        ("cast(w as int)", "~"),
        ("cast(' 12 ' as int)", "12"),
        ("cast('12.7' as int)", "12"),
        ("s > 9", "true"),
        ("s + 1", "11.0"),
        ("s in (9, 10)", "true"),
        ("concat(s, w)", "10a-b-a"),
        ("concat(s, cast(null as string))", "~"),
        ("regexp_replace(w, 'a', 'x')", "x-b-x"),
        ("ceil(1.2)", "2"),
        ("substr(w, 3, 1)", "b"),
        ("if(i > 5, 'big', 'small')", "big"),
        ("year(d)", "2026"),
        ("dayofweek(d)", "3"),
        ("date_add(d, 30)", "2026-10-01"),
        ("datediff('2026-09-03', d)", "2"),
        ("date_format(d, 'dd/MM/yyyy')", "01/09/2026"),
        ("to_date(d)", "2026-09-01"),
        ("coalesce(cast(n as string), 'none')", "none"),
        ("case when I = 7 then upper(W) end", "A-B-A"),
        ("sum(i) over ()", "7"),
        ("`i`", "7"),
    ];
    gives(&world, &cases).await;
}

#[tokio::test]
async fn groups_joins_and_subqueries() {
    let world = World::new().await;
    world.put("in/x.json", "{\"g\":\"a\",\"v\":1}\n{\"g\":\"a\",\"v\":4}\n{\"g\":\"b\",\"v\":5}\n").await;
    let query = "with s as (select g, sum(v) / count(*) as mean from t group by g) \
                 select s.g, s.mean, t.v from s join t on s.g = t.g where t.v > (select avg(v) from t) order by 1";
    world.succeeds("j", through(json_source("in"), sql(query), "out")).await;
    assert_eq!(world.rows("out").await, ["a|2.5|4", "b|5.0|5"]);
}

#[tokio::test]
async fn queries_that_name_columns_outside() {
    let world = World::new().await;
    world.put("in/x.json", "{\"i\":7,\"b\":true}\n").await;
    let none = "from (values (2)) u(y) where y = i";
    let cases = [
        (format!("exists (select count(*) {none})"), "true"),
        (format!("not exists (select count(*) {none})"), "false"),
        (format!("exists (select count(*) {none} having count(*) > 0)"), "false"),
        (format!("0 in (select count(*) {none})"), "true"),
        (format!("(select count(*) is null {none}) = false"), "true"),
        (format!("(select coalesce(sum(y), 0) {none}) = 0"), "true"),
        (format!("(select 7 {none} having count(*) = 0) = 7"), "true"),
        ("exists (select 1 from (values (7)) u(y) where y = i)".to_owned(), "true"),
        ("b is distinct from b or b".to_owned(), "true"),
        ("not b is distinct from false and b".to_owned(), "false"),
    ];
    for (at, (condition, expected)) in cases.iter().enumerate() {
        let query = format!("select count(*) as n from t where {condition}");
        world.succeeds(&format!("j{at}"), through(json_source("in"), sql(&query), &format!("out{at}"))).await;
        let expected = if *expected == "true" { "1" } else { "0" };
        assert_eq!(world.rows(&format!("out{at}")).await, [expected], "{condition}");
    }
}

#[tokio::test]
async fn what_would_mean_something_else_is_refused() {
    let world = World::new().await;
    world.put("in/x.json", "{\"i\":7,\"w\":\"x\"}\n").await;
    let cases = [
        ("select log(i) from t", "log"),
        ("select named_cast(i, 'x') a from t", "named_cast"),
        ("select i from t limit -1", "LIMIT -1 (write a whole number"),
        ("select i from (select i from t limit 2 + 3) u", "LIMIT 2 + 3 (write a whole number"),
        ("select i from t limit 3 offset '1'", "OFFSET '1' (write a whole number"),
        ("select i from t fetch first 3 rows only", "write LIMIT"),
        ("select i from t except all select 1", "EXCEPT ALL"),
        ("select i from t sort by i", "SORT BY"),
        ("select i from t tablesample (10 percent)", "TABLESAMPLE"),
        ("select corr(distinct i, i) as c from t", "corr(DISTINCT"),
        ("select * from t natural join (select 7 as i) u", "a NATURAL JOIN"),
        ("select * from t join t u using (i) join t v using (w)", "* over JOIN t u USING(i) JOIN"),
        ("select explode(w) from t", "the function explode is not supported in SparkSQL nodes"),
        ("select to_date(w, 'yyyy') from t", "to_date"),
        ("select sum(i > 1) from t", "sum needs a number"),
        ("select 1.5X from t", "1.5X"),
        ("select 2nd from t", "2nd"),
        ("select 'it''s' from t", "'it''s'"),
        ("select try_cast(w as int) from t", "TRY_CAST"),
        ("select cast(i as varchar(3)) from t", "VARCHAR(3)"),
        ("select ceil(i, 2) as c from t", "CEIL"),
        ("select i, sum(i) over () from t", "column 2 without a name"),
        ("select i from t where i > array(1)", "array"),
        ("select date '2026-13-01' from t", "2026-13-01"),
        ("select i from t where i > (i > 1)", "Boolean"),
        ("select cast(date '2026-01-01' as int) from t", "a cast of date to int is not supported"),
        ("select date_format(w, 'YYYY') from t", "YYYY"),
        ("select nosuch(i) from t", "nosuch"),
        ("select nosuch from t", "column nosuch not found; there are "),
        ("select * from other", "inputs are known as t"),
        ("drop table t", "SELECT"),
        ("select * from t tablesample (10 percent)", "TABLESAMPLE"),
        ("select i, i from t", "two columns named i (write AS"),
        ("select count(1), count(*) from t", "two columns named count(1) (write AS"),
        ("select l.i, r.w as i from t l join t r on l.i = r.i", "two columns named i (write AS"),
        ("select *, i from t", "two columns have the same name, i; give one of them another with AS"),
        (
            "select i from t l join t r on l.i = r.i",
            "column i is ambiguous: write its table's name before it",
        ),
        ("select w['x'] as v from t", "varchar"),
        ("select array_element(w, 1) as v from t", "the function array_element is not supported"),
        ("select case when i then 1 end as v from t", "a condition has to be a boolean, and is int"),
        ("select year(i) as v from t", "year needs a date or a timestamp, and its argument is int"),
        ("select substr(i) as v from t", "substring without the place that it begins at"),
        ("select count(*) as n from t group by ()", "() without anything in it"),
        ("select i from t where 5 not in (select 6 union all select null)", "a constant before NOT IN"),
        ("select i from t where i > 9 or i not in (select null)", "NOT IN with a query"),
        (
            "select i from t where i not in (select y from (values (1)) u(y) where y < i)",
            "NOT IN with a query that",
        ),
        (
            "select i from t where exists (select 1 from (values (7)) u(y) where y = i offset 1)",
            "LIMIT or OFFSET",
        ),
        ("select (select y from (values (7)) u(y) where y = i) as v from t", "a query as a value"),
        ("select i from t where i is distinct from i = 7", "a condition right of IS DISTINCT FROM"),
        ("select i from t except all select i from t", "EXCEPT ALL"),
        ("select i, count(*) as n from t group by i with totals", "TOTALS"),
        ("select i, last_value(i, i = 1) over (order by i) as l from t", "neither true nor false"),
        (
            "select sum(i) over (w order by i) as s from t window w as (partition by i)",
            "a named window with something",
        ),
        ("select sum(i) over b as s from t window a as (order by i), b as (a)", "defined by another"),
        ("select l.w from t l right join t r using (i)", "a RIGHT JOIN with USING"),
        ("select l.w from t l natural full join t r", "a NATURAL JOIN"),
        ("select count(distinct *) as n from t", "name the columns"),
        ("select lead(i, 2) ignore nulls over (order by i) as l from t", "lead by more than one row"),
        ("selec", ""),
    ];
    for (at, (query, expected)) in cases.into_iter().enumerate() {
        let (job, nodes) = (format!("j{at}"), through(json_source("in"), sql(query), "out"));
        let message = match world.create(&job, nodes, serde_json::json!({})).await {
            // What the text alone shows.
            Err(error) => {
                let message = error.to_string();
                assert!(message.contains("node tr (SparkSQL): SqlQuery: "), "{query}: {message}");
                message
            }
            Ok(()) => {
                let id = world.start(&job, &[]).await;
                let message = world.ended(&job, &id).await.details.error_message.unwrap_or_default();
                assert!(message.contains("node SparkSQL tr (q)"), "{query}: {message}");
                message
            }
        };
        assert!(message.to_lowercase().contains(&expected.to_lowercase()), "{query}: {message}");
        for inside in ["Int64", "Utf8", "__", "List(", "Span("] {
            assert!(!message.contains(inside), "{query}: {message}");
        }
    }
    assert!(world.keys("out").await.is_empty());
}

#[tokio::test]
async fn extremes_and_frames_of_doubles() {
    let world = World::new().await;
    let rows = [("5", "1e20"), ("NaN", "1"), ("1", "1"), ("-0.0", ""), ("-7", "0.1"), ("Infinity", "0.1")];
    let lines = (1..).zip(rows).map(|(i, (d, v))| format!("{{\"i\":{i},\"d\":\"{d}\",\"v\":\"{v}\"}}\n"));
    world.put("in/x.json", &lines.collect::<String>()).await;
    let typed = "(select cast(i as int) as i, cast(d as double) as d, cast(v as double) as v, cast(d as float) as f from t) x";
    let cases: [(&str, &[&str]); 8] = [
        (
            "select i % 2 as k, max(d) as a, min(d) as b from {x} group by i % 2",
            &["0|NaN|-0.0", "1|5.0|-7.0"],
        ),
        (
            "select i % 2 as k, max(f) as a, min(f) as b from {x} where i > 2 group by 1 having max(f) > 0",
            &["0|inf|-0.0", "1|1.0|-7.0"],
        ),
        (
            "select max(d) as a, min(d) filter (where i = 2) as b, max(d) filter (where i > 9) as c from {x}",
            &["NaN|NaN|~"],
        ),
        (
            "select i, max(d) over (order by i rows between 1 preceding and current row) as m from {x}",
            &["1|5.0", "2|NaN", "3|NaN", "4|1.0", "5|-0.0", "6|inf"],
        ),
        (
            "select i, sum(v) over (order by i rows between 1 preceding and current row) as s from {x} where i > 1",
            &["2|1.0", "3|2.0", "4|1.0", "5|0.1", "6|0.2"],
        ),
        (
            "select i, sum(v) over (order by i rows between 1 preceding and current row) as s, \
             avg(d) over (order by i rows between current row and 1 following) as a from {x} where i < 5",
            &["1|1e20|NaN", "2|1e20|NaN", "3|2.0|0.5", "4|1.0|0.0"],
        ),
        (
            "select i, stddev(v) over (order by i rows between 1 preceding and current row) as s from {x} where i in (1, 5, 6)",
            &["1|~", "5|7.0710678118654755e19", "6|0.0"],
        ),
        (
            "select i, last_value(v, true) over (order by i) as l, first_value(v, false) over (order by i desc) as f from {x} where i in (4, 5, 2)",
            &["2|1.0|0.1", "4|1.0|0.1", "5|0.1|0.1"],
        ),
    ];
    for (at, (query, expected)) in cases.into_iter().enumerate() {
        let (job, out) = (format!("j{at}"), format!("out{at}"));
        world.succeeds(&job, through(json_source("in"), sql(&query.replace("{x}", typed)), &out)).await;
        assert_eq!(world.rows(&out).await, expected, "{query}");
    }
}

#[tokio::test]
async fn types_of_groups_unions_and_joins() {
    let world = World::new().await;
    let rows = "{\"g\":\"a\",\"v\":1,\"s\":\"1\"}\n{\"g\":\"a\",\"v\":4,\"s\":\"x\"}\n{\"g\":\"b\",\"v\":5,\"s\":null}\n";
    world.put("in/x.json", rows).await;
    let cases: [(&str, &[&str]); 34] = [
        (
            "select v, sum(v) over (w) as a, sum(v) over w as b from t window w as (partition by g)",
            &["1|5|5", "4|5|5", "5|5|5"],
        ),
        // As text: 1.0 is not 1.
        ("select v from t where s in (select cast(v as double) from t)", &[]),
        ("select v from t where v not in (select s from t where s is not null)", &["4", "5"]),
        (
            "select month('2024-03-01T01:00:00+02:00') as m, dayofmonth('2024-01-01 25:00:00') as d, \
             hour('2024-03-01T01:00:00+02:00') as h from t where v = 1",
            &["3|1|23"],
        ),
        ("select g, count(*) as n from t group by g with rollup", &["a|2", "b|1", "~|3"]),
        (
            "select g, v, count(*) as n from t where g = 'b' group by g, v with cube",
            &["b|5|1", "b|~|1", "~|5|1", "~|~|1"],
        ),
        ("select g, max(v) as v from t group by g order by max(v) desc limit 1", &["b|5"]),
        ("select g, Max(v) as v from t group by g order by MAX(V) limit 1", &["a|4"]),
        (
            "select first(v) over (order by v) as f, last(s, true) over (order by v) as l, any_value(g) over (order by v) as a from t",
            &["1|1|a", "1|x|a", "1|x|a"],
        ),
        (
            "select g, sum(v) as v, count(*) as g2 from t group by g order by -sum(v) / count(*) limit 1",
            &["b|5|1"],
        ),
        ("select `G`, T.`V` as `S` from t where `t`.`V` = 4 order by `s`", &["a|4"]),
        ("select x.g from (select mean(v) as v, g from t group by g order by mean(v) limit 1) x", &["a"]),
        (
            "select avg(v) as a, mean(v) as b, sum(v) as c, sum(v) as d from t",
            &["3.3333333333333335|3.3333333333333335|10|10"],
        ),
        (
            "select g, grouping(g) as x, count(*) as n from t group by rollup (g)",
            &["a|0|2", "b|0|1", "~|1|3"],
        ),
        ("select g, sum(cast(v as int)) as s, count(*) as n from t group by g", &["a|5|2", "b|5|1"]),
        ("select g, sum(s) as s, avg(s) as m from t group by g", &["a|1.0|1.0", "b|~|~"]),
        (
            "select sum(cast(v as decimal(10,2))) as s, avg(cast(v as decimal(10,2))) as m from t",
            &["10.00|3.333333"],
        ),
        ("select avg(cast(-v as decimal(3,0))) as m from t where g = 'a'", &["-2.5000"]),
        ("select sum(cast(99999999999999999999999999999999999999 as decimal(38,0))) as s from t", &["~"]),
        ("select g as k, max(v) as m from t group by 1 order by k desc limit 1", &["b|5"]),
        ("select upper(g) as k, count(*) as n from t group by k having count(*) > 1", &["A|2"]),
        ("select v from t where s in ('x')", &["4"]),
        ("select v from t where v not in (select cast(s as int) from t)", &[]),
        ("select v from t where v not in (select 1 where false)", &["1", "4", "5"]),
        ("select v from t where v in (select s from t)", &["1"]),
        ("select v from t where (select count(*) from t b where b.g = t.g) = 2", &["1", "4"]),
        ("select v from t where exists (select 1 from t b where b.v = t.v + 1)", &["4"]),
        (
            "select cast(1 as int) as x union all select 2.5 union all select cast(v as int) from t",
            &["1.0", "1.0", "2.5", "4.0", "5.0"],
        ),
        ("select 1 as x union select 'a'", &["1", "a"]),
        ("select 1 as x union select 1L", &["1"]),
        ("select a.v from t a join t b on a.v = b.s", &["1"]),
        ("select v from t a join (select '5' as v) b using (v)", &["5"]),
        ("select x from (values (1), (2.5)) as d(x)", &["1.0", "2.5"]),
        (
            "select distinct x, count(*) over (partition by x) as n from (select 0.0D as x union all select -0.0D) y",
            &["0.0|2"],
        ),
    ];
    each_query_gives(&world, &cases).await;
}

/// Each query over `in` gives its rows.
async fn each_query_gives(world: &World, cases: &[(&str, &[&str])]) {
    for (at, (query, expected)) in cases.iter().enumerate() {
        let out = format!("out{at}");
        let run = world.run(&format!("j{at}"), through(json_source("in"), sql(query), &out)).await;
        assert_eq!(run.details.error_message, None, "{query}");
        let rows = if world.keys(&out).await.is_empty() { Vec::new() } else { world.rows(&out).await };
        assert_eq!(rows, *expected, "{query}");
    }
}

#[tokio::test]
async fn structures_are_grouped_and_compared_by_what_is_in_them() {
    let world = World::new().await;
    world
        .put("in/x.json", "{\"i\":1,\"d\":\"0.0\"}\n{\"i\":2,\"d\":\"-0.0\"}\n{\"i\":3,\"d\":null}\n{\"i\":4,\"d\":\"NaN\"}\n")
        .await;
    let typed = "(select cast(i as int) as i, named_struct('d', cast(d as double)) as s from t) x";
    let cases: [(&str, &[&str]); 8] = [
        ("select x.s.d as d, count(*) as n from {x} group by s", &["0.0|2", "NaN|1", "~|1"]),
        ("select count(distinct s) as n from {x}", &["3"]),
        ("select count(*) as n from (select distinct s from {x}) y", &["3"]),
        ("select i, count(*) over (partition by s) as n from {x} where i < 3", &["1|2", "2|2"]),
        (
            "select max(s).d as a, min(s).d is null as b, min(s) is null as c, max(s) filter (where i = 3) is null as d, \
             max(s) filter (where i < 0) is null as e from {x}",
            &["NaN|true|false|false|true"],
        ),
        ("select i % 2 as k, max(s).d as d from {x} where i < 4 group by 1", &["0|0.0", "1|0.0"]),
        (
            "select max(named_struct('d', d, 'i', i)).i as n from (select cast(d as double) as d, i from t where i < 3) y",
            &["2"],
        ),
        (
            "select i, max(s) over (order by i rows between 1 preceding and current row).d as d from {x}",
            &["1|0.0", "2|0.0", "3|0.0", "4|NaN"],
        ),
    ];
    let cases = cases.map(|(query, expected)| (query.replace("{x}", typed), expected));
    let cases: Vec<_> = cases.iter().map(|(query, expected)| (query.as_str(), *expected)).collect();
    each_query_gives(&world, &cases).await;
}

#[tokio::test]
async fn keys_of_using_come_first() {
    let world = World::new().await;
    world.put("in/x.json", "{\"a\":1,\"K\":2,\"m\":3}\n").await;
    let two = "t join (select 5 as b, 2 as K, 3 as m) u";
    let cases: [(String, &[&str]); 9] = [
        (format!("select * from {two} using (k)").replace("3 as m", "4 as n"), &["2|1|3|5|4"]),
        (format!("select * from {two} using (M, K)"), &["3|2|1|5"]),
        (
            format!("select * from {two} using (k, m) join (select 2 as K, 3 as m, 9 as z) w using (m, k)"),
            &["3|2|1|5|9"],
        ),
        (format!("select * from {two} using (k, m) cross join (select 9 as z) w"), &["2|3|1|5|9"]),
        (format!("select * from {} using (m)", two.replace("join", "left semi join")), &["3|1|2"]),
        ("select * from (select 2 as K) x join (select 2 as K) Y using (k)".to_owned(), &["2"]),
        (format!("select X.* from {two} using (k, m) join (select 1 as a) x using (a)"), &["1"]),
        (
            format!(
                "select count(*) as n from (select * from {two} using (k, m) union all select 1, 2, 3, 4) v where m = 3"
            ),
            &["1"],
        ),
        ("with V as (select 1 as a, 7 as b) select t.k, v.B from t join v using (A)".to_owned(), &["2|7"]),
    ];
    let cases: Vec<_> = cases.iter().map(|(query, expected)| (query.as_str(), *expected)).collect();
    each_query_gives(&world, &cases).await;
}

#[tokio::test]
async fn orders_of_structures_and_arrays_have_nulls_in_them_first() {
    let world = World::new().await;
    let rows = "{\"id\":1,\"a\":[1,2],\"s\":{\"x\":5}}\n{\"id\":2,\"a\":[1,null],\"s\":{\"x\":null}}\n{\"id\":3,\"a\":[3],\"s\":{\"x\":4}}\n\
                {\"id\":4,\"a\":null,\"s\":null}\n";
    world.put("in/x.json", rows).await;
    let cases: [(&str, &[&str]); 8] = [
        ("select id, sum(id) over (order by a) as n from t where id < 4", &["1|3", "2|2", "3|6"]),
        ("select id, count(*) over (order by a desc) as n from t where id < 4", &["1|2", "2|3", "3|1"]),
        ("select id, rank() over (order by s) as n from t", &["1|4", "2|2", "3|3", "4|1"]),
        (
            "select id, sum(id) over (order by named_struct('a', id % 2)) as n from t",
            &["1|10", "2|6", "3|10", "4|6"],
        ),
        ("select id from t order by a nulls last limit 1", &["2"]),
        ("select id from t order by a desc nulls first limit 2", &["3", "4"]),
        ("select id from t order by s nulls last limit 2", &["2", "3"]),
        ("select id from t order by s desc limit 2", &["1", "3"]),
    ];
    each_query_gives(&world, &cases).await;
}

#[tokio::test]
async fn a_limit_takes_the_first_rows_of_a_sorted_query() {
    let world = World::new().await;
    let lines: String = (0..2000).map(|i| format!("{{\"i\":{i},\"v\":{}}}\n", i * 7919 % 2003)).collect();
    world.put("in/x.json", &lines).await;
    let cases: [(&str, &[&str]); 3] = [
        ("select v from (select * from t order by v desc) x limit 3", &["2000", "2001", "2002"]),
        ("with x as (select i, v from t order by v) select v from x where v > 5 limit 2", &["6", "7"]),
        ("select sum(v) as s from (select v from (select * from t order by v) x limit 3) y", &["3"]),
    ];
    each_query_gives(&world, &cases).await;
    let mut nodes = through(json_source("in"), sql("select i, v from t order by v desc"), "over");
    nodes["f"] = json!({"SparkSQL": {"Name": "f", "Inputs": ["tr"], "SqlQuery": "select v from u where i > 3 limit 2",
        "SqlAliases": [{"From": "tr", "Alias": "u"}]}});
    nodes["out"] = super::parquet("f", "over");
    world.succeeds("over", nodes).await;
    assert_eq!(world.rows("over").await, ["2001", "2002"]);
    let mut nodes =
        through(json_source("in"), sql("select v, i from t a join (select '7' as v) b using (v)"), "keys");
    nodes["f"] = json!({"SelectFields": {"Name": "f", "Inputs": ["tr"], "Paths": [["v"]]}});
    nodes["out"] = super::parquet("f", "keys");
    world.succeeds("keys", nodes).await;
    assert_eq!(world.rows("keys").await, ["7"]);
}

#[tokio::test]
async fn values_of_correlated_queries_may_be_made_of_several_aggregates() {
    let world = World::new().await;
    world.put("in/x.json", "{\"i\":1,\"k\":1}\n{\"i\":2,\"k\":1}\n{\"i\":5,\"k\":2}\n").await;
    let typed = "(select i, k, cast(i as decimal(5,1)) as c, cast(i as double) as d from t)";
    let cases: [(&str, &[&str]); 3] = [
        ("select i from {x} a where c > (select avg(c) from {x} b where b.k = a.k)", &["2"]),
        (
            "select i, (select sum(c) + max(d) from {x} b where b.k = a.k) as s from {x} a",
            &["1|5.0", "2|5.0", "5|10.0"],
        ),
        (
            "select i from {x} a where exists (select avg(c) from {x} b where b.k = a.k having avg(c) > 2)",
            &["5"],
        ),
    ];
    let cases = cases.map(|(query, expected)| (query.replace("{x}", typed), expected));
    let cases: Vec<_> = cases.iter().map(|(query, expected)| (query.as_str(), *expected)).collect();
    each_query_gives(&world, &cases).await;
}

#[tokio::test]
async fn sets_have_the_types_that_both_sides_fit() {
    let world = World::new().await;
    world.put("in/x.json", "{\"v\":1}\n{\"v\":2}\n{\"v\":2}\n{\"v\":null}\n").await;
    let cases: [(&str, &[&str]); 8] = [
        ("select v from t intersect select 2.0D", &["2.0"]),
        ("select v from t except select 2.0D", &["1.0", "~"]),
        ("select v from t minus select 2 order by v", &["1", "~"]),
        ("select v from t intersect select cast(null as int)", &["~"]),
        ("select v from t except select '2'", &["1", "~"]),
        ("select v from t except (select 1 union select 2)", &["~"]),
        (
            "select 9007199254740993L as v union all select 9007199254740992L except select 0.5D",
            &["9007199254740992.0"],
        ),
        ("select v from t where exists (select 1 from (values (1.0)) u(w) where w = v)", &["1"]),
    ];
    each_query_gives(&world, &cases).await;
}

#[tokio::test]
async fn groups_of_several_sets_and_correlation() {
    let world = World::new().await;
    let rows = [(1, "1", "2"), (2, "2", "4"), (3, "3", "5"), (4, "NaN", "1"), (5, "", "7")];
    let line = |(i, x, y): (i32, &str, &str)| format!("{{\"i\":{i},\"x\":\"{x}\",\"y\":\"{y}\"}}\n");
    world.put("in/x.json", &rows.map(line).concat()).await;
    let typed =
        "(select i, cast(x as double) as x, cast(y as double) as y, cast(x as double) + 1e9D as f from t) x";
    let cases: [(&str, &[&str]); 13] = [
        ("select i, count(*) as n from t where i < 0 group by i with rollup", &[]),
        ("select i, sum(i) as n from t where i < 0 group by cube (i)", &[]),
        ("select i % 2 as k, count(*) as n from t group by 1 with rollup", &["0|2", "1|3", "~|5"]),
        ("select sum(i) as n from t where i < 0 group by grouping sets ((), (i))", &[]),
        ("select i, sum(i) as n from t where i > 3 group by grouping sets ((), (i))", &["4|4", "5|5", "~|9"]),
        ("select count(*) as n, sum(i) as s from t where i < 0", &["0|~"]),
        (
            "select i % 2 as k, grouping(i % 2) as g, avg(cast(i as decimal(3,1))) as m, count(*) as n from t \
             group by i % 2 with rollup having grouping(i % 2) = 1 or count(*) > 2",
            &["1|0|3.00000|3", "~|1|3.00000|5"],
        ),
        (
            "select x, grouping(x) as g, count(*) as n from {x} where i < 3 group by rollup (x)",
            &["1.0|0|1", "2.0|0|1", "~|1|2"],
        ),
        ("select corr(x, y) as c from {x} where i < 4 or i = 5", &["0.9819805060619656"]),
        ("select corr(x, y) as c, corr(y, x) as d from {x}", &["NaN|NaN"]),
        ("select corr(x, y) as c from {x} where i = 1", &["~"]),
        ("select corr(x, 1) as c from {x} where i < 4", &["~"]),
        (
            "select i > 3 as k, round(corr(f, y), 9) as c from {x} group by 1",
            &["false|0.981980506", "true|~"],
        ),
    ];
    let cases = cases.map(|(query, expected)| (query.replace("{x}", typed), expected));
    let cases: Vec<_> = cases.iter().map(|(query, expected)| (query.as_str(), *expected)).collect();
    each_query_gives(&world, &cases).await;
}

#[tokio::test]
async fn moments_and_decimals_at_the_ends_of_their_ranges() {
    let world = World::new().await;
    world.put("in/x.json", "{\"a\":\"0001-01-01\",\"z\":\"9999-12-31\",\"d\":\"9.9\"}\n").await;
    let cases = [
        ("ceil(cast(d as decimal(2,1)))", "10"),
        ("floor(cast('-9.9' as decimal(2,1)))", "-10"),
        (
            "ceil(cast('9999999999999999999999999999999999999.9' as decimal(38,1)))",
            "10000000000000000000000000000000000000",
        ),
        ("ceil(cast(0.01 as decimal(2,2)))", "1"),
        ("date_trunc('month', a)", "0001-01-01T00:00:00"),
        ("date_trunc('WEEK', z)", "9999-12-27T00:00:00"),
        ("date_trunc('year', cast(z as timestamp))", "9999-01-01T00:00:00"),
        ("date_format(z, 'yyyy/MM/dd')", "9999/12/31"),
        ("date_format(a, 'yyyy/MM/dd')", "0001/01/01"),
        ("year(a)", "1"),
        ("dayofweek(z)", "6"),
        ("weekofyear(cast(z as timestamp))", "52"),
        ("datediff(z, a)", "3652058"),
        ("date_add(a, 1)", "0001-01-02"),
        ("cast(cast(z as timestamp) as bigint)", "253402214400"),
    ];
    gives(&world, &cases).await;
}

#[tokio::test]
async fn floats_are_one_nan_and_one_zero() {
    let world = World::new().await;
    world.put("in/x.json", "{\"x\":1}\n").await;
    let values = "(select cast('NaN' as double) as x union all select sqrt(-1) union all select 0.0D \
                  union all select -0.0D union all select 1.0D union all select cast('Infinity' as double)) v";
    let cases: [(String, &[&str]); 6] = [
        (format!("select x, count(*) as n from {values} group by x"), &["0.0|2", "1.0|1", "NaN|2", "inf|1"]),
        (format!("select max(x) as m, min(x) as l, count(distinct x) as n from {values}"), &["NaN|-0.0|4"]),
        (
            format!("select count(*) as n from {values} join {} on v.x = w.x", values.replace(") v", ") w")),
            &["10"],
        ),
        (format!("select x from {values} order by x desc limit 2"), &["NaN", "NaN"]),
        (format!("select count(*) as n from {values} where x > 1e308"), &["3"]),
        (format!("select count(*) as n from {values} where x in (0, cast('NaN' as double))"), &["4"]),
    ];
    for (at, (query, expected)) in cases.into_iter().enumerate() {
        let out = format!("out{at}");
        world.succeeds(&format!("j{at}"), through(json_source("in"), sql(&query), &out)).await;
        assert_eq!(world.rows(&out).await, expected, "{query}");
    }
}

#[tokio::test]
async fn what_is_refused_is_refused_without_guesses() {
    let world = World::new().await;
    world.put("in/x.json", "{\"i\":7}\n").await;
    let queries = [
        "select initcap('a') as x from t",
        "select row_number() as x from t",
        "select nope(i) as x from t",
        "select lag(i) as x from t",
        "select sum(i, i) as x from t",
        "select ii as x from t",
    ];
    for (at, query) in queries.into_iter().enumerate() {
        let message = world.fails(&format!("j{at}"), through(json_source("in"), sql(query), "out")).await;
        assert!(message.starts_with("node SparkSQL tr (q): "), "{query}: {message}");
        assert!(!message.contains("Did you mean"), "{query}: {message}");
    }
}

#[tokio::test]
async fn doubles_round_and_show_as_in_java() {
    let world = World::new().await;
    world.put("in/x.json", "{\"i\":7}\n").await;
    let cases = [
        ("round(1.005D, 2)", "1.01"),
        ("round(2.5D)", "3.0"),
        ("round(-2.5D)", "-3.0"),
        ("round(2.675D, 2)", "2.68"),
        ("cast(1.0E10D as string)", "1.0E10"),
        ("cast(0.001D as string)", "0.001"),
        ("cast(0.0001D as string)", "1.0E-4"),
        ("cast(9999999.0D as string)", "9999999.0"),
        ("cast(12345678.9D as string)", "1.23456789E7"),
        ("isnan(cast(null as double))", "false"),
        ("isnan(cast('NaN' as double))", "true"),
    ];
    gives(&world, &cases).await;
}

#[tokio::test]
async fn unnamed_columns_have_sparks_names() {
    let world = World::new().await;
    world.put("in/x.json", "{\"i\":7}\n").await;
    let query = "select count(*), sum(i), max(i) + 1.5, cast(min(i) as int), 'x' from t";
    world.succeeds("j", through(json_source("in"), sql(query), "out")).await;
    let (schema, _) = world.table("out").await;
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["count(1)", "sum(i)", "(max(i) + 1.5)", "CAST(min(i) AS INT)", "x"]);
    let query = "select cast(T.i as bigint), 'y' || 'x', case i when 7 then 'a' else 'b' end, \
                 named_struct('a', i).a from t";
    world.succeeds("k", through(json_source("in"), sql(query), "more")).await;
    let (schema, _) = world.table("more").await;
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let expected = ["i", "concat(y, x)", "CASE WHEN (i = 7) THEN a ELSE b END", "named_struct(a, i).a"];
    assert_eq!(names, expected);
}

#[tokio::test]
async fn patterns_mean_what_they_mean_in_java() {
    let world = World::new().await;
    world.put("in/x.json", "{\"w\":\"h\u{e9}llo 1\",\"p\":\"^\\\\w+$\",\"b\":\"a\u{a0}b\"}\n").await;
    let cases = [
        (r"regexp_replace(w, '[^\\w]', '')", "hllo1"),
        (r"regexp_replace(w, '\\d', '')", "h\u{e9}llo "),
        (r"regexp_extract(w, '\\w+', 0)", "h"),
        (r"split(b, '\\s')[1]", "~"),
        (r"b rlike '\\s'", "false"),
        // Of a column, too.
        ("replace(w, ' 1', '') rlike p", "false"),
        ("substr(w, 1, 1) rlike p", "true"),
        ("regexp_replace(replace(w, ' 1', ''), p, 'x')", "h\u{e9}llo"),
    ];
    gives(&world, &cases).await;
}

#[tokio::test]
async fn an_error_while_rows_flow_names_the_node_that_raised_it() {
    let world = World::new().await;
    world.put("in/x.json", "{\"p\":\"(\",\"z\":\"2026-01-01 00:00:00 Europe/Berlin\"}\n").await;
    let cases = [
        ("select p rlike p as r from t", "regex"),
        ("select cast(z as timestamp) as r from t", "Europe/Berlin"),
        ("select 1 as x where (select v from (values (1), (2)) as d(v)) = 1", "more than one row"),
    ];
    for (at, (query, expected)) in cases.into_iter().enumerate() {
        let nodes = serde_json::json!({
            "src": json_source("in"), "bad": sql(query),
            "tr": {"DropDuplicates": {"Name": "d", "Inputs": ["bad"]}},
            "out": super::parquet("tr", "out"),
        });
        let message = world.fails(&format!("j{at}"), nodes).await;
        assert!(message.starts_with("node SparkSQL bad (q): "), "{query}: {message}");
        assert!(message.contains(expected), "{query}: {message}");
    }
    assert!(world.keys("out").await.is_empty());
}

#[tokio::test]
async fn parts_of_values_and_minus() {
    let world = World::new().await;
    world.put("in/x.json", "{\"s\":\"10\",\"i\":1,\"tags\":[\"a\",\"b\"],\"l\":[{\"k\":5}]}\n").await;
    let cases = [
        ("tags[0]", "a"),
        ("tags[i]", "b"),
        ("tags[2]", "~"),
        ("tags[-1]", "~"),
        ("tags[cast(null as int)]", "~"),
        ("l[0].k", "5"),
        ("named_struct('a', 1).a", "1"),
        ("(named_struct('a', named_struct('b', 2))).a.b", "2"),
        ("-s", "-10.0"),
        ("-i", "-1"),
        ("-cast(1.50 as decimal(3,2))", "-1.50"),
        ("negative(i)", "-1"),
        ("+s", "10.0"),
        ("+ 'x'", "~"),
        ("+i", "1"),
        ("+ +cast(1.50 as decimal(3,2))", "1.50"),
    ];
    gives(&world, &cases).await;
}

/// What differs by a cast only would have one name for the planner.
#[tokio::test]
async fn expressions_that_differ_by_a_cast_stand_side_by_side() {
    let world = World::new().await;
    world.put("in/x.json", "{\"s\":\"10\",\"i\":1}\n{\"s\":\"9\",\"i\":2}\n").await;
    let cases = [
        (
            "select sum(i) a, sum(cast(i as double)) b, max(s) c, max(cast(s as int)) d from t",
            vec!["3|3.0|9|10"],
        ),
        ("select i, cast(i as string) x from t group by i, cast(i as string) order by i", vec!["1|1", "2|2"]),
        ("select max(i) over () a, max(cast(i as double)) over () b from t", vec!["2|2.0", "2|2.0"]),
        ("select count(1) a, count(*) b, count(*) filter (where i > 1) c from t", vec!["2|2|1"]),
    ];
    for (at, (query, expected)) in cases.into_iter().enumerate() {
        world.succeeds(&format!("j{at}"), through(json_source("in"), sql(query), &format!("out{at}"))).await;
        assert_eq!(world.rows(&format!("out{at}")).await, expected, "{query}");
    }
    for (at, (query, expected)) in [
        ("select count(*) filter (where i) a from t", "FILTER has to be a boolean, and is int"),
        ("select sum(i) filter (where s) a from t", "FILTER has to be a boolean, and is string"),
        ("select sum(i) filter (where i) over () a from t", "FILTER has to be a boolean, and is int"),
        ("select +tags a from (select array(1) tags from t) u", ""),
    ]
    .into_iter()
    .enumerate()
    {
        let message = world.fails(&format!("f{at}"), through(json_source("in"), sql(query), "none")).await;
        assert!(message.contains(expected), "{query}: {message}");
    }
}
