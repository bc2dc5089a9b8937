//! Every kind of node with an expected result.

use serde_json::{Value, json};

use super::{BUCKET, World, csv, json_source, parquet, through};
use crate::run::RunState;

async fn shop() -> World {
    let world = World::new().await;
    world.put("in/a.csv", "id,name,amount,ok\n1,ann,10.5,true\n2,bob,,no\n3,cid,7,yes\n").await;
    world.put("in/b.csv", "id,name,amount,ok\n3,cid,7,yes\n4,\"d,e\",x,\n").await;
    world
}

#[tokio::test]
async fn csv_is_text_and_apply_mapping_casts() {
    let world = shop().await;
    let mapping = json!({"ApplyMapping": {"Name": "m", "Inputs": ["src"], "Mapping": [
        {"FromPath": ["id"], "FromType": "string", "ToKey": "key", "ToType": "long"},
        {"FromPath": ["amount"], "FromType": "string", "ToKey": "money.amount", "ToType": "double"},
        {"FromPath": ["amount"], "FromType": "string", "ToKey": "money.whole", "ToType": "int"},
        {"FromPath": ["ok"], "FromType": "string", "ToKey": "ok", "ToType": "boolean"},
        {"FromPath": ["name"], "ToKey": "name", "Dropped": true},
    ]}});
    let run = world.succeeds("j", through(csv("in"), mapping, "out")).await;
    assert_eq!((run.details.totals.rows_in, run.details.totals.rows_out), (5, 5));
    let rows = world.rows("out").await;
    assert_eq!(
        rows,
        [
            "1|{amount: 10.5, whole: 10}|true",
            "2|~|false",
            "3|{amount: 7.0, whole: 7}|true",
            "3|{amount: 7.0, whole: 7}|true",
            "4|~|~"
        ]
    );
}

#[tokio::test]
async fn headers_say_where_columns_are_in_each_file() {
    let world = World::new().await;
    world.put("in/a.csv", "id,v,v,ID\n1,x,y,z\n").await;
    world.put("in/b.csv", "v,more,id\nw,m,2\n").await;
    let nodes = json!({"src": csv("in"), "out": parquet("src", "out")});
    world.succeeds("j", nodes).await;
    // id, v, v_1, ID_1, more
    assert_eq!(world.rows("out").await, ["1|x|y|z|~", "2|w|~|~|m"]);
    // More files than headers are read of: a column that only one of the others has is not lost.
    for at in 0..1_100 {
        world.put(&format!("many/{at:04}.csv"), if at == 10 { "id,late\n1,2\n" } else { "id\n1\n" }).await;
    }
    let nodes = json!({"src": csv("many"), "out": parquet("src", "found")});
    let run = world.succeeds("k", nodes).await;
    assert_eq!((run.details.totals.rows_in, run.details.totals.files_in), (1_100, 1_100));
    let rows = world.rows("found").await;
    assert_eq!((rows.len(), rows.iter().filter(|row| *row == "1|2").count()), (1_100, 1));
    let log = world.log_until(&run.id, "staged").await.join("\n");
    assert!(log.contains("many/0010.csv: it has the column late, which the files"), "{log}");
}

#[tokio::test]
async fn columns_outside_the_sample_are_not_lost() {
    let world = World::new().await;
    for at in 0..80 {
        let text = if at == 4 { "{\"id\":1,\"late\":{\"x\":1}}\n" } else { "{\"id\":1}\n" };
        world.put(&format!("many/{at:02}.json"), text).await;
    }
    let deep = "{\"id\":1,\"o\":{\"a\":1}}\n".repeat(110_000) + "{\"id\":2,\"o\":{\"a\":1,\"b\":1.5}}\n";
    world.put("large/a.json", &deep).await;
    // A record that is bad for another reason counts as that.
    world.put("bad/a.json", &(deep.clone() + "{\"new\":1,}\n")).await;
    for (folder, wanted, rows) in [("many", "1|{x: 1}", 80), ("large", "2|{a: 1, b: 1.5}", 110_001)] {
        let run = world
            .succeeds(
                folder,
                json!({"src": json_source(folder), "out": parquet("src", &format!("o-{folder}"))}),
            )
            .await;
        assert_eq!((run.details.totals.rows_in, run.details.totals.rows_out), (rows, rows), "{folder}");
        let found = world.rows(&format!("o-{folder}")).await;
        assert_eq!(found.iter().filter(|row| *row == wanted).count(), 1, "{folder}");
    }
    let message =
        world.fails("bad", json!({"src": json_source("bad"), "out": parquet("src", "o-bad")})).await;
    assert!(message.contains("bad/a.json, line 110002: malformed JSON"), "{message}");
}

