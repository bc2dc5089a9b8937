"""Fields that hold several types, in graphs: resolved by `resolveChoice`, on the engine and by the generated script alike."""

import io
import json
import subprocess

import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError

from conftest import binary, wait_until
from test_jobs import FINAL
from test_script_nodes import Both

ROWS = [
    {"id": 1, "price": 10, "code": "a", "items": [{"q": 1}, {"q": "2"}], "n": {"v": True}},
    {"id": 2, "price": 10.5, "code": 7, "items": [{"q": None}], "n": {"v": 3}},
    {"id": 3, "price": "n/a", "code": None, "items": [], "n": {"v": None}},
    {"id": 4, "price": 3000000000, "code": "8", "items": [{"q": "x"}], "n": {"v": False}},
]


@pytest.fixture(scope="module")
def world(tenon):
    both = Both(tenon)
    both.put("mixed/a.json", "\n".join(json.dumps(row) for row in ROWS[:1]))
    both.put("mixed/b.json", "\n".join(json.dumps(row) for row in ROWS[1:]))
    both.put("later/a.json", json.dumps({"id": 5, "price": True}))
    columns = [("id", "int"), ("price", "double"), ("code", "int"), ("items", "array<struct<q:int>>"), ("n", "struct<v:int>")]
    both.client.create_table(DatabaseName=both.database, TableInput={"Name": "typed", "StorageDescriptor": {
        "Columns": [{"Name": name, "Type": kind} for name, kind in columns if name != "items"], "Location": both.path("typed"),
        "SerdeInfo": {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe"}}})
    return both


def call(parameters, inputs="src", function="resolveChoice"):
    own = [{"Name": name, "Type": "list" if isinstance(value, list) else "str", "Value": value if isinstance(value, list) else [value]}
           for name, value in parameters.items()]
    return {"DynamicTransform": {"Name": "resolve", "Inputs": [inputs], "TransformName": "resolve", "FunctionName": function,
                                 "Path": "", "Parameters": own}}


def through(world, *nodes, folder="mixed"):
    made, last = {"src": world.json(folder)}, "src"
    for number, node in enumerate(nodes):
        [(kind, body)] = node.items()
        made[f"n{number}"] = {kind: {**body, "Inputs": [last]}}
        last = f"n{number}"
    return {**made, "out": world.parquet(last, "out")}


def fields(kind, *names):
    return {kind: {"Name": "fields", "Paths": [[name] for name in names]}}


MAPPING = {"ApplyMapping": {"Name": "m", "Mapping": [
    {"FromPath": ["id"], "FromType": "int", "ToKey": "id", "ToType": "int"},
    {"FromPath": ["id"], "FromType": "int", "ToKey": "a.id", "ToType": "long"},
    {"FromPath": ["price"], "FromType": "double", "ToKey": "a.price", "ToType": "double"},
    {"FromPath": ["n", "v"], "FromType": "int", "ToKey": "a.v", "ToType": "string"}]}}

CASES = {
    "cast": [call({"specs": ["price cast:double", "code cast:int", "n.v cast:string", "items[].q cast:int"]})],
    "project": [call({"specs": ["price project:long", "code project:string", "n.v project:int", "items.q project:string"]})],
    "make_cols": [call({"specs": ["price make_cols", "code make_cols", "n.v make_cols", "items[].q make_cols"]})],
    "make_struct": [call({"specs": ["price make_struct"]})],
    "all of them": [call({"choice": "make_cols"})],
    "all are text": [call({"choice": "cast:string"})],
    "as a table": [fields("DropFields", "items"), call({"choice": "match_catalog", "database": "d", "table_name": "typed"})],
    "a mapping": [MAPPING, call({"specs": ["id cast:string"]})],
    "others before": [fields("SelectFields", "price", "code"), call({"specs": ["`price` cast:decimal(12,2)"]})],
    "in turns": [call({"specs": ["price make_cols"]}), call({"specs": ["price_string cast:int", "code cast:string"]})],
}


@pytest.mark.parametrize("case", CASES)
def test_the_script_gives_what_the_engine_gives(world, case):
    nodes = through(world, *CASES[case])
    wanted = world.left(nodes, as_script=False)[0]
    assert len(wanted["out"]) == len(ROWS)
    assert world.left(nodes, as_script=True)[0] == wanted


def schema(world):
    key = next(key for key in world.everything() if key.startswith("out/"))
    body = world.s3.get_object(Bucket=world.bucket, Key=key)["Body"].read()
    return pq.ParquetFile(io.BytesIO(body)).schema_arrow


def test_types_come_in_the_order_of_the_values(world):
    rows = world.left(through(world, *CASES["make_cols"]), as_script=False)[0]["out"]
    assert schema(world).names == ["id", "price_long", "price_double", "price_string", "code_string", "code_int", "items", "n"]
    found = [dict(row) for row in rows]
    assert [(row["price_long"], row["price_double"], row["price_string"]) for row in sorted(found, key=lambda row: row["id"])] == [
        (10, None, None), (None, 10.5, None), (None, None, "n/a"), (3000000000, None, None)]


def test_what_nobody_resolves_is_a_structure_like_others(world):
    rows = world.left(through(world, call({"specs": ["price cast:double"]})), as_script=False)[0]["out"]
    code = schema(world).field("code").type
    assert [code.field(at).name for at in range(code.num_fields)] == ["string", "int"]
    assert not any(code.field(at).metadata for at in range(code.num_fields))
    assert {row["id"]: row["code"] for row in map(dict, rows)} == {
        1: {"string": "a", "int": None}, 2: {"string": None, "int": 7}, 3: None, 4: {"string": "8", "int": None}}


def test_without_it_fields_get_one_type(world):
    rows = world.left(through(world), as_script=False)[0]["out"]
    assert sorted(row["price"] for row in map(dict, rows)) == ["10", "10.5", "3000000000", "n/a"]


def test_sql_sees_the_fields_of_a_choice(world):
    query = {"SparkSQL": {"Name": "q", "SqlQuery": "select id, coalesce(price.double, price.long) as p, code from t",
                          "SqlAliases": [{"From": "src", "Alias": "t"}]}}
    rows = world.left(through(world, query, call({"specs": ["code make_struct"]})), as_script=False)[0]["out"]
    assert {row["id"]: row["p"] for row in map(dict, rows)} == {1: 10.0, 2: 10.5, 3: None, 4: 3000000000.0}


@pytest.mark.parametrize("node, what", [
    (call({"specs": ["price cast"]}), "\"cast\" is none of cast:<type>, project:<type>, make_cols, make_struct"),
    (call({"specs": ["price"]}), "it is not `path action`"),
    (call({"choice": "match_catalog"}), "needs Parameters database and table_name"),
    (call({"choice": "cast:strnig"}), "strnig is not a type"),
    (call({}, function="resolve"), "is none that every frame has"),
])
def test_what_cannot_be_is_refused_when_the_job_is_made(world, node, what):
    with pytest.raises(ClientError) as refused:
        world.create(through(world, node))
    message = refused.value.response["Error"]["Message"]
    assert "node n0 (DynamicTransform)" in message and what in message


def test_targets_that_hold_no_structures_refuse_it_by_name(world):
    nodes = through(world, fields("SelectFields", "id", "code"), call({"specs": ["id cast:string"]}))
    nodes["out"] = {"S3DirectTarget": {"Name": "out", "Inputs": ["n1"], "Path": world.path("out"), "Format": "csv"}}
    job = world.create(nodes)
    run = world.start(job)
    found = wait_until(lambda: (got := world.get(job, run))["JobRunState"] in FINAL and got, "the run to end", 60)
    assert found["JobRunState"] == "FAILED", found
    assert "column code (struct<string:string,int:int>) cannot be written as CSV" in found["ErrorMessage"]


def test_the_script_calls_the_method(world):
    done = world.text(through(world, call({"specs": ["price cast:double"]})))
    assert done.returncode == 0, done.stderr
    assert '.resolveChoice(specs=[("price", "cast:double")], transformation_ctx="n0")' in done.stdout
    assert "one_type" not in done.stdout
    explained = subprocess.run([binary(), "job", "explain", world.create(through(world, call({"specs": ["price make_cols"]})))],
                               env={**world.server.environ(), "AWS_ACCESS_KEY_ID": world.bucket.removeprefix("nodes-")},
                               capture_output=True, text=True)
    assert explained.returncode == 0, explained.stderr
    assert "resolveChoice: price make_cols" in explained.stdout and "price_long" in explained.stdout
