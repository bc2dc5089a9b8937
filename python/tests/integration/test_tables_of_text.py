"""Tables of the catalog as they are written by hand, or made by crawlers of one file."""

import io

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

HIVE = "org.apache.hadoop.hive."
TEXT = "org.apache.hadoop.mapred.TextInputFormat"
LAZY = HIVE + "serde2.lazy.LazySimpleSerDe"
FORMS = {
    "csv": (TEXT, LAZY, {"field.delim": ","}),
    "json": (TEXT, "org.openx.data.jsonserde.JsonSerDe", {}),
    "parquet": (HIVE + "ql.io.parquet.MapredParquetInputFormat", HIVE + "ql.io.parquet.serde.ParquetHiveSerDe", {}),
}


def table(data, name, location, form, library, serde, parameters=None):
    columns = [{"Name": "a", "Type": "int"}, {"Name": "b", "Type": "string"}]
    data.glue.create_table(DatabaseName=data.database, TableInput={
        "Name": name, "TableType": "EXTERNAL_TABLE", "Parameters": parameters or {}, "StorageDescriptor": {
            "Location": location, "Columns": columns, "InputFormat": form, "OutputFormat": HIVE + "ql.io.HiveIgnoreKeyTextOutputFormat",
            "SerdeInfo": {"SerializationLibrary": library, "Parameters": serde}}})


def rows(df):
    return sorted(tuple(row) for row in df.select("a", "b").collect())


@pytest.mark.parametrize("format", FORMS)
def test_a_table_whose_location_is_an_object(glue_context, data, format):
    made = io.BytesIO()
    parquet.write_table(pa.table({"a": pa.array([1, 2], pa.int32()), "b": ["x", "y"]}), made)
    body = {"csv": "1,x\n2,y\n", "json": '{"a":1,"b":"x"}\n{"a":2,"b":"y"}\n', "parquet": made.getvalue()}[format]
    location = data.put(f"one/t.{format}", body)
    data.put(f"one/t.{format}2", b"another")
    table(data, "t", location, *FORMS[format])
    assert rows(glue_context.create_dynamic_frame.from_catalog(data.database, "t").toDF()) == [(1, "x"), (2, "y")]
    spark = glue_context.spark_session
    assert rows(spark.sql(f"select * from {data.database}.t")) == [(1, "x"), (2, "y")]
    assert rows(spark.table(f"{data.database}.t").where("a > 1")) == [(2, "y")]


@pytest.mark.parametrize("separator, serde, parameters", [
    ("\x01", {}, {}), ("\x01", {}, {"classification": "csv"}), ("\x01", {"serialization.format": "1"}, {"classification": "csv"}),
    ("\t", {"field.delim": "9"}, {}), ("\t", {"field.delim": "\\t"}, {}), ("\t", {"serialization.format": "\t"}, {}),
    ("|", {"field.delim": "\\u007c"}, {}), ("\x02", {"field.delim": "\\002"}, {}), (";", {"field.delim": ";"}, {}),
    (",", {"field.delim": ",", "serialization.format": "1"}, {"classification": "csv"}),
])
def test_separators_are_those_of_the_serde(glue_context, data, separator, serde, parameters):
    data.put("t/a.csv", f"1{separator}x\n2{separator}y\n")
    table(data, "t", data.url("t/"), TEXT, LAZY, serde, parameters)
    assert rows(glue_context.create_dynamic_frame.from_catalog(data.database, "t").toDF()) == [(1, "x"), (2, "y")]
    assert rows(glue_context.spark_session.sql(f"select * from {data.database}.t")) == [(1, "x"), (2, "y")]
    assert data.rows("select count(*) from t where a = 2") == [("1",)]


def test_a_separator_of_two_characters_is_refused(glue_context, data):
    data.put("t/a.csv", "1||x\n")
    table(data, "t", data.url("t/"), TEXT, LAZY, {"field.delim": "||"})
    with pytest.raises(Exception, match="separator"):
        glue_context.create_dynamic_frame.from_catalog(data.database, "t")
