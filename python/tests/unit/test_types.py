"""Types, paths, and how two types become one."""

import datetime
import decimal

import pytest

from awsglue import _paths, _types
from awsglue import gluetypes as g
from awsglue._records import DynamicRecord, infer, merged, pack, record, unpack, widen
from awsglue.errors import DataError


def test_types_are_what_they_are():
    kind = g.StructType([
        g.Field("a", g.ArrayType(g.ChoiceType([g.IntegerType(), g.StringType()]))),
        g.Field("m", g.MapType(g.DecimalType(9, 2)), {"note": 1}), g.Field("e", g.EnumType(["x", "y"])),
    ])
    assert g.from_json(kind.jsonValue()) == kind
    assert kind.jsonValue()["fields"][0]["name"] == "a" and g.IntegerType().jsonValue() == {
        "dataType": "int", "properties": {}}
    assert kind.hasField("a") and kind.getField(g.Field("m", g.NullType())).dataType == g.MapType(g.DecimalType(9, 2))
    assert g.ChoiceType([g.StringType(), g.LongType()]) == g.ChoiceType([g.LongType(), g.StringType()])
    with pytest.raises(NotImplementedError):
        g.EntityType(None, None)
    with pytest.raises(ValueError):
        g.ChoiceType([g.ArrayType(g.LongType()), g.ArrayType(g.StringType())])
    with pytest.raises(ValueError):
        g.from_json({"dataType": "tuple"})


@pytest.mark.parametrize("text", ["bigint", "array<struct<a:int,b c:map<string,decimal(9,2)>>>", "struct<x:array<string>>"])
def test_types_of_the_catalog_are_read_and_written(text):
    assert _types.to_catalog(_types.parse(text)) == text


@pytest.mark.parametrize("text", ["", "number", "array<int", "struct<a>", "int>", "decimal(x)",
                                  "uniontype<>", "uniontype<int"])
def test_what_is_no_type_is_an_error(text):
    with pytest.raises(DataError):
        _types.parse(text)


def test_choices_of_the_catalog_and_decimals_without_digits():
    assert _types.parse("array<uniontype<bigint, string>>") == g.ArrayType(g.ChoiceType([g.LongType(), g.StringType()]))
    assert _types.parse("decimal") == g.DecimalType(10, 0)
    assert _types.parse_target(" Decimal") == g.DecimalType(10, 2) and _types.parse_target("decimal(7)") == g.DecimalType(7, 0)


def test_merging():
    long, text = g.LongType(), g.StringType()
    assert _types.merge(long, g.NullType()) == long
    choice = _types.merge(long, text)
    assert choice == g.ChoiceType([long, text]) == _types.merge(choice, long)
    assert _types.merge(g.ArrayType(long), g.ArrayType(text)) == g.ArrayType(choice)
    a, b = g.StructType([g.Field("x", long)]), g.StructType([g.Field("x", text), g.Field("y", text)])
    assert _types.merge(a, b) == g.StructType([g.Field("x", choice), g.Field("y", text)])
    assert _types.merge(g.DecimalType(5, 2), g.DecimalType(5, 0)) == g.DecimalType(7, 2)
    assert _types.has_choice(_types.merge(a, b)) and not _types.has_choice(a)
    assert _types.physical(choice) == g.StructType([g.Field("long", long), g.Field("string", text)])


def test_inference_and_records():
    kinds = [infer({"a": 1}), infer({"a": 2**40}), infer({"a": "x", "b": [1, 2.5]}), infer({"b": None})]
    kind = merged(kinds)
    assert kind == g.StructType([
        g.Field("a", g.ChoiceType([g.LongType(), g.StringType()])),
        g.Field("b", g.ArrayType(g.ChoiceType([g.IntegerType(), g.DoubleType()])))])
    row = pack({"a": 5, "b": [1, 2.5]}, kind)
    assert row == {"a": {"long": 5, "string": None}, "b": [{"int": 1, "double": None}, {"int": None, "double": 2.5}]}
    assert record(row, kind) == {"a": 5, "b": [1, 2.5]}
    with pytest.raises(TypeError):
        pack({"a": 1.5}, kind)
    with pytest.raises(TypeError):
        infer(object())


def test_a_value_keeps_the_type_it_had():
    assert infer(5, g.LongType()) == g.LongType() and infer(300, g.ByteType()) == g.IntegerType()
    assert infer(True, g.LongType()) == g.BooleanType()
    assert infer(1.5, g.FloatType()) == g.FloatType()
    assert infer(decimal.Decimal("1.5"), g.DecimalType(9, 2)) == g.DecimalType(9, 2)
    assert infer(decimal.Decimal("1.555"), g.DecimalType(9, 2)) == g.DecimalType(4, 3)
    assert widen(g.ChoiceType([g.IntegerType(), g.StringType()]), g.LongType()) == g.ChoiceType([g.LongType(), g.StringType()])
    moment = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
    assert unpack(moment, g.TimestampType()) == datetime.datetime(2020, 1, 1)
    assert pack(datetime.datetime(2020, 1, 1), g.TimestampType()) == moment


def test_records_have_attributes():
    found = DynamicRecord(a=1)
    found.b = 2
    assert found.a + found["b"] == 3
    del found.a
    with pytest.raises(AttributeError):
        found.a


def test_paths():
    assert _paths.parse("a.`b.c`[].d") == ("a", "b.c", "[]", "d")
    assert _paths.shown(("a", "b.c", "[]", "d")) == "a.`b.c`[].d"
    assert _paths.parse("provider id") == ("provider id",)
    assert _paths.parse_for("a.b", {"a.b": 1}) == ("a.b",)
    kind = _types.parse("struct<id:int,ID:int,X_1:int,x:int,n:struct<U:int>,l:array<array<struct<v:int>>>>")
    found = {"ID": ("ID",), "Id": ("Id",), "X": ("X",), "x_1": ("X_1",), "N.u": ("n", "U"), "`N.u`": ("n", "U"), "N.o": ("N", "o"),
             "L[][].V": ("l", "[]", "[]", "v"), "l.V": ("l", "v"), "L[]": ("l", "[]"), "id.x": ("id", "x"), "o.p": ("o", "p")}
    assert {text: _paths.parse_in(text, kind) for text in found} == found
    choice = g.StructType([g.Field("p", g.ChoiceType([g.StringType(), g.StructType([g.Field("a", g.IntegerType())])]))])
    assert _paths.parse_in("P.Struct.A", choice) == ("p", "struct", "a")
    for text in ("", ".a", "a.", "a..b", "`a", "a`b`.c." ):
        with pytest.raises(DataError):
            _paths.parse(text)


def test_star_imports_bring_no_names_of_others():
    names = {}
    exec("from awsglue.transforms import *", names)
    ours = dict(names)
    for module in ("gluetypes", "utils", "job", "context", "dynamicframe", "data_sink", "data_source"):
        exec(f"from awsglue.{module} import *", names)
    assert {name for name in ours if names[name] is not ours[name]} <= {"__builtins__"}
    assert {"StructType", "Job", "GlueContext", "getResolvedOptions", "DynamicFrame"} <= set(names)
    assert not {"Any", "Dict", "List", "Optional", "annotations"} & set(names)
