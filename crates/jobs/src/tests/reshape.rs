//! AWS Glue Studio's transforms between columns and rows, and of columns of JSON.

use serde_json::json;

use super::studio::{of, rows};
use super::{World, json_source, parquet, through};

const SALES: &str = "{\"id\":1,\"k\":\"a\",\"n\":10,\"v\":1.5}\n{\"id\":2,\"k\":\"b\",\"n\":9,\"v\":null}\n\
    {\"id\":2,\"k\":\"a\",\"n\":9,\"v\":3}\n{\"id\":1,\"k\":null,\"n\":9,\"v\":4}\n{\"id\":1,\"k\":\"a\",\"n\":10,\"v\":2.5}\n";

#[tokio::test]
async fn columns_become_rows() {
    let lines = "{\"id\":1,\"a\":1,\"b\":2.5}\n{\"id\":2,\"a\":null,\"b\":3}\n";
    let both = [("colList", "list", "a,b"), ("nameCol", "str", "name"), ("valueCol", "str", "`the value`")];
    assert_eq!(rows(lines, "gs_unpivot", &both).await, ["1|a|1.0", "1|b|2.5", "2|a|~", "2|b|3.0"]);
    // A column may be called as one that is gone, and names are found whatever their case.
    let again = [("colList", "str", "A, id"), ("nameCol", "str", "id"), ("valueCol", "str", "a")];
    assert_eq!(rows(lines, "gs_unpivot", &again).await, ["2.5|A|1", "2.5|id|1", "3.0|A|~", "3.0|id|2"]);
    let world = World::new().await;
    world.put("in/a.json", "{\"id\":1,\"s\":\"x\",\"n\":{\"x\":1}}\n").await;
    for (columns, value, what) in [
        ("id,s", "v", "values of one column have one type, but id is int, s is string"),
        ("id,nope", "v", "nope is not in its input"),
        ("id", "s", "two columns named s"),
        ("id,`n.x`", "v", "n.x is not in its input"),
    ] {
        let parameters = [("colList", "str", columns), ("nameCol", "str", "n2"), ("valueCol", "str", value)];
        let node = of("gs_unpivot", "src", &parameters);
        let message =
            world.fails(&format!("f-{}", what.len()), through(json_source("in"), node, "out")).await;
        assert!(message.contains(what), "{message}");
    }
}

/// Rows that chance takes must be the same where a node's columns depend on them; where they do not, nothing is written aside.
#[test]
fn what_depends_on_rows_reads_them_once_more() {
    let reads = |function: &str, parameters: &[(&str, &str, &str)]| {
        let nodes = through(json_source("in"), of(function, "src", parameters), "out");
        let graph = crate::graph::Graph::parse(nodes.as_object().unwrap()).unwrap();
        graph.reads_of(graph.node("src").unwrap())
    };
    let pivot = [("aggCol", "str", "v"), ("aggFunction", "str", "sum"), ("colList", "list", "k")];
    assert_eq!(reads("gs_pivot", &pivot), 2);
    assert_eq!(reads("gs_parse_json", &[("colName", "str", "v")]), 2);
    assert_eq!(reads("gs_derived", &[("colName", "str", "v"), ("expr", "str", "k + 1")]), 1);
}

#[tokio::test]
async fn values_become_columns() {
    let by = |function: &'static str, columns: &'static str| {
        [("aggCol", "str", "v"), ("aggFunction", "str", function), ("colList", "list", columns)]
    };
    // id, n, null, a, b
    assert_eq!(
        rows(SALES, "gs_pivot", &by("mean", "k")).await,
        ["1|10|~|2.0|~", "1|9|4.0|~|~", "2|9|~|3.0|~"]
    );
    // A value without rows is no value, one whose rows hold nothing is counted; numbers stand in their order: 9, 10.
    let counted = [("aggCol", "str", "v"), ("aggFunction", "str", "count"), ("colList", "str", "n")];
    assert_eq!(rows(SALES, "gs_pivot", &counted).await, ["1|a|~|2", "1|~|1|~", "2|a|1|~", "2|b|0|~"]);
    // id, null_9, a_9, a_10, b_9
    assert_eq!(rows(SALES, "gs_pivot", &by("sum", "k,n")).await, ["1|4.0|~|4.0|~", "2|~|3.0|~|~"]);
    // Nothing is left to group by.
    assert_eq!(rows(SALES, "gs_pivot", &by("max", "k,n,id")).await, ["4.0|3.0|2.5|~"]);
    let texts = [("aggCol", "str", "k"), ("aggFunction", "str", "min"), ("colList", "str", "n,v")];
    assert_eq!(rows("{\"k\":true,\"n\":1,\"v\":\"x.y\"}\n", "gs_pivot", &texts).await, ["true"]);
}

