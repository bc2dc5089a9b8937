"""The methods of frames, and the transforms that call them."""

import json
from decimal import Decimal

import pytest

from awsglue import gluetypes as g
from awsglue._types import tree
from awsglue.dynamicframe import DynamicFrame, DynamicFrameCollection
from awsglue.errors import DataError, NotBuilt
from awsglue.transforms import *  # noqa: F403 - as scripts have it


def rows(frame):
    return sorted((row.asDict(recursive=True) for row in frame.toDF().collect()), key=repr)


@pytest.fixture
def make(glue_context):
    def made(data, schema, name="t"):
        return DynamicFrame.fromDF(glue_context.createDataFrame(data, schema), glue_context, name)

    return made


@pytest.fixture
def nested(make):
    return make(
        [(1, ("a", (1, 2)), [("u1", [1, 2]), ("u2", None)], ["x", "y"]), (2, None, [], None)],
        "id int, st struct<s:string,in:struct<p:int,q:int>>, links array<struct<url:string,n:array<int>>>, tags array<string>",
    )


def test_apply_mapping_renames_nests_and_converts(make, capsys):
    frame = make([(1, "12.7", "yes", None), (2, "x", "maybe", "z")], "`provider id` long, n string, b string, z string")
    mapped = ApplyMapping.apply(frame=frame, mappings=[
        ("provider id", "long", "provider.id", "string"), ("n", "string", "provider.n", "int"),
        ("b", "string", "b", "boolean"), ("missing", "string", "m", "string"), ("n", "string", "d", "double"),
    ])
    assert tree(mapped.schema()) == (
        "root\n|-- provider: struct\n|    |-- id: string\n|    |-- n: int\n|-- b: boolean\n|-- d: double")
    assert rows(mapped) == [{"provider": {"id": "1", "n": 12}, "b": True, "d": 12.7},
                            {"provider": {"id": "2", "n": None}, "b": None, "d": None}]
    assert "no field 'missing'" in capsys.readouterr().err
    with pytest.raises(DataError):
        frame.apply_mapping([("n", "string", "n")])
    with pytest.raises(DataError):
        frame.apply_mapping([("n", "string", "n", "number")])


def test_a_structure_of_nothing_but_nulls_is_null(make):
    frame = make([(1, "x", None), (2, None, 3), (3, None, None)], "id int, v string, p int")
    mapped = frame.apply_mapping([("id", "int", "id", "int"), ("v", "string", "a.b.v", "string"), ("p", "int", "a.p", "int")])
    assert rows(mapped) == [{"id": 1, "a": {"b": {"v": "x"}, "p": None}}, {"id": 2, "a": {"b": None, "p": 3}}, {"id": 3, "a": None}]


def test_fields(nested, make):
    assert nested.select_fields(["id", "st.in.p"]).schema() == g.StructType([
        g.Field("id", g.IntegerType()),
        g.Field("st", g.StructType([g.Field("in", g.StructType([g.Field("p", g.IntegerType())]))]))])
    dropped = nested.drop_fields(["st.in.p", "links.n", "tags"])
    assert rows(dropped)[0] == {"id": 1, "st": {"s": "a", "in": {"q": 2}}, "links": [{"url": "u1"}, {"url": "u2"}]}
    assert rows(dropped)[1]["st"] is None
    assert set(rows(nested.drop_fields(["links.url", "links.n"]))[0]) == {"id", "st", "tags"}
    renamed = nested.rename_field("id", "key").rename_field("st.s", "label")
    assert [field.name for field in renamed.schema().fields] == ["key", "st", "links", "tags", "label"]
    assert rows(renamed)[0]["label"] == "a" and "s" not in rows(renamed)[0]["st"]
    dotted = make([(1,)], "`a.b` int").rename_field("`a.b`", "c")
    assert rows(dotted) == [{"c": 1}]
    inside = nested.rename_field("st.in.p", "st.in.z")
    assert rows(inside)[0]["st"] == {"s": "a", "in": {"q": 2, "z": 1}}


