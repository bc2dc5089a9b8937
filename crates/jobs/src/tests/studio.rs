//! AWS Glue Studio's own transforms, and functions of SparkSQL that some of them are made of.

use serde_json::{Value, json};

use super::{World, json_source, parquet, through};

/// A node with these parameters, each a name, a type and a value.
pub(super) fn of(function: &str, input: &str, parameters: &[(&str, &str, &str)]) -> Value {
    let parameters: Vec<Value> = parameters
        .iter()
        .map(|(name, of, value)| {
            let values: Vec<&str> = if *of == "list" { value.split(',').collect() } else { vec![value] };
            json!({"Name": name, "Type": of, "Value": values, "IsOptional": true})
        })
        .collect();
    let path = format!("s3://aws-glue-studio-transforms-510798373988-prod-us-east-1/{function}.py");
    json!({"DynamicTransform": {"Name": function, "Inputs": [input], "TransformName": function,
        "FunctionName": function, "Path": path, "Parameters": parameters}})
}

/// The rows that a transform makes of these lines of JSON.
pub(super) async fn rows(lines: &str, function: &str, parameters: &[(&str, &str, &str)]) -> Vec<String> {
    let world = World::new().await;
    world.put("in/a.json", lines).await;
    world.succeeds("j", through(json_source("in"), of(function, "src", parameters), "out")).await;
    world.rows("out").await
}

#[tokio::test]
async fn structures_are_made_flat() {
    let lines = "{\"id\":1,\"a\":{\"x\":2,\"b\":{\"y\":3}}}\n{\"id\":2,\"a\":null}\n";
    assert_eq!(rows(lines, "gs_flatten", &[]).await, ["1|2|3", "2|~|~"]);
    assert_eq!(rows(lines, "unnest", &[]).await, ["1|2|3", "2|~|~"]);
    let one = [("maxLevels", "int", "1"), ("separator", "str", "_")];
    assert_eq!(rows(lines, "gs_flatten", &one).await, ["1|2|{y: 3}", "2|~|~"]);
    let world = World::new().await;
    world.put("in/a.json", lines).await;
    let names = json!({"SparkSQL": {"Name": "s", "Inputs": ["f"], "SqlAliases": [{"From": "f", "Alias": "t"}],
        "SqlQuery": "SELECT a_x, a_b_y, `id` FROM t"}});
    let flat = of("gs_flatten", "src", &[("separator", "str", "_")]);
    world
        .succeeds("j", json!({"src": json_source("in"), "f": flat, "s": names, "o": parquet("s", "out")}))
        .await;
    assert_eq!(world.rows("out").await, ["2|3|1", "~|~|2"]);
    // Two columns of one name are none.
    world.put("two/a.json", "{\"a_b\":1,\"a\":{\"b\":2}}\n").await;
    let flat = of("gs_flatten", "src", &[("separator", "str", "_")]);
    let message = world.fails("k", through(json_source("two"), flat, "two-out")).await;
    assert!(
        message.contains("node DynamicTransform tr") && message.contains("two fields would be called a_b"),
        "{message}"
    );
}

#[tokio::test]
async fn elements_become_rows() {
    let lines = "{\"id\":1,\"l\":[\"a\",null]}\n{\"id\":2,\"l\":[]}\n{\"id\":3,\"l\":null}\n";
    let of_l = |new: &'static str| vec![("colName", "str", "l"), ("newCol", "str", new)];
    assert_eq!(rows(lines, "gs_explode", &of_l("e")).await, ["1|[a, ~]|a", "1|[a, ~]|~"]);
    let outer = [of_l("l"), vec![("outer", "bool", "true")]].concat();
    assert_eq!(rows(lines, "gs_explode", &outer).await, ["1|a", "1|~", "2|~", "3|~"]);
    let nested = "{\"s\":{\"l\":[{\"x\":1},{\"x\":2}]},\"z\":0}\n";
    let path = [("colName", "str", "s.l"), ("newCol", "str", "z")];
    let made = rows(nested, "gs_explode", &path).await;
    assert_eq!(made, ["{l: [{x: 1}, {x: 2}]}|{x: 1}", "{l: [{x: 1}, {x: 2}]}|{x: 2}"]);
    let world = World::new().await;
    world.put("in/a.json", lines).await;
    for (column, new, what) in [
        ("id", "e", "column id is int; only arrays and maps"),
        ("l", "k,v", "give newCol one name"),
        ("nope", "e", "nope is not in its input"),
    ] {
        let node = of("gs_explode", "src", &[("colName", "str", column), ("newCol", "str", new)]);
        let message = world.fails(&format!("f-{column}"), through(json_source("in"), node, "out")).await;
        assert!(message.contains(what), "{message}");
    }
}

