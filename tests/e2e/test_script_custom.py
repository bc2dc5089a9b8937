"""Visual jobs with Python of the user's (CustomCode, DynamicTransform): their runs are those of their generated scripts."""

import json
import subprocess

import pytest
from botocore.exceptions import ClientError

from conftest import binary, name
from test_jobs import ENABLED, Glue

DOUBLED = """def MyTransform (glueContext, dfc) -> DynamicFrameCollection:
    from pyspark.sql import functions as F
    df = dfc.select(list(dfc.keys())[0]).toDF()
    print("in MyTransform:", sorted(df.columns))
    high = DynamicFrame.fromDF(df.where("cast(amount as double) > 5"), glueContext, "high")
    low = DynamicFrame.fromDF(df.where("cast(amount as double) <= 5"), glueContext, "low")
    return DynamicFrameCollection({"high": high, "low": low}, glueContext)
"""
CLEAN = '''
from awsglue import DynamicFrame
from pyspark.sql import functions as F

def clean(self, text, number, share, wave, flag, nothing, several, numbers, optional="default", blank=7):
    given = [text, number, share, wave, flag, nothing, several, numbers, optional, blank]
    return DynamicFrame.fromDF(self.toDF().withColumn("given", F.lit(repr(given))), self.glue_ctx, "clean")

DynamicFrame.clean = clean
'''


class Custom(Glue):
    """Orders, and graphs that read them."""

    def __init__(self, server):
        super().__init__(server)
        self.put("orders/a.csv", "id,amount\n1,10\n2,3\n3,7\n")

    def nodes(self, **between):
        csv = {"Name": "Orders", "Paths": [self.path("orders")], "Separator": "comma", "QuoteChar": "quote", "WithHeader": True}
        return {"orders": {"S3CsvSource": csv}, **between}

    def custom(self, *inputs, **fields):
        return {"CustomCode": {"Name": "Custom", "Inputs": list(inputs), "ClassName": "MyTransform", "Code": DOUBLED, **fields}}

    def chosen(self, index, of="custom"):
        return {"SelectFromCollection": {"Name": f"frame {index}", "Inputs": [of], "Index": index}}

    def parquet(self, of, folder):
        return {"S3GlueParquetTarget": {"Name": folder, "Inputs": [of], "Path": self.path(folder)}}

    def two(self):
        return self.nodes(custom=self.custom("orders"), high=self.chosen(0), low=self.chosen(1),
                          out=self.parquet("high", "high"), out2=self.parquet("low", "low"))

    def dynamic(self, parameters, **fields):
        self.put("transforms/cleaning.py", CLEAN)
        node = {"Name": "Clean", "TransformName": "clean", "Inputs": ["orders"], "FunctionName": "clean",
                "Path": f"s3://{self.bucket}/transforms/cleaning.py", "Parameters": parameters, **fields}
        return self.nodes(clean={"DynamicTransform": node}, out=self.parquet("clean", "clean"))


@pytest.fixture
def custom(tenon):
    return Custom(tenon)


def test_code_between_a_source_and_targets(custom):
    job = custom.create(custom.two(), DefaultArguments=ENABLED)
    run = custom.run(job)
    assert custom.rows("high") == [("1", "10"), ("3", "7")] and custom.rows("low") == [("2", "3")]
    lines = custom.log("output", run["Id"])
    assert "in MyTransform: ['amount', 'id']" in lines and "plan: CustomCode custom (Custom) <- orders" in lines
    # With bookmarks as those of a script: its source has the node's id.
    custom.put("orders/b.csv", "id,amount\n4,9\n")
    custom.run(job)
    assert custom.rows("high") == [("1", "10"), ("3", "7"), ("4", "9")] and custom.rows("low") == [("2", "3")]
    shown = json.loads(custom.server.cli("bookmark", "show", job, "--json").stdout)
    assert list(shown["Sources"]) == ["orders"]


