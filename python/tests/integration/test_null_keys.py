"""Partitions whose key is null, in statements and frames."""

import io

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

HIVE = "org.apache.hadoop.hive."
FORMS = {
    "parquet": (HIVE + "ql.io.parquet.MapredParquetInputFormat", HIVE + "ql.io.parquet.serde.ParquetHiveSerDe"),
    "json": ("org.apache.hadoop.mapred.TextInputFormat", "org.openx.data.jsonserde.JsonSerDe"),
}


def body(format):
    if format == "json":
        return b'{"i":1}\n{"i":2}\n'
    made = io.BytesIO()
    parquet.write_table(pa.table({"i": [1, 2]}), made)
    return made.getvalue()


def partitioned(data, format, table, keys, values):
    """A table with a partition of two rows for each of the values."""
    form, library = FORMS[format]
    storage = {"Columns": [{"Name": "i", "Type": "bigint"}], "Location": data.url(f"{table}/"), "InputFormat": form,
               "OutputFormat": HIVE + "ql.io.HiveIgnoreKeyTextOutputFormat", "SerdeInfo": {"SerializationLibrary": library}}
    data.glue.create_table(DatabaseName=data.database, TableInput={
        "Name": table, "TableType": "EXTERNAL_TABLE", "Parameters": {"classification": format},
        "PartitionKeys": [{"Name": name, "Type": kind} for name, kind in keys.items()], "StorageDescriptor": storage})
    for value in values:
        folder = table + "/" + "/".join(f"{key}={part}" for key, part in zip(keys, value))
        data.put(f"{folder}/a.{format}", body(format))
        data.glue.create_partition(DatabaseName=data.database, TableName=table, PartitionInput={
            "Values": list(value), "StorageDescriptor": {**storage, "Location": data.url(folder + "/")}})
    return f"{data.database}.{table}"


NULL = "__HIVE_DEFAULT_PARTITION__"


@pytest.mark.parametrize("format", FORMS)
@pytest.mark.parametrize("kind, value", [("string", "a"), ("int", 7)])
def test_a_null_key_is_null(glue_context, data, format, kind, value):
    spark = glue_context.spark_session
    name = partitioned(data, format, "t", {"day": "string", "k": kind}, [("x", str(value)), ("x", NULL), (NULL, NULL)])
    assert spark.sql(f"select count(*) from {name} where k is null").first()[0] == 4
    assert spark.table(name).where("day is null and k is null").count() == 2
    assert sorted(map(tuple, spark.sql(f"select i, k from {name} where k = '{value}'").collect())) == [(1, value), (2, value)]
    assert sorted(str(row["k"]) for row in glue_context.create_dynamic_frame.from_catalog(data.database, "t").toDF().collect()
                  ) == sorted([str(value)] * 2 + ["None"] * 4)
    shown = [row["tableName"] for row in spark.sql(f"show tables in {data.database}").collect()]
    assert "t" in shown and not [name for name in shown if name.startswith("__tenon_")]


def test_without_a_null_key_the_engine_reads_the_table(glue_context, data):
    spark = glue_context.spark_session
    name = partitioned(data, "parquet", "whole", {"k": "string"}, [("a",), ("b",)])
    assert spark.sql(f"select count(*) from {name} where k = 'a'").first()[0] == 2
    assert spark._tenon_views(data.database, "whole") is None
