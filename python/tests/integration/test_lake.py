"""Tables of Iceberg and Delta: by Glue's own calls, which the server commits, and by Spark's, which are the engine's."""

import json

import pytest

from awsglue.dynamicframe import DynamicFrame
from awsglue.errors import DataError, NotBuilt


@pytest.fixture
def spark(glue_context):
    return glue_context.spark_session


@pytest.fixture
def df(spark):
    return spark.createDataFrame([(1, "a", "x"), (2, "b", "y")], "id int, v string, k string")


def rows(df):
    return sorted((tuple(row) for row in df.collect()), key=repr)


def whole(glue_context, data, table):
    """All rows as the server reads them, and as the engine does."""
    ours = rows(glue_context.create_data_frame.from_catalog(database=data.database, table_name=table))
    assert ours == rows(glue_context.spark_session.table(f"glue_catalog.{data.database}.{table}"))
    return ours


def iceberg(data, table):
    columns = [{"Name": "id", "Type": "int"}, {"Name": "v", "Type": "string"}, {"Name": "k", "Type": "string"}]
    data.glue.create_table(
        DatabaseName=data.database,
        TableInput={"Name": table, "TableType": "EXTERNAL_TABLE", "StorageDescriptor": {"Columns": columns, "Location": data.url(table)}},
        OpenTableFormatInput={"IcebergInput": {"MetadataOperation": "CREATE", "Version": "2"}})


def log(data, folder):
    """The entries of a Delta table's log."""
    entries = [key for key in data.keys(f"{folder}/_delta_log/") if key.endswith(".json")]
    bodies = [data.s3.get_object(Bucket=data.bucket, Key=key)["Body"].read().decode() for key in sorted(entries)]
    return [[json.loads(line) for line in body.splitlines()] for body in bodies]


def test_an_iceberg_table_of_the_catalog(glue_context, data, df):
    iceberg(data, "ice")
    write = glue_context.write_data_frame.from_catalog
    write(frame=df, database=data.database, table_name="ice", additional_options={})
    frame = DynamicFrame.fromDF(df.where("id = 2").select("id", "v"), glue_context, "f")
    glue_context.write_dynamic_frame.from_catalog(frame=frame, database=data.database, table_name="ice")
    assert whole(glue_context, data, "ice") == [(1, "a", "x"), (2, "b", "y"), (2, "b", None)]
    write(df.selectExpr("id", "'new' v", "k"), data.database, "ice", additional_options={"mode": "upsert", "keys": "id"})
    assert whole(glue_context, data, "ice") == [(1, "new", "x"), (2, "new", "y")]
    write(df.where("id = 1"), data.database, "ice", additional_options={"mode": "overwrite"})
    assert whole(glue_context, data, "ice") == [(1, "a", "x")]
    assert data.rows("SELECT id, v FROM ice") == [("1", "a")]
    for options, frame, what in [
        ({"merge-schema": "true"}, df, "AdditionalOptions.merge-schema"),
        ({"partitionOverwriteMode": "dynamic", "mode": "overwrite"}, df, "has no partitions"),
        ({"partitionKeys": ["k"]}, df, "partitioned by nothing"),
        ({}, df.selectExpr("'x' id", "v", "k"), "column id is string"),
        ({}, df.selectExpr("id", "1 AS more"), "the table has no column more"),
    ]:
        with pytest.raises(DataError, match=what):
            write(frame, data.database, "ice", additional_options=options)
    write(df.selectExpr("id", "1 AS more"), data.database, "ice", additional_options={"updateBehavior": "LOG"})
    assert len(whole(glue_context, data, "ice")) == 3


