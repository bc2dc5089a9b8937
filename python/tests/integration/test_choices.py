"""Fields that hold several types: where they come from, and the four ways out."""

import json
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from awsglue import gluetypes as g
from awsglue.errors import DataError


def rows(frame):
    return sorted((row.asDict(recursive=True) for row in frame.toDF().collect()), key=repr)


@pytest.fixture
def mixed(glue_context, tmp_path):
    """A column that is int in one file and string in another."""
    parquet.write_table(pa.table({"id": [1, 2], "price": pa.array([10, None], pa.int32())}), tmp_path / "a.parquet")
    parquet.write_table(pa.table({"id": [3, 4], "price": ["20", "n/a"]}), tmp_path / "b.parquet")
    return glue_context.create_dynamic_frame.from_options("s3", {"paths": [str(tmp_path)]}, "parquet")


def test_a_choice_is_there_from_the_start(mixed, capsys):
    mixed.printSchema()
    assert capsys.readouterr().out == (
        "root\n|-- id: long\n|-- price: choice\n|    |-- int\n|    |-- string\n"
    )
    assert mixed.count() == 4


def test_the_four_ways_differ(mixed):
    cast = mixed.resolveChoice(specs=[("price", "cast:int")])
    assert [row["price"] for row in rows(cast)] == [10, None, 20, None]
    assert cast.schema().getField("price").dataType == g.IntegerType()
    project = mixed.resolveChoice(specs=[("price", "project:string")])
    assert [row["price"] for row in rows(project)] == [None, None, "20", "n/a"]
    columns = mixed.resolveChoice(specs=[("price", "make_cols")])
    assert rows(columns) == [
        {"id": 1, "price_int": 10, "price_string": None}, {"id": 2, "price_int": None, "price_string": None},
        {"id": 3, "price_int": None, "price_string": "20"}, {"id": 4, "price_int": None, "price_string": "n/a"},
    ]
    struct = mixed.resolveChoice(choice="make_struct")
    assert struct.schema().getField("price").dataType == g.StructType(
        [g.Field("int", g.IntegerType()), g.Field("string", g.StringType())])
    assert [row["price"] for row in rows(struct)] == [
        {"int": 10, "string": None}, None, {"int": None, "string": "20"}, {"int": None, "string": "n/a"}]


def test_a_projection_to_a_type_that_no_value_has_is_refused(mixed, glue_context, tmp_path):
    with pytest.raises(DataError, match="price is int or string, so that project:long leaves nothing"):
        mixed.resolveChoice(specs=[("price", "project:long")])
    with pytest.raises(DataError, match="project to one of these, or cast:double"):
        mixed.resolveChoice(choice="project:double")
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "a.json").write_text('{"l": [1, "a"]}')
    arrays = glue_context.create_dynamic_frame.from_options("s3", {"paths": [str(tmp_path / "x")]}, "json")
    with pytest.raises(DataError, match="l is int or string"):
        arrays.resolveChoice(specs=[("l[]", "project:long")])


def test_what_is_not_resolved_is_a_structure_in_a_data_frame(mixed):
    assert [row["price"] for row in rows(mixed)][0] == {"int": 10, "string": None}


def test_specs_and_choice_exclude_each_other(mixed):
    with pytest.raises(DataError):
        mixed.resolveChoice(specs=[("price", "cast:int")], choice="make_cols")
    with pytest.raises(DataError):
        mixed.resolveChoice(specs=[("price", "drop")])
    with pytest.raises(DataError):
        mixed.resolveChoice()


def test_json_keeps_the_type_of_each_record(glue_context, tmp_path):
    lines = [{"n": 1, "a": [{"p": 1.5}, {"p": "$2"}]}, {"n": "x", "a": []}, {"n": None, "big": 2**40}, {"n": 3, "big": 1}]
    (tmp_path / "a.json").write_text("\n".join(json.dumps(line) for line in lines))
    frame = glue_context.create_dynamic_frame.from_options("s3", {"paths": [str(tmp_path)]}, "json")
    kind = frame.schema()
    assert kind.getField("n").dataType == g.ChoiceType([g.IntegerType(), g.StringType()])
    assert kind.getField("big").dataType == g.LongType()
    nested = frame.resolveChoice(specs=[("a[].p", "cast:double"), ("n", "make_cols")])
    assert nested.schema().getField("a").dataType == g.ArrayType(g.StructType([g.Field("p", g.DoubleType())]))
    found = rows(nested.select_fields(["a", "n_int", "n_string"]))
    assert {"a": [{"p": 1.5}, {"p": None}], "n_int": 1, "n_string": None} in found
    assert {"a": [], "n_int": None, "n_string": "x"} in found


