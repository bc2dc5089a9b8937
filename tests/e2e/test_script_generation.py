"""Glue's script-generation API through boto3: graphs to scripts and back, mappings and plans; and a plan that runs as a job."""

import ast
import json

import botocore
import pytest

from conftest import name
from glue_scripts import Scripts


def nodes_of(graph):
    return [(node["Id"], node["NodeType"]) for node in graph["DagNodes"]]


@pytest.fixture
def glue(tenon):
    return tenon.client("glue")


@pytest.fixture
def tables(tenon, glue):
    database = name("db")
    glue.create_database(DatabaseInput={"Name": database})
    columns = [{"Name": "id", "Type": "bigint"}, {"Name": "address", "Type": "struct<zip:int,city:string>"},
               {"Name": "tags", "Type": "array<string>"}]
    storage = {"Columns": columns, "Location": "s3://nowhere/orders/"}
    glue.create_table(DatabaseName=database, TableInput={
        "Name": "orders", "StorageDescriptor": storage, "PartitionKeys": [{"Name": "day", "Type": "date"}]})
    glue.create_table(DatabaseName=database, TableInput={
        "Name": "clean", "StorageDescriptor": {"Columns": [{"Name": "id", "Type": "int"}, {"Name": "more", "Type": "string"}],
                                               "Location": "s3://nowhere/clean/"}})
    return database


def chain(**changed):
    return {"DagNodes": [
        {"Id": "datasource0", "NodeType": "DataSource", "Args": [
            {"Name": "database", "Value": '"d"'}, {"Name": "table_name", "Value": '"t"'},
            {"Name": "redshift_tmp_dir", "Value": "TempDir", "Param": True}]},
        {"Id": "map1", "NodeType": "ApplyMapping", "Args": [
            {"Name": "mapping", "Value": '[("a", "string", "b", "int")]'}], **changed},
        {"Id": "sink2", "NodeType": "DataSink", "Args": [
            {"Name": "connection_type", "Value": '"s3"'}, {"Name": "format", "Value": '"json"'},
            {"Name": "connection_options", "Value": '{"path": "s3://b/o/"}'}]}],
        "DagEdges": [{"Source": "datasource0", "Target": "map1", "TargetParameter": "frame"},
                     {"Source": "map1", "Target": "sink2"}]}


def test_a_graph_becomes_a_script_and_a_graph_again(glue):
    script = glue.create_script(Language="PYTHON", **chain())["PythonScript"]
    ast.parse(script)
    assert "## @inputs: [frame = datasource0]" in script and "redshift_tmp_dir = args['TempDir']" in script
    graph = glue.get_dataflow_graph(PythonScript=script)
    assert nodes_of(graph) == [("datasource0", "DataSource"), ("map1", "ApplyMapping"), ("sink2", "DataSink")]
    assert {"Name": "redshift_tmp_dir", "Value": "TempDir", "Param": True} in graph["DagNodes"][0]["Args"]
    assert script.splitlines()[graph["DagNodes"][1]["LineNumber"] - 1] == "## @type: ApplyMapping"
    edges = [(edge["Source"], edge["Target"], edge["TargetParameter"]) for edge in graph["DagEdges"]]
    assert edges == [("datasource0", "map1", "frame"), ("map1", "sink2", "frame")]
    again = glue.create_script(DagNodes=graph["DagNodes"], DagEdges=graph["DagEdges"])
    assert again["PythonScript"] == script
    assert glue.get_dataflow_graph(PythonScript="print(1)") .get("DagNodes", []) == []


@pytest.mark.parametrize("call, arguments, message", [
    ("create_script", {**chain(), "Language": "SCALA"}, "SCALA is not supported"),
    ("create_script", chain(NodeType="Magic"), "map1 (Magic)"),
    ("create_script", chain(Args=[{"Name": "mapping", "Value": "[("}]), "is missing"),
    ("create_script", {**chain(), "DagEdges": []}, "no edge brings its frame"),
    ("get_dataflow_graph", {"PythonScript": "## @args: [a = 1]"}, "line 1"),
])
def test_what_is_no_script_is_refused(glue, call, arguments, message):
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        getattr(glue, call)(**arguments)
    assert refused.value.response["Error"]["Code"] == "InvalidInputException"
    assert message in refused.value.response["Error"]["Message"]


def test_mappings_and_plans(glue, tables):
    source = {"DatabaseName": tables, "TableName": "orders"}
    mapping = glue.get_mapping(Source=source)["Mapping"]
    assert [(one["SourcePath"], one["SourceType"], one["TargetTable"]) for one in mapping] == [
        ("id", "long", "orders"), ("address.zip", "int", "orders"), ("address.city", "string", "orders"),
        ("tags", "array", "orders"), ("day", "date", "orders")]
    sink = {"DatabaseName": tables, "TableName": "clean"}
    [only] = glue.get_mapping(Source=source, Sinks=[sink])["Mapping"]
    assert (only["TargetPath"], only["TargetType"]) == ("id", "int")
    script = glue.get_plan(Source=source, Sinks=[sink], Mapping=[only])["PythonScript"]
    ast.parse(script)
    assert [kind for _, kind in nodes_of(glue.get_dataflow_graph(PythonScript=script))] == [
        "DataSource", "ApplyMapping", "SelectFields", "ResolveChoice", "DataSink"]
    assert '("id", "long", "id", "int")' in script
    place = {"S3": [{"Name": "path", "Value": "s3://b/o/"}, {"Name": "format", "Value": "json"}]}
    script = glue.get_plan(Source=source, Location=place, Mapping=mapping)["PythonScript"]
    ast.parse(script)
    assert '"path": "s3://b/o/"' in script and 'format = "json"' in script
    for arguments in ({"Sinks": [sink], "Location": place}, {}, {"Location": {"S3": [{"Name": "path", "Value": "x"}]}},
                      {"Sinks": [sink], "Language": "SCALA"}):
        with pytest.raises(glue.exceptions.InvalidInputException):
            glue.get_plan(Source=source, Mapping=mapping, **arguments)
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.get_mapping(Source={"DatabaseName": tables, "TableName": "none"})


def test_a_plan_runs_as_a_job(tenon):
    scripts = Scripts(tenon)
    database = name("db")
    scripts.put("orders/a.json", '{"id": 1, "address": {"zip": 8000}}\n{"id": 2, "address": {"zip": 3000}}\n')
    scripts.glue.create_database(DatabaseInput={"Name": database})
    columns = [{"Name": "id", "Type": "bigint"}, {"Name": "address", "Type": "struct<zip:int>"}]
    scripts.glue.create_table(DatabaseName=database, TableInput={
        "Name": "orders", "Parameters": {"classification": "json"}, "StorageDescriptor": {
            "Columns": columns, "Location": f"s3://{scripts.bucket}/orders/",
            "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
            "SerdeInfo": {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe"}}})
    source = {"DatabaseName": database, "TableName": "orders"}
    mapping = scripts.glue.get_mapping(Source=source)["Mapping"]
    mapping[1]["TargetPath"] = "zip"
    place = {"S3": [{"Name": "path", "Value": f"s3://{scripts.bucket}/out/"}, {"Name": "format", "Value": "json"}]}
    script = scripts.glue.get_plan(Source=source, Location=place, Mapping=mapping)["PythonScript"]
    scripts.run(scripts.create(script))
    lines = [line for key in scripts.keys("out/")
             for line in scripts.s3.get_object(Bucket=scripts.bucket, Key=key)["Body"].read().decode().splitlines()]
    assert sorted(json.loads(line)["zip"] for line in lines) == [3000, 8000]
