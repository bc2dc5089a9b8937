"""Frames of many partitions, filtered by their keys: each partition is a branch of a union."""

import io

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from awsglue.transforms import SplitRows

HIVE = "org.apache.hadoop.hive."
FORMS = {
    "parquet": (HIVE + "ql.io.parquet.MapredParquetInputFormat", HIVE + "ql.io.parquet.serde.ParquetHiveSerDe", {}),
    "csv": ("org.apache.hadoop.mapred.TextInputFormat", HIVE + "serde2.lazy.LazySimpleSerDe",
            {"field.delim": ",", "skip.header.line.count": "1"}),
}


def body(format, place):
    if format == "csv":
        return f"id,n\n{place},x\n"
    made = io.BytesIO()
    parquet.write_table(pa.table({"id": pa.array([place], pa.int32()), "n": ["x"]}), made)
    return made.getvalue()


@pytest.fixture
def table(data):
    """Makes a table with one row per partition: `p` is the row's id, `q` its remainder by three."""

    def made(format, count):
        form, library, parameters = FORMS[format]
        storage = {"Columns": [{"Name": "id", "Type": "int"}, {"Name": "n", "Type": "string"}], "Location": data.url("t/"),
                   "InputFormat": form, "OutputFormat": HIVE + "ql.io.HiveIgnoreKeyTextOutputFormat",
                   "SerdeInfo": {"SerializationLibrary": library, "Parameters": parameters}}
        data.glue.create_table(DatabaseName=data.database, TableInput={
            "Name": "t", "TableType": "EXTERNAL_TABLE", "Parameters": {"classification": format}, "StorageDescriptor": storage,
            "PartitionKeys": [{"Name": "p", "Type": "string"}, {"Name": "q", "Type": "int"}]})
        inputs = []
        for place in range(count):
            folder = f"t/p=v{place}/q={place % 3}/"
            data.put(folder + "a", body(format, place))
            inputs.append({"Values": [f"v{place}", str(place % 3)], "StorageDescriptor": {**storage, "Location": data.url(folder)}})
        for start in range(0, count, 100):
            reply = data.glue.batch_create_partition(DatabaseName=data.database, TableName="t",
                                                     PartitionInputList=inputs[start : start + 100])
            assert not reply["Errors"]

    return made


def ids(df):
    return sorted(row["id"] for row in df.select("id").collect())


@pytest.mark.parametrize("format, count", [*((format, count) for format in FORMS for count in (4, 6, 30)), ("csv", 300)])
def test_frames_are_filtered_by_keys_of_partitions(glue_context, data, table, format, count):
    table(format, count)
    frame = glue_context.create_dynamic_frame.from_catalog(data.database, "t")
    df = frame.toDF()
    everything = list(range(count))
    last = count - 1
    assert df.count() == count
    assert ids(df.where("p = 'v0'")) == [0] and ids(df.where(f"p = 'v{last}'")) == [last] and ids(df.where("p = 'no'")) == []
    assert ids(df.where("p <> 'v0'").select("id", "q").where("q = 2")) == everything[2::3]
    assert ids(df.where("q in (0, 1)").where(f"p in ('v1', 'v2', 'v{last}')").where("n = 'x'")) == sorted(
        place for place in {1, 2, last} if place % 3 < 2)
    assert {row["q"]: row["count"] for row in df.where("q > 0").groupBy("q").count().collect()} == {
        1: len(everything[1::3]), 2: len(everything[2::3])}
    one, two = frame.filter(lambda row: row["q"] == 1), frame.filter(lambda row: row["q"] == 2)
    assert ids(one.union(two).toDF().where("q = 2")) == everything[2::3]
    assert ids(frame.filter(lambda row: row["p"] == f"v{last}").toDF()) == [last]


@pytest.mark.parametrize("format", FORMS)
def test_filtered_partitions_split_joined_and_written(glue_context, data, table, format):
    table(format, 6)
    frame = glue_context.create_dynamic_frame.from_catalog(data.database, "t")
    split = SplitRows.apply(frame, {"q": {">": 0, "<": 2}}, "one", "rest")
    assert ids(split["one"].toDF()) == [1, 4] and ids(split["rest"].toDF()) == [0, 2, 3, 5]
    assert ids(split["one"].union(split["rest"]).toDF().where("p = 'v5' or q = 1")) == [1, 4, 5]
    assert ids(split["rest"].join(["p"], ["p"], frame.select_fields(["p"])).toDF().where("p = 'v3'")) == [3]
    assert ids(frame.mergeDynamicFrame(split["one"], ["id"]).toDF().where("q = 1").where("p = 'v4'")) == [4]
    late = frame.filter(lambda row: row["p"] in ("v4", "v5")).filter(lambda row: row["q"] == 2)
    glue_context.write_dynamic_frame.from_options(late, "s3", {"path": data.url("out/"), "partitionKeys": ["p"]}, "parquet")
    assert [key.split("/")[1] for key in data.keys("out/")] == ["p=v5"]
    assert data.parquet("out/") == [{"id": 5, "n": "x", "q": 2}]
    spark = glue_context.spark_session
    assert ids(spark.sql(f"select * from {data.database}.t where p = 'v5' and q = 2")) == [5]
    assert ids(spark.table(f"{data.database}.t").where("p = 'v3'")) == [3]