def test_tables_say_which_types_a_field_may_have(glue_context, data):
    columns = {"id": "int", "p": "uniontype<int,string,double>", "s": "struct<n:uniontype<bigint,string>,t:string>",
               "l": "array<uniontype<int,string>>", "none": "uniontype<int,string>"}
    data.glue.create_table(DatabaseName=data.database, TableInput={"Name": "t", "StorageDescriptor": {
        "Location": data.url("t/"), "SerdeInfo": {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe"},
        "Columns": [{"Name": name, "Type": kind} for name, kind in columns.items()]}})
    data.put("t/a.json", '{"id": 1, "p": 1, "s": {"n": 1, "t": "a"}, "l": [1, "x", null]}\n{"id": 2, "p": "x", "s": null}\n'
                         '{"id": 3, "s": {"n": null}}\n')
    frame = glue_context.create_dynamic_frame.from_catalog(data.database, "t")
    assert list(frame.schema().getField("p").dataType.choices) == ["int", "string", "double"]
    kept = rows(frame.select_fields(["id", "p", "s", "l"]))
    assert kept[0] == {"id": 1, "p": {"int": 1, "string": None, "double": None}, "s": {"n": {"long": 1, "string": None}, "t": "a"},
                       "l": [{"int": 1, "string": None}, {"int": None, "string": "x"}, None]}
    assert kept[2] == {"id": 3, "p": None, "s": {"n": None, "t": None}, "l": None}
    made = frame.resolveChoice(specs=[("p", "make_cols"), ("s.n", "cast:string"), ("none", "cast:int")]).select_fields(
        ["id", "p_int", "p_string", "p_double", "s", "none"])
    assert rows(made)[0] == {"id": 1, "p_int": 1, "p_string": None, "p_double": None, "s": {"n": "1", "t": "a"}, "none": None}


def test_projections_to_types_of_parts_and_of_digits(glue_context, tmp_path):
    lines = [{"id": 1, "a": [1], "d": 1.25}, {"id": 2, "a": {"x": 2}, "d": "t"}]
    (tmp_path / "a.json").write_text("\n".join(map(json.dumps, lines)))
    frame = glue_context.create_dynamic_frame.from_options("s3", {"paths": [str(tmp_path)]}, "json")
    assert rows(frame.resolveChoice(specs=[("a", "project:array"), ("d", "project:double")])) == [
        {"id": 1, "a": [1], "d": 1.25}, {"id": 2, "a": None, "d": None}]
    assert [row["a"] for row in rows(frame.resolveChoice(specs=[("a", "project:struct")]))] == [None, {"x": 2}]
    # As a mapping has it; the catalog's `decimal` has no fraction.
    made = frame.resolveChoice(specs=[("d", "cast:decimal")])
    assert made.schema().getField("d").dataType == g.DecimalType(10, 2)
    assert [row["d"] for row in rows(made.select_fields(["id", "d"]))] == [Decimal("1.25"), None]
    mapped = frame.apply_mapping([("id", "int", "id", "decimal"), ("d", "string", "d", "decimal(5,1)")])
    assert rows(mapped) == [{"id": Decimal("1.00"), "d": Decimal("1.3")}, {"id": Decimal("2.00"), "d": None}]


def test_catalog_types_that_the_text_contradicts_become_choices(glue_context, data):
    data.put("t/a.csv", "id,provider,name\n" + "".join(f"{i},{i},n{i}\n" for i in range(200)))
    data.crawl("t/")
    data.put("t/b.csv", "id,provider,name\n900,INC,odd\n901,,none\n")
    frame = glue_context.create_dynamic_frame.from_catalog(database=data.database, table_name="t")
    kind = frame.schema()
    assert kind.getField("id").dataType == g.LongType()
    assert kind.getField("provider").dataType == g.ChoiceType([g.LongType(), g.StringType()])
    cast = frame.resolveChoice(specs=[("provider", "cast:long")])
    odd = {row["id"]: row["provider"] for row in rows(cast) if row["id"] >= 199}
    assert odd == {199: 199, 900: None, 901: None}
    strings = frame.resolveChoice(specs=[("provider", "project:string")])
    assert {row["id"]: row["provider"] for row in rows(strings) if row["id"] >= 199} == {199: None, 900: "INC", 901: None}
    matched = frame.resolveChoice(choice="match_catalog", database=data.database, table_name="t")
    assert matched.schema().getField("provider").dataType == g.LongType()
    # Order can be asked before anybody knows whether there is a choice; text is an error record then.
    kept = glue_context.create_dynamic_frame.from_catalog(data.database, "t").filter(lambda r: r["provider"] > 197)
    assert sorted(row["provider"] for row in rows(kept)) == [198, 199]
    assert kept.errorsCount() == 2


def test_columns_that_would_be_there_twice(glue_context, mixed):
    with pytest.raises(DataError, match="price_int"):
        mixed.rename_field("id", "price_int").resolveChoice(choice="make_cols")


def test_toDF_resolves_what_it_is_told(mixed):
    from awsglue.dynamicframe import ResolveOption
    from pyspark.sql.types import StringType

    df = mixed.toDF([ResolveOption("price", "Project", StringType())])
    assert dict(df.dtypes)["price"] == "string"


def test_the_types_of_a_choice_have_the_order_of_files_and_records(glue_context, data):
    """Workers read files in any order; what is seen first, by file and record, comes first."""
    for place in range(12):
        data.put(f"c/{place:02}.json", "".join(f'{{"id":{place},"v":1{row}}}\n' for row in range(50)))
    data.put("c/05.json", '{"id":5,"v":"30","late":1}\n{"id":5,"v":2.5}\n')
    data.put("c/06.json", '{"id":5,"v":true,"late":"x"}\n')
    for _ in range(5):
        frame = glue_context.create_dynamic_frame.from_options("s3", {"paths": [data.url("c/")]}, "json")
        assert list(frame.schema().getField("v").dataType.choices) == ["int", "string", "double", "boolean"]
        assert frame.resolveChoice(choice="make_cols").toDF().columns == [
            "id", "v_int", "v_string", "v_double", "v_boolean", "late_int", "late_string"]
        mapped = frame.map(lambda record: {**record})
        assert list(mapped.schema().getField("v").dataType.choices) == ["boolean", "double", "int", "string"]


def test_a_choice_is_no_column_of_csv(glue_context, data):
    data.put("d/a.json", '{"id":1,"v":1}\n{"id":2,"v":"x"}\n')
    frame = glue_context.create_dynamic_frame.from_options("s3", {"paths": [data.url("d/")]}, "json")
    with pytest.raises(DataError, match="`v` is a choice of int and string: use resolveChoice"):
        glue_context.write_dynamic_frame.from_options(frame, "s3", {"path": data.url("out/")}, "csv")
    assert data.keys("out/") == []
