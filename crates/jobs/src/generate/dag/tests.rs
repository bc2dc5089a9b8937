//! Scripts of graphs, and graphs of scripts.

use serde_json::{Value, json};

use super::*;

fn dag(document: Value) -> Dag {
    serde_json::from_value(document).unwrap()
}

/// The graph of the API reference's example for infrastructure tools, with a parameter.
fn chain() -> Dag {
    dag(json!({
        "DagNodes": [
            {"Id": "datasource0", "NodeType": "DataSource", "Args": [
                {"Name": "database", "Value": "\"shop\""}, {"Name": "table_name", "Value": "\"orders\""},
                {"Name": "redshift_tmp_dir", "Value": "TempDir", "Param": true}]},
            {"Id": "datasink2", "NodeType": "DataSink", "Args": [
                {"Name": "connection_type", "Value": "\"s3\""},
                {"Name": "connection_options", "Value": "{\"path\": \"s3://b/o, [x]/\"}"},
                {"Name": "format", "Value": "'json'"}]},
            {"Id": "applymapping1", "NodeType": "ApplyMapping", "Args": [
                {"Name": "mapping", "Value": "[(\"a\", \"string\", \"b\", \"int\")]"}]}],
        "DagEdges": [{"Source": "datasource0", "Target": "applymapping1"},
                     {"Source": "applymapping1", "Target": "datasink2", "TargetParameter": "frame"}],
    }))
}

const SCRIPT: &str = r#"import sys
from awsglue.transforms import *
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from awsglue.context import GlueContext
from awsglue.job import Job

## @params: [TempDir, JOB_NAME]
args = getResolvedOptions(sys.argv, ['TempDir', 'JOB_NAME'])

sc = SparkContext()
glueContext = GlueContext(sc)
spark = glueContext.spark_session
job = Job(glueContext)
job.init(args['JOB_NAME'], args)
## @type: DataSource
## @args: [database = "shop", table_name = "orders", redshift_tmp_dir = TempDir, transformation_ctx = "datasource0"]
## @return: datasource0
## @inputs: []
datasource0 = glueContext.create_dynamic_frame.from_catalog(database = "shop", table_name = "orders", redshift_tmp_dir = args['TempDir'], transformation_ctx = "datasource0")
## @type: ApplyMapping
## @args: [mapping = [("a", "string", "b", "int")], transformation_ctx = "applymapping1"]
## @return: applymapping1
## @inputs: [frame = datasource0]
applymapping1 = ApplyMapping.apply(frame = datasource0, mappings = [("a", "string", "b", "int")], transformation_ctx = "applymapping1")
## @type: DataSink
## @args: [connection_type = "s3", connection_options = {"path": "s3://b/o, [x]/"}, format = 'json', transformation_ctx = "datasink2"]
## @return: datasink2
## @inputs: [frame = applymapping1]
datasink2 = glueContext.write_dynamic_frame.from_options(frame = applymapping1, connection_type = "s3", connection_options = {"path": "s3://b/o, [x]/"}, format = 'json', transformation_ctx = "datasink2")
job.commit()
"#;

#[test]
fn a_graph_becomes_a_script_and_a_graph_again() {
    let script = create(&chain()).unwrap();
    assert_eq!(script, SCRIPT);
    let found = graph(&script).unwrap();
    let lines: Vec<i64> = found.dag_nodes.iter().filter_map(|node| node.line_number).collect();
    assert_eq!(lines, [16, 21, 26]);
    let source = &found.dag_nodes[0];
    assert_eq!((source.id.as_str(), source.node_type.as_str()), ("datasource0", "DataSource"));
    let params: Vec<&str> =
        source.args.iter().filter(|arg| arg.param).map(|arg| arg.value.as_str()).collect();
    assert_eq!(params, ["TempDir"]);
    assert_eq!(found.dag_edges[1].target_parameter.as_deref(), Some("frame"));
    // What was found gives the same script.
    assert_eq!(create(&found).unwrap(), SCRIPT);
}

#[test]
fn frames_find_their_arguments() {
    let join = dag(json!({
        "DagNodes": [
            {"Id": "a", "NodeType": "DataSource", "Args": [{"Name": "connection_type", "Value": "\"s3\""}]},
            {"Id": "b", "NodeType": "DataSource", "Args": [{"Name": "connection_type", "Value": "\"s3\""}]},
            {"Id": "j", "NodeType": "Join", "Args": [{"Name": "keys1", "Value": "['x']"}, {"Name": "keys2", "Value": "['y']"}]}],
        "DagEdges": [{"Source": "b", "Target": "j", "TargetParameter": "frame2"}, {"Source": "a", "Target": "j"}],
    }));
    let script = create(&join).unwrap();
    let call =
        "j = Join.apply(frame2 = b, frame1 = a, keys1 = ['x'], keys2 = ['y'], transformation_ctx = \"j\")";
    assert!(script.contains(call), "{script}");
    assert!(script.contains("a = glueContext.create_dynamic_frame.from_options(connection_type = \"s3\""));
}

