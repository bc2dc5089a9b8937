"""Sinks: files, partitions, and the catalog that follows them."""

import csv
import io
import json

import pytest

from awsglue.dynamicframe import DynamicFrame
from awsglue.errors import DataError, NotBuilt


def rows(frame):
    return sorted((row.asDict(recursive=True) for row in frame.toDF().collect()), key=repr)


@pytest.fixture
def frame(glue_context):
    df = glue_context.createDataFrame(
        [(1, "a", "x/y"), (2, None, "día 1"), (3, 'q "z", w', None)], "id long, name string, part string")
    return DynamicFrame.fromDF(df, glue_context, "f")


def test_formats_and_compressions(glue_context, frame, data):
    import gzip

    write = glue_context.write_dynamic_frame.from_options
    flat = frame.drop_fields("part")
    write(flat, "s3", {"path": data.url("csv/")}, "csv", {"separator": "|"})
    text = data.s3.get_object(Bucket=data.bucket, Key=data.keys("csv/")[0])["Body"].read().decode()
    assert list(csv.reader(io.StringIO(text), delimiter="|")) == [["id", "name"], ["1", "a"], ["2", ""], ["3", 'q "z", w']]
    write(flat, "s3", {"path": data.url("bare/")}, "csv", {"writeHeader": False})
    assert data.s3.get_object(Bucket=data.bucket, Key=data.keys("bare/")[0])["Body"].read().startswith(b"1,a\n")
    write(flat, "s3", {"path": data.url("json"), "compression": "gzip"}, "json")
    body = data.s3.get_object(Bucket=data.bucket, Key=data.keys("json/")[0])["Body"].read()
    assert [json.loads(line) for line in gzip.decompress(body).splitlines()] == [
        {"id": 1, "name": "a"}, {"id": 2}, {"id": 3, "name": 'q "z", w'}]
    write(flat, "s3", {"path": data.url("pq/")}, "glueparquet", {"compression": "gzip"})
    assert data.parquet("pq/") == rows(flat)
    for format, options in (("ion", {}), ("xml", {"attributePrefix": "@"}), ("csv", {"escaper": "\\"}), ("parquet", {"compression": "lzo"})):
        with pytest.raises(NotBuilt):
            write(flat, "s3", {"path": data.url("no/")}, format, options)
    with pytest.raises(NotBuilt):
        write(flat, "redshift", {"dbtable": "t"})
    assert data.keys("no/") == []


def test_text_without_quotes(glue_context, frame, data):
    write = glue_context.write_dynamic_frame.from_options
    plain = DynamicFrame.fromDF(glue_context.createDataFrame([(1, 'a "b"', ""), (2, None, "x")], "i int, s string, u string"),
                                glue_context, "f")
    write(plain, "s3", {"path": data.url("m/")}, "csv", {"quoteChar": -1, "separator": "\\t"})
    assert data.s3.get_object(Bucket=data.bucket, Key=data.keys("m/")[0])["Body"].read() == b'i\ts\tu\n1\ta "b"\t\n2\t\tx\n'
    with pytest.raises(DataError, match="column name: in row .* holds a separator"):
        write(frame.drop_fields("part"), "s3", {"path": data.url("n/")}, "csv", {"quoteChar": "-1"})
    with pytest.raises(DataError, match="must be one character"):
        write(plain, "s3", {"path": data.url("n/")}, "csv", {"separator": "||"})
    assert data.keys("n/") == []
    sink = glue_context.getSink("s3", path=data.url("k/"), enableUpdateCatalog=True)
    sink.setFormat("csv", quoteChar=-1)
    sink.setCatalogInfo(data.database, "k")
    sink.writeFrame(plain)
    assert rows(glue_context.create_dynamic_frame.from_catalog(data.database, "k")) == [
        {"i": 1, "s": 'a "b"', "u": None}, {"i": 2, "s": None, "u": "x"}]


@pytest.mark.parametrize("format", ["parquet", "csv"])
def test_a_bucket_that_is_not_there_is_named(glue_context, frame, format):
    with pytest.raises(DataError, match="the bucket 'there-is-none' does not exist"):
        glue_context.write_dynamic_frame.from_options(frame, "s3", {"path": "s3://there-is-none/a/"}, format)


