"""Files that the server writes for the script: Avro, ORC, XML, and text with codecs that engines lack."""

import pytest

from awsglue.dynamicframe import DynamicFrame
from awsglue.errors import DataError, NotBuilt

def rows(frame):
    return sorted((row.asDict(recursive=True) for row in frame.toDF().collect()), key=lambda row: row["id"])


# The writer of ORC has plain types.
NO_ORC = ["d", "tags", "s"]


@pytest.fixture
def frame(glue_context):
    """Made by way of a query: what comes from Python has no null in structures."""
    df = glue_context.spark_session.sql("""
        select 1 as id, 'a, "b"' as v, cast('1.50' as decimal(8,2)) as d, date '2026-01-02' as day, array('x', 'y') as tags,
               named_struct('x', 5, 'y', 'z') as s, 'one' as k,
               timestamp '2026-01-02 03:04:05.678' as at
        union all select 2, 'ü', null, null, array(), named_struct('x', 6, 'y', 't'), 'two', null
        union all select 3, '', cast('-3.25' as decimal(8,2)), date '1999-12-31', null, named_struct('x', 7, 'y', ''), null,
               timestamp '1969-12-31 23:59:59'""")
    return DynamicFrame.fromDF(df, glue_context, "f")


@pytest.mark.parametrize("format, codec", [
    ("avro", None), ("avro", "deflate"), ("orc", None), ("orc", "zlib"), ("orc", "zstd"), ("json", "zstd")])
def test_what_is_written_is_read_again(glue_context, data, frame, format, codec):
    options = {"compression": codec} if codec else {}
    path = data.url(f"{format}/")
    frame = frame.drop_fields(NO_ORC) if format == "orc" else frame
    glue_context.write_dynamic_frame.from_options(frame, "s3", {"path": path}, format, options)
    keys = data.keys(f"{format}/")
    assert keys and all(key.endswith({"json": ".json.zst"}.get(format, f".{format}")) for key in keys)
    if format == "json":
        return
    again = glue_context.create_dynamic_frame.from_options("s3", {"paths": [path]}, format)
    found, wanted = rows(again), rows(frame)
    assert found == wanted
    # Added to, not replaced.
    glue_context.write_dynamic_frame.from_options(frame, "s3", {"path": path}, format, options)
    assert set(keys) < set(data.keys(f"{format}/"))


def test_xml_and_compressed_text(glue_context, data, frame):
    flat = frame.drop_fields(["tags", "s", "at"])
    write = glue_context.write_dynamic_frame.from_options
    write(flat, "s3", {"path": data.url("x/")}, "xml", {"compression": "gzip", "rowTag": "r", "rootTag": "all"})
    # How many there are is the engine's affair: Sail's parts do not follow coalesce.
    keys = data.keys("x/")
    assert keys and all(key.endswith(".xml.gz") for key in keys)
    again = glue_context.create_dynamic_frame.from_options("s3", {"paths": [data.url("x/")]}, "xml", {"rowTag": "r"})
    assert [(row["id"], row["v"], row["d"], str(row["day"]), row["k"]) for row in rows(again)] == [
        (1, 'a, "b"', 1.5, "2026-01-02", "one"), (2, "ü", None, "None", "two"), (3, "", -3.25, "1999-12-31", None)]
    write(flat, "s3", {"path": data.url("c/"), "compression": "xz"}, "csv", {"separator": ";"})
    csv = glue_context.create_dynamic_frame.from_options("s3", {"paths": [data.url("c/")]}, "csv", {"withHeader": True, "separator": ";"})
    assert sorted(row["v"] for row in csv.toDF().collect()) == ["", 'a, "b"', "ü"]


@pytest.mark.parametrize("format", ["avro", "orc", "xml"])
def test_partitions_and_the_catalog(glue_context, data, frame, format):
    sink = glue_context.getSink("s3", path=data.url(f"p{format}/"), partitionKeys=["k"], enableUpdateCatalog=True)
    sink.setFormat(format)
    sink.setCatalogInfo(data.database, f"t_{format}")
    # XML has no form for an array that is empty.
    sink.writeFrame(frame.drop_fields({"orc": NO_ORC, "xml": ["tags"]}.get(format, [])))
    assert sorted({key.split("/")[1] for key in data.keys(f"p{format}/")}) == ["k=__HIVE_DEFAULT_PARTITION__", "k=one", "k=two"]
    read = glue_context.create_dynamic_frame.from_catalog(data.database, f"t_{format}")
    assert [(row["id"], row["v"], str(row["at"])[:19], row["k"]) for row in rows(read)] == [
        (1, 'a, "b"', "2026-01-02 03:04:05", "one"), (2, "ü", "None", "two"), (3, "", "1969-12-31 23:59:59", None)]
    if format != "orc":
        assert [(str(row["d"]), row["s"]["x"]) for row in rows(read)] == [("1.50", 5), ("None", 6), ("-3.25", 7)]
    assert read.schema().getField("day").dataType.typeName() == "date"
    if format != "xml":
        glue_context.write_dynamic_frame.from_catalog(read, data.database, f"t_{format}")
        assert glue_context.create_dynamic_frame.from_catalog(data.database, f"t_{format}").count() == 6


def test_nothing_is_there_of_what_cannot_be_written(glue_context, data, frame, tmp_path):
    write = glue_context.write_dynamic_frame.from_options
    with pytest.raises(DataError, match=r"column d \(decimal\(8,2\)\) cannot be written as ORC"):
        write(frame, "s3", {"path": data.url("n/")}, "orc")
    with pytest.raises(NotBuilt, match="'lzo' when writing orc.*zlib"):
        write(frame, "s3", {"path": data.url("n/")}, "orc", {"compression": "lzo"})
    with pytest.raises(NotBuilt, match="'version' '1.7'"):
        write(frame, "s3", {"path": data.url("n/")}, "avro", {"version": "1.7"})
    with pytest.raises(NotBuilt, match="the format 'ion'"):
        write(frame, "s3", {"path": data.url("n/")}, "ion")
    with pytest.raises(DataError, match="local path"):
        write(frame, "s3", {"path": str(tmp_path)}, "avro")
    with pytest.raises(DataError, match="no-such-bucket-here"):
        write(frame, "s3", {"path": "s3://no-such-bucket-here/x/"}, "avro")
    assert data.keys("n/") == []
    none = DynamicFrame.fromDF(frame.toDF().where("id > 5"), glue_context, "none")
    write(none, "s3", {"path": data.url("n/")}, "avro")
    assert data.keys("n/") == []
