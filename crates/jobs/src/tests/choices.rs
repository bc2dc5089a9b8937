//! Fields that hold several types, and how nodes resolve them.

use serde_json::{Value, json};

use super::{BUCKET, World, json_source, parquet, scope, through};

const COLUMNS: &[(&str, &str)] = &[
    ("id", "int"),
    ("v", "uniontype<int,string>"),
    ("s", "struct<n:uniontype<bigint,double>,t:string>"),
    ("l", "array<uniontype<int,string>>"),
    ("o", "array<struct<q:uniontype<int,string>>>"),
];

const ROWS: &str = r#"{"id":1,"v":1,"s":{"n":1,"t":"a"},"l":[1,"2","x",null],"o":[{"q":7},{"q":"y"}]}
{"id":2,"v":"x","s":{"n":1.5,"t":"b"},"l":[],"o":null}
{"id":3,"v":"7","s":null,"l":null,"o":[null]}
{"id":4,"v":null,"s":{"n":null,"t":"d"},"l":[3],"o":[{"q":null}]}
"#;

/// A table of JSON with choices, `shop.c`, and one with types for them, `shop.plain`.
async fn world() -> World {
    let world = World::new().await;
    let mut tx = world.store.begin().await.unwrap();
    let plain = [("id", "int"), ("v", "bigint"), ("s", "struct<n:double,t:string>"), ("l", "array<int>")];
    for (name, columns) in [("c", COLUMNS), ("plain", &plain)] {
        let columns: Vec<Value> =
            columns.iter().map(|(name, ty)| json!({"Name": name, "Type": ty})).collect();
        let input = json!({"Name": name, "StorageDescriptor": {"Columns": columns,
            "Location": format!("s3://{BUCKET}/{name}/"),
            "SerdeInfo": {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe"}}});
        let input = serde_json::from_value(input).unwrap();
        catalog::table::create(&mut tx, &scope(), "shop", input, "test").await.unwrap();
    }
    tx.commit().await.unwrap();
    world.put("c/0.json", ROWS).await;
    world
}

fn table() -> Value {
    json!({"CatalogSource": {"Name": "c", "Database": "shop", "Table": "c"}})
}

fn function(parameters: Value) -> Value {
    json!({"DynamicTransform": {"Name": "r", "Inputs": ["src"], "TransformName": "r", "FunctionName": "resolveChoice",
        "Path": "", "Parameters": parameters}})
}

fn specs(specs: &[&str]) -> Value {
    function(json!([{"Name": "specs", "Type": "list", "Value": specs}]))
}

fn choice(parameters: &[(&str, &str)]) -> Value {
    let all = parameters.iter().map(|(name, value)| json!({"Name": name, "Type": "str", "Value": [value]}));
    function(all.collect())
}

/// The rows of some columns after a node.
async fn resolved(world: &World, name: &str, node: Value, columns: &[&str]) -> Vec<String> {
    let mut nodes = through(table(), node, name);
    let paths: Vec<Value> = columns.iter().map(|column| json!([column])).collect();
    nodes["sel"] = json!({"SelectFields": {"Name": "s", "Inputs": ["tr"], "Paths": paths}});
    nodes["out"] = parquet("sel", name);
    world.succeeds(name, nodes).await;
    world.rows(name).await
}

#[tokio::test]
async fn a_choice_becomes_what_its_action_says() {
    let world = world().await;
    let found = resolved(&world, "cast", specs(&["v cast:int", "s.n cast:double"]), &["id", "v", "s"]).await;
    assert_eq!(found, ["1|1|{n: 1.0, t: a}", "2|~|{n: 1.5, t: b}", "3|7|~", "4|~|{n: ~, t: d}"]);
    let found =
        resolved(&world, "project", specs(&["v project:int", "s.n project:long"]), &["id", "v", "s"]).await;
    assert_eq!(found, ["1|1|{n: 1, t: a}", "2|~|{n: ~, t: b}", "3|~|~", "4|~|{n: ~, t: d}"]);
    let found =
        resolved(&world, "cols", specs(&["v make_cols", "s.n make_cols"]), &["id", "v_int", "v_string", "s"])
            .await;
    assert_eq!(
        found,
        [
            "1|1|~|{n_long: 1, n_double: ~, t: a}",
            "2|~|x|{n_long: ~, n_double: 1.5, t: b}",
            "3|~|7|~",
            "4|~|~|{n_long: ~, n_double: ~, t: d}"
        ]
    );
    let found = resolved(&world, "struct", specs(&["v make_struct"]), &["id", "v"]).await;
    assert_eq!(found, ["1|{int: 1, string: ~}", "2|{int: ~, string: x}", "3|{int: ~, string: 7}", "4|~"]);
    // Fields of one type are cast, and nothing else.
    let found = resolved(&world, "plain", specs(&["id cast:string", "s.t make_cols"]), &["id"]).await;
    assert_eq!(found, ["1", "2", "3", "4"]);
}

#[tokio::test]
async fn items_of_arrays_are_resolved_one_by_one() {
    let world = world().await;
    let found =
        resolved(&world, "items", specs(&["l[] cast:int", "o[].q make_cols"]), &["id", "l", "o"]).await;
    assert_eq!(
        found,
        [
            "1|[1, 2, ~, ~]|[{q_int: 7, q_string: ~}, {q_int: ~, q_string: y}]",
            "2|[]|~",
            "3|~|[~]",
            "4|[3]|[{q_int: ~, q_string: ~}]"
        ]
    );
    let found = resolved(&world, "strings", specs(&["l project:string"]), &["id", "l"]).await;
    assert_eq!(found, ["1|[~, 2, x, ~]", "2|[]", "3|~", "4|[~]"]);
    let error = world.fails("cols", through(table(), specs(&["l make_cols"]), "none")).await;
    assert!(error.contains("items of the array l cannot become columns"), "{error}");
}

#[tokio::test]
async fn all_choices_at_once() {
    let world = world().await;
    let found = resolved(&world, "all", choice(&[("choice", "cast:string")]), &["v", "s", "l", "o"]).await;
    assert_eq!(
        found,
        [
            "1|{n: 1, t: a}|[1, 2, x, ~]|[{q: 7}, {q: y}]",
            "7|~|~|[~]",
            "x|{n: 1.5, t: b}|[]|~",
            "~|{n: ~, t: d}|[3]|[{q: ~}]"
        ]
    );
    let matched = choice(&[("choice", "match_catalog"), ("database", "shop"), ("table_name", "plain")]);
    let drop = json!({"DropFields": {"Name": "d", "Inputs": ["src"], "Paths": [["o"]]}});
    let error = world.fails("lacks", through(table(), matched.clone(), "none")).await;
    assert!(error.contains("node DynamicTransform tr (r): shop.plain has no simple type for o.q"), "{error}");
    let mut nodes = through(table(), drop, "catalog");
    nodes["m"] = matched;
    nodes["m"]["DynamicTransform"]["Inputs"] = json!(["tr"]);
    nodes["out"] = parquet("m", "catalog");
    world.succeeds("catalog", nodes).await;
    let found = world.rows("catalog").await;
    assert_eq!(found[0], "1|1|{n: 1.0, t: a}|[1, 2, ~, ~]");
}

#[tokio::test]
async fn what_cannot_be_resolved_fails_the_run_by_name() {
    let world = world().await;
    for (at, (spec, what)) in [
        ("x cast:int", "field x is not in its input"),
        ("v.int cast:int", "field v.int is not in its input"),
        ("v project:double", "v is int or string, so that project:double leaves nothing"),
        ("s cast:int", "s is struct<"),
        ("s.n cast:date", "s.n is double, which cannot be cast to date"),
    ]
    .into_iter()
    .enumerate()
    {
        let error = world.fails(&format!("j{at}"), through(table(), specs(&[spec]), "none")).await;
        assert!(error.contains("node DynamicTransform tr (r): ") && error.contains(what), "{error}");
    }
    let rename = json!({"RenameField": {"Name": "n", "Inputs": ["src"], "SourcePath": ["id"], "TargetPath": ["v_int"]}});
    let mut nodes = through(table(), rename, "none");
    nodes["m"] = specs(&["v make_cols"]);
    nodes["m"]["DynamicTransform"]["Inputs"] = json!(["tr"]);
    nodes["out"] = parquet("m", "none");
    let error = world.fails("twins", nodes).await;
    assert!(error.contains("there would be two fields called v_int"), "{error}");
}

const FOUND: &str = r#"{"id":1,"p":10,"m":"a","l":[1,"x"],"n":{"q":true}}
{"id":2,"p":10.5,"m":2,"l":[2.5],"n":{"q":3}}
{"id":3,"p":"n/a","m":null,"o":{"a":1}}
{"id":4,"p":3000000000,"m":"b","o":[1]}
"#;

fn specs_of(input: &str, of: &[&str]) -> Value {
    let mut node = specs(of);
    node["DynamicTransform"]["Inputs"] = json!([input]);
    node
}

#[tokio::test]
async fn fields_of_json_are_choices_to_who_resolves_them() {
    let world = World::new().await;
    world.put("in/a.json", FOUND).await;
    // Whoever reads the same without resolving gets one type each.
    let nodes = json!({"src": json_source("in"), "plain": json_source("in"), "one": parquet("plain", "one"),
        "p": specs_of("src", &["p make_cols"]), "q": specs_of("p", &["n.q make_cols", "l[] cast:double"]),
        "out": parquet("q", "out")});
    world.succeeds("j", nodes).await;
    assert_eq!(
        world.rows("one").await,
        [
            "1|10|a|[1, x]|{q: true}|~",
            "2|10.5|2|[2.5]|{q: 3}|~",
            "3|n/a|~|~|~|{\"a\":1}",
            "4|3000000000|b|~|~|[1]"
        ]
    );
    // The types are in the order in which they came; what nobody resolves is a structure.
    assert_eq!(
        world.rows("out").await,
        [
            "1|10|~|~|{string: a, int: ~}|[1.0, ~]|{q_boolean: true, q_int: ~}|~",
            "2|~|10.5|~|{string: ~, int: 2}|[2.5]|{q_boolean: ~, q_int: 3}|~",
            "3|~|~|n/a|~|~|~|{struct: {a: 1}, array: ~}",
            "4|3000000000|~|~|{string: b, int: ~}|~|~|{struct: ~, array: [1]}"
        ]
    );
}

#[tokio::test]
async fn types_are_those_of_all_files_to_their_end_and_of_earlier_runs() {
    let world = World::new().await;
    let many: String = (0..60_000).map(|id| format!("{{\"id\":{id},\"filler\":\"{id:040}\"}}\n")).collect();
    world.put("in/a.json", &(many + "{\"id\":\"last\"}\n")).await;
    world.put("in/b.json", "{\"id\":1.5}\n").await;
    let nodes = json!({"src": json_source("in"), "r": specs_of("src", &["id make_cols"]), "out": parquet("r", "out")});
    world.create("j", nodes, json!({})).await.unwrap();
    let arguments = [("--job-bookmark-option", "job-bookmark-enable")];
    let run = world.ended("j", &world.start("j", &arguments).await).await;
    assert_eq!(run.details.error_message, None);
    let found = world.rows("out").await;
    assert_eq!(found.len(), 60_002);
    for wanted in ["~|last|~|~", "~|~|1.5|~"] {
        assert!(found.iter().any(|row| row == wanted), "{wanted}");
    }
    // The next run reads one file, of one type; those that were read before count.
    world.put("in/c.json", "{\"id\":true}\n").await;
    let run = world.ended("j", &world.start("j", &arguments).await).await;
    assert_eq!((run.details.error_message, run.details.totals.rows_in), (None, 1));
    let found = world.rows("out").await;
    assert_eq!(found.iter().filter(|row| row.ends_with("|true")).count(), 1, "{:?}", found.last());
}

#[tokio::test]
async fn numbers_of_a_choice_are_seconds() {
    let world = World::new().await;
    world.put("in/a.json", FOUND).await;
    let nodes = json!({"src": json_source("in"), "p": specs_of("src", &["p cast:timestamp"]),
        "sel": {"SelectFields": {"Name": "s", "Inputs": ["p"], "Paths": [["id"], ["p"]]}}, "out": parquet("sel", "out")});
    world.succeeds("j", nodes).await;
    assert_eq!(
        world.rows("out").await,
        ["1|1970-01-01T00:00:10", "2|1970-01-01T00:00:10.500", "3|~", "4|2065-01-24T05:20:00"]
    );
}

#[tokio::test]
async fn new_files_without_a_nested_field_leave_its_type() {
    let world = World::new().await;
    let old = "{\"id\":1,\"n\":{\"x\":1},\"a\":[{\"v\":1}],\"w\":{\"int\":1,\"string\":\"s\"}}\n";
    let other = "{\"id\":2,\"n\":{\"x\":\"t\"},\"a\":[{\"v\":\"u\"}],\"w\":null}\n";
    world.put("in/a.json", &(old.to_owned() + other)).await;
    let choices = json!({"src": json_source("in"), "r": specs_of("src", &["n.x cast:string", "a[].v make_cols"]),
        "out": parquet("r", "out")});
    let plain = json!({"src": json_source("in"), "out": parquet("src", "plain")});
    world.create("choices", choices, json!({})).await.unwrap();
    world.create("plain", plain, json!({})).await.unwrap();
    let arguments = [("--job-bookmark-option", "job-bookmark-enable")];
    for (file, lines, rows) in [
        ("b", "{\"id\":3,\"n\":null,\"a\":null,\"w\":null}\n", 1),
        ("c", "{\"id\":4,\"n\":{},\"a\":[]}\n{\"id\":5,\"n\":{\"x\":null},\"a\":[{}]}\n", 2),
        ("d", "{\"id\":6}\n", 1),
        ("e", "", 0),
    ] {
        if file == "b" {
            for job in ["choices", "plain"] {
                let run = world.ended(job, &world.start(job, &arguments).await).await;
                assert_eq!((run.details.error_message, run.details.totals.rows_in), (None, 2));
            }
        }
        world.put(&format!("in/{file}.json"), lines).await;
        for job in ["choices", "plain"] {
            let run = world.ended(job, &world.start(job, &arguments).await).await;
            assert_eq!((run.details.error_message, run.details.totals.rows_in), (None, rows), "{file}");
        }
    }
    assert_eq!(
        world.rows("out").await,
        [
            "1|{x: 1}|[{v_int: 1, v_string: ~}]|{int: 1, string: s}",
            "2|{x: t}|[{v_int: ~, v_string: u}]|~",
            "3|~|~|~",
            "4|{x: ~}|[]|~",
            "5|{x: ~}|[{v_int: ~, v_string: ~}]|~",
            "6|~|~|~"
        ]
    );
    let plain = [
        "1|{x: 1}|[{v: 1}]|{int: 1, string: s}",
        "2|{x: t}|[{v: u}]|~",
        "3|~|~|~",
        "4|{x: ~}|[]|~",
        "5|{x: ~}|[{v: ~}]|~",
        "6|~|~|~",
    ];
    assert_eq!(world.rows("plain").await, plain);
}

#[tokio::test]
async fn who_compares_or_computes_needs_one_type() {
    let world = World::new().await;
    world.put("in/a.json", FOUND).await;
    let with = |node: Value| json!({"src": json_source("in"), "tr": node, "r": specs_of("tr", &["m cast:string"]), "out": parquet("r", "o")});
    let column = |path: &[&str]| json!({"Type": "COLUMNEXTRACTED", "Value": path});
    let filter = |path: &[&str]| {
        json!({"Filter": {"Name": "n", "Inputs": ["src"], "LogicalOperator": "AND", "Filters": [{"Operation": "GT",
            "Negated": false, "Values": [column(path), {"Type": "CONSTANT", "Value": ["1"]}]}]}})
    };
    let error = world.fails("filter", with(filter(&["p"]))).await;
    assert!(
        error.contains("node Filter tr (n): p holds values of several types, long and double and string: "),
        "{error}"
    );
    world.succeeds("of_one", with(filter(&["p", "double"]))).await;
    assert_eq!(world.rows("o").await.len(), 1);
    let sum = json!({"Aggregate": {"Name": "n", "Inputs": ["src"], "Groups": [["m"]],
        "Aggs": [{"Column": ["p"], "AggFunc": "sum"}]}});
    let error = world.fails("sum", with(sum)).await;
    assert!(error.contains("node Aggregate tr (n): p holds values of several types"), "{error}");
    let mapping = json!({"ApplyMapping": {"Name": "n", "Inputs": ["src"], "Mapping": [
        {"FromPath": ["p"], "FromType": "double", "ToKey": "a.b", "ToType": "double"},
        {"FromPath": ["n", "q"], "FromType": "int", "ToKey": "a.q", "ToType": "string"},
        {"FromPath": ["m"], "FromType": "string", "ToKey": "m", "ToType": "choice"}]}});
    let mut nodes = with(mapping);
    nodes["out"] = parquet("r", "mapped");
    world.succeeds("mapping", nodes).await;
    assert_eq!(
        world.rows("mapped").await,
        ["{b: 10.0, q: true}|a", "{b: 10.5, q: 3}|2", "{b: 3000000000.0, q: ~}|b", "~|~"]
    );
}
