"""What the server makes from end to end is what the engine makes; where it could be something else, the engine makes it."""

import io
from dataclasses import replace

import pyarrow.parquet as parquet
import pytest

from awsglue import _server, _written
from awsglue.dynamicframe import DynamicFrame

TEXTS = ["", " ", "5", " 5", "5 ", "+5", "-5", "05", "-0", "5.0", "5.5", "1e3", "1E-2", "0x10", "NaN", "nan", "inf", "Infinity",
         "-Infinity", ".5", "5.", "127", "128", "-129", "40000", "3000000000", "9223372036854775807", "9223372036854775808",
         "1_000", "true", "null", "NULL", "\\N", "2024-01-02", "2024-1-2", "2024-01-02 03:04:05", "20240102", "2024-13-01",
         "2024-02-30", "0001-01-01", "12345-01-01", "-0001-01-01", "é", '"5"', '"5""5"', "3.4028236e38", "1e400", "0.1", "16777217"]


def table(data, name, columns, files, **parameters):
    """A table of CSV files: what each file is called, and its text."""
    for key, text in files.items():
        data.put(f"{name}/{key}", text)
    serde = {"SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe", "Parameters": {"field.delim": ","}}
    data.glue.create_table(DatabaseName=data.database, TableInput={
        "Name": name, "TableType": "EXTERNAL_TABLE", "Parameters": {"classification": "csv", **parameters}, "StorageDescriptor": {
            "Location": data.url(f"{name}/"), "Columns": [{"Name": n, "Type": t} for n, t in columns], "SerdeInfo": serde,
            "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"}})
    return name


def written(data, prefix, as_days=()):
    """All rows of the Parquet files below a prefix, and their schemas. Python's dates end in 9999: days have no such end."""
    files = [parquet.ParquetFile(io.BytesIO(data.s3.get_object(Bucket=data.bucket, Key=key)["Body"].read())).read()
             for key in data.keys(prefix)]
    schemas = {str(file.schema) for file in files}
    for name in as_days:
        files = [file.set_column(file.column_names.index(name), name, file[name].cast("int32")) for file in files]
    return sorted((row for file in files for row in file.to_pylist()), key=repr), schemas


def numbered(df, kind):
    """A column of dates as days since 1970."""
    if kind != "date":
        return df
    from pyspark.sql import functions as F

    days = F.datediff(F.col("v").getField("date"), F.lit("1970-01-01").cast("date"))
    return df.select("id", F.struct(days.alias("date"), F.col("v").getField("string").alias("string")).alias("v"))


@pytest.fixture
def straight_only(monkeypatch):
    """Counts what the server makes; the engine may write nothing."""
    done = []

    def wanted(straight, asked):
        done.append(asked["Path"])
        assert _written_straight(straight, asked), "the server has refused"
        return True

    monkeypatch.setattr(_written, "write_straight", wanted)
    return done


_written_straight = _written.write_straight


@pytest.mark.parametrize("kind", ["tinyint", "smallint", "int", "bigint", "float", "double", "string", "date"])
def test_each_text_is_read_alike_or_refused(glue_context, data, kind):
    name = table(data, f"t_{kind}", [("id", "int"), ("v", kind)], {f"{n:03}.csv": f"{n},{text}\n" for n, text in enumerate(TEXTS)})
    frame = glue_context.create_dynamic_frame.from_catalog(data.database, name)
    is_open = "v" in frame._open
    engine = {row["id"]["int"]: row["v"] for row in numbered(frame._df, kind).collect()}
    accepted = 0
    for place, item in enumerate(sorted(frame._straight.objects, key=lambda item: item.url)):
        asked = _written.request("parquet", "", data.url(f"o_{kind}/{place}/"), [], {})
        if not _written.write_straight(replace(frame._straight, objects=(item,)), asked):
            assert is_open or '"' in TEXTS[place], f"{TEXTS[place]!r} is text"
            continue
        found, _ = written(data, f"o_{kind}/{place}/", as_days=["v"] if kind == "date" else [])
        value = engine[place]
        if is_open:
            alternative = next(name for name in value.asDict() if name != "string")
            assert value["string"] is None, f"{TEXTS[place]!r} is {kind} for the server: {found}"
            value = value[alternative]
        # NaN is not itself.
        assert [repr(row["v"]) for row in found] == [repr(value)], repr(TEXTS[place])
        accepted += 1
    assert accepted >= (3 if kind == "date" else 5)


