"""Columns without a type in one branch of a union: their values are kept in frames and files."""

import pytest
from pyspark.sql import functions as F

from awsglue import gluetypes as g
from awsglue.dynamicframe import DynamicFrame


@pytest.fixture
def sides(glue_context):
    spark = glue_context.spark_session
    return spark.sql("select 1 as id, 'x' as v"), spark.sql(
        "select 2 as id, 1.5D as f, named_struct('k', 2L) as s, array(date'2024-01-02') as r")


def written(glue_context, data, df, format):
    frame = DynamicFrame.fromDF(df, glue_context, "u")
    glue_context.write_dynamic_frame.from_options(frame, "s3", {"path": data.url(f"{format}/")}, format)
    return "".join(data.s3.get_object(Bucket=data.bucket, Key=key)["Body"].read().decode() for key in data.keys(f"{format}/"))


def test_columns_that_one_side_lacks_are_written_with_their_values(glue_context, data, sides):
    a, b = sides
    union = a.unionByName(b.select("id", "f"), allowMissingColumns=True)
    assert "2,,1.5" in written(glue_context, data, union, "csv").replace('"', "")
    assert '{"id":2,"f":1.5}' in written(glue_context, data, union, "json")
    glue_context.write_dynamic_frame.from_options(DynamicFrame.fromDF(union, glue_context, "u"), "s3",
                                                  {"path": data.url("parquet/")}, "parquet")
    assert {"id": 2, "v": None, "f": 1.5} in data.parquet("parquet/")


def test_nested_values_and_literals(glue_context, sides):
    a, b = sides
    frame = DynamicFrame.fromDF(a.unionByName(b, allowMissingColumns=True), glue_context, "u")
    kinds = {field.name: field.dataType for field in frame.schema().fields}
    assert kinds["f"] == g.DoubleType() and kinds["s"] == g.StructType([g.Field("k", g.LongType())])
    assert kinds["r"] == g.ArrayType(g.DateType())
    found = {row["id"]: row for row in frame.toDF().collect()}
    assert found[2]["f"] == 1.5 and found[2]["s"]["k"] == 2 and found[1]["s"] is None and len(found[2]["r"]) == 1
    inner = a.select("id", F.struct(F.lit(None).alias("k")).alias("s")).union(b.select("id", "s"))
    rows = DynamicFrame.fromDF(inner, glue_context, "i").toDF().collect()
    assert sorted((row["id"], row["s"]["k"]) for row in rows if row["id"] == 2) == [(2, 2)]


def test_a_merge_as_generated_scripts_have_it(glue_context, data, sides):
    a, b = sides
    merged = a.join(b.select("id", "f"), ["id"], "left_anti").unionByName(b.select("id", "f"), allowMissingColumns=True)
    assert '{"id":2,"f":1.5}' in written(glue_context, data, merged, "json")


def test_a_column_without_any_value_stays_one(glue_context, sides):
    frame = DynamicFrame.fromDF(sides[0].withColumn("f", F.lit(None)), glue_context, "n")
    assert frame.schema().getField("f").dataType == g.NullType() and frame.count() == 1
    assert frame.drop_nulls().toDF().columns == ["id", "v"]