def test_what_json_has_no_number_for_and_entries_without_values_stay(glue_context, data):
    df = glue_context.spark_session.sql("""select double('NaN') as n, double('-Infinity') as f, map('a', 1, 'b', cast(null as int)) as m,
        timestamp'2024-01-02 03:04:05' as at, cast(null as string) as none""")
    frame = DynamicFrame.fromDF(df, glue_context, "f")
    for codec in ("none", "gzip", "zstd"):
        frame.write("s3", {"path": data.url(f"{codec}/"), "compression": codec}, "json")
        read = glue_context.create_dynamic_frame.from_options("s3", {"paths": [data.url(f"{codec}/")]}, "json")
        assert rows(read) == [{"n": "NaN", "f": "-Infinity", "m": {"a": 1, "b": None}, "at": "2024-01-02T03:04:05"}], codec
    frame.spigot(data.url("spigot/"))
    assert b'"n":"NaN"' in data.s3.get_object(Bucket=data.bucket, Key=data.keys("spigot/")[0])["Body"].read()
    bodies = set()
    for codec in ("", "uncompressed"):
        frame.drop_fields("m").write("s3", {"path": data.url(f"csv{codec}/"), "compression": codec}, "csv")
        bodies.add(data.s3.get_object(Bucket=data.bucket, Key=data.keys(f"csv{codec}/")[0])["Body"].read())
    assert bodies == {b"n,f,at,none\nNaN,-Infinity,2024-01-02 03:04:05,\n"}


def test_a_table_without_quotes(glue_context, data):
    data.put("l/a.csv", "u,url\n1,/a\n")
    data.glue.create_table(DatabaseName=data.database, TableInput={
        "Name": "l", "TableType": "EXTERNAL_TABLE", "Parameters": {"classification": "csv", "skip.header.line.count": "1"},
        "StorageDescriptor": {
            "Columns": [{"Name": "u", "Type": "int"}, {"Name": "url", "Type": "string"}], "Location": data.url("l/"),
            "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
            "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
                          "Parameters": {"field.delim": ","}}}})

    def write(*values):
        df = glue_context.createDataFrame(list(values), "u int, url string")
        glue_context.write_dynamic_frame.from_catalog(DynamicFrame.fromDF(df, glue_context, "w"), data.database, "l")

    write((2, 'a "quoted" /b'), (3, None), (None, ""))
    assert sorted(data.rows("select u, url from l"), key=repr) == [
        ("1", "/a"), ("2", 'a "quoted" /b'), ("3", None), (None, "")]
    for value, what in (("/z,q", "holds a separator or a line break"), ("x\ny", "a separator or a line break"), ("\\N", "what the table's files have for NULL")):
        with pytest.raises(DataError, match=f"column url: in row .* {what}"):
            write((9, "fine"), (9, value))
    assert len(data.keys("l/")) == 1 + len([key for key in data.keys("l/") if "part-" in key])
    assert data.rows("select count(*) from l") == [("4",)]


@pytest.mark.parametrize("folder", ["a b", "x%20y", "d%C3%ADa", "día", "s*r", "q[1]", "h#1", "p+q"])
def test_names_that_engines_take_for_patterns(glue_context, frame, data, folder):
    for _ in range(2):
        frame.write("s3", {"path": data.url(f"{folder}/")}, "parquet")
    assert len(data.keys(f"{folder}/")) == len(data.keys()) == 2
    again = glue_context.create_dynamic_frame.from_options("s3", {"paths": [data.url(key) for key in data.keys()]
                                                                 if "*" not in folder and "[" not in folder
                                                                 else [data.url()], "recurse": True}, "parquet")
    assert rows(again) == sorted(2 * rows(frame), key=repr)


def test_what_is_null_everywhere_is_written_as_text(glue_context, data):
    data.put("n/a.json", '{"a": 1, "none": null, "tags": [], "st": {"x": null, "y": 1}}\n{"a": 2, "tags": [null]}\n')
    frame = glue_context.create_dynamic_frame.from_options("s3", {"paths": [data.url("n/")]}, "json")
    frame.write("s3", {"path": data.url("o/")}, "parquet")
    assert data.parquet("o/") == [{"a": 1, "none": None, "tags": [], "st": {"x": None, "y": 1}},
                                  {"a": 2, "none": None, "tags": [None], "st": None}]