FILTERS = {
    "order": lambda r: r["n"] > 2,
    "chain": lambda r: 1 <= r["n"] < 4 and r["x"] < 2.5,
    "equal": lambda r: r["s"] == "b" or r["s"] == "",
    "not": lambda r: not (r["s"] != "a"),
    "none": lambda r: r["n"] is not None and r["n"] != 3,
    "list": lambda r: r["s"] in ("a", "d", ""),
    "text": lambda r: r["s"].startswith("a") or len(r["s"]) == 0,
    "truth": lambda r: r["n"],
    "mixed": lambda r: r["n"] > 1.5,
    "sum": lambda r: r["x"] + 1 > 2.5,
    "if": lambda r: r["x"] > 1 if r["n"] is not None else r["s"] == "d",
}
ROWS = "n,x,s,d\n1,1.5,a,2024-01-01\n2,NaN,ab,\n3,-0.0,,2024-01-03\n4,2.25,b,\n,3.0,d,2024-01-01\n0,,e f,2024-01-05\n"


@pytest.fixture
def sales(data):
    columns = [("n", "int"), ("x", "double"), ("s", "string"), ("d", "date")]
    return table(data, "sales", columns, {"a.csv": ROWS, "b.csv": "n,x,s,d\n7,7.5,a,2024-01-01\n"}, **{"skip.header.line.count": "1"})


def both(glue_context, data, frame, options=None):
    """What the server makes of a frame, and what the engine makes of it."""
    for way in ("server", "engine"):
        glue_context.write_dynamic_frame.from_options(frame, "s3", {"path": data.url(f"{way}/"), **(options or {})}, "parquet")
        frame._straight = None
    return [written(data, f"{way}/") for way in ("server", "engine")]


@pytest.mark.parametrize("name", FILTERS)
def test_filters_keep_the_same_rows(glue_context, data, sales, straight_only, name):
    frame = glue_context.create_dynamic_frame.from_catalog(data.database, sales).filter(FILTERS[name])
    server, engine = both(glue_context, data, frame)
    assert repr(server) == repr(engine) and server[0]
    assert len(straight_only) == 1


def test_columns_and_partitions_are_the_same(glue_context, data, sales, straight_only):
    frame = glue_context.create_dynamic_frame.from_catalog(data.database, sales)
    frame = frame.apply_mapping([("n", "int", "n", "int"), ("s", "string", "k", "string"), ("d", "date", "d", "date"), ("x", "double", "X y", "double")])
    frame = frame.rename_field("n", "number").drop_fields(["nothing"]).select_fields(["d", "number", "k"]).filter(lambda r: r["number"] >= 0)
    server, engine = both(glue_context, data, frame, {"partitionKeys": ["k", "d"]})
    assert server == engine and len(server[0]) == 6
    folders = [{key.split("/", 1)[1].rpartition("/")[0] for key in data.keys(way)} for way in ("server/", "engine/")]
    assert folders[0] == folders[1] and "k=__HIVE_DEFAULT_PARTITION__/d=2024-01-03" in folders[0]
    assert len(straight_only) == 1


def test_what_the_server_refuses_the_engine_writes(glue_context, data, sales):
    data.put("sales/c.csv", "n,x,s,d\nmany,7.5,a,2024-01-01\n")
    frame = glue_context.create_dynamic_frame.from_catalog(data.database, sales)
    assert frame._straight
    glue_context.write_dynamic_frame.from_options(frame, "s3", {"path": data.url("out/")}, "parquet")
    rows, _ = written(data, "out/")
    assert [row["n"] for row in rows if row["n"]["string"]] == [{"int": None, "string": "many"}] and len(rows) == 8
    # Decided before the filter: the column stays a choice, though no text is left in it.
    frame.printSchema()
    kept = frame.filter(lambda r: r["x"] < 7)
    glue_context.write_dynamic_frame.from_options(kept, "s3", {"path": data.url("kept/")}, "parquet")
    rows, _ = written(data, "kept/")
    assert sorted(row["n"]["int"] or -1 for row in rows) == [-1, 1, 3, 4]


