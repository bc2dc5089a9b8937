//! Graphs that are accepted, and each way in which one is refused.

use serde_json::{Map, Value, json};

use super::{Destination, Graph, NodeKind, UpdateBehavior, node_kinds};

pub(super) fn parse(nodes: Value) -> Result<Graph, String> {
    let Value::Object(nodes) = nodes else { panic!("a graph is an object") };
    Graph::parse(&nodes).map_err(|error| error.to_string())
}

pub(super) fn csv() -> Value {
    json!({"S3CsvSource": {"Name": "Orders", "Paths": ["s3://in/orders/"], "Separator": "comma", "QuoteChar": "quote",
        "WithHeader": true, "Recurse": true}})
}

pub(super) fn target(input: &str) -> Value {
    json!({"S3GlueParquetTarget": {"Name": "Out", "Inputs": [input], "Path": "s3://out/orders/",
        "PartitionKeys": [["day"]], "Compression": "snappy"}})
}

/// A source, one transform and a target.
pub(super) fn with(transform: Value) -> Value {
    json!({"src": csv(), "tr": transform, "out": target("tr")})
}

#[test]
fn a_graph_is_put_in_order() {
    let graph = parse(json!({
        "z": csv(),
        "f": {"SelectFields": {"Name": "f", "Inputs": ["z"], "Paths": [["a"], ["b", "c"]]}},
        "a-out": target("f"),
        "lonely": {"DropFields": {"Name": "x", "Inputs": ["z"], "Paths": [["a"]]}},
    }))
    .unwrap();
    assert_eq!(graph.order(), ["z", "f", "a-out"]);
    assert_eq!(graph.unused().map(|node| node.id.as_str()).collect::<Vec<_>>(), ["lonely"]);
    assert_eq!(graph.targets().count(), 1);
}

#[test]
fn a_graph_has_a_largest_size() {
    let chain = |length: usize| {
        let mut nodes = Map::new();
        nodes.insert("n0".to_owned(), csv());
        for at in 1..length - 1 {
            let before = format!("n{}", at - 1);
            let node = json!({"DropFields": {"Name": "x", "Inputs": [before], "Paths": [["a"]]}});
            nodes.insert(format!("n{at}"), node);
        }
        nodes.insert("out".to_owned(), target(&format!("n{}", length - 2)));
        Graph::parse(&nodes)
    };
    assert_eq!(chain(500).unwrap().order().len(), 500);
    assert!(chain(501).is_err());
    assert!(chain(20_000).is_err());
}

#[test]
fn catalog_policies_are_read() {
    let graph = parse(json!({
        "s": {"CatalogSource": {"Name": "s", "Database": "d", "Table": "t", "PartitionPredicate": "day > '1'"}},
        "t1": {"S3CatalogTarget": {"Name": "t1", "Inputs": ["s"], "Database": "d", "Table": "u",
            "SchemaChangePolicy": {"EnableUpdateCatalog": true, "UpdateBehavior": "LOG"}}},
        "t2": {"CatalogTarget": {"Name": "t2", "Inputs": ["s"], "Database": "d", "Table": "u"}},
        "t3": {"S3DirectTarget": {"Name": "t3", "Inputs": ["s"], "Path": "s3://b/p", "Format": "json", "Compression": "gzip",
            "SchemaChangePolicy": {"EnableUpdateCatalog": true, "Database": "d", "Table": "v"}}},
    }))
    .unwrap();
    let mut updates = Vec::new();
    for (node, target) in graph.targets() {
        let behavior = match &target.destination {
            Destination::Path { catalog, .. } => catalog.as_ref().map(|update| update.behavior),
            Destination::Table { update, .. } => *update,
            Destination::Iceberg(_) | Destination::Delta(_) | Destination::Database(_) => None,
        };
        updates.push((node.id.clone(), behavior));
    }
    let expected =
        [("t1", Some(UpdateBehavior::Log)), ("t2", None), ("t3", Some(UpdateBehavior::UpdateInDatabase))];
    assert_eq!(updates, expected.map(|(id, behavior)| (id.to_owned(), behavior)));
}

#[test]
fn exclusions_may_be_a_json_list_in_a_text() {
    let mut source = csv();
    source["S3CsvSource"]["Exclusions"] = json!(["[\"**.pdf\", \"tmp/*\"]", "*.bak"]);
    let graph = parse(json!({"s": source, "out": target("s")})).unwrap();
    let NodeKind::Files(files) = &graph.node("s").unwrap().kind else { panic!("a source") };
    assert_eq!(files.exclusions.len(), 3);
}

fn sql(query: &str) -> Value {
    json!({"SparkSQL": {"Name": "q", "Inputs": ["src"], "SqlQuery": query,
        "SqlAliases": [{"From": "src", "Alias": "t"}]}})
}