/// The name of a job, a transform of what lies in `in`, and the rows that it gives.
type Case = (&'static str, Value, &'static [&'static str]);

async fn each_gives(world: &World, cases: Vec<Case>) {
    for (name, mut transform, expected) in cases {
        for (_, node) in transform.as_object_mut().unwrap() {
            node["Name"] = json!(name);
            node["Inputs"] = json!(["src"]);
        }
        world.succeeds(name, through(json_source("in"), transform, &format!("out-{name}"))).await;
        assert_eq!(world.rows(&format!("out-{name}")).await, expected, "{name}");
    }
}

#[tokio::test]
async fn nested_fields_are_selected_dropped_and_renamed() {
    let world = World::new().await;
    world
        .put(
            "in/x.json",
            "{\"id\":1,\"a\":{\"b\":{\"c\":5},\"d\":6},\"z\":9}\n{\"id\":2,\"a\":null,\"z\":8}\n",
        )
        .await;
    let cases: Vec<Case> = vec![
        ("select", json!({"SelectFields": {"Paths": [["z"], ["a", "b", "c"]]}}), &["8|~", "9|{b: {c: 5}}"]),
        (
            "twice",
            json!({"SelectFields": {"Paths": [["a", "d"], ["z"], ["z"], ["a"], ["a", "b"]]}}),
            &["8|~", "9|{b: {c: 5}, d: 6}"],
        ),
        ("drop", json!({"DropFields": {"Paths": [["a", "b"], ["nothing"]]}}), &["1|{d: 6}|9", "2|~|8"]),
        (
            "rename",
            json!({"RenameField": {"SourcePath": ["id"], "TargetPath": ["key"]}}),
            &["1|{b: {c: 5}, d: 6}|9", "2|~|8"],
        ),
        (
            "lift",
            json!({"RenameField": {"SourcePath": ["a", "d"], "TargetPath": ["d"]}}),
            &["1|{b: {c: 5}}|9|6", "2|~|8|~"],
        ),
        (
            "children",
            json!({"ApplyMapping": {"Mapping": [{"FromPath": ["a"], "ToKey": "a", "ToType": "struct", "Children": [
                {"FromPath": ["d"], "ToKey": "e", "ToType": "string"}]}]}}),
            &["{e: 6}", "~"],
        ),
    ];
    each_gives(&world, cases).await;
}

#[tokio::test]
async fn structures_of_nulls_are_no_nulls() {
    let world = World::new().await;
    let records = "{\"id\":1,\"a\":{\"b\":{\"c\":null,\"e\":7},\"d\":null}}\n{\"id\":2,\"a\":null}\n";
    world.put("in/x.json", records).await;
    let cases: Vec<Case> = vec![
        ("select", json!({"SelectFields": {"Paths": [["a", "b", "c"]]}}), &["{b: {c: ~}}", "~"]),
        (
            "rename",
            json!({"RenameField": {"SourcePath": ["a", "b"], "TargetPath": ["a", "B2"]}}),
            &["1|{d: ~, B2: {c: ~, e: 7}}", "2|~"],
        ),
        (
            "inner",
            json!({"RenameField": {"SourcePath": ["a", "b", "e"], "TargetPath": ["a", "e"]}}),
            &["1|{b: {c: ~}, d: ~, e: 7}", "2|~"],
        ),
        (
            "into",
            json!({"RenameField": {"SourcePath": ["id"], "TargetPath": ["a", "id"]}}),
            &["{b: {c: ~, e: 7}, d: ~, id: 1}", "{b: ~, d: ~, id: 2}"],
        ),
    ];
    each_gives(&world, cases).await;
}

#[tokio::test]
async fn fields_within_arrays_are_dropped() {
    let world = World::new().await;
    let records = "{\"id\":1,\"l\":[{\"a\":1,\"s\":\"x\",\"in\":[{\"p\":1,\"q\":2}]},null],\"o\":{\"m\":[{\"k\":1}],\"n\":2}}\n\
                   {\"id\":2,\"l\":null,\"o\":null}\n";
    world.put("in/x.json", records).await;
    let cases: [(&str, Value, &[&str]); 4] = [
        (
            "parts",
            json!([["l", "s"], ["l", "in", "P"], ["o", "n"]]),
            &["1|[{a: 1, in: [{q: 2}]}, ~]|{m: [{k: 1}]}", "2|~|~"],
        ),
        ("dotted", json!([["l.in"], ["l.a"], ["o"]]), &["1|[{s: x}, ~]", "2|~"]),
        (
            "last",
            json!([["o", "m", "k"], ["l", "in"], ["l", "nothing"]]),
            &["1|[{a: 1, s: x}, ~]|{n: 2}", "2|~|~"],
        ),
        ("all", json!([["l", "a"], ["l", "s"], ["l", "in"]]), &["1|{m: [{k: 1}], n: 2}", "2|~"]),
    ];
    for (name, paths, expected) in cases {
        let node = json!({"DropFields": {"Name": name, "Inputs": ["src"], "Paths": paths}});
        let run = world.succeeds(name, through(json_source("in"), node, &format!("out-{name}"))).await;
        assert_eq!(world.rows(&format!("out-{name}")).await, expected, "{name}");
        let log = world.log_until(&run.id, "staged").await.join("\n");
        assert_eq!(log.contains("nothing to drop"), name == "last", "{log}");
    }
    let node = json!({"DropFields": {"Name": "d", "Inputs": ["src"], "Paths": [["id"], ["o"], ["l", "a"], ["l", "s"], ["l", "in"]]}});
    assert!(world.fails("none", through(json_source("in"), node, "none")).await.contains("no field is left"));
}

#[tokio::test]
async fn filters() {
    let world = World::new().await;
    world.put("in/x.json", "{\"n\":1,\"s\":\"ab\",\"m\":1}\n{\"n\":5,\"s\":\"ba\",\"m\":7}\n{\"n\":null,\"s\":null,\"m\":2}\n").await;
    let field = |name: &str| json!({"Type": "COLUMNEXTRACTED", "Value": [name]});
    let constant = |text: &str| json!({"Type": "CONSTANT", "Value": [text]});
    let one = |operation: &str, values: Value, negated: bool| json!({"Operation": operation, "Negated": negated, "Values": values});
    let cases: Vec<(&str, Vec<Value>, &[&str])> = vec![
        ("AND", vec![one("GT", json!([field("n"), constant("1")]), false)], &["5"]),
        ("AND", vec![one("GTE", json!([field("n"), constant("0.5")]), false)], &["1", "5"]),
        ("AND", vec![one("LT", json!([field("n"), field("m")]), false)], &["5"]),
        ("AND", vec![one("LTE", json!([constant("5"), field("n")]), false)], &["5"]),
        ("AND", vec![one("EQ", json!([field("s"), constant("ab")]), false)], &["1"]),
        ("AND", vec![one("EQ", json!([field("s"), constant("ab")]), true)], &["5", "~"]),
        ("AND", vec![one("REGEX", json!([field("s"), constant("a")]), false)], &["1"]),
        ("AND", vec![one("ISNULL", json!([field("n")]), false)], &["~"]),
        ("AND", vec![one("ISNULL", json!([field("n")]), true)], &["1", "5"]),
        (
            "OR",
            vec![
                one("ISNULL", json!([field("n")]), false),
                one("EQ", json!([field("n"), constant("1")]), false),
            ],
            &["1", "~"],
        ),
        (
            "AND",
            vec![
                one("GT", json!([field("n"), constant("0")]), false),
                one("LT", json!([field("n"), constant("5")]), false),
            ],
            &["1"],
        ),
    ];
    for (at, (operator, filters, expected)) in cases.into_iter().enumerate() {
        let nodes = json!({
            "src": json_source("in"),
            "f": {"Filter": {"Name": "f", "Inputs": ["src"], "LogicalOperator": operator, "Filters": filters}},
            "tr": {"SelectFields": {"Name": "s", "Inputs": ["f"], "Paths": [["n"]]}},
            "out": parquet("tr", &format!("out{at}")),
        });
        world.succeeds(&format!("j{at}"), nodes).await;
        assert_eq!(world.rows(&format!("out{at}")).await, expected, "case {at}");
    }
    let bad = json!({"Filter": {"Name": "f", "Inputs": ["src"], "LogicalOperator": "AND",
        "Filters": [one("GT", json!([field("n"), constant("many")]), false)]}});
    let message = world.fails("bad", through(json_source("in"), bad, "out-bad")).await;
    let expected = "node Filter tr (f): the constant \"many\" cannot be compared with n, which is int";
    assert_eq!(message, expected);
    // A backslash that is escaped is one, also where nothing else is special.
    world.put("paths/x.json", "{\"n\":1,\"s\":\"C:\\\\temp\"}\n{\"n\":2,\"s\":\"C:temp\"}\n").await;
    let path = json!({"Filter": {"Name": "f", "Inputs": ["src"], "LogicalOperator": "AND",
        "Filters": [one("REGEX", json!([field("s"), constant(r"C:\\temp")]), false)]}});
    world.succeeds("path", through(json_source("paths"), path, "out-path")).await;
    assert_eq!(world.rows("out-path").await, [r"1|C:\temp"]);
}

#[tokio::test]
async fn joins() {
    let world = World::new().await;
    world.put("l/x.csv", "k,a\n1,one\n2,two\n2,zwei\n,none\n").await;
    world.put("r/x.json", "{\"k\":2,\"b\":\"B\"}\n{\"k\":3,\"b\":\"C\"}\n").await;
    let cases: [(&str, &[&str]); 6] = [
        ("equijoin", &["2|two|B", "2|zwei|B"]),
        ("left", &["1|one|~", "2|two|B", "2|zwei|B", "|none|~"]),
        ("right", &["2|two|B", "2|zwei|B", "3|~|C"]),
        ("outer", &["1|one|~", "2|two|B", "2|zwei|B", "3|~|C", "|none|~"]),
        ("leftsemi", &["2|two", "2|zwei"]),
        ("leftanti", &["1|one", "|none"]),
    ];
    for (kind, expected) in cases {
        let nodes = json!({
            "l": csv("l"), "r": json_source("r"), "out": parquet("j", &format!("out-{kind}")),
            "j": {"Join": {"Name": "j", "Inputs": ["l", "r"], "JoinType": kind,
                "Columns": [{"From": "l", "Keys": [["k"]]}, {"From": "r", "Keys": [["k"]]}]}},
        });
        world.succeeds(kind, nodes).await;
        let rows: Vec<String> = world.rows(&format!("out-{kind}")).await;
        assert_eq!(rows, expected, "{kind}");
    }
    let clash = json!({
        "l": csv("l"), "r": csv("l"), "out": parquet("j", "out-clash"),
        "j": {"Join": {"Name": "j", "Inputs": ["l", "r"], "JoinType": "equijoin",
            "Columns": [{"From": "l", "Keys": [["k"]]}, {"From": "r", "Keys": [["k"]]}]}},
    });
    let message = world.fails("clash", clash).await;
    assert!(message.contains("both inputs have the columns a"), "{message}");
}

#[tokio::test]
async fn joins_of_several_keys() {
    let world = World::new().await;
    world.put("l/x.json", "{\"y\":1,\"m\":1,\"v\":\"a\"}\n{\"y\":1,\"m\":2,\"v\":\"b\"}\n").await;
    world.put("r/x.json", "{\"year\":1,\"m\":2,\"w\":\"B\"}\n{\"year\":2,\"m\":1,\"w\":\"X\"}\n").await;
    let nodes = json!({
        "l": json_source("l"), "r": json_source("r"), "out": parquet("j", "out"),
        "j": {"Join": {"Name": "j", "Inputs": ["l", "r"], "JoinType": "equijoin",
            "Columns": [{"From": "l", "Keys": [["y"], ["m"]]}, {"From": "r", "Keys": [["year"], ["m"]]}]}},
    });
    world.succeeds("j", nodes).await;
    assert_eq!(world.rows("out").await, ["1|2|b|1|B"]);
}

#[tokio::test]
async fn what_a_join_compares_hides_no_column() {
    let world = World::new().await;
    world.put("l/x.json", "{\"k\":1,\"__key_0\":7}\n{\"k\":2,\"__key_0\":8}\n").await;
    world.put("r/x.json", "{\"n\":2,\"__key__0\":9}\n").await;
    let nodes = json!({
        "l": json_source("l"), "r": json_source("r"), "out": parquet("j", "out"),
        "j": {"Join": {"Name": "j", "Inputs": ["l", "r"], "JoinType": "left",
            "Columns": [{"From": "l", "Keys": [["k"]]}, {"From": "r", "Keys": [["n"]]}]}},
    });
    world.succeeds("j", nodes).await;
    assert_eq!(world.rows("out").await, ["1|7|~|~", "2|8|2|9"]);
}

/// The state of all groups together is some times the memory of the run.
#[tokio::test]
async fn values_of_many_groups_go_to_disk() {
    let world = World::new().await;
    let groups = 100_000;
    let rows: String = (0..groups * 2)
        .map(|row| {
            let group = row % groups;
            // Every other group has two values.
            let value = format!("value {:0>1$}", if group % 2 == 1 { group } else { row }, 20 + group % 10);
            format!("key {group:0>20},{value},{}\n", value.len())
        })
        .collect();
    world.put("in/a.csv", &format!("k,v,n\n{rows}")).await;
    let aggregate = json!({"Aggregate": {"Name": "a", "Inputs": ["src"], "Groups": [["k"]], "Aggs": [
        {"Column": ["v"], "AggFunc": "countDistinct"}, {"Column": ["n"], "AggFunc": "sum"}]}});
    let once = json!({"DropDuplicates": {"Name": "d", "Inputs": ["src"], "Columns": [["k"]]}});
    let fields = json!({"SelectFields": {"Name": "f", "Inputs": ["src"], "Paths": [["k"]]}});
    for (job, first, query, expected) in [
        ("counted", aggregate, "select sum(`count(DISTINCT v)`), count(*) from t", "150000|100000"),
        ("once", once, "select count(*), sum(case when length(v) = n then 0 else 1 end) from t", "100000|0"),
        ("alone", fields, "select count(distinct k) as k from t", "100000"),
    ] {
        let of_all = json!({"SparkSQL": {"Name": "q", "Inputs": ["tr"], "SqlQuery": query,
            "SqlAliases": [{"From": "tr", "Alias": "t"}]}});
        let nodes = json!({"src": csv("in"), "tr": first, "q": of_all, "o": parquet("q", job)});
        world.create(job, nodes, json!({"MaxCapacity": 0.0007})).await.unwrap();
        let id = world.start(job, &[]).await;
        let run = world.ended(job, &id).await;
        assert_eq!(run.details.state, RunState::Succeeded, "{:?}", run.details.error_message);
        assert_eq!(world.rows(job).await, [expected]);
    }
}

#[tokio::test]
async fn aggregates() {
    let world = World::new().await;
    let mut text = String::new();
    for (g, v) in
        [("a", "-10"), ("a", "-20"), ("a", "100"), ("a", "1000"), ("b", "5"), ("b", "5"), ("b", "null")]
    {
        text.push_str(&format!("{{\"g\":\"{g}\",\"v\":{v}}}\n"));
    }
    world.put("in/x.json", &text).await;
    let functions = [
        "count",
        "countDistinct",
        "sum",
        "sumDistinct",
        "min",
        "max",
        "avg",
        "stddev_samp",
        "stddev_pop",
        "var_samp",
        "var_pop",
        "skewness",
        "kurtosis",
        "first",
        "last",
    ];
    let aggs: Vec<Value> = functions.iter().map(|f| json!({"Column": ["v"], "AggFunc": f})).collect();
    let nodes = through(
        json_source("in"),
        json!({"Aggregate": {"Name": "a", "Inputs": ["src"], "Groups": [["g"]], "Aggs": aggs}}),
        "out",
    );
    world.succeeds("j", nodes).await;
    let rows = world.rows("out").await;
    let a: Vec<&str> = rows[0].split('|').collect();
    assert_eq!(a[..8], ["a", "4", "4", "1070", "1070", "-20", "1000", "267.5"]);
    let near = |text: &str, expected: f64| (text.parse::<f64>().unwrap() - expected).abs() < 1e-6;
    assert!(near(a[12], 1.113_565_746_902_201_1), "{}", a[12]);
    assert!(near(a[13], -0.701_436_804_752_962_7), "{}", a[13]);
    let b: Vec<&str> = rows[1].split('|').collect();
    assert_eq!(b[..8], ["b", "2", "1", "10", "5", "5", "5", "5.0"]);
    assert_eq!(b[8], "0.0");
}

#[tokio::test]
async fn aggregates_of_text_are_of_its_numbers() {
    let world = World::new().await;
    world.put("in/a.csv", "g,v\na,10.5\na,1\na,x\nb,\n").await;
    let functions = ["sum", "avg", "sumDistinct", "var_pop", "stddev_samp", "kurtosis", "max"];
    let aggs: Vec<Value> = functions.iter().map(|f| json!({"Column": ["v"], "AggFunc": f})).collect();
    let node = json!({"Aggregate": {"Name": "a", "Inputs": ["src"], "Groups": [["g"]], "Aggs": aggs}});
    world.succeeds("j", through(csv("in"), node, "out")).await;
    let rows = world.rows("out").await;
    assert!(rows[0].starts_with("a|11.5|5.75|11.5|22.5625|6.71") && rows[0].ends_with("|x"), "{rows:?}");
    assert_eq!(rows[1], "b|~|~|~|~|~|~|");
}

#[tokio::test]
async fn blank_lines_above_a_header_are_skipped() {
    let world = World::new().await;
    world.put("in/a.csv", "\n\nid,v\n1,2\n").await;
    world.succeeds("j", json!({"src": csv("in"), "out": parquet("src", "out")})).await;
    assert_eq!(world.rows("out").await, ["1|2"]);
}

#[tokio::test]
async fn duplicates_and_unions() {
    let world = shop().await;
    let all = json!({"DropDuplicates": {"Name": "d", "Inputs": ["src"]}});
    world.succeeds("all", through(csv("in"), all, "out-all")).await;
    assert_eq!(world.rows("out-all").await.len(), 4);
    let by_name = json!({"DropDuplicates": {"Name": "d", "Inputs": ["src"], "Columns": [["ok"]]}});
    world.succeeds("some", through(csv("in"), by_name, "out-some")).await;
    assert_eq!(world.rows("out-some").await.len(), 4, "true, no, yes and the empty text");
    world.put("other/x.csv", "x,y,z,q\n1,ann,10.5,true\n").await;
    for (kind, expected) in [("ALL", 6), ("DISTINCT", 4)] {
        let nodes = json!({
            "a": csv("in"), "b": csv("other"), "out": parquet("u", &format!("out-{kind}")),
            "u": {"Union": {"Name": "u", "Inputs": ["a", "b"], "UnionType": kind}},
        });
        world.succeeds(kind, nodes).await;
        assert_eq!(world.rows(&format!("out-{kind}")).await.len(), expected, "{kind}");
    }
}

#[tokio::test]
async fn targets_write_text_too() {
    let world = shop().await;
    let written = [
        ("json", ""),
        ("csv", "gzip"),
        ("json", "bzip2"),
        ("parquet", "zstd"),
        ("csv", "zstd"),
        ("json", "snappy"),
        ("csv", "lz4"),
        ("json", "xz"),
        ("csv", "deflate"),
        ("xml", ""),
        ("xml", "snappy"),
    ];
    for (format, compression) in written {
        let folder = format!("out-{format}-{compression}");
        let nodes = json!({"src": csv("in"), "out": {"S3DirectTarget": {"Name": "o", "Inputs": ["src"],
            "Path": format!("s3://{BUCKET}/{folder}"), "Format": format, "Compression": compression,
            "PartitionKeys": [["ok"]]}}});
        world.succeeds(&folder, nodes).await;
        assert_eq!(world.rows(&folder).await.len(), 5, "{folder}");
        let keys = world.keys(&folder).await;
        assert!(keys.iter().all(|key| key.contains("/ok=")), "{keys:?}");
    }
}

#[tokio::test]
async fn names_that_differ_in_case_are_columns_of_their_own() {
    let world = World::new().await;
    world.put("in/a.json", "{\"id\":1,\"ID\":\"x\"}\n{\"id\":2}\n").await;
    world.put("in/b.json", "{\"ID\":\"y\"}\n").await;
    let nodes = json!({"src": json_source("in"), "out": parquet("src", "out")});
    let message = world.fails("parquet", nodes).await;
    assert!(message.contains("its input has the columns id and ID, which differ in case only"), "{message}");
    let rename = json!({"RenameField": {"Name": "r", "Inputs": ["src"], "SourcePath": ["ID"], "TargetPath": ["code"]}});
    world.succeeds("renamed", through(json_source("in"), rename, "out")).await;
    assert_eq!(world.rows("out").await, ["1|x", "2|~", "~|y"]);
    world.put("bad/a.json", "{\"a\":1}\n{\"a\":1,\"a\":2}\n").await;
    let message = world.fails("bad", json!({"src": json_source("bad"), "out": parquet("src", "o2")})).await;
    assert!(message.contains("bad/a.json, line 2: the name \"a\" comes more than once"), "{message}");
}

#[tokio::test]
async fn types_are_sparks() {
    let world = World::new().await;
    world.put("in/x.csv", "k,v\n1,2.5\n2,3.5\n2,4.0\n").await;
    let mapping = |to: &str| {
        json!({"ApplyMapping": {"Name": "m", "Inputs": ["src"], "Mapping": [
            {"FromPath": ["k"], "ToKey": "k", "ToType": "int"}, {"FromPath": ["v"], "ToKey": "v", "ToType": to}]}})
    };
    let typed = |to: &str, transform: Value| json!({"src": csv("in"), "m": mapping(to), "tr": transform, "out": parquet("tr", "out")});
    let aggs: Vec<Value> =
        ["sum", "avg", "max"].iter().map(|f| json!({"Column": ["v"], "AggFunc": f})).collect();
    let aggregate = json!({"Aggregate": {"Name": "a", "Inputs": ["m"], "Groups": [], "Aggs": aggs}});
    world.succeeds("decimals", typed("decimal(3,1)", aggregate)).await;
    let (schema, rows) = world.table("out").await;
    let types: Vec<String> = schema.fields().iter().map(|field| field.data_type().to_string()).collect();
    assert_eq!(types, ["Decimal128(13, 1)", "Decimal128(7, 5)", "Decimal128(3, 1)"]);
    assert_eq!(rows, ["10.0|3.33333|4.0"]);
    let nodes = json!({
        "src": csv("in"), "m": mapping("int"), "other": csv("in"), "out": parquet("u", "union"),
        "u": {"Union": {"Name": "u", "Inputs": ["m", "other"], "UnionType": "DISTINCT"}},
    });
    world.succeeds("union", nodes).await;
    assert_eq!(world.rows("union").await, ["1|2", "1|2.5", "2|3", "2|3.5", "2|4", "2|4.0"]);
}

#[tokio::test]
async fn a_source_of_several_targets_is_counted_once() {
    let world = World::new().await;
    let text = "k,v\n".to_owned() + &"1,2\n".repeat(1_000);
    world.put("in/x.csv", &text).await;
    let sql = json!({"SparkSQL": {"Name": "q", "Inputs": ["src"], "SqlAliases": [{"From": "src", "Alias": "t"}],
        "SqlQuery": "select a.k from t a join (select distinct k from t) b on a.k = b.k"}});
    let nodes = json!({"src": csv("in"), "tr": sql, "out": parquet("tr", "out"), "two": parquet("src", "two"),
        "three": parquet("src", "three")});
    let run = world.succeeds("j", nodes).await;
    let totals = run.details.totals;
    assert_eq!((totals.rows_in, totals.bytes_in, totals.files_in), (1_000, text.len() as u64, 1));
    assert_eq!(totals.rows_out, 3_000);
}

#[tokio::test]
async fn a_target_writes_as_many_files_as_it_is_told() {
    let world = World::new().await;
    let rows: String = (0..20_000).map(|n| format!("{n},{}\n", n % 3)).collect();
    world.put("in/a.csv", &format!("id,day\n{rows}")).await;
    for (number, keys, files) in
        [("", json!([]), 2), ("1", json!([]), 1), ("1", json!([["day"]]), 3), ("9", json!([]), 2)]
    {
        let folder = format!("out-{number}-{}", keys.as_array().unwrap().len());
        let mut out = parquet("src", &folder);
        out["S3GlueParquetTarget"]["NumberTargetPartitions"] = json!(number);
        out["S3GlueParquetTarget"]["PartitionKeys"] = keys;
        let run = world.succeeds(&folder, json!({"src": csv("in"), "out": out})).await;
        assert_eq!((run.details.totals.rows_out, run.details.totals.files_out), (20_000, files), "{folder}");
    }
}
