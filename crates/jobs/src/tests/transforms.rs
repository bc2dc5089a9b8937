//! Collections, merges, samples, fields without values, personal data.

use serde_json::{Value, json};

use super::{BUCKET, World, csv, json_source, parquet, through};

fn node(kind: &str, inputs: &[&str], mut members: Value) -> Value {
    members["Name"] = json!(kind);
    members["Inputs"] = json!(inputs);
    json!({kind: members})
}

#[tokio::test]
async fn fields_are_split_and_chosen_again() {
    let world = World::new().await;
    world.put("in/a.json", "{\"id\":1,\"a\":{\"b\":2,\"c\":3},\"z\":4}\n").await;
    let nodes = json!({
        "src": json_source("in"),
        "sp": node("SplitFields", &["src"], json!({"Paths": [["id"], ["a", "b"]]})),
        "one": node("SelectFromCollection", &["sp"], json!({"Index": 0})),
        "two": node("SelectFromCollection", &["sp"], json!({"Index": 1})),
        "o1": parquet("one", "one"),
        "o2": parquet("two", "two"),
    });
    world.succeeds("j", nodes).await;
    assert_eq!(world.rows("one").await, ["1|{b: 2}"]);
    assert_eq!(world.rows("two").await, ["{c: 3}|4"]);
}

#[tokio::test]
async fn a_row_goes_to_every_group_that_it_fits_and_else_to_the_default() {
    let world = World::new().await;
    world.put("in/a.json", "{\"n\":1}\n{\"n\":5}\n{\"n\":9}\n{\"n\":null}\n").await;
    let group = |name: &str, operation: &str, value: &str| {
        json!({"GroupName": name, "LogicalOperator": "AND", "Filters": [{"Operation": operation, "Values": [
            {"Type": "COLUMNEXTRACTED", "Value": ["n"]}, {"Type": "CONSTANT", "Value": [value]}]}]})
    };
    let default = json!({"GroupName": "default_group", "LogicalOperator": "AND", "Filters": []});
    for (job, groups) in [
        ("a", json!([group("low", "LT", "6"), group("high", "GT", "4")])),
        ("b", json!([group("low", "LT", "6"), group("high", "GT", "4"), default])),
    ] {
        let mut nodes = json!({"src": json_source("in"), "r": node("Route", &["src"], json!({"GroupFiltersList": groups}))});
        for index in 0..3 {
            nodes[format!("c{index}")] = node("SelectFromCollection", &["r"], json!({"Index": index}));
            nodes[format!("o{index}")] = parquet(&format!("c{index}"), &format!("{job}{index}"));
        }
        world.succeeds(job, nodes).await;
        assert_eq!(world.rows(&format!("{job}0")).await, ["1", "5"]);
        assert_eq!(world.rows(&format!("{job}1")).await, ["5", "9"]);
        assert_eq!(world.rows(&format!("{job}2")).await, ["~"]);
    }
}

