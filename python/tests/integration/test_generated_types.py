"""Scripts that `tenon job script` writes give the values and the types that the engine gives, where types meet: constants of
filters, unions, merges, values of several types in one field."""

import datetime
import decimal
import io
import json

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from shared import Data
from test_generated import compared, one

D = decimal.Decimal
DAYS = [datetime.date(2024, 1, 1), datetime.date(1, 1, 1), None, datetime.date(9999, 12, 31)]
TIMES = [datetime.datetime(2024, 1, 1, 1, 2, 3, 456789), datetime.datetime(1, 1, 1), None, datetime.datetime(2024, 1, 1)]
TYPED = pa.table({
    "id": pa.array([1, 2, 10, None], pa.int32()),
    "tiny": pa.array([1, -128, 127, None], pa.int8()),
    "big": pa.array([2**53 + 1, 5, -(2**63), None], pa.int64()),
    "dec": pa.array([D("1.10"), D("10.01"), D("-3.33"), None], pa.decimal128(10, 2)),
    "real": pa.array([1e-17, float("nan"), 0.1, None], pa.float64()),
    "single": pa.array([0.1, 1.5, None, 16777216.0], pa.float32()),
    "flag": pa.array([True, False, True, None]),
    "text": pa.array(["a", "B", "10", None]),
    "day": pa.array(DAYS, pa.date32()),
    "at": pa.array(TIMES, pa.timestamp("us")),
})

FILTERS = [
    ("EQ", "flag", "true"), ("EQ", "flag", "TRUE"), ("EQ", "flag", "1"), ("EQ", "flag", "yes"), ("EQ", "flag", "off"),
    ("GT", "id", "1.5"), ("EQ", "id", "1e1"), ("EQ", "id", " 2"), ("LT", "tiny", "1000"), ("EQ", "big", str(2**53 + 1)),
    ("REGEX", "id", "1"), ("REGEX", "text", "[a-z]"), ("EQ", "single", "0.1"), ("GTE", "single", "0.1"), ("EQ", "real", "NaN"),
    ("LT", "real", "NaN"), ("LTE", "real", "NaN"), ("GT", "real", "NaN"), ("GTE", "real", "nan"), ("GT", "dec", "10.005"),
    ("EQ", "dec", "1.1"), ("EQ", "day", "2024-1-1"), ("GT", "at", "2024-01-01 00:00:00"), ("EQ", "text", "10"), ("GT", "text", "C"),
]
UNIONS = [("dec", "real"), ("real", "dec"), ("day", "text"), ("day", "at"), ("at", "day"), ("tiny", "big"), ("id", "dec"),
          ("big", "real"), ("id", "text"), ("dec", "single")]


@pytest.fixture(scope="module")
def lake(tenon):
    data = Data(tenon)
    out = io.BytesIO()
    parquet.write_table(TYPED, out)
    data.put("typed/a.parquet", out.getvalue())
    return data


def files(lake, kind, path):
    return {kind: {"Name": kind, "Paths": [lake.url(path)], "Recurse": True}}


def table(lake, prefix):
    """Sorted rows, and the types of their columns."""
    rows, types = [], set()
    for key in lake.keys(prefix):
        found = parquet.ParquetFile(io.BytesIO(lake.s3.get_object(Bucket=lake.bucket, Key=key)["Body"].read())).read()
        rows += [sorted(row.items()) for row in found.to_pylist()]
        types |= {(field.name, str(field.type).replace("list<item:", "list<element:")) for field in found.schema} if found.num_rows else set()
    return sorted(rows, key=repr), types