/// Every refusal names the node; the table gives a part of the message.
#[test]
fn what_cannot_run_is_refused_by_name() {
    let filter = |operation: &str, values: Value| {
        json!({"Filter": {"Name": "f", "Inputs": ["src"], "LogicalOperator": "AND",
            "Filters": [{"Operation": operation, "Values": values}]}})
    };
    let column = json!({"Type": "COLUMNEXTRACTED", "Value": ["a"]});
    let constant = json!({"Type": "CONSTANT", "Value": ["1"]});
    let cases: Vec<(Value, &str)> = vec![
        (
            with(json!({"FillMissingValues": {"Name": "f", "Inputs": ["src"], "ImputedPath": "$."}})),
            "ImputedPath names no field",
        ),
        (with(json!({"Spigott": {"Name": "f"}})), "not known; supported are"),
        (with(json!({"Recipe": {"Name": "f"}})), "recipes of DataBrew are not run in graphs"),
        (with(json!({"Spigot": {}})), "node tr (Spigot)"),
        (with(json!({})), "has no kind"),
        (with(json!({"SelectFields": {}, "DropFields": {}})), "several kinds"),
        (with(json!({"SelectFields": {"Name": "f", "Inputs": ["src"], "Paths": [[]]}})), "empty path"),
        (
            with(json!({"SelectFields": {"Name": "f", "Inputs": ["nobody"], "Paths": [["a"]]}})),
            "nobody is not a node",
        ),
        (
            with(json!({"SelectFields": {"Name": "f", "Inputs": [], "Paths": [["a"]]}})),
            "takes 1 inputs and has 0",
        ),
        (with(json!({"SelectFields": {"Name": "f", "Inputs": ["tr"], "Paths": [["a"]]}})), "cycle: tr <- tr"),
        (
            with(json!({"SelectFields": {"Name": "f", "Inputs": ["out"], "Paths": [["a"]]}})),
            "out is a target",
        ),
        (
            with(json!({"SelectFields": {"Name": "f", "Inputs": ["src"], "Paths": [["a"]], "Magic": 1}})),
            "Magic is not a field",
        ),
        (with(json!({"SelectFields": {"Inputs": ["src"], "Paths": [["a"]]}})), "Name is missing"),
        (
            with(json!({"Union": {"Name": "u", "Inputs": ["src"], "UnionType": "ALL"}})),
            "takes 2 inputs and has 1",
        ),
        (
            with(json!({"Union": {"Name": "u", "Inputs": ["src", "src"], "UnionType": "SOME"}})),
            "UnionType SOME",
        ),
        (with(filter("EQ", json!([column]))), "takes two values and has 1"),
        (with(filter("EQ", json!([constant, constant]))), "two constants"),
        (with(filter("BETWEEN", json!([column, constant]))), "Operation BETWEEN"),
        (with(filter("ISNULL", json!([constant]))), "ISNULL takes one value"),
        (with(filter("REGEX", json!([column, {"Type": "CONSTANT", "Value": ["(a"]}]))), "REGEX (a"),
        (
            with(json!({"Aggregate": {"Name": "a", "Inputs": ["src"], "Groups": [], "Aggs": []}})),
            "Aggs is empty",
        ),
        (
            with(json!({"Aggregate": {"Name": "a", "Inputs": ["src"], "Groups": [["g"]],
                "Aggs": [{"Column": ["a"], "AggFunc": "median"}]}})),
            "AggFunc median",
        ),
        (
            with(
                json!({"SparkSQL": {"Name": "q", "Inputs": ["src"], "SqlQuery": "select 1", "SqlAliases": []}}),
            ),
            "no entry From input src",
        ),
        (
            with(json!({"SparkSQL": {"Name": "q", "Inputs": ["src"], "SqlQuery": "select 1",
                "SqlAliases": [{"From": "src", "Alias": "a b"}]}})),
            "not a table name",
        ),
        (
            with(
                json!({"ApplyMapping": {"Name": "m", "Inputs": ["src"], "Mapping": [{"FromPath": ["a"], "ToKey": ""}]}}),
            ),
            "ToKey",
        ),
        (with(sql("selec name from t")), "Line: 1"),
        (with(sql("select name frm t where")), "node tr (SparkSQL): SqlQuery: "),
        (with(sql("drop table t")), "only a single SELECT"),
        (with(sql("select 1; select 2")), "only a single SELECT"),
        (json!({"src": csv()}), "no target"),
        (json!({}), "no target"),
        (json!({"s p": csv()}), "may hold letters"),
    ];
    for (graph, expected) in cases {
        let message = parse(graph.clone()).expect_err(expected);
        assert!(message.contains(expected), "{message:?} does not contain {expected:?}");
        if graph.get("tr").is_some() {
            assert!(message.contains("node "), "{message:?} names no node");
        }
    }
}