/// Which of equal rows is the first is chance, but the same for all who read it.
#[tokio::test]
async fn all_targets_see_the_same_of_rows_that_chance_takes() {
    let world = World::new().await;
    let lines: String = (0..120_000).map(|i| format!("{},{i},x\n", i % 5000)).collect();
    world.put("in/a.csv", &format!("k,v,s\n{lines}")).await;
    let source = json!({"S3CsvSource": {"Name": "in", "Paths": [format!("s3://{BUCKET}/in/")], "Separator": "comma",
        "QuoteChar": "quote", "WithHeader": true}});
    let query = |text: &str| json!({"SparkSQL": {"Name": "q", "Inputs": ["m"], "SqlQuery": text, "SqlAliases": [{"From": "m", "Alias": "t"}]}});
    let mapping = json!([
        {"ToKey": "k", "FromPath": ["k"], "FromType": "string", "ToType": "int"},
        {"ToKey": "v", "FromPath": ["v"], "FromType": "string", "ToType": "int"},
    ]);
    let low = json!({"GroupName": "low", "LogicalOperator": "AND", "Filters": [{"Operation": "LT", "Values": [
        {"Type": "COLUMNEXTRACTED", "Value": ["v"]}, {"Type": "CONSTANT", "Value": ["60000"]}]}]});
    let default = json!({"GroupName": "default_group", "LogicalOperator": "AND", "Filters": []});
    for (job, once, rows) in [
        (
            "a",
            query(
                "select k, v from (select *, row_number() over (partition by k order by k) as n from t) x where n = 1",
            ),
            5000,
        ),
        ("b", query("select k, first_value(v) as v from t group by k"), 5000),
        ("c", node("DropDuplicates", &["m"], json!({"Columns": [["k"]]})), 5000),
        ("d", query("select * from t limit 1000"), 1000),
        ("e", query("select * from t order by k limit 70000"), 70_000),
    ] {
        let nodes = json!({"src": source, "m": node("ApplyMapping", &["src"], json!({"Mapping": mapping})), "once": once,
            "r": node("Route", &["once"], json!({"GroupFiltersList": [low, default]})),
            "c0": node("SelectFromCollection", &["r"], json!({"Index": 0})), "c1": node("SelectFromCollection", &["r"], json!({"Index": 1})),
            "o0": parquet("c0", &format!("{job}0")), "o1": parquet("c1", &format!("{job}1"))});
        world.succeeds(job, nodes).await;
        let mut all = Vec::new();
        for out in [format!("{job}0"), format!("{job}1")] {
            if !world.keys(&out).await.is_empty() {
                all.extend(world.rows(&out).await);
            }
        }
        assert_eq!(all.len(), rows, "{job}");
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), rows, "{job}");
    }
}