def test_a_structure_goes_with_its_last_field(make):
    frame = make([(1, (2,), (3, (4,)))], "k int, n struct<x: int>, m struct<a: int, b: struct<c: int>>")
    assert rows(frame.rename_field("n.x", "n.y")) == [{"k": 1, "n": {"y": 2}, "m": {"a": 3, "b": {"c": 4}}}]
    assert rows(frame.rename_field("m.b.c", "m.b.d"))[0]["m"] == {"a": 3, "b": {"d": 4}}
    assert rows(frame.rename_field("n.x", "y")) == [{"k": 1, "m": {"a": 3, "b": {"c": 4}}, "y": 2}]
    assert rows(frame.drop_fields(["n.x", "m.b.c"])) == [{"k": 1, "m": {"a": 3}}]
    nulls = make([(1, (None,)), (2, None)], "k int, n struct<x: int>")
    assert rows(nulls.rename_field("n.x", "n.y")) == [{"k": 1, "n": {"y": None}}, {"k": 2, "n": None}]
    assert rows(nulls.rename_field("k", "n.k")) == [{"n": {"x": None, "k": 1}}, {"n": {"x": None, "k": 2}}]
    pair = frame.split_fields(["n.x"], "a", "b")
    assert (rows(pair["a"]), rows(pair["b"])) == ([{"n": {"x": 2}}], [{"k": 1, "m": {"a": 3, "b": {"c": 4}}}])
    with pytest.raises(DataError, match="no field would be left"):
        frame.select_fields(["n"]).drop_fields(["n.x"])


@pytest.mark.parametrize("kind, value", [("int", 5), ("double", 5.0), ("decimal(10,2)", Decimal("5"))])
def test_a_text_that_is_no_number_joins_none(make, kind, value):
    numbers, texts = make([(value,)], f"k {kind}"), make([("x",), ("5",), (None,)], "t string")
    assert rows(Join.apply(numbers, texts, "k", "t")) == [{"k": value, "t": "5"}]
    assert rows(Join.apply(texts, numbers, "t", "k")) == [{"t": "5", "k": value}]


def test_drop_null_fields(make):
    frame = make([(1, None, (None, 2)), (2, None, (None, 3))], "a int, b string, st struct<x:int,y:int>")
    assert rows(DropNullFields.apply(frame=frame)) == [{"a": 1, "st": {"y": 2}}, {"a": 2, "st": {"y": 3}}]
    assert make([], "a int, b string").drop_nulls().toDF().columns == ["a", "b"]


def test_splits(make):
    frame = make([(5, "a"), (15, "b"), (25, "c"), (None, "d")], "age int, s string")
    pair = SplitRows.apply(frame, {"age": {">": 10, "<": 20}}, "in", "out")
    assert pair.keys() == ["in", "out"]
    assert [row["s"] for row in rows(pair.select("in"))] == ["b"]
    assert sorted(row["s"] for row in rows(pair["out"])) == ["a", "c", "d"]
    fields = SplitFields.apply(frame, ["age"], "l", "r")
    assert fields["l"].toDF().columns == ["age"] and fields["r"].toDF().columns == ["s"]
    assert SelectFromCollection.apply(fields, "r").name == "r"
    with pytest.raises(DataError):
        frame.split_rows({"age": {"~": 1}}, "a", "b")


def test_join_keeps_both_keys_and_marks_doubles(make):
    left = make([(1, "l1"), (2, "l2"), (None, "l3")], "zip int, name string")
    right = make([(1, "r1"), (1, "r1b"), (None, "r3")], "zip int, name string")
    joined = Join.apply(left, right, "zip", "zip")
    assert rows(joined) == [{"zip": 1, "name": "l1", ".zip": 1, ".name": "r1"},
                            {"zip": 1, "name": "l1", ".zip": 1, ".name": "r1b"}]
    assert joined.drop_fields(["`.zip`"]).toDF().columns == ["zip", "name", ".name"]
    with pytest.raises(DataError):
        left.join(["zip", "name"], ["zip"], right)


