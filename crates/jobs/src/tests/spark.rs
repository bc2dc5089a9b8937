//! SparkSQL nodes mean what Spark means.

use serde_json::json;

use super::{World, json_source, through};

fn sql(query: &str) -> serde_json::Value {
    json!({"SparkSQL": {"Name": "q", "Inputs": ["src"], "SqlQuery": query,
        "SqlAliases": [{"From": "src", "Alias": "t"}]}})
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
async fn groups_joins_and_subqueries() {
    let world = World::new().await;
    world.put("in/x.json", "{\"g\":\"a\",\"v\":1}\n{\"g\":\"a\",\"v\":4}\n{\"g\":\"b\",\"v\":5}\n").await;
    let query = "with s as (select g, sum(v) / count(*) as mean from t group by g) \
                 select s.g, s.mean, t.v from s join t on s.g = t.g where t.v > (select avg(v) from t) order by 1";
    world.succeeds("j", through(json_source("in"), sql(query), "out")).await;
    assert_eq!(world.rows("out").await, ["a|2.5|4", "b|5.0|5"]);
}

#[tokio::test]
async fn what_would_mean_something_else_is_refused() {
    let world = World::new().await;
    world.put("in/x.json", "{\"i\":7,\"w\":\"x\"}\n").await;
    let cases = [
        ("select log(i) from t", "log"),
        ("select substr(w, -2) from t", "substr"),
        ("select date_format(w, 'YYYY') from t", "YYYY"),
        ("select nosuch(i) from t", "nosuch"),
        ("select nosuch from t", "nosuch"),
        ("select * from other", "inputs are known as t"),
        ("drop table t", "SELECT"),
        ("select * from t tablesample (10 percent)", "TABLESAMPLE"),
        ("select i, i from t", "i"),
        ("selec", ""),
    ];
    for (at, (query, expected)) in cases.into_iter().enumerate() {
        let message = world.fails(&format!("j{at}"), through(json_source("in"), sql(query), "out")).await;
        assert!(message.contains("node SparkSQL tr (q)"), "{query}: {message}");
        assert!(message.to_lowercase().contains(&expected.to_lowercase()), "{query}: {message}");
    }
    assert!(world.keys("out").await.is_empty());
}