/// So are those that one statement names twice, and those that a node looks at before it passes them on.
#[tokio::test]
async fn all_mentions_see_the_same_of_rows_that_chance_takes() {
    let world = World::new().await;
    for file in 0..8 {
        let line = |i: i32| {
            format!(
                "{{\"k\":{},\"__row\":1,\"column0\":2,\"v\":{},\"a{file}\":{file}}}\n",
                i * 37 % 4000,
                i + file * 4000
            )
        };
        world.put(&format!("in/{file}.json"), &(0..4000).map(line).collect::<String>()).await;
    }
    let once = node("DropDuplicates", &["src"], json!({"Columns": [["k"]]}));
    let query = |input: &str, text: &str| json!({"SparkSQL": {"Name": "q", "Inputs": [input], "SqlQuery": text, "SqlAliases": [{"From": input, "Alias": "t"}]}});
    let first = "with x as (select k, first(v) as v from t group by k)";
    let ranked = "with x as (select k, v from (select *, row_number() over (partition by k order by k) as n from t) y where n = 1)";
    for (at, (input, text, rows)) in [
        ("once", "select k from t where v < 16000 union all select k from t where v >= 16000", 4000),
        ("once", "select a.v from t a join t b on a.v = b.v", 4000),
        ("once", "select v from t except select v from t", 0),
        ("once", "select v from t where v not in (select v from t)", 0),
        (
            "src",
            &format!("{first} select * from x where v < 16000 union all select * from x where not v < 16000"),
            4000,
        ),
        (
            "src",
            &format!(
                "{ranked} select * from x where v < 16000 union all select * from x where not v < 16000"
            ),
            4000,
        ),
        ("src", "with x as (select * from t limit 3000) select a.v from x a join x b on a.v = b.v", 3000),
        (
            "src",
            "select * from (select v from t limit 3) a union all select * from (select v from t limit 3) b",
            6,
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let (job, out) = (format!("j{at}"), format!("out{at}"));
        let nodes = json!({"src": json_source("in"), "once": once, "q": query(input, text), "o": parquet("q", &out),
            "other": parquet("once", &format!("other{at}"))});
        world.succeeds(&job, nodes).await;
        let found = if world.keys(&out).await.is_empty() { 0 } else { world.rows(&out).await.len() };
        assert_eq!(found, rows, "{text}");
    }
    let nodes = json!({"src": json_source("in"), "q": query("src", "select * from t limit 1"),
        "d": node("DropNullFields", &["q"], json!({})), "o": parquet("d", "looked")});
    let graph = crate::graph::Graph::parse(nodes.as_object().unwrap()).unwrap();
    let reads = ["src", "q", "d", "o"].map(|id| graph.reads_of(graph.node(id).unwrap()));
    assert_eq!(reads, [2, 2, 1, 0]);
    for round in 0..8 {
        let mut nodes = nodes.clone();
        nodes["o"] = parquet("d", &format!("looked{round}"));
        world.succeeds(&format!("looked{round}"), nodes).await;
        let rows = world.rows(&format!("looked{round}")).await;
        // k, __row, column0, v, and the one that is not null.
        assert!(rows.len() == 1 && rows[0].split('|').count() == 5 && !rows[0].contains('~'), "{rows:?}");
    }
}

/// Parts of two sources are two, though they look alike.
#[tokio::test]
async fn rows_of_different_sources_are_not_taken_for_the_same() {
    let world = World::new().await;
    world.put("a/x.json", "{\"k\":1,\"v\":1}\n{\"k\":1,\"v\":1}\n").await;
    world.put("b/x.json", "{\"k\":2,\"v\":2}\n{\"k\":2,\"v\":2}\n").await;
    let once = |input: &str| node("DropDuplicates", &[input], json!({"Columns": [["k"]]}));
    let nodes = json!({"a": json_source("a"), "b": json_source("b"), "x": once("a"), "y": once("b"),
        "u": node("Union", &["x", "y"], json!({"UnionType": "ALL"})), "o": parquet("u", "out"), "p": parquet("u", "too")});
    world.succeeds("j", nodes).await;
    assert_eq!(world.rows("out").await, ["1|1", "2|2"]);
    assert_eq!(world.rows("too").await, ["1|1", "2|2"]);
}

#[tokio::test]
async fn a_merge_replaces_by_key_and_adds() {
    let world = World::new().await;
    world
        .put(
            "old/a.json",
            "{\"id\":1,\"v\":\"a\",\"x\":1}\n{\"id\":1,\"v\":\"b\"}\n{\"id\":2,\"v\":\"c\"}\n{\"v\":\"d\"}\n",
        )
        .await;
    world
        .put(
            "new/a.json",
            "{\"id\":2,\"v\":7,\"y\":1.5}\n{\"id\":2,\"v\":8}\n{\"id\":3,\"v\":9}\n{\"v\":10}\n",
        )
        .await;
    for (job, inputs) in [("j", ["old", "new"]), ("k", ["new", "old"])] {
        let nodes = json!({"old": json_source("old"), "new": json_source("new"), "out": parquet("m", job),
            "m": node("Merge", &inputs, json!({"Source": "old", "PrimaryKeys": [["id"]]}))});
        world.succeeds(job, nodes).await;
        // id, v, x, y
        assert_eq!(
            world.rows(job).await,
            ["1|a|1|~", "1|b|~|~", "2|7|~|1.5", "2|8|~|~", "3|9|~|~", "~|10|~|~", "~|d|~|~"]
        );
    }
}

#[tokio::test]
async fn a_spigot_writes_a_sample_and_hands_everything_on() {
    let world = World::new().await;
    let rows: String = (0..1_000).map(|n| format!("{{\"n\":{n}}}\n")).collect();
    world.put("in/a.json", &rows).await;
    let path = |name: &str| format!("s3://{BUCKET}/{name}/");
    let nodes = json!({
        "src": json_source("in"),
        "all": node("Spigot", &["src"], json!({"Path": path("all")})),
        "few": node("Spigot", &["all"], json!({"Path": path("few"), "Topk": 7})),
        "some": node("Spigot", &["few"], json!({"Path": path("some"), "Prob": 0.5})),
        "none": node("Spigot", &["few"], json!({"Path": path("none"), "Prob": 0})),
        "out": parquet("some", "out"),
    });
    let run = world.succeeds("j", nodes).await;
    assert_eq!((run.details.totals.rows_in, world.rows("out").await.len()), (1_000, 1_000));
    assert_eq!((world.rows("all").await.len(), world.rows("few").await.len()), (1_000, 7));
    let some = world.rows("some").await.len();
    // The chance to miss these bounds is below one in a million.
    assert!((400..600).contains(&some), "{some}");
    assert!(world.keys("none/").await.is_empty());
    assert!(world.keys("some/").await.iter().all(|key| key.ends_with(".json")));
    // A sample alone is a job, too; a run that fails leaves none.
    let nodes = json!({"src": json_source("in"), "s": node("Spigot", &["src"], json!({"Path": path("alone"), "Topk": 1}))});
    world.succeeds("k", nodes).await;
    assert_eq!(world.rows("alone").await.len(), 1);
    let nodes = json!({"src": json_source("in"), "s": node("Spigot", &["src"], json!({"Path": path("left")})),
        "d": node("SelectFields", &["s"], json!({"Paths": [["nope"]]})), "out": parquet("d", "out2")});
    world.fails("f", nodes).await;
    assert!(world.keys("left/").await.is_empty());
}

#[tokio::test]
async fn fields_that_hold_nothing_are_dropped() {
    let world = World::new().await;
    let row = |at: i64| json!({"id": at, "e": " ", "t": "null", "m": -1, "z": 0, "d": -1.0, "n": null, "o": {"x": null, "y": at}, "l": [at]});
    world.put("in/a.json", &format!("{}\n{}\n", row(1), row(2))).await;
    world.put("none/a.csv", "a,b\n").await;
    let typed = |value: &str, id: &str| json!({"Value": value, "Datatype": {"Id": id, "Label": id}});
    let cases: [(&str, Value, &str); 5] = [
        ("a", json!({}), "1| |null|-1|0|-1.0|{y: 1}|[1]"),
        ("b", json!({"NullCheckBoxList": {"IsEmpty": true}}), "1|null|-1|0|-1.0|{y: 1}|[1]"),
        ("c", json!({"NullCheckBoxList": {"IsNullString": true}}), "1| |-1|0|-1.0|{y: 1}|[1]"),
        ("d", json!({"NullCheckBoxList": {"IsNegOne": true}}), "1| |null|0|{y: 1}|[1]"),
        (
            "e",
            json!({"NullTextList": [typed("0", "int"), typed("null", "string"), typed("-1", "long")]}),
            "1| |-1|-1.0|{y: 1}|[1]",
        ),
    ];
    for (job, members, expected) in cases {
        let run = world
            .succeeds(job, through(json_source("in"), node("DropNullFields", &["src"], members), job))
            .await;
        assert_eq!(world.rows(job).await.first().map(String::as_str), Some(expected), "{job}");
        // It was read twice, and counts once.
        assert_eq!(run.details.totals.rows_in, 2, "{job}");
    }
    let run =
        world.succeeds("n", through(csv("none"), node("DropNullFields", &["src"], json!({})), "n")).await;
    let log = world.log_until(&run.id, "SUCCEEDED").await.join("\n");
    assert!(log.contains("its input has no rows: every field is kept"), "{log}");
    // What cannot be read is the source's fault, not the node's that looked.
    world.put("bad/a.json", "{\"a\":1}\n{\"a\":}\n").await;
    let message =
        world.fails("x", through(json_source("bad"), node("DropNullFields", &["src"], json!({})), "x")).await;
    assert!(message.contains("node S3JsonSource src") && message.contains("line 2"), "{message}");
}

const PEOPLE: &str =
    "id,mail,note\n1,ann@example.com,call (415) 555-2671 or ann@example.com\n2,none,\n3,bob@example.org,x\n";

#[tokio::test]
async fn personal_data_is_found_in_rows() {
    let world = World::new().await;
    world.put("in/a.csv", PEOPLE).await;
    let of = |kind: &str, extra: Value| {
        let mut members = json!({"PiiType": kind, "EntityTypesToDetect": ["EMAIL", "PHONE_NUMBER"]});
        members.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        node("PIIDetection", &["src"], members)
    };
    let cases: [(&str, Value, &str); 6] = [
        ("a", of("RowMasking", json!({"MaskValue": "#"})), "1|#|call # or #"),
        (
            "b",
            of("RowPartialMasking", json!({"NumLeftCharsToExclude": 2, "NumRightCharsToExclude": 3})),
            "1|an**********com|call (4*********671 or an**********com",
        ),
        (
            "c",
            of("RowPartialMasking", json!({"RedactChar": "#", "MatchPattern": "[0-9]"})),
            "1|ann@example.com|call (###) ###-#### or ann@example.com",
        ),
        (
            "d",
            of("RowAudit", json!({})),
            "1|ann@example.com|call (415) 555-2671 or ann@example.com|{mail: [{entityType: EMAIL, actionUsed: DETECT, \
             start: 0, end: 15}], note: [{entityType: PHONE_NUMBER, actionUsed: DETECT, start: 5, end: 19}, \
             {entityType: EMAIL, actionUsed: DETECT, start: 23, end: 38}]}",
        ),
        (
            "e",
            of("RowMasking", json!({"MaskValue": "", "OutputColumnName": "seen"})),
            "1||call  or |{mail: [{entityType: EMAIL, actionUsed: REDACT, start: 0, end: 15}], note: [{entityType: \
             PHONE_NUMBER, actionUsed: REDACT, start: 5, end: 19}, {entityType: EMAIL, actionUsed: REDACT, start: 23, \
             end: 38}]}",
        ),
        (
            "f",
            of("RowMasking", json!({"MaskValue": "-", "EntityTypesToDetect": ["PHONE_NUMBER"]})),
            "1|ann@example.com|call - or ann@example.com",
        ),
    ];
    for (job, transform, expected) in cases {
        world.succeeds(job, through(csv("in"), transform, job)).await;
        let rows = world.rows(job).await;
        assert_eq!(rows.first().map(String::as_str), Some(expected), "{job}");
        assert!(rows[1].starts_with("2|none|"), "{rows:?}");
    }
    world.succeeds("h", through(csv("in"), of("RowHashing", json!({})), "h")).await;
    let rows = world.rows("h").await;
    let ann = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(b"ann@example.com"));
    assert!(rows[0].starts_with(&format!("1|{ann}|call ")) && rows[0].ends_with(&ann), "{rows:?}");
    let taken = of("RowAudit", json!({"OutputColumnName": "mail"}));
    let message = world.fails("t", through(csv("in"), taken, "t")).await;
    assert!(message.contains("OutputColumnName mail is a field of its input"), "{message}");
}