def test_a_sink_makes_tables(glue_context, data, df):
    frame = DynamicFrame.fromDF(df, glue_context, "f")
    for format in ("delta", "iceberg"):
        for _ in range(2):
            sink = glue_context.getSink(connection_type="s3", path=data.url(f"sink/{format}/"), enableUpdateCatalog=True,
                                        updateBehavior="UPDATE_IN_DATABASE", partitionKeys=["k"])
            sink.setCatalogInfo(catalogDatabase=data.database, catalogTableName=format)
            sink.setFormat(format, compression="snappy")
            sink.writeFrame(frame)
        assert whole(glue_context, data, format) == 2 * [(1, "a", "x")] + 2 * [(2, "b", "y")]
        glue_context.write_data_frame.from_catalog(
            df.where("id = 1").selectExpr("id", "'new' v", "k"), data.database, format,
            additional_options={"mode": "overwrite", "partitionOverwriteMode": "dynamic"})
        assert whole(glue_context, data, format) == [(1, "new", "x"), (2, "b", "y"), (2, "b", "y")]
        assert data.rows(f"SELECT count(*) FROM {format}") == [("3",)]


def test_a_delta_table_by_its_path(glue_context, data, df, spark):
    place = data.url("delta")
    frame = DynamicFrame.fromDF(df, glue_context, "f")
    write = lambda **options: glue_context.write_dynamic_frame.from_options(  # noqa: E731
        frame=frame, connection_type="s3", connection_options={"path": place, **options}, format="delta")
    write(partitionKeys=["k"])
    write()
    read = glue_context.create_dynamic_frame.from_options(connection_type="s3", connection_options={"paths": [place]}, format="delta")
    assert rows(read.toDF()) == 2 * [(1, "a", "x")] + 2 * [(2, "b", "y")]
    write(mode="overwrite")
    assert rows(spark.read.format("delta").load(place)) == [(1, "a", "x"), (2, "b", "y")]
    assert [sum("remove" in action for action in entry) for entry in log(data, "delta")] == [0, 0, 4]
    for options, what in [({"partitionKeys": ["v"]}, "partitioned by k"), ({"mergeSchema": "true"}, "AdditionalOptions.mergeSchema")]:
        with pytest.raises(DataError, match=what):
            write(**options)
    with pytest.raises(DataError, match="one of the catalog"):
        glue_context.write_dynamic_frame.from_options(frame, "s3", {"path": place}, "iceberg")
    with pytest.raises(NotBuilt, match="iceberg by its path"):
        glue_context.create_dynamic_frame.from_options("s3", {"paths": [place]}, "iceberg")
    with pytest.raises(DataError, match="one path, not 2"):
        glue_context.create_dynamic_frame.from_options("s3", {"paths": [place, place]}, "delta")
    with pytest.raises(NotBuilt, match="boundedFiles"):
        glue_context.create_dynamic_frame.from_options("s3", {"paths": [place], "boundedFiles": "1"}, "delta")
    assert len(log(data, "delta")) == 3


def test_a_new_iceberg_table_by_writeto(glue_context, data, df, spark):
    name = f"glue_catalog.{data.database}"
    made = df.writeTo(f"{name}.made").tableProperty("format-version", "2").tableProperty("location", data.url("made/"))
    made.partitionedBy("k").create()
    assert whole(glue_context, data, "made") == [(1, "a", "x"), (2, "b", "y")]
    assert data.glue.get_table(DatabaseName=data.database, Name="made")["Table"]["StorageDescriptor"]["Location"] == data.url("made")
    df.where("id = 1").selectExpr("id", "'new' v", "k").writeTo(f"{name}.made").overwritePartitions()
    spark.sql(f"INSERT INTO {name}.made VALUES (3, 'c', 'z')")
    assert rows(spark.sql(f"SELECT id, v FROM {name}.made WHERE k <> 'y'")) == [(1, "new"), (3, "c")]
    assert whole(glue_context, data, "made") == [(1, "new", "x"), (2, "b", "y"), (3, "c", "z")]
    with pytest.raises(DataError, match="a LocationUri"):
        df.writeTo(f"{name}.nowhere").create()
    data.glue.update_database(Name=data.database, DatabaseInput={"Name": data.database, "LocationUri": data.url("warehouse/")})
    df.writeTo(f"{name}.below").create()
    assert whole(glue_context, data, "below") == [(1, "a", "x"), (2, "b", "y")]
    assert data.keys("warehouse/below/metadata/")