#[tokio::test]
async fn targets_see_the_same_values() {
    let world = World::new().await;
    world.put("in/a.json", SALES).await;
    let pivot = [("aggCol", "str", "v"), ("aggFunction", "str", "sum"), ("colList", "str", "k")];
    let names = json!({"SparkSQL": {"Name": "s", "Inputs": ["p"], "SqlAliases": [{"From": "p", "Alias": "t"}],
        "SqlQuery": "SELECT `a` AS x, `null` AS y FROM t WHERE n = 9"}});
    let nodes = json!({"src": json_source("in"), "p": of("gs_pivot", "src", &pivot), "s": names,
        "o": parquet("s", "named"), "all": parquet("p", "all")});
    let run = world.succeeds("j", nodes).await;
    assert_eq!(run.details.totals.rows_in, 5);
    assert_eq!(world.rows("named").await, ["3.0|~", "~|4.0"]);
    assert_eq!(world.rows("all").await.len(), 3);
}

#[tokio::test]
async fn what_can_be_no_column_is_said() {
    let world = World::new().await;
    let many: Vec<String> = (0..1001).map(|at| json!({"id": 1, "k": at, "v": at}).to_string()).collect();
    world.put("many/a.json", &many.join("\n")).await;
    world.put("alike/a.json", "{\"id\":1,\"k\":\"null\",\"v\":1}\n{\"id\":1,\"k\":null,\"v\":1}\n").await;
    world.put("named/a.json", "{\"id\":1,\"k\":\"id\",\"v\":1}\n").await;
    world.put("nested/a.json", "{\"id\":1,\"k\":[1],\"v\":1}\n").await;
    for (folder, what) in [
        ("many", "k has more than 1000 values"),
        ("alike", "two values of k would be called null"),
        ("named", "two columns named id"),
        ("nested", "which name no columns"),
    ] {
        let pivot = [("aggCol", "str", "v"), ("aggFunction", "str", "sum"), ("colList", "str", "k")];
        let nodes = through(json_source(folder), of("gs_pivot", "src", &pivot), "out");
        let message = world.fails(folder, nodes).await;
        assert!(message.contains(what), "{message}");
    }
}

#[tokio::test]
async fn values_of_documents_become_columns() {
    let line = |document: &str| json!({"id": 1, "j": document}).to_string() + "\n";
    let lines = line("{\"x\": 1.50, \"y\": {\"a. a\": [\"s\"]}}") + &line("no") + "{\"id\":2,\"j\":null}\n";
    let two = [("colName", "str", "j"), ("jsonPaths", "str", "x, $.y['a. a']"), ("colList", "str", "x, y")];
    let made = rows(&lines, "gs_extract_json", &two).await;
    assert_eq!(made, ["1|no|~|~", "1|{\"x\": 1.50, \"y\": {\"a. a\": [\"s\"]}}|1.50|[\"s\"]", "2|~|~|~"]);
    let dropped = [&two[..], &[("dropCol", "bool", "true")]].concat();
    assert_eq!(rows(&lines, "gs_extract_json", &dropped).await, ["1|1.50|[\"s\"]", "1|~|~", "2|~|~"]);
}