def test_a_frame_without_records_writes_nothing(glue_context, frame, data):
    empty = frame.filter(lambda r: r["id"] > 99)
    glue_context.write_dynamic_frame.from_options(empty, "s3", {"path": data.url("e/")}, "parquet")
    assert data.keys("e/") == [] and empty.toDF().columns == ["id", "name", "part"]


def test_partitions(glue_context, frame, data):
    frame.write("s3", {"path": data.url("p/"), "partitionKeys": ["part"]}, "parquet")
    folders = {key.split("/")[1] for key in data.keys("p/")}
    assert len(folders) == 3 and "part=__HIVE_DEFAULT_PARTITION__" in folders
    with pytest.raises(DataError, match="nothing"):
        frame.write("s3", {"path": data.url("p/"), "partitionKeys": ["nothing"]}, "parquet")


def test_a_sink_makes_and_extends_a_table(glue_context, frame, data):
    def sink(columns, behavior="UPDATE_IN_DATABASE"):
        made = glue_context.getSink(connection_type="s3", path=data.url("t/"), enableUpdateCatalog=True,
                                    updateBehavior=behavior, partitionKeys=["part"])
        made.setFormat("glueparquet")
        made.setCatalogInfo(catalogDatabase=data.database, catalogTableName="t")
        made.writeFrame(columns)

    sink(frame)
    table = data.glue.get_table(DatabaseName=data.database, Name="t")["Table"]
    assert [(c["Name"], c["Type"]) for c in table["StorageDescriptor"]["Columns"]] == [("id", "bigint"), ("name", "string")]
    partitions = data.glue.get_partitions(DatabaseName=data.database, TableName="t")["Partitions"]
    assert sorted(p["Values"][0] for p in partitions) == sorted(["x/y", "día 1", "__HIVE_DEFAULT_PARTITION__"])
    again = glue_context.create_dynamic_frame.from_catalog(data.database, "t")
    assert rows(again) == rows(frame)
    # Athena reads it as well.
    count = data.tenon.cli("sql", "--json", f'select count(*) from "{data.database}"."t"', check=False)
    assert count.returncode == 0 and "3" in count.stdout, count.stderr

    wider = frame.map(lambda rec: {**rec, "extra": rec["id"] * 2, "part": "new"})
    sink(wider)
    table = data.glue.get_table(DatabaseName=data.database, Name="t")["Table"]
    assert [c["Name"] for c in table["StorageDescriptor"]["Columns"]] == ["id", "name", "extra"]
    assert len(data.glue.get_partitions(DatabaseName=data.database, TableName="t")["Partitions"]) == 4
    assert sum(row["extra"] or 0 for row in rows(glue_context.create_dynamic_frame.from_catalog(data.database, "t"))) == 12

    sink(wider.map(lambda rec: {**rec, "more": 1}), "LOG")
    table = data.glue.get_table(DatabaseName=data.database, Name="t")["Table"]
    assert [c["Name"] for c in table["StorageDescriptor"]["Columns"]] == ["id", "name", "extra"]


def test_a_table_that_does_not_fit_is_refused_before_anything_is_written(glue_context, frame, data):
    sink = glue_context.getSink("s3", path=data.url("n/"), enableUpdateCatalog=True)
    sink.setFormat("csv")
    with pytest.raises(DataError, match="setCatalogInfo"):
        sink.writeFrame(frame)
    sink.setCatalogInfo(catalogDatabase="no_such_database", catalogTableName="t")
    with pytest.raises(Exception, match="no_such_database|EntityNotFound"):
        sink.writeFrame(frame)
    sink.setCatalogInfo(catalogDatabase=data.database, catalogTableName="n")
    sink.writeFrame(frame)
    before = data.keys("n/")
    other = glue_context.getSink("s3", path=data.url("elsewhere/"), enableUpdateCatalog=True)
    other.setFormat("csv")
    other.setCatalogInfo(catalogDatabase=data.database, catalogTableName="n")
    with pytest.raises(DataError, match="lies at"):
        other.writeFrame(frame)
    text = frame.resolveChoice(specs=[("id", "cast:string")])
    with pytest.raises(DataError, match="bigint"):
        sink.writeFrame(text)
    assert data.keys("n/") == before and data.keys("elsewhere/") == []
    again = glue_context.create_dynamic_frame.from_catalog(data.database, "n")
    assert {row["id"]: row["name"] for row in rows(again)} == {1: "a", 2: "", 3: 'q "z", w'}