const IN_ARRAYS: &str = r#"{"id":1,"m":[[],[]]}
{"id":2,"m":[[1,2,3]]}
{"id":3,"m":[[1],[],[2]]}
{"id":4,"m":[null]}
{"id":5,"m":[]}
{"id":6,"m":null}
"#;

#[tokio::test]
async fn arrays_in_arrays_are_elements_whatever_they_hold() {
    let of_m = [("colName", "str", "m"), ("newCol", "str", "m")];
    let elements = ["1|[]", "1|[]", "2|[1, 2, 3]", "3|[1]", "3|[2]", "3|[]", "4|~"];
    assert_eq!(rows(IN_ARRAYS, "gs_explode", &of_m).await, elements);
    let outer = [&of_m[..], &[("outer", "bool", "true")]].concat();
    let with_empty = [&elements[..], &["5|~", "6|~"][..]].concat();
    assert_eq!(rows(IN_ARRAYS, "gs_explode", &outer).await, with_empty);

    let without_id = IN_ARRAYS.lines().map(|line| format!("{{{}\n", &line[8..])).collect::<String>();
    let found = rows(&without_id, "gs_null_rows", &[("extended", "bool", "true")]).await;
    assert_eq!(found, ["[[1, 2, 3]]", "[[1], [], [2]]", "[[], []]", "[~]"]);
}

#[tokio::test]
async fn arrays_in_arrays_become_tables_with_their_places() {
    let world = World::new().await;
    world.put("in/a.json", IN_ARRAYS).await;
    let mut nodes = json!({"src": json_source("in"),
        "r": of("relationalize", "src", &[("root_table_name", "str", "root")])});
    for index in 0..3 {
        nodes[format!("c{index}")] =
            json!({"SelectFromCollection": {"Name": "c", "Inputs": ["r"], "Index": index}});
        nodes[format!("o{index}")] = parquet(&format!("c{index}"), &format!("t{index}"));
    }
    world.succeeds("j", nodes).await;
    let mut made: Vec<String> = Vec::new();
    let (root, outer, inner) = (world.rows("t0").await, world.rows("t1").await, world.rows("t2").await);
    let own = |rows: &[String], key: &str| -> Vec<Vec<String>> {
        let parts = rows.iter().map(|row| row.split('|').map(str::to_owned).collect::<Vec<_>>());
        parts.filter(|parts| parts.first().is_some_and(|first| first == key)).collect()
    };
    for row in &root {
        let (id, key) = row.split_once('|').unwrap();
        for element in own(&outer, key) {
            let values: Vec<String> =
                own(&inner, &element[2]).iter().map(|value| format!("{}:{}", value[1], value[2])).collect();
            made.push(format!("{id}|{}|{}", element[1], values.join(" ")));
        }
    }
    made.sort();
    assert_eq!(made, ["1|0|", "1|1|", "2|0|0:1 1:2 2:3", "3|0|0:1", "3|1|", "3|2|0:2", "4|0|"]);
    assert_eq!((outer.len(), inner.len()), (7, 5));
}

#[tokio::test]
async fn texts_are_joined_split_and_searched() {
    let lines = "{\"a\":\"x\",\"b\":1,\"c\":null}\n";
    let columns = [("colName", "str", "j"), ("colList", "list", "a,c,b")];
    assert_eq!(rows(lines, "gs_concat", &columns).await, ["x|1|~|x1"]);
    let spaced = [&columns[..], &[("spacer", "str", "'-"), ("nullValue", "str", "none")]].concat();
    assert_eq!(rows(lines, "gs_concat", &spaced).await, ["x|1|~|x'-none'-1"]);

    let lines = "{\"t\":\"a1b22c\"}\n{\"t\":\"\"}\n{\"t\":\"9\"}\n{\"t\":null}\n";
    let digits = [("colName", "str", "t"), ("pattern", "str", "\\d+")];
    assert_eq!(rows(lines, "gs_split", &digits).await, ["[, ]", "[]", "[a, b, c]", "~"]);
    let beside = [&digits[..], &[("newColName", "str", "p")]].concat();
    assert_eq!(rows(lines, "gs_split", &beside).await, ["9|[, ]", "a1b22c|[a, b, c]", "|[]", "~|~"]);

    let groups =
        [("colName", "str", "t"), ("regex", "str", "([a-z])(\\d)([a-z])"), ("newCols", "str", "one,,three")];
    assert_eq!(rows(lines, "gs_regex_extract", &groups).await, ["9||", "a1b22c|a|b", "||", "~|~|~"]);
    let all = [("colName", "str", "t"), ("regex", "str", "\\d+"), ("newCols", "str", "n")];
    assert_eq!(rows(lines, "gs_regex_extract", &all).await, ["9|9", "a1b22c|1", "|", "~|~"]);

    let lines = "{\"l\":[1,2,3]}\n{\"l\":[4]}\n{\"l\":null}\n";
    let first = [("colName", "str", "l"), ("colList", "str", "a, b")];
    assert_eq!(rows(lines, "gs_array_to_cols", &first).await, ["[1, 2, 3]|1|2", "[4]|4|~", "~|~|~"]);
    let chosen = [&first[..], &[("indexes", "str", "3,1")]].concat();
    assert_eq!(rows(lines, "gs_array_to_cols", &chosen).await, ["[1, 2, 3]|3|1", "[4]|~|4", "~|~|~"]);
}

