"""Statements of `spark.sql`, and tables overwritten, as scripts for Glue have them."""

import pytest

from awsglue.errors import DataError, NotBuilt


@pytest.fixture
def spark(glue_context, data):
    yield glue_context.spark_session
    glue_context.spark_session.catalog.setCurrentDatabase("default" if glue_context.spark_session.catalog.databaseExists("default")
                                                          else data.database)


def test_what_sail_spells_otherwise(spark, data):
    spark.sql(f"create table {data.database}.t location '{data.url('t/')}' as select 1 as a, 'x' as b").collect()
    assert spark.sql(f"insert into {data.database}.t values (2, 'y')").count() == 0
    assert [row["col_name"] for row in spark.sql(f"describe {data.database}.t").collect()] == ["a", "b"]
    assert "Location" in [row["col_name"] for row in spark.sql(f"DESC FORMATTED {data.database}.t").collect()]
    assert spark.sql(f"use {data.database}").collect() == [] and spark.catalog.currentDatabase() == data.database
    assert sorted(map(tuple, spark.sql("select * from t").collect())) == [(1, "x"), (2, "y")]
    assert spark.sql("set spark.sql.shuffle.partitions=3").first()["value"] == "3" == spark.conf.get("spark.sql.shuffle.partitions")
    with pytest.raises(NotBuilt, match="MSCK REPAIR TABLE is not built; crawl the table"):
        spark.sql(f"msck repair table {data.database}.t")


def test_a_table_needs_a_place(spark, data):
    data.glue.create_database(DatabaseInput={"Name": f"{data.database}_p", "LocationUri": data.url("w/")})
    for name, way in ((f"{data.database}.n", "LOCATION"), (f"`{data.database}`.`n`", "option")):
        with pytest.raises(DataError, match=f"the database '{data.database}' has no location.*{way}"):
            spark.sql(f"create table if not exists {name} as select 1 as a")
        with pytest.raises(DataError, match="has no location"):
            spark.range(1).write.mode("overwrite").saveAsTable(name)
    spark.sql(f"create table {data.database}_p.n as select 1 as a")
    spark.range(1).write.saveAsTable(f"{data.database}_p.m")
    assert {key.split("/")[1] for key in data.keys("w/")} == {"n", "m"}


def test_a_table_is_overwritten(spark, data):
    name, place = f"{data.database}.o", data.url("o/")

    def save(df, **options):
        df.write.mode("overwrite").saveAsTable(name, **options)
        return sorted(row["id"] for row in spark.table(name).collect())

    assert save(spark.range(3), path=place) == [0, 1, 2]
    assert save(spark.range(5, 8), path=place) == [5, 6, 7]
    assert save(spark.table(name).where("id > 5")) == [6, 7], "a frame may read what it replaces"
    for df, options, what in ((spark.range(1).selectExpr("id", "1 as x"), {}, "whose columns are"), (spark.range(1), {"format": "csv"}, "as csv"),
                              (spark.range(1), {"path": data.url("p/")}, "which lies at"), (spark.range(1), {"partitionBy": "id"}, "partitioned")):
        with pytest.raises(NotBuilt, match=f"replacing the table .*{what}"):
            save(df, **options)
    assert sorted(row["id"] for row in spark.table(name).collect()) == [6, 7]
    assert save(spark.range(0)) == []