#[tokio::test]
async fn what_is_wrong_with_parameters_is_said_when_a_job_is_made() {
    let world = World::new().await;
    let pivot = |column: &'static str, function: &'static str, columns: &'static str| {
        vec![("aggCol", "str", column), ("aggFunction", "str", function), ("colList", "str", columns)]
    };
    let json = |paths: &'static str, names: &'static str| {
        vec![("colName", "str", "j"), ("jsonPaths", "str", paths), ("colList", "str", names)]
    };
    for (function, parameters, what) in [
        ("gs_unpivot", vec![("colList", "str", "a")], "Parameters nameCol is missing"),
        (
            "gs_unpivot",
            vec![("colList", "str", "a,a"), ("nameCol", "str", "n"), ("valueCol", "str", "v")],
            "has a twice",
        ),
        (
            "gs_unpivot",
            vec![("colList", "str", "a"), ("nameCol", "str", "n"), ("valueCol", "str", "n")],
            "are both n",
        ),
        ("gs_pivot", pivot("v", "sum", "a.b"), "a.b lies in a structure"),
        ("gs_pivot", pivot("v", "median", "a"), "\"median\" is not one of avg, mean"),
        ("gs_pivot", pivot("v", "sum", "a,v"), "colList has v, which is aggCol"),
        ("gs_pivot", vec![("groupBy", "str", "a")], "which are: aggCol, aggFunction, colList"),
        ("gs_extract_json", json("a,b", "x"), "has 1 names, and jsonPaths has 2 paths"),
        ("gs_extract_json", json("$.a[*]", "x"), "several values, which is not built"),
        ("gs_extract_json", json("a", "j"), "which is colName"),
        (
            "gs_lookup",
            vec![("lookupTable", "str", "t"), ("keyCols", "str", "a"), ("takeCols", "str", "b")],
            "is no database.table",
        ),
        (
            "gs_lookup",
            vec![("lookupTable", "str", "d.t"), ("keyCols", "str", "a="), ("takeCols", "str", "b")],
            "keyCols has an empty name",
        ),
        (
            "gs_lookup",
            vec![("lookupTable", "str", "d.t"), ("keyCols", "str", "a"), ("takeCols", "str", "b,b")],
            "has b twice",
        ),
    ] {
        let nodes = through(json_source("in"), of(function, "src", &parameters), "out");
        let error = world.create(what, nodes, json!({})).await.expect_err(what).to_string();
        assert!(error.contains(what) && error.contains("node tr (DynamicTransform)"), "{what}: {error}");
    }
}

fn lookup(columns: &'static str) -> Vec<(&'static str, &'static str, &'static str)> {
    vec![
        ("lookupTable", "str", "shop.users"),
        ("keyCols", "str", "user=id, region"),
        ("takeCols", "str", columns),
    ]
}

#[tokio::test]
async fn rows_are_looked_up_in_a_table() {
    let world = World::new().await;
    let columns = [("id", "bigint"), ("region", "string"), ("name", "string"), ("age", "int")];
    super::tables::table(&world, "users", &columns, super::tables::openx(json!({})), &[]).await;
    world.put("users/a.json", "{\"id\":1,\"region\":\"eu\",\"name\":\"ann\",\"age\":3}\n").await;
    world
        .put(
            "users/b.json",
            "{\"id\":1,\"region\":\"us\",\"name\":\"bob\"}\n{\"id\":2,\"region\":\"eu\",\"name\":\"cy\"}\n",
        )
        .await;
    let lines = "{\"user\":1,\"region\":\"eu\"}\n{\"user\":2,\"region\":\"us\"}\n{\"user\":1,\"region\":\"us\"}\n{\"region\":\"eu\"}\n";
    world.put("in/a.json", lines).await;
    let nodes = through(json_source("in"), of("gs_lookup", "src", &lookup("name, age")), "out");
    world.succeeds("j", nodes).await;
    assert_eq!(world.rows("out").await, ["1|eu|ann|3", "1|us|bob|~", "2|us|~|~", "~|eu|~|~"]);
    for (columns, what) in [("name,user", "two columns named user"), ("nope", "nope not found")] {
        let nodes = through(json_source("in"), of("gs_lookup", "src", &lookup(columns)), "out");
        let message = world.fails(&format!("f-{}", what.len()), nodes).await;
        assert!(message.contains(what), "{message}");
    }
}

fn documents(all: &[serde_json::Value]) -> String {
    all.iter().enumerate().map(|(id, own)| json!({"id": id, "j": own}).to_string() + "\n").collect()
}

