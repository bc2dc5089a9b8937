"""Scripts that `tenon job script` writes give the rows that the engine gives for the same graph."""

import json

import pytest

from shared import Data, workbook

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
    "EvaluateDataQuality": one("EvaluateDataQuality", "typed", Ruleset='Rules = [ RowCount > 0 ]',
                               StopJobOnFailureOptions={"StopJobOnFailureTiming": "Immediate"}),
    "EvaluateDataQuality-outcomes": one("SelectFields", "outcomes", Paths=[["Rule"], ["Outcome"], ["FailureReason"]]),
}


def graph(lake, node, path):
    nodes = sources(lake)
    nodes["typed2"] = one("DropDuplicates", "typed")
    nodes["unique"] = one("DropDuplicates", "typed", Columns=[["order_id"]])
    if "outcomes" in node[next(iter(node))]["Inputs"]:
        rules = 'Rules = [ IsComplete "who", (ColumnValues "amount" > 1) or (IsUnique "order_id"), Mean "amount" > 1, Sum "who" > 1 ]'
        nodes["outcomes"] = one("EvaluateDataQuality", "typed", Ruleset=rules, Output="EvaluationResults")
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


NESTED = [
    {"id": 1, "dot.ted": 2, "b": "x", "n": {"u": 7, "v": "a"}, "p": 1}, {"id": 1, "dot.ted": 2, "b": "x", "n": {"u": 7, "v": "a"}, "p": 1},
    {"id": 2, "dot.ted": None, "b": "y", "n": {"u": None, "v": None}}, {"id": 3, "b": "x", "n": None}, {"id": 4, "dot.ted": 5},
]
# Names with dots beside others, structures that are not there, names in another case.
OF_NESTED = {
    "Filter": one("Filter", "src", LogicalOperator="AND", Filters=[compared("EQ", "b", "x")]),
    "Filter-dots": one("Filter", "src", LogicalOperator="AND", Filters=[compared("GT", "dot.ted", "2")]),
    "Filter-inner": one("Filter", "src", LogicalOperator="AND", Filters=[
        {"Operation": "LT", "Negated": False, "Values": [{"Type": "COLUMNEXTRACTED", "Value": ["n", "u"]}, {"Type": "CONSTANT", "Value": ["9"]}]}]),
    "Filter-null": one("Filter", "src", LogicalOperator="AND", Filters=[
        {"Operation": "ISNULL", "Negated": False, "Values": [{"Type": "COLUMNEXTRACTED", "Value": ["n", "v"]}]}]),
    "DropDuplicates": one("DropDuplicates", "src"),
    "DropDuplicates-column": one("SelectFields", "unique", Paths=[["b"]]),
    "Union": one("Union", "src", "other", UnionType="ALL"),
    "Union-distinct": one("Union", "src", "other", UnionType="DISTINCT"),
    "Merge": one("Merge", "src", "other", Source="src", PrimaryKeys=[["id"]]),
    "SelectFields": one("SelectFields", "src", Paths=[["ID"], ["n.V"], ["dot.ted"]]),
    "DropFields": one("DropFields", "src", Paths=[["ID"], ["n", "U"], ["dot.ted"]]),
    "RenameField": one("RenameField", "src", SourcePath=["ID"], TargetPath=["key"]),
    "RenameField-inner": one("RenameField", "src", SourcePath=["n.u"], TargetPath=["u"]),
    "ApplyMapping": one("ApplyMapping", "src", Mapping=[
        {"FromPath": ["id"], "FromType": "int", "ToKey": "id", "ToType": "decimal"},
        {"FromPath": ["n.u"], "FromType": "int", "ToKey": "u", "ToType": "string"}]),
    "Aggregate": one("Aggregate", "src", Groups=[["n", "v"]], Aggs=[
        {"Column": ["n", "u"], "AggFunc": "count"}, {"Column": ["n", "u"], "AggFunc": "min"}]),
    "SparkSQL": one("SparkSQL", "src", SqlQuery="select id, n.u, n.v, n.u + 1 as w from t", SqlAliases=[{"From": "src", "Alias": "t"}]),
}