def test_a_record_of_another_width_goes_to_the_engine(glue_context, data):
    name = table(data, "uneven", [("a", "string"), ("b", "string")], {"a.csv": "1,2\n3,4\n"})
    frame = glue_context.create_dynamic_frame.from_catalog(data.database, name)
    item = frame._straight.objects[0]
    data.put("uneven/a.csv", "1,2,3\n3,4\n")
    # Another object by now: never mixed up.
    assert not _written.write_straight(frame._straight, _written.request("parquet", "", data.url("o/"), [], {}))
    fresh = glue_context.create_dynamic_frame.from_catalog(data.database, name)
    assert fresh._straight.objects[0].etag != item.etag
    assert not _written.write_straight(fresh._straight, _written.request("parquet", "", data.url("o/"), [], {}))
    assert data.keys("o/") == []


@pytest.mark.parametrize("header, rows", [
    ("b,a", [{"a": 20, "b": 2}]), ("b", [{"a": None, "b": 2}]), ("a", [{"a": 2, "b": None}]), ("z,b,a", [{"a": 20, "b": 5}])])
def test_columns_are_taken_by_the_names_in_the_first_line(glue_context, data, header, rows):
    record = {"b,a": "2,20", "b": "2", "a": "2", "z,b,a": "1,5,20"}[header]
    name = table(data, f"h_{header.replace(',', '_')}", [("a", "int"), ("b", "int")],
                 {"1.csv": "a,b\n1,10\n", "2.csv": f"{header}\n{record}\n"}, **{"skip.header.line.count": "1"})
    frame = glue_context.create_dynamic_frame.from_catalog(data.database, name).select_fields(["a", "b"])
    glue_context.write_dynamic_frame.from_options(frame, "s3", {"path": data.url(f"out-{name}/")}, "parquet")
    assert written(data, f"out-{name}/")[0] == sorted([{"a": 1, "b": 10}, *rows], key=repr)
    swapped = table(data, f"s_{name}", [("A", "int"), ("B", "int")], {"1.csv": "a,b\n1,10\n"}, **{"skip.header.line.count": "1"})
    assert glue_context.create_dynamic_frame.from_catalog(data.database, swapped)._straight, "upper case is no other name"


@pytest.mark.parametrize("text", ["1,x\n\n2,y\n", "\n1,x\n", "1,x\n\n"])
def test_empty_lines_are_no_rows(glue_context, data, text):
    name = table(data, f"empty_{len(text)}_{text.index(chr(10))}", [("a", "int"), ("b", "string")], {"1.csv": text})
    frame = glue_context.create_dynamic_frame.from_catalog(data.database, name)
    assert frame._straight
    glue_context.write_dynamic_frame.from_options(frame, "s3", {"path": data.url(f"out-{name}/")}, "parquet")
    assert written(data, f"out-{name}/")[0] == sorted(map(dict, map(pairs, frame.toDF().collect())), key=repr)
    assert all(row["a"] for row in written(data, f"out-{name}/")[0])


def pairs(row):
    return row.asDict().items()


def test_what_must_not_go_straight(glue_context, data, sales):
    read = glue_context.create_dynamic_frame.from_catalog
    frame = read(data.database, sales)
    assert frame.map(lambda r: r)._straight is None and frame.union(frame)._straight is None
    assert DynamicFrame.fromDF(frame.toDF(), glue_context, "f")._straight is None
    assert frame.apply_mapping([("n", "int", "n", "long")])._straight is None
    assert read(data.database, sales).filter(lambda r: r["x"] / 2 > 1)._straight is None
    name = table(data, "moments", [("a", "timestamp")], {"a.csv": "2024-01-01 00:00:00\n"})
    assert read(data.database, name)._straight is None


def test_a_failure_of_the_server_is_not_answered_by_writing_again(glue_context, data, sales, monkeypatch):
    frame = glue_context.create_dynamic_frame.from_catalog(data.database, sales)

    def failing(*_, **__):
        raise _server.Refused("InternalServiceException", "the store is away", 500)

    monkeypatch.setattr(_server, "call", failing)
    with pytest.raises(_server.Refused, match="the store is away"):
        glue_context.write_dynamic_frame.from_options(frame, "s3", {"path": data.url("out/")}, "parquet")
    assert data.keys("out/") == []