#[tokio::test]
async fn columns_of_personal_data_are_found() {
    let world = World::new().await;
    world.put("in/a.csv", PEOPLE).await;
    let of = |kind: &str, extra: Value| {
        let mut members = json!({"PiiType": kind, "EntityTypesToDetect": ["EMAIL", "PHONE_NUMBER"]});
        members.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        node("PIIDetection", &["src"], members)
    };
    let cases: [(&str, Value, &[&str]); 5] = [
        ("a", of("ColumnAudit", json!({})), &["mail|[EMAIL]", "note|[EMAIL, PHONE_NUMBER]"]),
        ("b", of("ColumnAudit", json!({"ThresholdFraction": 0.5})), &["mail|[EMAIL]"]),
        (
            "c",
            of("ColumnMasking", json!({"MaskValue": "*", "ThresholdFraction": 0.5})),
            &["1|*|call (415) 555-2671 or ann@example.com", "2|*|", "3|*|x"],
        ),
        // A sample that misses every row would let everything pass.
        (
            "d",
            of("ColumnMasking", json!({"MaskValue": "*", "SampleFraction": 0})),
            &["1|*|*", "2|*|*", "3|*|*"],
        ),
        ("e", of("ColumnAudit", json!({"ThresholdFraction": 0.7})), &[]),
    ];
    for (job, transform, expected) in cases {
        world.succeeds(job, through(csv("in"), transform, job)).await;
        if expected.is_empty() {
            assert!(world.keys(&format!("{job}/")).await.is_empty(), "{job}");
        } else {
            assert_eq!(world.rows(job).await, expected, "{job}");
        }
    }
    world
        .succeeds("h", through(csv("in"), of("ColumnHashing", json!({"ThresholdFraction": 0.5})), "h"))
        .await;
    let none = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(b"none"));
    assert!(world.rows("h").await[1].starts_with(&format!("2|{none}|")));
}

