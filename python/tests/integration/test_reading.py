"""Sources: files of every form, and tables."""

import bz2
import gzip
import json
import zlib

import pyarrow as pa
import pyarrow.orc as orc
import pyarrow.parquet as parquet
import pytest

from awsglue import gluetypes as g
from awsglue.errors import DataError, GlueError, NotBuilt


def rows(frame):
    return sorted((row.asDict(recursive=True) for row in frame.toDF().collect()), key=repr)


@pytest.fixture
def read(glue_context, tmp_path):
    def reading(format, format_options=None, **options):
        return glue_context.create_dynamic_frame.from_options(
            connection_type="s3", connection_options={"paths": [str(tmp_path)], **options}, format=format,
            format_options=format_options or {})

    return reading


def test_csv_columns_are_text_and_found_by_each_header(read, tmp_path):
    (tmp_path / "a.csv").write_text('id,name\n1,"a, b"\n2,\n')
    (tmp_path / "b.csv").write_text("\ufeffname,id,extra\nx,3,e\n")
    (tmp_path / "c.csv.gz").write_bytes(gzip.compress(b"id,name\n4,gz\n"))
    (tmp_path / "d.csv.bz2").write_bytes(bz2.compress(b"id,name\n5,bz\n"))
    (tmp_path / "e.csv").write_bytes(gzip.compress(b"id,name\n6,gz without its name\n"))
    (tmp_path / "_SUCCESS").write_text("")
    (tmp_path / "empty.csv").write_text("")
    frame = read("csv", {"withHeader": True})
    found = {row["id"]: row for row in rows(frame)}
    assert set(found) == set("123456")
    assert found["1"]["name"] == "a, b" and found["2"]["name"] == "" and found["3"]["name"] == "x"
    assert found["1"]["extra"] is None and found["3"]["extra"] == "e" and found["6"]["name"] == "gz without its name"
    assert {type(field.dataType) for field in frame.schema().fields} == {g.StringType}


@pytest.mark.parametrize("rows_of", ["2,y,z", "2", '"2,y"'])
def test_rows_of_another_width_are_told_with_their_file(read, tmp_path, rows_of):
    (tmp_path / "a.csv").write_text("a,b\n" + "1,x\n" * 10)
    (tmp_path / "b.csv").write_text(f'a,b\n1,"x\n,"\n\n{rows_of}\n3,z\n')
    frame = read("csv", {"withHeader": True})
    told = rf"b\.csv, line 5: {3 if 'z' in rows_of else 1} values for 2 columns"
    for some in (frame, frame.filter(lambda row: len(str(row["a"])) > 0)):
        with pytest.raises(Exception, match=told):
            some.toDF().collect()