def test_writing_into_a_table(glue_context, data):
    for day in ("1", "2"):
        data.put(f"w/day={day}/a.csv", f"id,v\n{day},a\n")
    data.crawl("w/")
    frame = glue_context.create_dynamic_frame.from_catalog(data.database, "w")
    changed = frame.map(lambda rec: {**rec, "id": rec["id"] + 10, "day": "3"})
    glue_context.write_dynamic_frame.from_catalog(frame=changed, database=data.database, table_name="w",
                                                  additional_options={"enableUpdateCatalog": True})
    assert len(data.keys("w/day=3/")) >= 1
    again = glue_context.create_dynamic_frame.from_catalog(data.database, "w")
    assert [(row["id"], str(row["day"])) for row in rows(again)] == [(1, "1"), (11, "3"), (12, "3"), (2, "2")]


def test_collections_are_written_side_by_side(glue_context, data):
    df = glue_context.createDataFrame([(1, ["x", "y"])], "id int, tags array<string>")
    tables = DynamicFrame.fromDF(df, glue_context, "f").relationalize("root", data.url("staging/"))
    glue_context.write_from_options(tables, "s3", {"path": data.url("out/")}, "json")
    assert {key.split("/")[1] for key in data.keys("out/")} == {"root", "root_tags"}


def test_purging(glue_context, data):
    for day in ("1", "2"):
        data.put(f"z/day={day}/a.csv", f"id,v\n{day},a\n")
    data.crawl("z/")
    glue_context.purge_s3_path(data.url("z/"))
    assert len(data.keys("z/")) == 2, "files younger than a week stay unless told otherwise"
    glue_context.purge_table(data.database, "z", {"partitionPredicate": "day = '1'", "retentionPeriod": 0,
                                                  "manifestFilePath": data.url("manifest/")}, "ctx")
    assert data.keys("z/") == ["z/day=2/a.csv"]
    left = data.glue.get_partitions(DatabaseName=data.database, TableName="z")["Partitions"]
    assert [p["Values"] for p in left] == [["2"]]
    success = data.s3.get_object(Bucket=data.bucket, Key="manifest/ctx/Success.csv")["Body"].read().decode()
    assert success == f"{data.bucket},z/day=1/a.csv\n"
    data.put("z2/a", "x")
    glue_context.purge_s3_path(data.url("z"), {"retentionPeriod": 0})
    assert data.keys() == ["manifest/ctx/Failed.csv", "manifest/ctx/Success.csv", "z2/a"]
    with pytest.raises(DataError):
        glue_context.purge_s3_path(data.url("z/"), {"retention": 0})
    with pytest.raises(NotImplementedError):
        glue_context.transition_s3_path(data.url("z/"), "GLACIER")


def test_ingestion_time_and_connections(glue_context, data):
    df = glue_context.add_ingestion_time_columns(glue_context.createDataFrame([(1,)], "a int"), "hour")
    assert df.columns == ["a", "ingest_year", "ingest_month", "ingest_day", "ingest_hour"]
    data.glue.create_connection(ConnectionInput={
        "Name": data.database, "ConnectionType": "JDBC", "ConnectionProperties": {
            "JDBC_CONNECTION_URL": "jdbc:postgresql://db.example:5432/shop", "USERNAME": "u", "PASSWORD": "p"}})
    conf = glue_context.extract_jdbc_conf(data.database)
    assert (conf["user"], conf["password"], conf["vendor"], conf["url"], conf["fullUrl"]) == (
        "u", "p", "postgresql", "jdbc:postgresql://db.example:5432", "jdbc:postgresql://db.example:5432/shop")