/// Two nodes read the source first, some of its columns only: the run's counts of the source become neither smaller nor larger than it is.
#[tokio::test]
async fn looks_at_the_source_are_not_counted() {
    let world = World::new().await;
    let row = |n: usize| {
        format!("{{\"id\":{n},\"mail\":\"a{n}@example.com\",\"size\":{}.5,\"gone\":null}}\n", n * 7919)
    };
    world.put("in/a.json", &(0..2000).map(row).collect::<String>()).await;
    let nodes = json!({"src": json_source("in"), "out": parquet("src", "files")});
    let size = world.succeeds("files", nodes).await.details.totals.bytes_out;
    let source = json!({"S3ParquetSource": {"Name": "files", "Paths": [format!("s3://{BUCKET}/files/")], "Recurse": true}});
    let plain = world.succeeds("plain", json!({"src": source.clone(), "out": parquet("src", "plain")})).await;
    let pii = json!({"PiiType": "ColumnMasking", "EntityTypesToDetect": ["EMAIL"], "MaskValue": "*"});
    let nodes = json!({"src": source, "drop": node("DropNullFields", &["src"], json!({})),
        "tr": node("PIIDetection", &["drop"], pii), "out": parquet("tr", "looked")});
    let looked = world.succeeds("looked", nodes).await;
    let counts = |run: &crate::run::Run| {
        (run.details.totals.files_in, run.details.totals.rows_in, run.details.totals.bytes_in)
    };
    let ((files, rows, bytes), (own_files, own_rows, own_bytes)) = (counts(&plain), counts(&looked));
    assert_eq!((own_files, own_rows), (files, rows));
    assert!((bytes..=size).contains(&own_bytes), "{own_bytes}, of {size}");
}