#[tokio::test]
async fn documents_become_structures() {
    let column = [("colName", "str", "j")];
    let lines = documents(&[
        json!("{\"b\": 1, \"a\": {\"x\": [1, 2.5], \"t\": \"u\"}}"),
        json!("{\"b\": 3000000000, \"a\": null, \"c\": {\"deep\": 1.50}, \"e\": {}}"),
        json!("{\"b\": 1, \"c\": \"text\", \"b\": 2}"),
        json!("no"),
        json!("7"),
        json!(null),
    ]);
    let made = rows(&lines, "gs_parse_json", &column).await;
    // Members in the order of their names; what is of several kinds is text.
    assert_eq!(
        made,
        [
            "0|{a: {t: u, x: [1.0, 2.5]}, b: 1, c: ~, e: ~}",
            "1|{a: ~, b: 3000000000, c: {\"deep\":1.50}, e: {}}",
            "2|{a: ~, b: 2, c: text, e: ~}",
            "3|~",
            "4|~",
            "5|~"
        ]
    );
    let lines = documents(&[json!("[{\"x\": 1}, null]"), json!("[]"), json!("null")]);
    assert_eq!(rows(&lines, "gs_parse_json", &column).await, ["0|[{x: 1}, ~]", "1|[]", "2|~"]);
    // Nothing tells a type: the column stays text.
    assert_eq!(rows("{\"id\":1,\"j\":\"null\"}\n", "gs_parse_json", &column).await, ["1|~"]);
}

#[tokio::test]
async fn a_type_of_documents_may_be_given() {
    let lines = documents(&[
        json!("{\"a\": 1, \"b\": {\"k\": 300}}"),
        json!("{\"a\": \"x\", \"b\": [1]}"),
        json!("[\"p\", 2]"),
    ]);
    let given = |schema: &'static str| {
        [("colName", "str", "j"), ("schema", "str", schema), ("newColName", "str", "o")]
    };
    for (schema, wanted) in [
        ("a INT, b MAP<STRING,TINYINT>", ["{a: 1, b: {k: ~}}", "{a: ~, b: ~}", "~"]),
        ("ARRAY<STRING>", ["~", "~", "[p, 2]"]),
        ("MAP<STRING,STRING>", ["{a: 1, b: {\"k\":300}}", "{a: x, b: [1]}", "~"]),
    ] {
        let made = rows(&lines, "gs_parse_json", &given(schema)).await;
        assert!(made.iter().zip(wanted).all(|(row, own)| row.ends_with(&format!("|{own}"))), "{made:?}");
        assert!(made[0].starts_with("0|{\"a\": 1"), "{made:?}");
    }
}

#[tokio::test]
async fn targets_see_one_type_of_documents() {
    let world = World::new().await;
    world.put("in/a.json", &documents(&[json!("{\"a\": 1}"), json!("no")])).await;
    let names = json!({"SparkSQL": {"Name": "s", "Inputs": ["p"], "SqlAliases": [{"From": "p", "Alias": "t"}],
        "SqlQuery": "SELECT j.a + 1 AS x FROM t WHERE id = 0"}});
    let nodes = json!({"src": json_source("in"), "p": of("gs_parse_json", "src", &[("colName", "str", "j")]), "s": names,
        "o": parquet("s", "named"), "all": parquet("p", "all")});
    let run = world.succeeds("j", nodes).await;
    assert_eq!(run.details.totals.rows_in, 2);
    assert_eq!(world.rows("named").await, ["2"]);
    assert_eq!(world.rows("all").await, ["0|{a: 1}", "1|~"]);
}

#[tokio::test]
async fn what_is_wrong_with_documents_is_said() {
    let world = World::new().await;
    world.put("none/a.json", &documents(&[json!("a"), json!("1")])).await;
    world.put("both/a.json", &documents(&[json!("[1]"), json!("{\"a\":1}")])).await;
    world.put("numbers/a.json", &documents(&[json!(1)])).await;
    for (folder, what) in [
        ("none", "j has no JSON: none of its 2 texts is an object or an array"),
        ("both", "j has objects in some rows and arrays in others"),
        ("numbers", "j is int, and JSON documents are text"),
    ] {
        let node = of("gs_parse_json", "src", &[("colName", "str", "j")]);
        let message = world.fails(folder, through(json_source(folder), node, "out")).await;
        assert!(message.contains(what), "{message}");
    }
    for (parameters, what) in [
        (vec![("newColName", "str", "x")], "Parameters colName is missing"),
        (vec![("colName", "str", "j"), ("ratio", "str", "1")], "which are: colName, schema, newColName"),
        (
            vec![("colName", "str", "j"), ("schema", "str", "a DATE")],
            "Parameters schema: date is not read from JSON",
        ),
    ] {
        let nodes = through(json_source("in"), of("gs_parse_json", "src", &parameters), "out");
        let error = world.create("w", nodes, json!({})).await.expect_err(what).to_string();
        assert!(error.contains(what) && error.contains("node tr (DynamicTransform)"), "{what}: {error}");
    }
}