#[test]
fn fields_that_cannot_act_are_refused() {
    let mut cases: Vec<(Value, &str)> = Vec::new();
    for (field, value, expected) in [
        ("Paths", json!(["hdfs://x/y"]), "does not start with s3://"),
        ("Paths", json!(["s3:///y"]), "names no bucket"),
        ("Paths", json!(["s3://b/*/x"]), "wildcards"),
        ("QuoteChar", json!("quillemet"), "quillemet"),
        ("Escaper", json!("ab"), "one ASCII character"),
        (
            "AdditionalOptions",
            json!({"EnableSamplePath": true}),
            "AdditionalOptions.EnableSamplePath true is refused",
        ),
        ("AdditionalOptions", json!({"Other": 1}), "AdditionalOptions.Other is not a field"),
        ("Exclusions", json!(["[a"]), "not closed"),
    ] {
        let mut source = csv();
        source["S3CsvSource"][field] = value;
        cases.push((json!({"src": source, "out": target("src")}), expected));
    }
    for (field, value, expected) in [
        ("Compression", json!("lzo"), "Compression lzo"),
        ("PartitionKeys", json!([["a", "b"]]), "nested"),
        ("PartitionKeys", json!([["a"], ["a"]]), "twice"),
        ("NumberTargetPartitions", json!("few"), "NumberTargetPartitions few is not a whole number"),
        ("AutoDataQuality", json!({"IsEnabled": true}), "AutoDataQuality.IsEnabled true is refused"),
        ("SchemaChangePolicy", json!({"EnableUpdateCatalog": true}), "needs its Database and Table"),
    ] {
        let mut out = target("src");
        out["S3GlueParquetTarget"][field] = value;
        cases.push((json!({"src": csv(), "out": out}), expected));
    }
    for format in ["hudi", "delta", "iceberg", "hyper"] {
        let out =
            json!({"S3DirectTarget": {"Name": "o", "Inputs": ["src"], "Path": "s3://b/p", "Format": format}});
        cases.push((
            json!({"src": csv(), "out": out}),
            "is not supported; supported are parquet, avro, orc, csv, json, xml",
        ));
    }
    for (format, compression) in
        [("avro", "lz4"), ("orc", "bzip2"), ("parquet", "xz"), ("csv", "lzo"), ("xml", "zip")]
    {
        let out = json!({"S3DirectTarget": {"Name": "o", "Inputs": ["src"], "Path": "s3://b/p", "Format": format,
            "Compression": compression}});
        cases.push((json!({"src": csv(), "out": out}), "is not supported for"));
    }
    for (graph, expected) in cases {
        let message = parse(graph).expect_err(expected);
        assert!(message.contains(expected), "{message:?} does not contain {expected:?}");
    }
}

#[test]
fn joins_are_checked() {
    let join = |columns: Value| {
        json!({"a": csv(), "b": csv(), "out": target("j"),
            "j": {"Join": {"Name": "j", "Inputs": ["a", "b"], "JoinType": "left", "Columns": columns}}})
    };
    let good = join(json!([{"From": "b", "Keys": [["x"], ["y"]]}, {"From": "a", "Keys": [["x"], ["z"]]}]));
    let graph = parse(good).unwrap();
    let NodeKind::Join { left, right, .. } = &graph.node("j").unwrap().kind else { panic!("a join") };
    assert_eq!((left.input.as_str(), right.input.as_str()), ("a", "b"));
    for (columns, expected) in [
        (json!([{"From": "a", "Keys": [["x"]]}]), "no entry From input b"),
        (json!([{"From": "a", "Keys": [["x"]]}, {"From": "b", "Keys": []}]), "1 and 0 keys"),
        (
            json!([{"From": "a", "Keys": [["x"]]}, {"From": "b", "Keys": [["x"]]}, {"From": "c", "Keys": [["x"]]}]),
            "From c",
        ),
    ] {
        let message = parse(join(columns)).expect_err(expected);
        assert!(message.contains(expected), "{message}");
    }
}

/// The page of the documentation is what the code says.
#[test]
fn the_page_of_nodes_is_up_to_date() {
    let page = include_str!("../../../../docs/job-nodes.md");
    assert!(page == super::markdown(), "write it anew: tenon job nodes --markdown > docs/job-nodes.md");
}

#[test]
fn no_kind_is_both_refused_and_run() {
    let refused: Vec<&str> = super::REFUSED.iter().map(|(kind, _)| *kind).collect();
    assert!(node_kinds().all(|kind| !refused.contains(&kind)));
    assert!(refused.is_sorted());
}

proptest::proptest! {
    /// No document makes the parser panic.
    #[test]
    fn any_document_is_a_graph_or_an_error(kind in "[A-Z][A-Za-z0-9]{1,20}", text in "\\PC{0,20}", number in -5i64..5) {
        let kinds: Vec<&str> = node_kinds().collect();
        for kind in kinds.into_iter().chain([kind.as_str()]) {
            let node = json!({kind: {"Name": text, "Inputs": [text], "Paths": [[text], number], "Mapping": number}});
            let mut nodes = Map::new();
            nodes.insert(text.clone(), node);
            proptest::prop_assert!(Graph::parse(&nodes).is_err());
        }
    }
}