/// The same texts by ApplyMapping and by SparkSQL: dates and timestamps are what Spark's cast reads.
#[tokio::test]
async fn moments_are_read_as_spark_reads_them() {
    let world = World::new().await;
    let cases = [
        ("2024-2-9", "2024-02-09", "2024-02-09T00:00:00"),
        ("2024-02", "2024-02-01", "2024-02-01T00:00:00"),
        ("2024", "2024-01-01", "2024-01-01T00:00:00"),
        (" 2024-02-09 ", "2024-02-09", "2024-02-09T00:00:00"),
        ("2024-2-9 1:2:3", "2024-02-09", "2024-02-09T01:02:03"),
        ("2024-02-09T01:02:03.5", "2024-02-09", "2024-02-09T01:02:03.500"),
        ("2024-02-09 01:02", "2024-02-09", "2024-02-09T01:02:00"),
        ("2024-02-09 01:02:03+01:00", "2024-02-09", "2024-02-09T00:02:03"),
        ("2024-02-09T01:02:03Z", "2024-02-09", "2024-02-09T01:02:03"),
        ("2024-02-30", "~", "~"),
        ("09.02.2024", "~", "~"),
        ("2024-02-09 noon", "2024-02-09", "~"),
    ];
    let lines: String = (0..).zip(&cases).map(|(k, (text, ..))| format!("{k},\"{text}\"\n")).collect();
    world.put("in/x.csv", &format!("k,v\n{lines}")).await;
    let to = |key: &str, of: &str| json!({"FromPath": ["v"], "ToKey": key, "ToType": of});
    let keep = json!({"FromPath": ["k"], "ToKey": "k", "ToType": "int"});
    let mapping = json!({"ApplyMapping": {"Mapping": [keep, to("d", "date"), to("t", "timestamp")]}});
    let sql = json!({"SparkSQL": {"SqlAliases": [{"From": "src", "Alias": "s"}],
        "SqlQuery": "SELECT CAST(k AS int) k, CAST(v AS date) d, CAST(v AS timestamp) t FROM s"}});
    for (name, mut transform) in [("mapped", mapping), ("queried", sql)] {
        for (_, node) in transform.as_object_mut().unwrap() {
            node["Name"] = json!(name);
            node["Inputs"] = json!(["src"]);
        }
        world.succeeds(name, through(csv("in"), transform, name)).await;
        let mut rows = world.rows(name).await;
        rows.sort_by_key(|row| row.split('|').next().and_then(|k| k.parse::<usize>().ok()));
        let wanted: Vec<String> = (0..).zip(&cases).map(|(k, (_, d, t))| format!("{k}|{d}|{t}")).collect();
        assert_eq!(rows, wanted, "{name}");
    }
}