def compare(tenon, lake, run_script, case, nodes, nodes_out):
    """Runs a graph both ways, with a target behind each of these nodes; returns what the engine has left, by node."""
    for of in ("engine", "script"):
        targets = {f"out_{own}": {"S3GlueParquetTarget": {"Name": "out", "Inputs": [own], "Compression": "snappy",
                                                         "Path": lake.url(f"{case}/{of}/{own}/")}} for own in nodes_out}
        lake.glue.create_job(Name=f"{case}-{of}", Role="r", Command={"Name": "glueetl"},
                             CodeGenConfigurationNodes={**nodes, **targets})
    tenon.cli("job", "run", f"{case}-engine", "--watch")
    run_script(tenon.cli("job", "script", f"{case}-script").stdout, "--JOB_NAME", f"{case}-script")
    left = {own: table(lake, f"{case}/engine/{own}/") for own in nodes_out}
    assert {own: repr(table(lake, f"{case}/script/{own}/")[0]) for own in nodes_out} == {
        own: repr(rows) for own, (rows, _) in left.items()}
    for own, (_, types) in left.items():
        assert table(lake, f"{case}/script/{own}/")[1] == types, own
    return {own: rows for own, (rows, _) in left.items()}


def test_constants_take_the_type_of_their_field(tenon, lake, run_script):
    nodes = {"src": files(lake, "S3ParquetSource", "typed/")}
    for number, (operation, field, value) in enumerate(FILTERS):
        for negated in (False, True):
            own = f"f{number}{'n' if negated else ''}"
            nodes[own] = one("Filter", "src", LogicalOperator="AND", Filters=[compared(operation, field, value, negated=negated)])
    left = compare(tenon, lake, run_script, "constants", nodes, list(nodes)[1:])
    counts = {condition: len(left[f"f{number}"]) for number, condition in enumerate(FILTERS)}
    assert counts["EQ", "flag", "TRUE"] == 2 and counts["GT", "id", "1.5"] == 2 and counts["EQ", "single", "0.1"] == 0
    assert counts["EQ", "real", "NaN"] == 1 and counts["GT", "dec", "10.005"] == 1


def test_groups_of_a_route_compare_as_filters_do(tenon, lake, run_script):
    groups = [{"GroupName": "some", "LogicalOperator": "OR", "Filters": [compared("GT", "id", "1.5"), compared("EQ", "flag", "1")]}]
    nodes = {"src": files(lake, "S3ParquetSource", "typed/"), "route": one("Route", "src", GroupFiltersList=groups)}
    for index in range(2):
        nodes[f"c{index}"] = one("SelectFromCollection", "route", Index=index)
    left = compare(tenon, lake, run_script, "routes", nodes, ["c0", "c1"])
    assert [len(rows) for rows in left.values()] == [3, 1]


@pytest.mark.parametrize("field, value, said", [
    ("text", "9", "10 before 9"), ("id", "x", "the constant 'x' cannot be compared with `id`, which is int"),
    ("dec", "1e1", "which is decimal(10,2)")])
def test_a_constant_that_fits_no_type_is_refused(tenon, lake, run_script, field, value, said):
    case = f"unfit-{field}"
    nodes = {"src": files(lake, "S3ParquetSource", "typed/"),
             "n": one("Filter", "src", LogicalOperator="AND", Filters=[compared("GT", field, value)]),
             "out": one("S3GlueParquetTarget", "n", Path=lake.url(f"{case}/"), Compression="snappy")}
    lake.glue.create_job(Name=case, Role="r", Command={"Name": "glueetl"}, CodeGenConfigurationNodes=nodes)
    assert tenon.cli("job", "run", case, "--watch", check=False).returncode == 1
    ended = run_script(tenon.cli("job", "script", case).stdout, "--JOB_NAME", case, check=False)
    assert ended.returncode == 1 and said in ended.stderr, ended.stderr[-2000:]


def test_unions_and_merges_have_the_types_of_spark(tenon, lake, run_script):
    nodes = {"src": files(lake, "S3ParquetSource", "typed/")}
    for field in TYPED.column_names:
        nodes[f"only_{field}"] = one("SelectFields", "src", Paths=[[field]])
        nodes[f"with_{field}"] = one("SelectFields", "src", Paths=[["tiny"], [field]])
    inner = list(nodes)
    for first, second in UNIONS:
        nodes[f"u_{first}_{second}"] = one("Union", f"only_{first}", f"only_{second}", UnionType="ALL")
    nodes["few"] = one("Filter", "with_real", LogicalOperator="AND", Filters=[compared("LT", "tiny", "2")])
    nodes["merge"] = one("Merge", "with_dec", "few", Source="with_dec", PrimaryKeys=[["tiny"]])
    left = compare(tenon, lake, run_script, "united", nodes, [own for own in nodes if own not in inner and own != "few"])
    assert all(len(rows) == 8 for own, rows in left.items() if own.startswith("u_")) and len(left["merge"]) == 4
    assert [("dec", 1e-17)] in left["u_dec_real"]


