"""Fields of structures that are null, or not there: they are null to the engine, whatever asks for them."""

import json

import pyarrow as pa
import pytest

from awsglue._nulls import table_of
from awsglue.dynamicframe import DynamicFrame

ROWS = [
    {"id": 1, "n": {"y": "in", "z": 3, "o": {"b": True}}, "p": 1, "l": [{"v": 1}, None]},
    {"id": 2, "n": {"y": None, "z": None, "o": None}, "p": "x", "l": [None]},
    {"id": 3, "n": None, "p": None, "l": None},
    {"id": 4},
]


@pytest.fixture
def frame(glue_context, tmp_path):
    (tmp_path / "a.json").write_text("\n".join(map(json.dumps, ROWS)))
    return glue_context.create_dynamic_frame.from_options("s3", {"paths": [str(tmp_path)]}, "json")


def ids(df):
    return sorted(row["id"] for row in df.select("id").collect())


def checked(df):
    assert sorted(map(tuple, df.select("id", "n.y", "n.z", "n.o.b").collect())) == [
        (1, "in", 3, True), (2, None, None, None), (3, None, None, None), (4, None, None, None)]
    assert ids(df.where("n.z < 4")) == [1] and ids(df.where("n.y is null")) == [2, 3, 4] and ids(df.where("not n.o.b")) == []
    assert [tuple(row) for row in df.selectExpr("count(n.z)", "min(n.z)", "count(distinct n.y)").collect()] == [(1, 3, 1)]
    assert sorted(map(tuple, df.select("id", "p.int", "p.string").collect())) == [
        (1, 1, None), (2, None, "x"), (3, None, None), (4, None, None)]
    assert sorted(map(tuple, df.selectExpr("id", "p.int + 1 as q").collect()))[2:] == [(3, None), (4, None)]
    assert sorted(map(tuple, df.selectExpr("id", "explode(l) as e").select("id", "e.v").collect()), key=repr) == [
        (1, 1), (1, None), (2, None)]


def test_fields_of_a_structure_that_is_not_there_are_null(frame):
    checked(frame.toDF())


def test_records_from_functions_have_them_null_too(frame):
    checked(frame.map(lambda record: record).toDF())
    checked(frame.filter(lambda record: str(record["id"]) != "9").toDF())


def test_records_changed_by_this_library_have_them_null_too(frame):
    made = frame.drop_fields(["l[].w", "n.none"]).union(frame.filter(lambda record: record["id"] > 4))
    checked(made.toDF())


def test_a_structure_within_others_keeps_its_values(frame, glue_context):
    df = frame.toDF()
    again = DynamicFrame.fromDF(df, glue_context, "again").toDF()
    assert sorted((row.asDict(recursive=True) for row in again.select("id", "n", "l").collect()), key=repr) == [
        {"id": 1, "n": {"y": "in", "z": 3, "o": {"b": True}}, "l": [{"v": 1}, None]},
        {"id": 2, "n": {"y": None, "z": None, "o": None}, "l": [None]},
        {"id": 3, "n": None, "l": None}, {"id": 4, "n": None, "l": None}]


def test_rows_of_a_script_have_them_null_too(glue_context):
    made = glue_context.spark_session.createDataFrame(
        [(row["id"], row.get("n"), {"int": row["p"]} if row.get("p") == 1 else {"string": "x"} if row.get("p") else None,
          row.get("l")) for row in ROWS],
        "id int, n struct<y:string,z:int,o:struct<b:boolean>>, p struct<int:int,string:string>, l array<struct<v:int>>")
    checked(made)
    checked(glue_context.spark_session.createDataFrame(made.toArrow()))


def test_pieces_of_tables_keep_their_values():
    kind = pa.struct([("a", pa.struct([("b", pa.int32())])), ("m", pa.map_(pa.string(), pa.struct([("c", pa.int32())])))])
    rows = [{"a": {"b": 1}, "m": [("k", {"c": 2})]}, None, {"a": None, "m": None}, {"a": {"b": 3}, "m": [("k", None), ("l", {"c": 4})]}]
    table = pa.table({"s": pa.array(rows, kind), "l": pa.array([[rows[0]], None, [], [None, rows[3]]], pa.list_(kind))})
    for piece in (table, table.slice(1), table.slice(1, 2), table.slice(4), pa.concat_tables([table, table.slice(2)])):
        made = table_of(piece)
        made.validate(full=True)
        assert made.equals(piece) and made.to_pylist() == piece.to_pylist()
        for chunk in made["s"].chunks:
            assert chunk.field("a").null_count == sum(row is None or row["a"] is None for row in chunk.to_pylist())