def test_union_and_merge(make):
    one, two = make([(1, "a")], "id int, v string"), make([("x", True)], "id string, w boolean")
    both = one.union(two)
    assert both.schema().getField("id").dataType == g.ChoiceType([g.IntegerType(), g.StringType()])
    assert rows(both) == [{"id": {"int": 1, "string": None}, "v": "a", "w": None},
                          {"id": {"int": None, "string": "x"}, "v": None, "w": True}]
    source = make([(1, "old"), (1, "old2"), (2, "keep"), (None, "n")], "id int, v string")
    stage = make([(1, "new"), (3, "added")], "id int, v string")
    assert rows(source.mergeDynamicFrame(stage, ["id"])) == [
        {"id": 1, "v": "new"}, {"id": 2, "v": "keep"}, {"id": 3, "v": "added"}, {"id": None, "v": "n"}]


def test_unnest(nested):
    flat = UnnestFrame.apply(frame=nested)
    assert flat.toDF().columns == ["id", "st.s", "st.in.p", "st.in.q", "links", "tags"]
    assert rows(flat)[0]["st.in.q"] == 2 and rows(flat)[1]["st.in.q"] is None


def test_relationalize(nested, tmp_path):
    tables = nested.relationalize("root", str(tmp_path))
    assert sorted(tables.keys()) == ["root", "root_links", "root_links.val.n", "root_tags"]
    root = {row["id"]: row for row in rows(tables["root"])}
    assert set(root[1]) == {"id", "st.s", "st.in.p", "st.in.q", "links", "tags"}
    assert root[2]["tags"] is None and root[2]["st.s"] is None
    links = sorted(rows(tables["root_links"]), key=lambda row: row["index"])
    assert [(row["id"], row["index"], row["links.val.url"]) for row in links] == [
        (root[1]["links"], 0, "u1"), (root[1]["links"], 1, "u2")]
    assert links[1]["links.val.n"] is None
    deep = sorted(rows(tables["root_links.val.n"]), key=lambda row: row["index"])
    assert [(row["id"], row["links.val.n.val"]) for row in deep] == [
        (links[0]["links.val.n"], 1), (links[0]["links.val.n"], 2)]
    tags = rows(Relationalize.apply(nested, str(tmp_path), "r")["r_tags"])
    assert sorted(row["tags.val"] for row in tags) == ["x", "y"]
    # Keys stay the same however often a table is computed.
    assert rows(tables["root"]) == list(root.values())


def test_relationalize_without_a_staging_path_or_arrays(make):
    flat = make([(1, (2,))], "a int, st struct<x:int>").relationalize("root")
    assert flat.keys() == ["root"] and rows(flat["root"]) == [{"a": 1, "st.x": 2}]
    assert make([(1, ["x"])], "a int, t array<string>").relationalize("root").keys() == ["root", "root_t"]


def test_unbox(make):
    frame = make([("TX", '{"strawberry": 220, "pears": null}'), ("CA", '{"strawberry": 34, "kiwi": "x"}'), ("NO", "{")],
                 "loc string, data string")
    unboxed = Unbox.apply(frame=frame, path="data", format="json")
    assert rows(unboxed) == [{"loc": "CA", "data": {"strawberry": 34, "pears": None, "kiwi": "x"}},
                             {"loc": "TX", "data": {"strawberry": 220, "pears": None, "kiwi": None}}]
    assert unboxed.errorsCount() == 1
    parts = make([("1|b",), (None,)], "c string").unbox("c", "csv", separator="|")
    assert rows(parts) == [{"c": None}, {"c": {"col0": "1", "col1": "b"}}]
    with pytest.raises(NotBuilt):
        frame.unbox("data", "xml")
    with pytest.raises(DataError):
        frame.unbox("nothing", "json")