#[tokio::test]
async fn what_does_not_fit_the_data_is_said() {
    let world = World::new().await;
    world.put("in/a.json", "{\"id\":1,\"t\":\"ab\"}\n").await;
    for (function, parameters, what) in [
        (
            "gs_array_to_cols",
            vec![("colName", "str", "t"), ("colList", "str", "a,b")],
            "elements are taken by number of arrays, not of ",
        ),
        (
            "gs_derived",
            vec![("colName", "str", "x"), ("expr", "str", "(select max(id) from src)")],
            "an expression has no name for its input",
        ),
    ] {
        let message =
            world.fails(function, through(json_source("in"), of(function, "src", &parameters), "o")).await;
        assert!(message.contains("node DynamicTransform tr") && message.contains(what), "{message}");
        assert!(!message.contains("__input"), "{message}");
    }
}

#[tokio::test]
async fn columns_are_computed() {
    let lines = "{\"id\":1,\"n\":2}\n";
    let twice = |name: &'static str| vec![("colName", "str", name), ("expr", "str", "n * 2 -- twice")];
    assert_eq!(rows(lines, "gs_derived", &twice("d")).await, ["1|2|4"]);
    assert_eq!(rows(lines, "gs_derived", &twice("ID")).await, ["4|2"]);
    let now = [("dateFormat", "str", "%Y")];
    let year = rows(lines, "gs_now", &now).await;
    assert!(
        year.len() == 1 && year.iter().all(|row| row.starts_with("1|2|20") && row.len() == 8),
        "{year:?}"
    );
    let now = rows(lines, "gs_now", &[("colName", "str", "n")]).await;
    assert!(now.iter().all(|row| row.starts_with("1|20") && row.contains('T')), "{now:?}");
    assert_eq!(rows(lines, "gs_repartition", &[("numPartitionsStr", "str", "3")]).await, ["1|2"]);
}

#[tokio::test]
async fn moments_are_read_and_shown() {
    let at = |of: &'static str| vec![("colName", "str", "t"), ("colType", "str", of)];
    let number = "{\"t\":1700000000123}\n{\"t\":-1}\n";
    let milliseconds = rows(number, "gs_to_timestamp", &at("milliseconds")).await;
    assert_eq!(milliseconds, ["1969-12-31T23:59:59.999", "2023-11-14T22:13:20.123"]);
    let seconds = rows("{\"t\":\"1.5\"}\n{\"t\":\"x\"}\n", "gs_to_timestamp", &at("seconds")).await;
    assert_eq!(seconds, ["1970-01-01T00:00:01.500", "~"]);
    assert_eq!(
        rows("{\"t\":7}\n", "gs_to_timestamp", &at("microseconds")).await,
        ["1970-01-01T00:00:00.000007"]
    );
    let iso = "{\"t\":\"2022-11-02T14:40:59.915Z\"}\n{\"t\":\"2022-11-02\"}\n{\"t\":\"soon\"}\n{\"t\":\"2022-11-02T01:30:00-0130\"}\n";
    let read = ["2022-11-02T00:00:00", "2022-11-02T03:00:00", "2022-11-02T14:40:59.915", "~"];
    assert_eq!(rows(iso, "gs_to_timestamp", &at("iso")).await, read);
    assert_eq!(rows(iso, "gs_to_timestamp", &at("autodetect")).await, read);
    let sizes = "{\"t\":1700000000}\n{\"t\":1700000000001}\n{\"t\":1700000000000002}\n";
    assert_eq!(
        rows(sizes, "gs_to_timestamp", &at("autodetect")).await,
        ["2023-11-14T22:13:20", "2023-11-14T22:13:20.000002", "2023-11-14T22:13:20.001"]
    );
    let shown = [("colName", "str", "t"), ("dateFormat", "str", "%d.%m.%Y"), ("newColName", "str", "d")];
    assert_eq!(
        rows("{\"t\":\"2022-11-02\"}\n", "gs_format_timestamp", &shown).await,
        ["2022-11-02|02.11.2022"]
    );
}