#[test]
fn graphs_that_are_no_script_are_refused_by_node() {
    let source = json!({"Id": "s", "NodeType": "DataSource", "Args": [{"Name": "connection_type", "Value": "\"s3\""}]});
    let with =
        |node: Value, edges: Value| dag(json!({"DagNodes": [source.clone(), node], "DagEdges": edges}));
    let edge = |source: &str, target: &str| json!({"Source": source, "Target": target});
    let map = |value: &str| json!({"Id": "m", "NodeType": "ApplyMapping", "Args": [{"Name": "mapping", "Value": value}]});
    for (dag, expected) in [
        (with(json!({"Id": "x", "NodeType": "Magic", "Args": []}), json!([])), "its NodeType is none of"),
        (with(map("[]"), json!([])), "no edge brings its frame"),
        (with(map("[]"), json!([edge("s", "m"), edge("s", "m")])), "takes no frame more"),
        (with(map("[]"), json!([edge("m", "m")])), "round in a circle: m"),
        (with(map("[]"), json!([edge("no", "m")])), "names a node that there is not"),
        (with(map("[]"), json!([edge("s", "m"), edge("m", "s")])), "a source takes no frame"),
        (with(map("[("), json!([edge("s", "m")])), "is missing"),
        (with(map("'a"), json!([edge("s", "m")])), "' is not closed"),
        (with(map("1)"), json!([edge("s", "m")])), ") is not open"),
        (with(map("1, 2"), json!([edge("s", "m")])), "several values"),
        (with(map("1\nimport os"), json!([edge("s", "m")])), "several lines"),
        (with(source.clone(), json!([])), "another node has the same id"),
        (with(json!({"Id": "job", "NodeType": "Join", "Args": []}), json!([])), "cannot be a variable"),
        (with(json!({"Id": "class", "NodeType": "Join", "Args": []}), json!([])), "cannot be a variable"),
        (
            with(json!({"Id": "o", "NodeType": "DataSink", "Args": []}), json!([edge("s", "o")])),
            "it has neither",
        ),
    ] {
        let error = create(&dag).unwrap_err().to_string();
        assert!(error.contains(expected), "{error} does not contain {expected}");
    }
}

#[test]
fn annotations_that_say_nothing_clear_are_refused_by_line() {
    assert_eq!(graph("print('no annotations')\n").unwrap(), Dag::default());
    for (script, expected) in [
        ("## @args: [a = 1]\n", "line 1: @args stands below no @type"),
        ("\n## @type: Map\nx = 1\n", "line 2: the Map has no @return"),
        ("## @type: Map\n## @return: a\n## @inputs: [frame = b]\n", "the input b of a"),
        ("## @type: Map\n## @return: a\n## @args: [b]\n", "line 1: \"b\" is not name = value"),
        ("## @type: Map\n## @return: a\n## @args: b = 1\n", "is no list in [ ]"),
        ("## @type: Map\n## @return: a\n\n## @type: Map\n## @return: a\n", "line 4: another node returns a"),
    ] {
        let error = graph(script).unwrap_err().to_string();
        assert!(error.contains(expected), "{error} does not contain {expected}");
    }
}

fn table(name: &str, columns: &[(&str, &str)]) -> Columns {
    let columns = columns.iter().map(|(name, hive)| ((*name).to_owned(), (*hive).to_owned()));
    Columns { table: name.to_owned(), columns: columns.collect() }
}

#[test]
fn plans_read_map_and_write() {
    let source =
        table("orders", &[("id", "bigint"), ("addr", "struct<zip:int,tags:array<string>>"), ("a.b", "date")]);
    let entries = mappings(&source, &[]).unwrap();
    let shown: Vec<String> = entries
        .iter()
        .map(|one| format!("{} {}", one.source_path.clone().unwrap(), one.source_type.clone().unwrap()))
        .collect();
    assert_eq!(shown, ["id long", "addr.zip int", "addr.tags array", "`a.b` date"]);
    let own = Entry { database_name: "d".to_owned(), table_name: "t".to_owned() };
    let script = plan(&own, &entries, &Output::Table(own.clone())).unwrap();
    assert!(script.contains("paths = [\"id\", \"addr\", \"`a.b`\"]"), "{script}");
    let sink = table("clean", &[("ID", "int"), ("other", "string")]);
    let entries = mappings(&source, &[sink]).unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!(
        (entries[0].target_table.as_deref(), entries[0].target_type.as_deref()),
        (Some("clean"), Some("int"))
    );
    let entry = |name: &str| Entry { database_name: "d".to_owned(), table_name: name.to_owned() };
    let script = plan(&entry("orders"), &entries, &Output::Table(entry("clean"))).unwrap();
    let types: Vec<String> =
        graph(&script).unwrap().dag_nodes.into_iter().map(|node| node.node_type).collect();
    assert_eq!(types, ["DataSource", "ApplyMapping", "SelectFields", "ResolveChoice", "DataSink"]);
    assert!(
        script.contains("choice = \"MATCH_CATALOG\", database = \"d\", table_name = \"clean\""),
        "{script}"
    );
    let files = |args: Value| Output::Files(serde_json::from_value(json!({"S3": args})).unwrap());
    let place = json!([{"Name": "path", "Value": "s3://b/o/"}, {"Name": "format", "Value": "parquet"}]);
    let script = plan(&entry("orders"), &entries, &files(place)).unwrap();
    assert!(
        script.contains("connection_options = {\"path\": \"s3://b/o/\"}, format = \"parquet\""),
        "{script}"
    );
    assert!(script.contains("DropNullFields.apply(frame = resolvechoice2"), "{script}");
    for (args, expected) in [
        (json!([{"Name": "format", "Value": "json"}]), "needs an argument path"),
        (
            json!([{"Name": "path", "Value": "/x"}, {"Name": "format", "Value": "json"}]),
            "does not start with s3://",
        ),
        (json!([{"Name": "codec", "Value": "x"}]), "has an argument codec"),
    ] {
        let error = plan(&entry("orders"), &entries, &files(args)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    assert!(plan(&entry("a"), &[], &Output::Table(entry("b"))).is_err());
}