def test_explain_and_script_say_what_runs(custom):
    job = custom.create(custom.two())
    explained = custom.server.cli("job", "explain", job).stdout
    assert "runs as the script that `tenon job script` prints" in explained
    assert "it is Python of the user's: what it gives is not known before it runs" in explained
    assert "columns: id string, amount string" in explained
    script = custom.server.cli("job", "script", job).stdout
    assert DOUBLED.strip() in script and 'MyTransform(glueContext, DynamicFrameCollection({"Orders_orders"' in script


def test_several_inputs_and_a_body(custom):
    body = "frames = [dfc[key] for key in dfc.keys()]\nprint(len(frames))\nreturn DynamicFrameCollection({'all': frames[0].union(frames[1])}, glueContext)"
    rename = {"RenameField": {"Name": "r", "Inputs": ["orders"], "SourcePath": ["amount"], "TargetPath": ["price"]}}
    nodes = custom.nodes(renamed=rename, custom=custom.custom("orders", "renamed", Code=body), all=custom.chosen(0),
                         out=custom.parquet("all", "all"))
    custom.run(custom.create(nodes))
    assert sorted(map(str, custom.read("all")["id"])) == ["1", "1", "2", "2", "3", "3"]
    assert set(custom.read("all").columns) == {"id", "amount", "price"}


@pytest.mark.parametrize("code, message", [
    ("return dfc[0].nothing", "KeyError"),
    ("raise ValueError('no such customer')", "ValueError: no such customer"),
    ("x = 1 +", "SyntaxError"),
    ("pass", "TypeError: CustomCode custom (Custom) gave NoneType; it must return a DynamicFrameCollection"),
])
def test_an_error_of_the_code_is_the_run_s(custom, code, message):
    job = custom.create(custom.nodes(custom=custom.custom("orders", Code=code), one=custom.chosen(0), out=custom.parquet("one", "out")))
    assert message in custom.fails(job)
    assert custom.keys("out") == []


def test_a_frame_that_the_collection_has_not(custom):
    job = custom.create(custom.nodes(custom=custom.custom("orders"), one=custom.chosen(2), out=custom.parquet("one", "out")))
    assert "IndexError" in custom.fails(job)


def test_a_transform_with_parameters_of_each_type(custom):
    def parameter(own, kind, *value, **more):
        return {"Name": own, "Type": kind, "Value": list(value), **more}

    parameters = [
        parameter("text", "str", 'it\'s "a"\\n'), parameter("number", "int", "-007"), parameter("share", "float", "1e-3"),
        parameter("wave", "complex", "1.5-2j"), parameter("flag", "bool", "True"), parameter("nothing", "null"),
        parameter("several", "list", "a", "b"), parameter("numbers", "list", "1", "2", ListType="int"),
        parameter("optional", "str", IsOptional=True), parameter("blank", "int", "", IsOptional=True)]
    run = custom.run(custom.create(custom.dynamic(parameters)))
    [given] = set(custom.read("clean")["given"])
    assert given == repr(['it\'s "a"\\n', -7, 0.001, 1.5 - 2j, True, None, ["a", "b"], [1, 2], "default", 7])
    # What was added for the run is not among the arguments that it was asked for.
    assert "--extra-py-files" not in run.get("Arguments", {})


def test_a_transform_that_is_not_there(custom):
    nodes = custom.dynamic([], Path=f"s3://{custom.bucket}/transforms/none.py")
    assert "transforms/none.py: the object does not exist" in custom.fails(custom.create(nodes))
    assert "has no attribute 'cleaned'" in custom.fails(custom.create(custom.dynamic([], FunctionName="cleaned")))


@pytest.mark.parametrize("own", ["holds", "look", "members", "shape", "united", "frame"])
def test_code_has_ordinary_names(custom, own):
    """What scripts define themselves is called otherwise: conditions, unions and collections work beside it."""
    more = [{"Type": "COLUMNEXTRACTED", "Value": ["id"]}, {"Type": "CONSTANT", "Value": ["2"]}]
    few = {"Filter": {"Name": "few", "Inputs": ["orders"], "LogicalOperator": "AND", "Filters": [{"Operation": "EQ", "Values": more}]}}
    both = {"Union": {"Name": "both", "Inputs": ["few", "orders"], "UnionType": "ALL"}}
    code = DOUBLED.replace("MyTransform (", f"{own} (")
    nodes = custom.nodes(few=few, both=both, custom=custom.custom("both", ClassName=own, Code=code), low=custom.chosen(1), out=custom.parquet("low", "low"))
    custom.run(custom.create(nodes))
    assert custom.rows("low") == [("2", "3"), ("2", "3")]