def test_sparks_writer_of_delta_tables(data, df, spark):
    place = data.url("spark-delta")
    save = lambda df, mode, **options: df.write.format("delta").mode(mode).options(**options).save(place)  # noqa: E731
    save(df, "error", path=place)
    # A column that is never null here: the older file has none.
    save(df.selectExpr("id", "1 AS n"), "append", mergeSchema="true")
    assert rows(spark.read.format("delta").load(place)) == [(1, "a", "x", None), (1, None, None, 1), (2, "b", "y", None), (2, None, None, 1)]
    with pytest.raises(DataError, match="column id is string, and int"):
        save(df.selectExpr("'x' AS id", "v", "k"), "append")
    save(df.selectExpr("'x' AS id"), "overwrite", overwriteSchema="true")
    assert rows(spark.read.format("delta").load(place)) == [("x",), ("x",)]


@pytest.mark.parametrize("by_setting", [False, True])
def test_partitions_are_replaced_or_refused(data, df, spark, by_setting):
    place, new = data.url("parts"), df.where("id = 1").selectExpr("id", "'new' AS v", "k")
    option = {} if by_setting else {"partitionOverwriteMode": "dynamic"}
    df.write.format("delta").partitionBy("k").save(place)
    if by_setting:
        spark.conf.set("spark.sql.sources.partitionOverwriteMode", "dynamic")
    try:
        new.write.format("delta").mode("overwrite").options(**option).partitionBy("k").save(place)
        assert rows(spark.read.format("delta").load(place)) == [(1, "new", "x"), (2, "b", "y")]
        files = new.write.mode("overwrite").options(**option)
        with pytest.raises(NotBuilt, match="some partitions of files"):
            files.partitionBy("k").parquet(data.url("files"))
        with pytest.raises(NotBuilt, match="overwritePartitions"):
            files.saveAsTable(f"{data.database}.parts")
        with pytest.raises(NotBuilt, match="overwritePartitions"):
            files.insertInto(f"{data.database}.parts", overwrite=True)
        assert data.keys("files") == []
    finally:
        spark.conf.unset("spark.sql.sources.partitionOverwriteMode")


def test_a_new_table_without_a_place_lies_below_its_database(glue_context, data, df):
    for write in (df.write.saveAsTable, lambda name: df.writeTo(name).using("parquet").create()):
        with pytest.raises(DataError, match="has no location"):
            write(f"{data.database}.lost")
    data.glue.update_database(Name=data.database, DatabaseInput={"Name": data.database, "LocationUri": data.url("warehouse/")})
    df.write.saveAsTable(f"{data.database}.kept")
    df.write.mode("append").saveAsTable(f"{data.database}.kept")
    assert rows(glue_context.spark_session.table(f"{data.database}.kept")) == 2 * [(1, "a", "x")] + 2 * [(2, "b", "y")]
    assert data.keys("warehouse/kept/") and data.glue.get_tables(DatabaseName=data.database)["TableList"][0]["Name"] == "kept"


def test_a_frame_does_not_overwrite_what_it_reads(data, df, spark):
    place = data.url("own files/")
    df.write.parquet(place)
    again, other = spark.read.parquet(place), spark.range(1).selectExpr("1 AS id", "'a' AS v", "'x' AS k")
    for frame in (again, again.where("id > 1"), other.unionAll(again), other.join(again, "id").select(again.id), spark.read.parquet(place + "*")):
        for target in (place, place.rstrip("/"), place.replace("s3://", "s3a://"), data.url("")):
            with pytest.raises(DataError, match="cannot be overwritten by a frame that reads"):
                frame.write.mode("overwrite").parquet(target)
    assert rows(again) == [(1, "a", "x"), (2, "b", "y")]
    again.write.mode("overwrite").parquet(data.url("own files 2/"))
    other.write.mode("overwrite").parquet(place)
    assert rows(spark.read.parquet(place)) == [(1, "a", "x")]