#[tokio::test]
async fn numbers_are_seconds_of_timestamps() {
    let world = World::new().await;
    world.put("in/a.json", "{\"d\":1700000000.25}\n{\"d\":12.7}\n{\"d\":-0.5}\n{\"d\":null}\n").await;
    let mapped = |input: &str, to: &[(&str, &str, &str)]| {
        let to = to.iter().map(|(from, key, of)| json!({"FromPath": [from], "ToKey": key, "ToType": of}));
        json!({"ApplyMapping": {"Name": "m", "Inputs": [input], "Mapping": to.collect::<Vec<_>>()}})
    };
    let nodes = json!({"src": json_source("in"),
        "n": mapped("src", &[("d", "d", "double"), ("d", "f", "float"), ("d", "c", "decimal(20,3)")]),
        "t": mapped("n", &[("d", "d", "timestamp"), ("c", "c", "timestamp")]),
        "f": mapped("n", &[("f", "f", "timestamp")]),
        "back": mapped("t", &[("d", "d", "double"), ("c", "c", "decimal(20,3)"), ("c", "whole", "long")]),
        "out": parquet("t", "out"), "float": parquet("f", "float"), "numbers": parquet("back", "numbers")});
    world.succeeds("j", nodes).await;
    let moments = ["1969-12-31T23:59:59.500", "1970-01-01T00:00:12.700", "2023-11-14T22:13:20.250"];
    let wanted: Vec<String> = moments.iter().map(|at| format!("{at}|{at}")).collect();
    assert_eq!(world.rows("out").await, [&wanted[..], &["~|~".to_owned()]].concat());
    assert_eq!(world.rows("float").await[0], "1969-12-31T23:59:59.500");
    let numbers = ["-0.5|-0.500|-1", "12.7|12.700|12", "1700000000.25|1700000000.250|1700000000", "~|~|~"];
    assert_eq!(world.rows("numbers").await, numbers);
}

#[tokio::test]
async fn casts_without_a_rule_name_their_column() {
    let world = World::new().await;
    world.put("in/a.json", "{\"d\":1.5,\"b\":true,\"s\":{\"x\":1}}\n").await;
    for (at, (from, to, what)) in [
        (json!(["d"]), "date", "d is double, which cannot be cast to date"),
        (json!(["b"]), "binary", "b is boolean, which cannot be cast to binary"),
        (json!(["s"]), "string", "s is struct<x:int>, which cannot be cast to string"),
    ]
    .into_iter()
    .enumerate()
    {
        let mapping = json!({"ApplyMapping": {"Name": "m", "Inputs": ["src"],
            "Mapping": [{"FromPath": from, "ToKey": "x", "ToType": to}]}});
        let message = world.fails(&format!("j{at}"), through(json_source("in"), mapping, "out")).await;
        assert!(message.contains("node ApplyMapping tr (m): ") && message.contains(what), "{message}");
    }
}