def test_fields_of_several_types_become_one(tenon, lake, run_script):
    records = [{"id": 1, "v": 1, "s": 1, "o": {"x": 1}, "l": [1]}, {"id": 2, "v": 2.5, "s": "a", "o": {"x": "b"}, "l": ["c", 2]}]
    lake.put("mixed/a.json", "\n".join(map(json.dumps, records)))
    lake.put("bad/a.csv", "id,amount,day,name\n1,1.5,2024-01-01,a\nx,oops,nope,b\n3,,,\n")
    columns = [("id", "int"), ("amount", "double"), ("day", "date"), ("name", "string")]
    lake.glue.create_table(DatabaseName=lake.database, TableInput={
        "Name": "bad", "TableType": "EXTERNAL_TABLE", "Parameters": {"classification": "csv", "skip.header.line.count": "1"},
        "StorageDescriptor": {
            "Location": lake.url("bad/"), "Columns": [{"Name": name, "Type": kind} for name, kind in columns],
            "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
            "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
                          "Parameters": {"field.delim": ","}}}})
    nodes = {"json": files(lake, "S3JsonSource", "mixed/"),
             "table": {"S3CatalogSource": {"Name": "table", "Database": lake.database, "Table": "bad"}},
             "some": one("Filter", "table", LogicalOperator="AND", Filters=[compared("GT", "amount", "1")]),
             "sums": one("Aggregate", "table", Groups=[["name"]], Aggs=[{"Column": ["amount"], "AggFunc": "sum"}]),
             "query": one("SparkSQL", "table", SqlQuery="select id, amount + 1 as more from t",
                          SqlAliases=[{"From": "table", "Alias": "t"}])}
    left = compare(tenon, lake, run_script, "several", nodes, list(nodes))
    assert len(left["some"]) == 1 and [dict(row)["v"] for row in left["json"]] == [1.0, 2.5]


def test_queries_have_views_of_their_own(tenon, lake, run_script):
    def query(of, factor):
        return one("SparkSQL", of, SqlQuery=f"select id * {factor} as n from t", SqlAliases=[{"From": of, "Alias": "t"}])

    nodes = {"src": files(lake, "S3ParquetSource", "typed/"),
             "small": one("Filter", "src", LogicalOperator="AND", Filters=[compared("LT", "id", "2")]),
             "large": one("Filter", "src", LogicalOperator="AND", Filters=[compared("GTE", "id", "2")]),
             "a-1": query("small", 1), "a_1": query("large", 100), "A_1": query("src", 1000),
             "both": one("Union", "a-1", "a_1", UnionType="ALL"), "all": one("Union", "both", "A_1", UnionType="ALL")}
    left = compare(tenon, lake, run_script, "views", nodes, ["all"])
    assert sorted(str(dict(row)["n"]) for row in left["all"]) == sorted(["1", "200", "1000", "1000", "2000", "10000", "None"])


def test_names_of_a_header_that_differ_in_case_are_numbered(tenon, lake, run_script):
    lake.put("headers/a.csv", "id,ID,,x\n1,2,3,4\n")
    nodes = {"src": {"S3CsvSource": {"Name": "src", "Paths": [lake.url("headers/")], "Separator": "comma", "QuoteChar": "quote",
                                     "WithHeader": True, "Recurse": True}}}
    left = compare(tenon, lake, run_script, "twice", nodes, ["src"])
    assert left["src"] == [[("ID_1", "2"), ("col2", "3"), ("id", "1"), ("x", "4")]]