#[tokio::test]
async fn rows_that_hold_nothing_are_left_out() {
    let lines = "{\"a\":null,\"b\":null,\"c\":null}\n{\"a\":\"\",\"b\":[],\"c\":null}\n{\"a\":null,\"b\":null,\"c\":0}\n";
    assert_eq!(rows(lines, "gs_null_rows", &[]).await, ["|[]|~", "~|~|0"]);
    assert_eq!(rows(lines, "gs_null_rows", &[("extended", "bool", "true")]).await, ["~|~|0"]);
}

#[tokio::test]
async fn nested_rows_become_tables_that_join_by_key() {
    let world = World::new().await;
    // Several files, so that nobody can rely on their order.
    let mut ids = Vec::new();
    for file in 0..20 {
        let line = |at: i64| {
            let items = json!([{"n": at * 10, "t": [at, at + 1]}, {"n": at * 10 + 1, "t": null}]);
            json!({"id": at, "s": {"x": at}, "items": if at % 7 == 0 { Value::Null } else { items }, "tags": []})
        };
        let lines: Vec<String> = (file * 5..file * 5 + 5).map(|at| line(at).to_string()).collect();
        ids.extend(file * 5..file * 5 + 5);
        world.put(&format!("in/{file}.json"), &lines.join("\n")).await;
    }
    let mut nodes = json!({"src": json_source("in"),
        "r": of("relationalize", "src", &[("root_table_name", "str", "root")])});
    for index in 0..4 {
        nodes[format!("c{index}")] =
            json!({"SelectFromCollection": {"Name": "c", "Inputs": ["r"], "Index": index}});
        nodes[format!("o{index}")] = parquet(&format!("c{index}"), &format!("t{index}"));
    }
    let run = world.succeeds("j", nodes).await;
    assert_eq!(run.details.totals.rows_in, 100);
    let table = |rows: Vec<String>| -> Vec<Vec<String>> {
        rows.iter().map(|row| row.split('|').map(str::to_owned).collect()).collect()
    };
    // id, s.x, items, tags; id, index, n, t; id, index, t.val
    let (root, items) = (table(world.rows("t0").await), table(world.rows("t1").await));
    let (inner, tags) = (table(world.rows("t2").await), world.keys("t3/").await);
    assert_eq!((root.len(), items.len(), inner.len(), tags.len()), (100, 170, 170, 0));
    for row in &root {
        let at: i64 = row[0].parse().unwrap();
        assert_eq!((row[1] == row[0], row[2] == "~"), (true, at % 7 == 0), "{row:?}");
        let own: Vec<_> = items.iter().filter(|item| item[0] == row[2]).collect();
        assert_eq!(own.len(), if at % 7 == 0 { 0 } else { 2 }, "{row:?}");
        for item in own {
            let place: i64 = item[1].parse().unwrap();
            assert_eq!(item[2], (at * 10 + place).to_string());
            let values: Vec<_> =
                inner.iter().filter(|value| value[0] == item[3]).map(|value| value[2].clone()).collect();
            let expected = if place == 0 { vec![at.to_string(), (at + 1).to_string()] } else { vec![] };
            assert_eq!(values.iter().collect::<std::collections::BTreeSet<_>>(), expected.iter().collect());
        }
    }
    // What has no such table is said.
    let nodes = json!({"src": json_source("in"), "r": of("relationalize", "src", &[("root_table_name", "str", "r")]),
        "c": {"SelectFromCollection": {"Name": "c", "Inputs": ["r"], "Index": 4}}, "o": parquet("c", "x")});
    let message = world.fails("k", nodes).await;
    let what = "node SelectFromCollection c: Index is 4, but its input gives 4 frames, from 0";
    assert!(message.contains(what), "{message}");
}

