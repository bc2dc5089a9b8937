"""Scripts that `tenon job script` writes give the rows that the engine gives for the same graph."""

import json

import pytest

from shared import Data

ORDERS = (
    "order_id,customer,amount,day,note\n"
    '1,ann,10.50,2026-01-01,"a, b"\n2,bob,,2026-01-01,\n3,ann,7,2026-01-02,it\'s\n3,ann,7,2026-01-02,it\'s\n'
    "4,cid,12.7,2026-01-03,\\d\n5,,0,2026-01-03,x\n"
)
PEOPLE = [
    {"who": "ann", "address": {"city": "Köln", "zip": 50667}},
    {"who": "bob", "address": {"city": "Rom", "zip": 184}},
    {"who": "dan", "address": {"city": "Ulm", "zip": 89073}},
]


@pytest.fixture(scope="module")
def lake(tenon):
    data = Data(tenon)
    data.put("orders/a.csv", ORDERS)
    data.put("people/a.json", "\n".join(map(json.dumps, PEOPLE)))
    return data


def sources(lake):
    return {
        "orders": {"S3CsvSource": {"Name": "Orders", "Paths": [lake.url("orders/")], "Separator": "comma",
                                   "QuoteChar": "quote", "WithHeader": True, "Recurse": True}},
        "people": {"S3JsonSource": {"Name": "People", "Paths": [lake.url("people/")], "Recurse": True}},
        "typed": {"ApplyMapping": {"Name": "typed", "Inputs": ["orders"], "Mapping": [
            {"FromPath": ["order_id"], "FromType": "string", "ToKey": "order_id", "ToType": "int"},
            {"FromPath": ["customer"], "FromType": "string", "ToKey": "who", "ToType": "string"},
            {"FromPath": ["amount"], "FromType": "string", "ToKey": "amount", "ToType": "double"},
            {"FromPath": ["day"], "FromType": "string", "ToKey": "day", "ToType": "string"},
            {"FromPath": ["note"], "FromType": "string", "ToKey": "more.note", "ToType": "string"}]}},
    }


def compared(operation, field, *value, negated=False):
    values = [{"Type": "COLUMNEXTRACTED", "Value": [field]}, *({"Type": "CONSTANT", "Value": [v]} for v in value)]
    return {"Operation": operation, "Negated": negated, "Values": values}


def one(kind, *inputs, **fields):
    return {kind: {"Name": kind, "Inputs": list(inputs), **fields}}


def keyed(kind):
    columns = [{"From": "typed", "Keys": [["who"]]}, {"From": "people", "Keys": [["who"]]}]
    return one("Join", "typed", "people", JoinType=kind, Columns=columns)


def aggregated(*functions):
    aggs = [{"Column": ["amount"], "AggFunc": function} for function in functions]
    return one("Aggregate", "typed", Groups=[["day"]], Aggs=aggs)


NODES = {
    "ApplyMapping": one("SelectFields", "typed", Paths=[["order_id"], ["amount"], ["more"], ["day"]]),
    "SelectFields": one("SelectFields", "people", Paths=[["address", "city"], ["who"]]),
    "DropFields": one("DropFields", "typed", Paths=[["amount"], ["who"]]),
    "RenameField": one("RenameField", "typed", SourcePath=["who"], TargetPath=["name"]),
    "Filter-number": one("Filter", "typed", LogicalOperator="AND", Filters=[compared("GT", "amount", "7")]),
    "Filter-not": one("Filter", "typed", LogicalOperator="AND", Filters=[compared("GT", "amount", "7", negated=True)]),
    "Filter-text": one("Filter", "typed", LogicalOperator="OR", Filters=[
        compared("EQ", "who", "bob"), compared("REGEX", "who", "a.n"), compared("ISNULL", "who")]),
    **{f"Join-{kind}": keyed(kind) for kind in ("equijoin", "left", "right", "outer", "leftsemi", "leftanti")},
    "SparkSQL": one("SparkSQL", "typed", SqlQuery="select who, day, amount * 2 as twice from t where amount is not null",
                    SqlAliases=[{"From": "typed", "Alias": "t"}]),
    "Aggregate": aggregated("sum", "avg", "count", "countDistinct", "max", "min"),
    "DropDuplicates": one("DropDuplicates", "typed"),
    "DropDuplicates-columns": one("SelectFields", "unique", Paths=[["order_id"], ["day"]]),
    "Union-all": one("Union", "typed", "typed2", UnionType="ALL"),
    "Union-distinct": one("Union", "typed", "typed2", UnionType="DISTINCT"),
}


def graph(lake, node, path):
    nodes = sources(lake)
    nodes["typed2"] = one("DropDuplicates", "typed")
    nodes["unique"] = one("DropDuplicates", "typed", Columns=[["order_id"]])
    nodes["node"] = node
    nodes["out"] = {"S3GlueParquetTarget": {"Name": "out", "Inputs": ["node"], "Path": path, "Compression": "snappy"}}
    return nodes


def rows(lake, prefix):
    """Rows whatever the order of their columns: Spark puts a join's keys first."""
    return sorted((sorted(row.items()) for row in lake.parquet(prefix)), key=repr)


@pytest.mark.parametrize("case", NODES)
def test_a_generated_script_gives_the_rows_of_the_engine(tenon, lake, run_script, case):
    for of in ("engine", "script"):
        lake.glue.create_job(Name=f"{case}-{of}", Role="r", Command={"Name": "glueetl"},
                        CodeGenConfigurationNodes=graph(lake, NODES[case], lake.url(f"{case}/{of}/")))
    tenon.cli("job", "run", f"{case}-engine", "--watch")
    run_script(tenon.cli("job", "script", f"{case}-script").stdout, "--JOB_NAME", f"{case}-script")
    wanted = rows(lake, f"{case}/engine/")
    assert wanted and rows(lake, f"{case}/script/") == wanted