def test_a_row_that_the_head_of_a_file_cuts_is_no_shorter_one(read, tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n" + '123456,"x,y\n"\n' * 10_000)
    assert read("csv", {"withHeader": True}).count() == 10_000


def test_csv_options(read, tmp_path):
    (tmp_path / "a.csv").write_text("skip|me\n1|it''s\n2|'a|b'\n")
    assert rows(read("csv", {"separator": "|", "quoteChar": "'", "skipFirst": True})) == [
        {"col0": "1", "col1": "it''s"}, {"col0": "2", "col1": "a|b"}]
    (tmp_path / "a.csv").write_text('a,b\n1,x\\,y\n2,"q\n')
    assert rows(read("csv", {"withHeader": True, "escaper": "\\", "quoteChar": -1})) == [
        {"a": "1", "b": "x,y"}, {"a": "2", "b": '"q'}]
    (tmp_path / "a.csv").write_text('a,b\n1,"two\nlines"\n')
    assert rows(read("csv", {"withHeader": True, "multiline": True}))[0]["b"] == "two\nlines"
    (tmp_path / "a.csv").write_bytes("a,b\n1,é\n".encode("latin-1"))
    assert rows(read("csv", {"withHeader": True, "encoding": "latin-1"}))[0]["b"] == "é"
    with pytest.raises(NotBuilt):
        read("csv", {"withSchema": "{}"})


def test_an_escaper_means_the_next_character_and_well_known_ones(read, tmp_path):
    (tmp_path / "a.csv").write_text('a,b,c\n1,x\\,y\\nz,"q\\"r\\\\n"\n')
    assert rows(read("csv", {"withHeader": True, "escaper": "\\"})) == [{"a": "1", "b": "x,y\nz", "c": 'q"r\\n'}]


def test_serdes_of_delimited_text(glue_context, data):
    def table(name, library, parameters, **more):
        data.glue.create_table(DatabaseName=data.database, TableInput={
            "Name": name, "TableType": "EXTERNAL_TABLE", "Parameters": more, "StorageDescriptor": {
                "Columns": [{"Name": "a", "Type": "string"}, {"Name": "b", "Type": "int"}], "Location": data.url(name),
                "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
                "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                "SerdeInfo": {"SerializationLibrary": library, "Parameters": parameters}}})
        return rows(glue_context.create_dynamic_frame.from_catalog(data.database, name))

    simple, quoted = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe", "org.apache.hadoop.hive.serde2.OpenCSVSerde"
    data.put("l1/a", '"x"|1\n\\N|\\N\n')
    assert table("l1", simple, {"field.delim": "|"}) == [{"a": '"x"', "b": 1}, {"a": None, "b": None}]
    data.put("l2/a", "x\x011\n-\x012\n")
    assert table("l2", simple, {"serialization.format": "1", "serialization.null.format": "-"}) == [
        {"a": "x", "b": 1}, {"a": None, "b": 2}]
    data.put("l3/a", '"x,y",1\n')
    assert table("l3", simple, {"field.delim": ","}, classification="csv") == [{"a": "x,y", "b": 1}]
    data.put("o1/a", '"x\\"y",1\n')
    assert table("o1", quoted, {"escapeChar": "\\"}) == [{"a": 'x"y', "b": 1}]
    data.put("o2/a", "'c:\\';1\n")
    assert table("o2", quoted, {"separatorChar": ";", "quoteChar": "'"}) == [{"a": "c:\\", "b": 1}]


def test_csv_that_is_not_what_it_says_is_an_error(read, tmp_path):
    (tmp_path / "a.csv.gz").write_text("a,b\n1,2\n")
    with pytest.raises(Exception, match="named as compressed and is not"):
        read("csv", {"withHeader": True}).toDF().collect()


def compressed():
    """Text in codecs that engines lack, by the endings of their files."""
    text = b"id,amount\n" + b"".join(b"%d,%d\n" % (n, n % 7) for n in range(3000))
    lz4 = pa.BufferOutputStream()
    with pa.CompressedOutputStream(lz4, "lz4") as out:
        out.write(text)
    zstd = pa.BufferOutputStream()
    with pa.CompressedOutputStream(zstd, "zstd") as out:
        out.write(text)
    stored = pa.Codec("snappy").compress(text, asbytes=True)
    return {"lz4": lz4.getvalue().to_pybytes(), "zst": zstd.getvalue().to_pybytes(), "deflate": zlib.compress(text),
            "snappy": len(text).to_bytes(4, "big") + len(stored).to_bytes(4, "big") + stored}


def test_codecs_that_engines_lack(read, tmp_path, glue_context, data):
    expected = (3000, sum(n % 7 for n in range(3000)))
    found = compressed()
    for ending, body in found.items():
        (tmp_path / f"a.csv.{ending}").write_bytes(body)
    # The first bytes count, whatever the name says.
    (tmp_path / "b.csv").write_bytes(found["zst"])
    frame = read("csv", {"withHeader": True}).apply_mapping([("id", "string", "id", "int"), ("amount", "string", "amount", "int")])
    summed = frame.toDF().selectExpr("count(id)", "sum(amount)").collect()[0]
    assert tuple(summed) == tuple(5 * n for n in expected)
    for ending, body in found.items():
        data.put(f"{ending}/a.csv.{ending}", body)
        data.glue.create_table(DatabaseName=data.database, TableInput={
            "Name": ending, "TableType": "EXTERNAL_TABLE", "Parameters": {"classification": "csv", "skip.header.line.count": "1"},
            "StorageDescriptor": {
                "Columns": [{"Name": "id", "Type": "bigint"}, {"Name": "amount", "Type": "int"}], "Location": data.url(ending),
                "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
                "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
                              "Parameters": {"field.delim": ","}}}})
        sql = f"select count(id), sum(amount) from {data.database}.{ending}"
        assert tuple(glue_context.spark_session.sql(sql).collect()[0]) == expected
    data.put("cut/a.csv.lz4", found["lz4"][:-9])
    with pytest.raises(DataError, match=r"cut/a\.csv\.lz4: damaged or cut short \(lz4\)"):
        glue_context.create_dynamic_frame.from_options("s3", {"paths": [data.url("cut/")]}, "csv", {"withHeader": True}).count()


def test_json_in_codecs_that_engines_lack(read, tmp_path):
    (tmp_path / "a.json.deflate").write_bytes(zlib.compress(b'{"a": 1}\n{"a": 2}'))
    (tmp_path / "b.json").write_bytes(zlib.compress(b'{"a": 3}'))
    assert sorted(row["a"] for row in rows(read("json"))) == [1, 2, 3]


def test_rows_that_do_not_fit_the_header_are_an_error(read, tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n1,2,3\n")
    with pytest.raises(Exception, match="(?i)fields|values"):
        read("csv", {"withHeader": True}).toDF().collect()


def test_names_that_engines_take_for_patterns(read, tmp_path):
    (tmp_path / "a b[1]%20.csv").write_text("a,b\n1,2\n")
    assert rows(read("csv", {"withHeader": True})) == [{"a": "1", "b": "2"}]


def test_json_lines_arrays_documents_and_paths(read, tmp_path):
    (tmp_path / "lines.json").write_text('{"a": 1}\n{"a": 2, "b": {"c": [1, 2.5]}}\n')
    (tmp_path / "array.json").write_text('[{"a": 3},\n {"a": 4}]')
    (tmp_path / "pretty.json").write_text(json.dumps({"a": 5}, indent=2) + json.dumps({"a": 6}))
    (tmp_path / "zip.json.gz").write_bytes(gzip.compress(b'{"a": 7}'))
    frame = read("json")
    assert sorted(row["a"] for row in rows(frame)) == [1, 2, 3, 4, 5, 6, 7]
    assert frame.schema().getField("b").dataType == g.StructType([
        g.Field("c", g.ArrayType(g.ChoiceType([g.IntegerType(), g.DoubleType()])))])


def test_a_json_path(read, tmp_path):
    (tmp_path / "a.json").write_text('{"data": {"items": [{"x": 1}, {"x": 2}]}}{"data": {"items": []}}{"other": 1}')
    assert [row["x"] for row in rows(read("json", {"jsonPath": "$.data.items[*]"}))] == [1, 2]
    with pytest.raises(Exception, match="jsonPath"):
        read("json", {"jsonPath": "$.a[?(@.x > 1)]"}).count()


def test_json_that_is_none_names_file_and_line(read, tmp_path):
    (tmp_path / "bad.json").write_text('{"a": 1}\n{"a": \n')
    with pytest.raises(Exception, match=r"bad\.json, line 3"):
        read("json").count()


def test_parquet_files_of_several_schemas(read, tmp_path):
    parquet.write_table(pa.table({"a": [1], "s": [{"x": 1}]}), tmp_path / "1.parquet")
    parquet.write_table(pa.table({"b": ["x"], "a": [2], "s": [{"y": "q"}]}), tmp_path / "2.parquet")
    assert rows(read("glueparquet")) == [{"a": 1, "s": {"x": 1, "y": None}, "b": None},
                                         {"a": 2, "s": {"x": None, "y": "q"}, "b": "x"}]
    (tmp_path / "3.parquet").write_text("no")
    with pytest.raises(DataError, match="3.parquet: not a Parquet file"):
        read("parquet")


def test_orc(read, tmp_path):
    orc.write_table(pa.table({"a": [1, 2], "s": ["x", None]}), tmp_path / "1.orc")
    assert rows(read("orc")) == [{"a": 1, "s": "x"}, {"a": 2, "s": None}]


def test_which_files_are_read(read, tmp_path):
    for name in ("a.json", "b.json", "sub/c.json", "sub/deep/d.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(json.dumps({"n": name}))
    names = lambda frame: [row["n"] for row in rows(frame)]  # noqa: E731
    assert names(read("json")) == ["a.json", "b.json"]
    assert len(names(read("json", recurse=True))) == 4
    assert names(read("json", recurse=True, exclusions='["**/sub/**"]')) == ["a.json", "b.json"]
    assert names(read("json", recurse=True, exclusions=json.dumps([f"{tmp_path}/*.json", "**d.json"]))) == ["sub/c.json"]
    assert len(names(read("json", recurse=True, boundedFiles="3"))) == 3
    with pytest.raises(NotBuilt):
        read("json", attachFilename="f")
    with pytest.raises(NotBuilt):
        read("protobuf")


def test_nothing_to_read_is_an_error(glue_context, tmp_path, data):
    with pytest.raises(DataError, match="nothing to read"):
        glue_context.create_dynamic_frame.from_options("s3", {"paths": [str(tmp_path)]}, "json")
    with pytest.raises(DataError, match="nothing to read"):
        glue_context.create_dynamic_frame.from_options("s3", {"paths": [data.url("none/")]}, "json")
    with pytest.raises(DataError, match="paths"):
        glue_context.create_dynamic_frame.from_options("s3", {}, "json")


def test_other_connections_are_refused_by_name(glue_context):
    for kind in ("mysql", "postgresql"):
        with pytest.raises(DataError, match='needs "dbtable"'):
            glue_context.create_dynamic_frame.from_options(kind, {"url": "jdbc:x"})
    for kind in ("redshift", "dynamodb", "kafka", "marketplace.spark"):
        with pytest.raises(NotBuilt, match=kind):
            glue_context.create_dynamic_frame.from_options(kind, {"url": "jdbc:x"})


def test_get_source(glue_context, data):
    data.put("in/a.json", '{"x": 1}')
    source = glue_context.getSource("s3", paths=[data.url("in/")])
    source.setFormat("json")
    assert rows(source.getFrame()) == [{"x": 1}]
    assert glue_context.create_data_frame.from_options("s3", {"paths": [data.url("in/a.json")]}, "json").first()["x"] == 1
    assert glue_context.create_sample_dynamic_frame_from_options("s3", {"paths": [data.url("in/")]}, 5, format="json") == [
        {"x": 1}]


def test_partitions_and_predicates(glue_context, data):
    for year, month in ((2024, "01"), (2024, "02"), (2025, "01")):
        data.put(f"p/year={year}/month={month}/a.csv", f"id,v\n{year}{month},1\n")
    data.crawl("p/")

    def ids(**options):
        frame = glue_context.create_dynamic_frame.from_catalog(database=data.database, table_name="p", **options)
        return [row["id"] for row in rows(frame)]

    assert ids() == [202401, 202402, 202501]
    assert ids(push_down_predicate="(year=='2024' and month=='01')") == [202401]
    assert ids(push_down_predicate="year > 2024 or month in ('02')") == [202402, 202501]
    assert ids(additional_options={"catalogPartitionPredicate": "year = '2025'"}) == [202501]
    assert ids(push_down_predicate="year = '1999'") == []
    frame = glue_context.create_dynamic_frame.from_catalog(data.database, "p", push_down_predicate="month = '02'")
    assert [field.name for field in frame.schema().fields] == ["id", "v", "year", "month"]
    assert rows(frame)[0]["month"] == "02"
    empty = glue_context.create_dynamic_frame.from_catalog(data.database, "p", push_down_predicate="month = '09'")
    assert empty.toDF().columns == ["id", "v", "year", "month"]
    for predicate, why in (
        ("year = '2024' and `V` > 1 and id in (1)", "id and v are no partition key"),
        ("nope = 1", ".*nope.*"),
        ("year = ", ".*"),
    ):
        told = rf"cannot be resolved against the partition keys of {data.database}.p \(year, month\): {why}; filter the frame"
        with pytest.raises(DataError, match=told):
            ids(push_down_predicate=predicate)


def test_tables_of_other_formats(glue_context, data):
    data.put("j/a.json", '{"Id": 1, "Tags": ["x"]}\n{"Id": 2}\n')
    import io

    body = io.BytesIO()
    parquet.write_table(pa.table({"Key": [1], "v": [1.5]}), body)
    data.put("q/a.parquet", body.getvalue())
    tables = {**data.crawl("j/"), **data.crawl("q/")}
    assert set(tables) == {"j", "q"}
    j = glue_context.create_dynamic_frame.from_catalog(data.database, "j")
    assert [row[list(row)[0]] for row in rows(j)] == [1, 2]
    assert [f.name for f in j.schema().fields] == [c["Name"] for c in tables["j"]["StorageDescriptor"]["Columns"]]
    q = glue_context.create_dynamic_frame.from_catalog(name_space=data.database, table_name="q")
    assert [f.name for f in q.schema().fields] == [c["Name"] for c in tables["q"]["StorageDescriptor"]["Columns"]]
    with pytest.raises(glue_context_error(data), match=rf"{data.database}\.nothing: "):
        glue_context.create_dynamic_frame.from_catalog(data.database, "nothing")


def glue_context_error(data):
    import botocore.exceptions

    return botocore.exceptions.ClientError


def test_nothing_reaches_aws_without_leave(monkeypatch):
    from awsglue import _aws

    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "TENON_ALLOW_AWS"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(GlueError, match="AWS_ENDPOINT_URL"):
        _aws.client("s3")


def test_headers_of_a_table_s_files(glue_context, data):
    data.put("h/a.csv", "Id,Name,qty\n1,a,10\n")
    data.crawl("h/")
    data.put("h/b.csv", "NAME,ID,id,other\nb,2,9,z\n")
    data.put("h/c.csv", 'qty,id\n"30",3\n')
    found = rows(glue_context.create_dynamic_frame.from_catalog(data.database, "h"))
    assert [(row["id"], row["name"], row["qty"]) for row in found] == [(1, "a", 10), (2, "b", None), (3, None, 30)]


def test_sql_over_tables_of_the_catalog(glue_context, data):
    import io

    data.put("t/a.csv", "id,name\n" + "".join(f"{i},n{i}\n" for i in range(20)))
    data.put("u/a.csv", "id,w\n" + "".join(f"{i},{i * i}\n" for i in range(10)))
    body = io.BytesIO()
    parquet.write_table(pa.table({"id": [1, 2], "v": [1.5, 2.5]}), body)
    data.put("q/a.parquet", body.getvalue())
    data.crawl("t/"), data.crawl("u/"), data.crawl("q/")
    spark, d = glue_context.spark_session, data.database
    assert spark.sql(f"select count(*), max(t.id) from {d}.t where t.id > 4").first()[:] == (15, 19)
    joined = spark.sql(f"select a.name, w, v from {d}.t a join {d}.u b on a.id = b.id join {d}.q on q.id = a.id order by 1")
    assert [tuple(row) for row in joined.collect()] == [("n1", 1, 1.5), ("n2", 4, 2.5)]
    assert spark.table(f"{d}.t").count() == 20 and spark.table(f"{d}.q").count() == 2
    data.put("u/b.csv", "id,w\n10,100\n")
    assert glue_context.sql(f"select max(w) from {d}.u").first()[0] == 100
    assert dict(spark.table(f"{d}.u").dtypes) == {"id": "bigint", "w": "bigint"}