#[tokio::test]
async fn identifiers_are_the_same_in_all_targets() {
    let world = World::new().await;
    for file in 0..8 {
        let lines: Vec<String> = (0..50).map(|at| json!({"n": file * 50 + at}).to_string()).collect();
        world.put(&format!("in/{file}.json"), &lines.join("\n")).await;
    }
    let nodes = json!({"src": json_source("in"), "i": of("gs_sequence_id", "src", &[]),
        "u": of("gs_uuid", "i", &[("colName", "str", "own")]), "a": parquet("u", "a"), "b": parquet("u", "b")});
    let run = world.succeeds("j", nodes).await;
    assert_eq!(run.details.totals.rows_in, 400);
    let rows = world.rows("a").await;
    assert_eq!(rows, world.rows("b").await);
    let mut ids: Vec<i64> = rows.iter().map(|row| row.split('|').nth(1).unwrap().parse().unwrap()).collect();
    ids.sort_unstable();
    assert_eq!(ids, (0..400).collect::<Vec<_>>());
    let own: std::collections::BTreeSet<_> = rows.iter().map(|row| row.split('|').nth(2).unwrap()).collect();
    assert!(own.len() == 400 && own.iter().all(|uuid| uuid.len() == 36), "{own:?}");
}

#[tokio::test]
async fn what_is_wrong_with_parameters_is_said_when_a_job_is_made() {
    let world = World::new().await;
    for (function, parameters, what) in [
        ("gs_explode", vec![("colName", "str", "a")], "Parameters newCol is missing"),
        (
            "gs_flatten",
            vec![("depth", "int", "1")],
            "Parameters depth is not one of its parameters, which are: maxLevels, separator",
        ),
        ("gs_flatten", vec![("maxLevels", "int", "-1")], "maxLevels is no whole number"),
        ("gs_derived", vec![("colName", "str", "a"), ("expr", "str", "1 FROM t")], "no single expression"),
        ("gs_derived", vec![("colName", "str", "a"), ("expr", "str", "1, 2")], "no single expression"),
        ("gs_derived", vec![("colName", "str", "a"), ("expr", "str", "(1")], "Parameters expr: "),
        ("gs_split", vec![("colName", "str", "a"), ("pattern", "str", "(")], "Parameters pattern ("),
        ("gs_split", vec![("colName", "str", "a"), ("pattern", "str", "x*")], "matches the empty text"),
        ("gs_split", vec![("colName", "str", "a.b"), ("pattern", "str", "x")], "lies in a structure"),
        ("gs_now", vec![("dateFormat", "str", "%Q")], "%Q is not one of"),
        (
            "gs_now",
            vec![("dateFormat", "str", "QQQ yyyy")],
            "dateFormat: date_format QQQ yyyy: QQQ is not supported",
        ),
        (
            "gs_format_timestamp",
            vec![("colName", "str", "a"), ("dateFormat", "str", "d.MM.")],
            "d is not supported; there are yyyy",
        ),
        (
            "gs_derived",
            vec![("colName", "str", "a"), ("expr", "str", "upper(Date_Format(b, 'yy'))")],
            "expr: date_format yy: yy is not supported",
        ),
        (
            "gs_to_timestamp",
            vec![("colName", "str", "a"), ("colType", "str", "days")],
            "days\" is not one of",
        ),
        (
            "gs_array_to_cols",
            vec![("colName", "str", "a"), ("colList", "str", "x,y"), ("indexes", "str", "0,1")],
            "from 1 on",
        ),
        (
            "gs_array_to_cols",
            vec![("colName", "str", "a"), ("colList", "str", "p, q, P")],
            "colList has the name P twice",
        ),
        (
            "gs_regex_extract",
            vec![("colName", "str", "a"), ("regex", "str", "(a)(b)(c)"), ("newCols", "str", "p,,p")],
            "newCols has the name p twice",
        ),
        (
            "gs_explode",
            vec![("colName", "str", "a"), ("newCol", "str", "k,k")],
            "newCol has the name k twice",
        ),
        (
            "gs_regex_extract",
            vec![("colName", "str", "a"), ("regex", "str", "(a)(b)"), ("newCols", "str", "x")],
            "has 1 names, and regex has 2 groups",
        ),
        ("gs_repartition", vec![("numPartitionsStr", "str", "0")], "from 1 on"),
        ("gs_sequence_id", vec![("unique", "bool", "true")], "not built"),
        ("gs_magic", vec![], "FunctionName gs_magic is none"),
    ] {
        let nodes = through(json_source("in"), of(function, "src", &parameters), "out");
        let error = world.create(function, nodes, json!({})).await.expect_err(what).to_string();
        assert!(error.contains(what) && error.contains("node tr (DynamicTransform)"), "{what}: {error}");
    }
}
