"""Texts, and other values, in other types: as visual jobs read them, by the engine and value by value."""

import datetime
import decimal

import pytest

from awsglue import gluetypes as g
from awsglue._casts import cast_value
from awsglue._types import parse
from awsglue.dynamicframe import DynamicFrame
from awsglue.errors import DataError

TYPES = ["int", "long", "double", "decimal(5,1)", "date", "timestamp", "boolean"]


def at(*parts):
    return datetime.datetime(*parts, tzinfo=datetime.timezone.utc)


DAY, MORNING = datetime.date(2024, 1, 10), at(2024, 1, 10, 0, 15)
# What a text is in each of the types.
TEXTS = {
    "1": (1, 1, 1.0, "1.0", None, None, True),
    " 12.75\t": (12, 12, 12.75, "12.8", None, None, None),
    "1.5D": (1, 1, 1.5, None, None, None, None),
    "1d": (1, 1, 1.0, None, None, None, None),
    "5.f": (5, 5, 5.0, None, None, None, None),
    "1L": (None,) * 7,
    "1e3": (1000, 1000, 1000.0, "1000.0", None, None, None),
    "1.25e0": (1, 1, 1.25, "1.3", None, None, None),
    "1e5": (100000, 100000, 100000.0, None, None, None, None),
    "1e3d": (1000, 1000, 1000.0, None, None, None, None),
    "9223372036854775807.5": (None, 2**63 - 1, 2.0**63, None, None, None, None),
    "1_000": (None,) * 7,
    "٣": (None,) * 7,
    "NaN?": (None,) * 7,
    "-inf": (None, None, float("-inf"), None, None, None, None),
    "yes": (None, None, None, None, None, None, True),
    "12:30": (None,) * 7,
    "T12:30": (None,) * 7,
    "2024-01-10T00:15:00": (None, None, None, None, DAY, MORNING, None),
    "2024-01-10T00:15:00Z": (None, None, None, None, DAY, MORNING, None),
    "2024-1-10T05:45:00.000+05:30": (None, None, None, None, DAY, MORNING, None),
    "2024-01-10 00:15:00 UTC": (None, None, None, None, DAY, MORNING, None),
    "2024-01-10T25:00": (None, None, None, None, DAY, None, None),
    "2024-02": (None, None, None, None, datetime.date(2024, 2, 1), at(2024, 2, 1), None),
    "2024-02-30": (None,) * 7,
    "": (None,) * 7,
}


def expected(text):
    number = TEXTS[text]
    return tuple(None if value is None else decimal.Decimal(value) if kind.startswith("decimal") else value
                 for kind, value in zip(TYPES, number))


def test_texts_by_the_engine(glue_context):
    df = glue_context.spark_session.createDataFrame(list(enumerate(TEXTS)), "place int, text string")
    frame = DynamicFrame.fromDF(df, glue_context, "texts").apply_mapping(
        [("place", "int", "place", "int")] + [("text", "string", f"c{place}", kind) for place, kind in enumerate(TYPES)])
    found = {tuple(TEXTS)[row[0]]: row[1:] for row in map(tuple, frame.toDF().collect())}
    for text in TEXTS:
        wanted = list(expected(text))
        # A timestamp comes back in the zone of the process.
        wanted[5] = wanted[5] and wanted[5].astimezone().replace(tzinfo=None)
        assert found[text] == tuple(wanted), text


def test_texts_value_by_value():
    for text in TEXTS:
        assert tuple(cast_value(text, parse(kind)) for kind in TYPES) == expected(text), text


def test_booleans(glue_context):
    df = glue_context.spark_session.createDataFrame([(True,), (False,), (None,)], "b boolean")
    frame = DynamicFrame.fromDF(df, glue_context, "b")
    as_numbers = frame.apply_mapping([("b", "boolean", "d", "decimal(3,1)"), ("b", "boolean", "i", "int")]).toDF().collect()
    assert [tuple(row) for row in as_numbers] == [(decimal.Decimal("1.0"), 1), (decimal.Decimal("0.0"), 0), (None, None)]
    assert cast_value(True, g.DecimalType(3, 1)) == decimal.Decimal(1)
    moments = frame.apply_mapping([("b", "boolean", "t", "timestamp")]).toDF().selectExpr("unix_micros(t)").collect()
    assert [row[0] for row in moments] == [1, 0, None] and cast_value(True, g.TimestampType()) == at(1970, 1, 1, 0, 0, 0, 1)
    with pytest.raises(DataError, match="a boolean cannot be cast to date"):
        frame.apply_mapping([("b", "boolean", "t", "date")])
    assert cast_value(True, g.DateType()) is None


def test_a_table_s_timestamps(glue_context, data):
    data.put("t/a.csv", "12:30\n2024-01-10 00:15:00\n")
    data.glue.create_table(DatabaseName=data.database, TableInput={
        "Name": "t", "TableType": "EXTERNAL_TABLE", "StorageDescriptor": {
            "Columns": [{"Name": "at", "Type": "timestamp"}], "Location": data.url("t/"),
            "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
            "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"}}})
    frame = glue_context.create_dynamic_frame.from_catalog(data.database, "t")
    assert sorted(str(row["at"]["string"]) for row in frame.toDF().collect()) == ["12:30", "None"]


def test_numbers_that_are_no_moment_and_texts_as_bytes(glue_context):
    numbers = [(1, 2**62, 1e300, decimal.Decimal(10) ** 18, " 42 "), (2, -(2**63), float("nan"), decimal.Decimal("12.5"), ""),
               (3, 5, 12.75, None, None)]
    df = glue_context.spark_session.createDataFrame(numbers, "id int, l long, d double, c decimal(22,3), t string")
    made = DynamicFrame.fromDF(df, glue_context).apply_mapping([
        ("id", "int", "id", "int"), *[(name, "double", name, "timestamp") for name in "ldc"], ("t", "string", "t", "binary")])
    found = sorted(map(tuple, made.toDF().selectExpr(
        "id", *[f"cast({name} as string)" for name in "ldc"], "t").collect()))
    assert [(*row[:4], row[4] and bytes(row[4])) for row in found] == [
        (1, None, None, None, b" 42 "), (2, None, None, "1970-01-01 00:00:12.5", b""),
        (3, "1970-01-01 00:00:05", "1970-01-01 00:00:12.75", None, None)]