@pytest.mark.parametrize("case", OF_NESTED)
def test_a_generated_script_gives_the_rows_of_the_engine_for_records_of_json(tenon, lake, run_script, case):
    lake.put("nested/a.json", "\n".join(map(json.dumps, NESTED)))
    for of in ("engine", "script"):
        nodes = {"src": {"S3JsonSource": {"Name": "src", "Paths": [lake.url("nested/")], "Recurse": True}},
                 "other": one("Filter", "src", LogicalOperator="AND", Filters=[compared("GT", "id", "1")]),
                 "unique": one("DropDuplicates", "src", Columns=[["b"]]), "node": OF_NESTED[case],
                 "out": one("S3GlueParquetTarget", "node", Path=lake.url(f"nested-{case}/{of}/"), Compression="snappy")}
        wanted = set(nodes["node"][next(iter(nodes["node"]))]["Inputs"]) | {"src", "node", "out"}
        lake.glue.create_job(Name=f"nested-{case}-{of}", Role="r", Command={"Name": "glueetl"},
                             CodeGenConfigurationNodes={name: node for name, node in nodes.items() if name in wanted})
    tenon.cli("job", "run", f"nested-{case}-engine", "--watch")
    run_script(tenon.cli("job", "script", f"nested-{case}-script").stdout, "--JOB_NAME", "n")
    wanted = rows(lake, f"nested-{case}/engine/")
    assert wanted and rows(lake, f"nested-{case}/script/") == wanted


TARGETS = [("avro", ""), ("avro", "deflate"), ("orc", "zlib"), ("orc", ""), ("xml", "gzip"), ("csv", "zstd"), ("csv", "xz"),
           ("json", "snappy"), ("json", "lz4"), ("parquet", "zstd")]


@pytest.mark.parametrize("format, codec", TARGETS)
def test_a_generated_script_writes_what_the_engine_writes(tenon, lake, run_script, format, codec):
    case = f"to_{format}_{codec}".rstrip("_")
    for of in ("engine", "script"):
        nodes = sources(lake)
        nodes["few"] = one("DropFields", "typed", Paths=[["more"]])
        nodes["out"] = one("S3DirectTarget", "few", Path=lake.url(f"{case}/{of}/"), Format=format, Compression=codec,
                           PartitionKeys=[["day"]], SchemaChangePolicy={
                               "EnableUpdateCatalog": True, "UpdateBehavior": "UPDATE_IN_DATABASE", "Database": lake.database,
                               "Table": f"{case}_{of}"})
        lake.glue.create_job(Name=f"{case}-{of}", Role="r", Command={"Name": "glueetl"}, CodeGenConfigurationNodes=nodes)
    tenon.cli("job", "run", f"{case}-engine", "--watch")
    run_script(tenon.cli("job", "script", f"{case}-script").stdout, "--JOB_NAME", f"{case}-script")
    read = "SELECT order_id, who, amount, day FROM {}_{} ORDER BY order_id"
    wanted = lake.rows(read.format(case, "engine"))
    assert len(wanted) == 6 and lake.rows(read.format(case, "script")) == wanted
    endings = {key.partition(".")[2] for key in lake.keys(f"{case}/engine/")}
    assert {key.partition(".")[2] for key in lake.keys(f"{case}/script/")} == endings or format == "parquet"


def test_a_generated_script_reads_workbooks(tenon, lake, run_script):
    lake.put("books/a.xlsx", workbook([["id", "name"], ["1", "a"], ["2", "b"], ["3", "c"], ["sum", ""]]))
    for of in ("engine", "script"):
        nodes = {"src": one("S3ExcelSource", Paths=[lake.url("books/")], NumberRows=3, SkipFooter=1),
                 "out": one("S3GlueParquetTarget", "src", Path=lake.url(f"sheets/{of}/"), Compression="snappy")}
        del nodes["src"]["S3ExcelSource"]["Inputs"]
        lake.glue.create_job(Name=f"sheets-{of}", Role="r", Command={"Name": "glueetl"}, CodeGenConfigurationNodes=nodes)
    tenon.cli("job", "run", "sheets-engine", "--watch")
    run_script(tenon.cli("job", "script", "sheets-script").stdout, "--JOB_NAME", "sheets-script")
    wanted = rows(lake, "sheets/engine/")
    assert len(wanted) == 3 and rows(lake, "sheets/script/") == wanted


def test_gates_of_generated_scripts(tenon, lake, run_script):
    """One gate looks before anything is written, the other one when everything is."""
    for timing, left in (("Immediate", False), ("AfterDataLoad", True)):
        gate = one("EvaluateDataQuality", "typed", Ruleset='Rules = [ RowCount > 0, IsComplete "amount" ]',
                   StopJobOnFailureOptions={"StopJobOnFailureTiming": timing})
        path = f"gate-{timing}/"
        lake.glue.create_job(Name=f"gate-{timing}", Role="r", Command={"Name": "glueetl"},
                             CodeGenConfigurationNodes=graph(lake, gate, lake.url(path)))
        ended = run_script(tenon.cli("job", "script", f"gate-{timing}").stdout, "--JOB_NAME", "g", check=False)
        assert ended.returncode == 1 and 'rules do not pass: IsComplete "amount"' in ended.stderr
        assert bool(lake.keys(path)) == left