DDB = ("Item struct<A:struct<S:string>,N:struct<N:string>,L:struct<L:array<struct<S:string>>>,"
       "X:struct<L:array<struct<S:string,N:string>>>,M:struct<M:struct<in:struct<BOOL:boolean>>>,Z:struct<`NULL`:boolean>>")


def test_dynamodb_json(make):
    item = (("a",), ("3.5",), ([("p",), ("q",)],), ([("p", None), (None, "1")],), ((((True,),),)), (True,))
    frame = make([(item,)], DDB)
    flat = frame.unnest_ddb_json()
    assert flat.toDF().columns == ["A", "N", "L", "X", "M.in", "Z"]
    assert rows(flat)[0]["N"] == "3.5" and rows(flat)[0]["M.in"] is True and rows(flat)[0]["L"] == [{"S": "p"}, {"S": "q"}]
    simple = frame.simplify_ddb_json()
    assert rows(simple) == [{"A": "a", "N": "3.5", "L": ["p", "q"], "X": [{"S": "p", "N": None}, {"S": None, "N": "1"}],
                             "M": {"in": True}, "Z": None}]


def test_collections(make, glue_context):
    one, two = make([(1, 2)], "a int, b int", "one"), make([(3, 4)], "a int, b int", "two")
    frames = DynamicFrameCollection({"one": one, "two": two}, glue_context)
    dropped = frames.map(lambda frame, ctx: frame.drop_fields(["b"]))
    assert [rows(frame) for frame in dropped.values()] == [[{"a": 1}], [{"a": 3}]]
    split = FlatMap.apply(frames, SplitFields, "frame", paths=["a"], name1="x", name2="y")
    assert split.keys() == ["one_x", "one_y", "two_x", "two_y"]
    assert MapToCollection.apply(frames, lambda frame, ctx: frame).keys() == ["one", "two"]
    with pytest.raises(KeyError):
        frames.select("three")


def test_what_frames_tell(make, capsys):
    frame = make([(1, None), (2, "b")], "a int, s string")
    frame.show(5)
    shown = capsys.readouterr().out.splitlines()
    assert [json.loads(line) for line in shown] == [{"a": 1}, {"a": 2, "s": "b"}]
    assert frame.repartition(3).coalesce(1).count() == 2
    assert frame.errorsCount() == frame.stageErrorsCount() == 0
    assert frame.errorsAsDynamicFrame().count() == 0
    frame.assertErrorThreshold()


def test_spigot(make, tmp_path):
    frame = make([(i,) for i in range(50)], "a int")
    assert Spigot.apply(frame, str(tmp_path / "s"), {"topk": 5}) is frame
    written = "".join(file.read_text() for file in (tmp_path / "s").glob("*.json"))
    assert len(written.splitlines()) == 5
    with pytest.raises(NotBuilt):
        frame.spigot(str(tmp_path), {"top": 5})


def test_a_user_defined_function_between_data_frames(make, glue_context):
    from pyspark.sql.functions import udf
    from pyspark.sql.types import StringType

    frame = make([("$1.5",), ("$2",)], "price string")
    chop = udf(lambda text: text[1:], StringType())
    df = frame.toDF()
    again = DynamicFrame.fromDF(df.withColumn("p", chop(df["price"])), glue_context, "again")
    assert rows(again.resolveChoice(specs=[("p", "cast:double")]).select_fields("p")) == [{"p": 1.5}, {"p": 2.0}]


def test_temporary_views(make, glue_context):
    make([(1, "a"), (2, "b")], "id int, s string").toDF().createOrReplaceTempView("things")
    assert [row["s"] for row in glue_context.spark_session.sql("select s from things where id > 1").collect()] == ["b"]
    assert glue_context.sql("select count(*) as n from things").first()["n"] == 2