@pytest.mark.parametrize("fields, message", [
    ({"ClassName": "my transform"}, "ClassName \"my transform\" is no name of Python's"),
    ({"ClassName": "spark"}, "ClassName spark is a name that the script uses itself"),
    ({"Code": " \n"}, "Code is empty"),
])
def test_code_that_cannot_run_is_refused(custom, fields, message):
    with pytest.raises(ClientError) as refused:
        custom.create(custom.nodes(custom=custom.custom("orders", **fields), one=custom.chosen(0), out=custom.parquet("one", "out")))
    assert f"node custom (CustomCode): {message}" in str(refused.value) or f"node CustomCode custom (Custom): {message}" in str(refused.value)


@pytest.mark.parametrize("parameter, message", [
    ({"Name": "a", "Type": "int", "Value": ["1.5"]}, 'Parameters a: Value "1.5" is no int'),
    ({"Name": "a", "Type": "bool", "Value": ["ja"]}, 'Value "ja" is no bool'),
    ({"Name": "a", "Type": "complex", "Value": ["1+"]}, 'Value "1+" is no complex'),
    ({"Name": "a", "Type": "str"}, "Value is missing, and it is not IsOptional"),
    ({"Name": "a", "Type": "int", "Value": ["1", "2"]}, "a int has one Value, not 2"),
    ({"Name": "a b", "Type": "str", "Value": ["x"]}, 'Parameters.Name "a b"'),
    ({"Name": "self", "Type": "str", "Value": ["x"]}, "Parameters.Name self is given twice, or the frame itself"),
])
def test_parameters_that_mean_nothing_are_refused(custom, parameter, message):
    with pytest.raises(ClientError) as refused:
        custom.create(custom.dynamic([parameter]))
    assert f"node clean (DynamicTransform): {message}" in str(refused.value) or message in str(refused.value)


def test_other_nodes_of_the_graph_may_name_parts_of_structures(custom):
    code = """from pyspark.sql import functions as F
df = dfc.select(list(dfc.keys())[0]).toDF()
df = df.select("id", F.struct(F.expr("cast(amount as int) > 5").alias("b")).alias("a"))
return DynamicFrameCollection({"one": DynamicFrame.fromDF(df, glueContext, "one")}, glueContext)"""
    nested = {"DropDuplicates": {"Name": "deep", "Inputs": ["one"], "Columns": [["a", "b"]]}}
    flat = {"ApplyMapping": {"Name": "flat", "Inputs": ["deep"], "Mapping": [{"FromPath": ["a", "b"], "ToKey": "b"}]}}
    custom.run(custom.create(custom.nodes(custom=custom.custom("orders", Code=code), one=custom.chosen(0), deep=nested, flat=flat,
                                          end=custom.parquet("flat", "out"))))
    assert sorted(custom.read("out")["b"]) == [False, True]


def test_what_only_the_engine_does_is_refused_when_a_run_starts(custom):
    job = custom.create(custom.two())
    for argument, value in (("--max-bad-records", "5"), ("--bookmark-full-sources", "orders"), ("--job-language", "scala")):
        with pytest.raises(ClientError) as refused:
            custom.start(job, Arguments={argument: value})
        assert (argument if value != "scala" else "scripts in scala") in str(refused.value)
    assert custom.run(job, Arguments={"--max-bad-records": "0"})


def test_the_printed_script_runs_from_a_shell(custom, tmp_path):
    job = custom.create(custom.two())
    script = tmp_path / "job.py"
    script.write_text(custom.server.cli("job", "script", job).stdout)
    done = subprocess.run([binary(), "script", "run", str(script), "--JOB_NAME", name("j")], env=custom.server.environ(),
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert custom.rows("low") == [("2", "3")]
